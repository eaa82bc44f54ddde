package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// complete writes what a server should send: the leaf and its intermediates in
// order, fetched ones included, without root and without key.
func (p *program) complete(d *diag.Diagnosis, to string) error {
	var out bytes.Buffer
	n, added, trusted := 0, 0, false
	for _, c := range d.Certificates {
		switch c.Role {
		case "leaf", "intermediate", "missing":
			fmt.Fprintf(&out, "# %s\n%s", clean(c.Subject), c.PEM)
			n++
			if c.Role == "missing" {
				added++
			}
		case "root":
			trusted = true
		}
	}
	if n == 0 {
		return badUsage("", "%s showed no certificate", d.Target.Input)
	}
	if !trusted {
		for _, c := range d.Causes {
			fmt.Fprintf(p.stderr, "tlswhy: %s: %s\n", c.ID, clean(c.Summary))
		}
		return badUsage("give the issuer's CA with --ca FILE, or the missing intermediate in one file with the leaf", "no path to a trusted root was found; nothing was written")
	}
	words := fmt.Sprintf("%d certificates in order", n)
	if added > 0 {
		words += fmt.Sprintf(", %d of them added", added)
	}
	if to == "" || to == "-" {
		fmt.Fprintf(p.stderr, "tlswhy: %s\n", words)
		_, err := p.stdout.Write(out.Bytes())
		return err
	}
	if err := replaceFile(to, out.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "tlswhy: %s: %s\n", to, words)
	return nil
}

// replaceFile writes a file in one step, so that no reader sees half of it. A
// file that holds a key is never overwritten.
func replaceFile(to string, data []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(to); err == nil {
		old, err := readBounded(to)
		switch {
		case !info.Mode().IsRegular():
			return badUsage("", "%s is no regular file", to)
		case err != nil:
			return badUsage("", "reading %s: %v", to, err)
		case bytes.Contains(old, []byte("PRIVATE KEY")):
			return badUsage("choose another name; a key is never overwritten", "%s holds a private key", to)
		case len(bytes.TrimSpace(old)) > 0 && !strings.Contains(string(old), "-----BEGIN CERTIFICATE"):
			return badUsage("choose another name", "%s is no file of certificates", to)
		}
		mode = info.Mode().Perm()
		if real, err := filepath.EvalSymlinks(to); err == nil {
			to = real // the link stays a link
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(to), ".tlswhy-*")
	if err != nil {
		return badUsage("", "writing %s: %v", to, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), to)
	}
	if err != nil {
		return badUsage("", "writing %s: %v", to, err)
	}
	return nil
}
