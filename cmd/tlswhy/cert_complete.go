package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

// complete writes what a server should send: the leaf and its intermediates in
// order, fetched ones included, without root and without key.
func (p *program) complete(d *diag.Diagnosis, to string, force bool) error {
	var out bytes.Buffer
	n, added, trusted := 0, 0, false
	add := func(c diag.Certificate) {
		fmt.Fprintf(&out, "# %s\n%s", clean(c.Subject), c.PEM)
		n++
	}
	for _, c := range d.Certificates {
		switch c.Role {
		case "leaf", "intermediate":
			add(c)
		case "missing":
			add(c)
			added++
		case "root":
			trusted = true
			if n > 0 && c.Subject != c.Issuer { // an intermediate among the anchors; clients have the root alone
				add(c)
				added++
			}
		}
	}
	if n == 0 {
		return badUsage("", "%s showed no certificate", d.Target.Input)
	}
	refused := false
	for _, c := range d.Causes {
		if c.Severity != diag.SeverityFailure || trusted && (c.ID == "incomplete-chain" || c.ID == "chain-order") {
			continue // the latter two are what is mended here
		}
		refused = true
		fmt.Fprintf(p.stderr, "tlswhy: %s: %s\n", c.ID, clean(c.Summary))
		for _, e := range c.Evidence {
			fmt.Fprintf(p.stderr, "        %s: %s\n", clean(e.Where), clean(e.Text))
		}
	}
	switch {
	case !trusted:
		return badUsage("give the issuer's CA with --ca FILE, or the missing intermediate in one file with the leaf", "no path to a trusted root was found; nothing was written")
	case refused:
		return badUsage("", "no client would take this chain; nothing was written")
	}
	words := fmt.Sprintf("%d certificates in order", n)
	if n == 1 {
		words = "the certificate needs no intermediate"
	}
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

// leafFirst puts the server's own certificate before those of CAs.
func leafFirst(certs []*chain.Certificate) []*chain.Certificate {
	i := slices.IndexFunc(certs, func(c *chain.Certificate) bool { return !c.IsCA() })
	if i <= 0 {
		return certs
	}
	return slices.Concat(certs[i:i+1], certs[:i], certs[i+1:])
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
