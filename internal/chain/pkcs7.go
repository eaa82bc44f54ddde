package chain

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
)

const oidSignedData = "1.2.840.113549.1.7.2"

var (
	errNotPKCS7  = errors.New("no PKCS#7 SignedData")
	errPKCS7Data = errors.New("reading PKCS#7: no certificates in it")
)

// ParsePKCS7 takes the certificates out of a SignedData (RFC 5652, Section 5.1),
// as .p7b and .p7c files hold them. Its signatures are not looked at.
func ParsePKCS7(der []byte) ([]*Certificate, error) {
	s := cryptobyte.String(der)
	outer, ok := readTag(&s, tagSequence)
	if !ok {
		return nil, errNotPKCS7
	}
	if oid, ok := readOID(&outer.body); !ok || oid != oidSignedData {
		return nil, errNotPKCS7
	}
	content, ok := readTag(&outer.body, contextTag(0, true))
	if !ok {
		return nil, errNotPKCS7
	}
	signed, ok := readTag(&content.body, tagSequence)
	if !ok {
		return nil, errNotPKCS7
	}
	for !signed.body.Empty() {
		field, ok := readElement(&signed.body)
		if !ok {
			break
		}
		if field.tag != contextTag(0, true) {
			continue
		}
		var certs []*Certificate
		for !field.body.Empty() && len(certs) < maxListed {
			e, ok := readElement(&field.body)
			if !ok {
				break
			}
			if e.tag == tagSequence { // other choices are attribute certificates
				certs = append(certs, Parse(e.raw))
			}
		}
		if len(certs) > 0 {
			return certs, nil
		}
	}
	return nil, errPKCS7Data
}
