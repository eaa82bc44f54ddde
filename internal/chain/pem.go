package chain

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"fmt"
)

// ParsePEM reads all certificates of a file: PEM blocks (CERTIFICATE, X509
// CERTIFICATE, TRUSTED CERTIFICATE), or one or several certificates in DER.
// What else it holds is told in rest, one plain phrase each ("line 3: a private
// key"). Certificates that do not parse are returned too, with ParseProblems.
func ParsePEM(data []byte) (certs []*Certificate, rest []string) {
	return parsePEM(data)
}

// FullChain writes the path as a file for a server: leaf and intermediates in
// PEM, without the anchor.
func FullChain(p *Path) []byte {
	var out bytes.Buffer
	for i, e := range p.Elements {
		if e.Source == SourceAnchor && i > 0 {
			continue
		}
		if i > 0 && i == len(p.Elements)-1 && e.Cert.SelfIssued() {
			continue
		}
		fmt.Fprintf(&out, "# %s\n", e.Cert.Title())
		out.Write(e.Cert.PEM())
	}
	return out.Bytes()
}

// PEM encodes the certificate.
func (c *Certificate) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.der()})
}

// MatchesKey reports whether the certificate was made for this public key. It
// is false when the certificate's key is of a kind that Go has no type for.
func MatchesKey(c *Certificate, pub crypto.PublicKey) bool {
	key, ok := c.Key.Public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && pub != nil && key.Equal(pub)
}

// MatchesSPKI is MatchesKey for keys that Go has no type for: it compares with a
// SubjectPublicKeyInfo in DER.
func MatchesSPKI(c *Certificate, spki []byte) bool {
	return len(spki) > 0 && bytes.Equal(c.Key.Raw, spki)
}
