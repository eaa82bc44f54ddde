package srvconf

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/keyfile"
)

// holding is what a file of certificates and keys holds, in its own order.
type holding struct {
	chain []*chain.Certificate
	key   crypto.PublicKey
	locks bool // there is a key, and it needs a password
	last  bool // the key stands behind the certificates
	dh    []byte
	lists []*chain.RevocationList
	err   error  // reading failed
	other string // what it holds instead
}

// hold reads a file that a configuration names, once.
func (r *reader) hold(path string) *holding {
	if h, ok := r.certs[path]; ok {
		return h
	}
	h := &holding{}
	if len(r.certs) < maxFiles {
		r.certs[path] = h
	}
	data, err := r.fileOf(path, keyfile.MaxSize)
	if err != nil {
		h.err = err
		return h
	}
	var rest []string
	h.chain, rest = chain.ParsePEM(data)
	c, err := keyfile.Parse(data, keyfile.Options{})
	if form := foreign(data); form != "" && (len(h.chain) > 0 || err == nil || errors.Is(err, keyfile.ErrNoPassword)) {
		h.chain, h.other = nil, form
		return h
	}
	h.other = strings.Join(rest, ", ")
	switch {
	case err == nil && c.Key != nil:
		h.key = c.Key.Public()
	case errors.Is(err, keyfile.ErrNoPassword):
		h.locks = true
	case err != nil && h.other == "":
		h.other = err.Error()
	}
	h.dh = dhPrime(data)
	h.last = bytes.Index(data, []byte("PRIVATE KEY-----")) > bytes.Index(data, []byte("BEGIN CERTIFICATE")) && len(h.chain) > 0
	h.lists, _ = chain.LoadLists(data)
	return h
}

// foreign names the form of a file that tlswhy can read, but no server: all five
// load certificates and keys in PEM alone.
func foreign(data []byte) string {
	text := chain.Text(data)
	switch {
	case !bytes.Contains(text, []byte("-----BEGIN")):
		return "it is binary (DER, PKCS#12 or a Java keystore), and servers read PEM"
	case bytes.Contains(text, []byte("BEGIN PKCS7-----")) && !bytes.Contains(text, []byte("CERTIFICATE-----")):
		return "it is a PKCS#7 bundle, and servers read plain PEM (openssl pkcs7 -print_certs -in FILE -out NEW)"
	}
	return ""
}

// dhPrime finds the prime of a DH PARAMETERS block (PKCS #3), or of X9.42, which
// begins alike; OpenSSL reads both.
func dhPrime(data []byte) []byte {
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "DH PARAMETERS" && block.Type != "X9.42 DH PARAMETERS" {
			continue
		}
		var params asn1.RawValue
		p := new(big.Int)
		if _, err := asn1.Unmarshal(block.Bytes, &params); err != nil {
			continue
		}
		if _, err := asn1.Unmarshal(params.Bytes, &p); err == nil && p.Sign() > 0 {
			return p.Bytes()
		}
	}
	return nil
}

// pair reads a certificate and its key for a site. Both may be in one file.
func (r *reader) pair(s *facts.Site, cert, key facts.Line) {
	p := facts.Pair{Cert: cert, KeyAt: key, CertFile: cert.Value, KeyFile: key.Value}
	h := r.hold(cert.Value)
	p.Chain = h.chain
	switch {
	case h.err != nil:
		fileFault(s, cert, cert.Value, h.err, "the certificate")
	case len(h.chain) == 0:
		addFault(s, facts.Fault{At: cert.Place, File: cert.Value, Stops: true, Text: fmt.Sprintf("%s holds no certificate%s", cert.Value, instead(h))})
	}
	k := h
	if key.Value != cert.Value {
		k = r.hold(key.Value)
	}
	switch {
	case k.err != nil && k != h:
		fileFault(s, key, key.Value, k.err, "the private key")
	case k.locks: // see unlock
	case k.err == nil && k.key == nil:
		addFault(s, facts.Fault{At: key.Place, File: key.Value, Stops: true, Text: fmt.Sprintf("%s holds no private key%s", key.Value, instead(k))})
	}
	p.Key = k.key
	s.Pairs = append(s.Pairs, p)
}

// unlock tries the passwords that a configuration names for an encrypted key;
// without says what becomes of a server that has none.
func (r *reader) unlock(s *facts.Site, key facts.Line, passwords []string, without string) {
	if len(s.Pairs) == 0 || !r.hold(key.Value).locks {
		return
	}
	p := &s.Pairs[len(s.Pairs)-1]
	data, err := readBounded(r.real(key.Value), keyfile.MaxSize)
	if err != nil {
		return
	}
	for _, word := range passwords {
		if c, err := keyfile.Parse(data, keyfile.Options{Password: keyfile.NewPassword([]byte(word))}); err == nil && c.Key != nil {
			p.Key = c.Key.Public()
			return
		}
	}
	if len(passwords) > 0 {
		addFault(s, facts.Fault{At: key.Place, File: key.Value, Stops: true, Text: fmt.Sprintf("the key in %s is encrypted, and none of the passwords that are named opens it", key.Value)})
		return
	}
	addFault(s, facts.Fault{At: key.Place, File: key.Value, Stops: true, Text: fmt.Sprintf("the key in %s is encrypted: %s", key.Value, without)})
}

func instead(h *holding) string {
	switch {
	case h.key != nil && len(h.chain) == 0:
		return ", but a private key"
	case h.other != "":
		return ": " + h.other
	case len(h.chain) > 0:
		return ", but certificates"
	}
	return ""
}

// fileFault is a file that cannot be read. That this user may not read it says
// nothing of the server, which reads as root.
func fileFault(s *facts.Site, l facts.Line, path string, err error, what string) {
	addFault(s, unreadable(l.Place, path, err, what))
}

// errElsewhere is the file of a configuration that was pasted.
var errElsewhere = errors.New("it is not on this machine, so it was not judged")

func unreadable(at facts.Place, path string, err error, what string) facts.Fault {
	f := facts.Fault{At: at, File: path, Stops: true, Text: fmt.Sprintf("%s %s cannot be read: %s", what, path, reason(err))}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, errElsewhere) {
		f.Stops, f.Remark = false, true
	}
	return f
}

func addFault(s *facts.Site, f facts.Fault) {
	if !slices.Contains(s.Faults, f) {
		s.Faults = append(s.Faults, f)
	}
}

func absolute(base, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(base, path)
}
