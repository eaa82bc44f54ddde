package diagnose

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

const maxFile = 4 << 20

// loadAnchors fills in what the client trusts. A file that cannot be read is a
// *FileError; one without certificates is a fact about the user's own files.
func (p *plan) loadAnchors(w *facts.Want, now time.Time) error {
	if p.opts.CAFile != "" {
		store, err := truststore.LoadFile(p.opts.CAFile)
		var none *truststore.NoCertificateError
		switch {
		case errors.As(err, &none):
			certs, _, err := p.open(p.opts.CAFile, "CA file")
			if err != nil {
				return err
			}
			if len(certs) > 0 {
				w.Anchors, w.AnchorsFrom, w.AnchorsPrivate = certs, "--ca "+p.opts.CAFile, true
				return nil
			}
			w.Local = &facts.LocalFault{File: p.opts.CAFile, Role: "CA file", Problem: "it holds no certificate" + holds(none.Has)}
			return nil
		case err != nil:
			return &FileError{File: p.opts.CAFile, Role: "CA file", Err: err}
		}
		w.Anchors, w.AnchorsFrom, w.AnchorsPrivate = store.Certs, "--ca "+p.opts.CAFile, true
		return nil
	}
	name := p.opts.Trust
	if name == "" {
		name = truststore.System
	}
	store, err := p.env.Stores.Load(name, p.env.Sources...)
	switch {
	case errors.Is(err, truststore.ErrNoRoots) && p.opts.Trust == "":
		p.notes = append(p.notes, "the system's trust store is empty; Mozilla's embedded list was used")
		if store, err = p.env.Stores.Load(truststore.Mozilla); err != nil {
			return err
		}
	case errors.Is(err, truststore.ErrUnknown):
		return usage("", "%v", err)
	case err != nil:
		return &FileError{File: name, Role: "trust store", Err: err}
	}
	w.Anchors, w.DistrustAfter = store.Certs, store.DistrustAfter
	title := store.Title
	if name != truststore.System {
		title = "the trust store of " + title
	}
	if !store.Date.IsZero() {
		title += " of " + store.Date.Format(time.DateOnly)
	}
	w.AnchorsFrom = fmt.Sprintf("%s (%d roots)", title, len(store.Certs))
	return nil
}

func holds(has []string) string {
	if len(has) == 0 {
		return ""
	}
	if what, nothing := strings.CutPrefix(has[0], "nothing: "); nothing {
		return ": " + what
	}
	if strings.Contains(has[0], "PKCS#12") {
		return ", it is a PKCS#12 file; convert it: openssl pkcs12 -in FILE -out FILE.pem -noenc"
	}
	return ", but " + has[0]
}

// loadIdentity reads the client certificate and its key.
func (p *plan) loadIdentity(w *facts.Want) error {
	certFile, keyFile := p.opts.CertFile, p.opts.KeyFile
	switch {
	case certFile == "" && keyFile == "":
		return nil
	case certFile == "":
		return usage("add --cert FILE", "--key without --cert")
	case keyFile == "":
		keyFile = certFile
	}
	w.IdentityCertFile, w.IdentityKeyFile = certFile, keyFile
	certPEM, err := readFile(certFile)
	if err != nil {
		return &FileError{File: certFile, Role: "client certificate", Err: err}
	}
	keyPEM, err := readFile(keyFile)
	if err != nil {
		return &FileError{File: keyFile, Role: "client key", Err: err}
	}
	certs, rest := chain.ParsePEM(certPEM)
	if len(certs) == 0 {
		if certs, _, err = p.open(certFile, "client certificate"); err != nil {
			return err
		}
	}
	if len(certs) == 0 {
		w.Local = &facts.LocalFault{File: certFile, Role: "client certificate", Problem: "it holds no certificate" + holds(rest)}
		return nil
	}
	w.Identity = certs
	signer, problem := parseKey(keyPEM)
	if problem != "" {
		_, key, err := p.open(keyFile, "client key")
		if err != nil {
			return err
		}
		if key != nil {
			signer, problem = key, ""
		}
	}
	if problem != "" {
		w.Local = &facts.LocalFault{File: keyFile, Role: "client key", Problem: problem}
		if alg := certs[0].Key.Algorithm; alg == chain.KeyEd448 || certs[0].Key.Public == nil && certs[0].Key.Problem == "" {
			w.Local.Problem, w.Local.Ours = fmt.Sprintf("tlswhy cannot sign with a key of type %s", certs[0].Key), true
		}
		return nil
	}
	switch flaws := certs[0].Malformed; {
	case chain.MatchesKey(certs[0], signer.Public()):
	case len(flaws) > 0:
		w.Local = &facts.LocalFault{File: certFile, Role: "client certificate", Problem: "it cannot be read: " + flaws[0]}
		return nil
	default:
		w.IdentityKeyMismatch = true
		return nil
	}
	id := &probe.Identity{Signer: signer}
	for _, c := range certs {
		id.Chain = append(id.Chain, c.Raw)
	}
	p.identity = id
	return nil
}

// open reads a store or an encrypted file, where the program can; the error is
// a *FileError.
func (p *plan) open(file, role string) ([]*chain.Certificate, crypto.Signer, error) {
	if p.env.Open == nil {
		return nil, nil, nil
	}
	data, err := readFile(file)
	if err != nil {
		return nil, nil, &FileError{File: file, Role: role, Err: err}
	}
	certs, key, err := p.env.Open(data)
	if err != nil {
		return nil, nil, &FileError{File: file, Role: role, Err: err}
	}
	return certs, key, nil
}

// readFile reads a bounded file.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(data) > maxFile {
		err = fmt.Errorf("%s is larger than %d MB", path, maxFile>>20)
	}
	return data, err
}

// parseKey reads a private key; problem says in words why it is of no use, and
// never holds any of it.
func parseKey(data []byte) (crypto.Signer, string) {
	rest := data
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		if block.Type == "ENCRYPTED PRIVATE KEY" || bytes.Contains([]byte(block.Headers["Proc-Type"]), []byte("ENCRYPTED")) {
			return nil, "the key is encrypted with a passphrase; decrypt it into a protected file first (openssl pkey -in KEY -out PLAIN)"
		}
		if key := parseKeyDER(block.Bytes); key != nil {
			return key, ""
		}
	}
	if key := parseKeyDER(data); key != nil {
		return key, ""
	}
	if bytes.Contains(data, []byte("BEGIN OPENSSH PRIVATE KEY")) {
		return nil, "it holds a key in OpenSSH's own format; convert a copy: ssh-keygen -p -m PKCS8 -f COPY"
	}
	if certs, _ := chain.ParsePEM(data); len(certs) > 0 && !bytes.Contains(data, []byte("PRIVATE KEY")) {
		return nil, "it holds a certificate and no private key; name the key's own file with --key"
	}
	if bytes.Contains(data, []byte("PRIVATE KEY")) {
		return nil, "it holds a private key that cannot be read (an unknown type, or damaged)"
	}
	return nil, "it holds no private key"
}

func parseKeyDER(der []byte) crypto.Signer {
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		s, _ := k.(crypto.Signer)
		return s
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k
	}
	return nil
}
