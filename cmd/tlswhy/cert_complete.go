package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

// complete writes what a server should send: the leaf and its intermediates in
// order, fetched ones included, without root and without key.
func (p *program) complete(d *diag.Diagnosis, to string, force bool) error {
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
	if err := replaceFile(to, out.Bytes(), force); err != nil {
		return err
	}
	fmt.Fprintf(p.stderr, "tlswhy: %s: %s\n", to, words)
	return nil
}

// replaceFile writes a file in one step, so that no reader sees half of it. A
// file that holds a key is never overwritten, and another certificate only by
// force.
func replaceFile(to string, data []byte, force bool) error {
	mode, old := fs.FileMode(0o644), fs.FileInfo(nil)
	switch info, err := os.Stat(to); {
	case err == nil:
		if err := mayReplace(to, info, data, force); err != nil {
			return err
		}
		mode, old = info.Mode().Perm(), info
		if to, err = filepath.EvalSymlinks(to); err != nil { // the link stays a link
			return badUsage("", "writing %s: %v", to, err)
		}
	case !errors.Is(err, fs.ErrNotExist):
		return badUsage("", "writing %s: %v", to, err)
	default:
		if _, err := os.Lstat(to); err == nil {
			return badUsage("take the link away, or make its file", "%s is a symbolic link to a file that does not exist", to)
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(to), ".tlswhy-*")
	if err != nil {
		return badUsage("", "writing %s: %v", to, err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(data)
	err = errors.Join(err, tmp.Chmod(mode), keepOwner(tmp, old), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), to)
	}
	if err != nil {
		return badUsage("", "writing %s: %v", to, err)
	}
	return nil
}

// mayReplace refuses what must not be lost.
func mayReplace(to string, info fs.FileInfo, data []byte, force bool) error {
	if info.IsDir() {
		return badUsage("name a file in it: "+filepath.Join(to, "fullchain.pem"), "%s is a folder", to)
	}
	if !info.Mode().IsRegular() {
		return badUsage("", "%s is no regular file", to)
	}
	old, err := readBounded(to)
	if err != nil {
		return badUsage("", "reading %s: %v", to, err)
	}
	was, _ := chain.ParsePEM(old)
	is, _ := chain.ParsePEM(data)
	switch {
	case bytes.Contains(chain.Text(old), []byte("PRIVATE KEY")):
		return badUsage("choose another name; a key is never overwritten", "%s holds a private key", to)
	case len(bytes.TrimSpace(old)) > 0 && !bytes.Contains(old, []byte("-----BEGIN CERTIFICATE")):
		return badUsage("choose another name", "%s is no file of certificates", to)
	case len(was) > 0 && was[0].SHA256 != is[0].SHA256 && !force:
		return badUsage("add --force to replace it", "%s holds another certificate: %s, until %s", to, was[0].Title(), was[0].NotAfter.Format(time.DateOnly))
	}
	return nil
}
