package chain

import "golang.org/x/crypto/cryptobyte"

// KeyOf reads the public key of a certificate and nothing else: what Parse
// gives as Key, for a fraction of its cost. Where that cannot be found, it is
// the zero Key with a Problem.
func KeyOf(der []byte) Key {
	s := cryptobyte.String(der)
	if outer, ok := readTag(&s, tagSequence); ok {
		if tbs, ok := readTag(&outer.body, tagSequence); ok {
			readTag(&tbs.body, contextTag(0, true)) // the version, which may be missing
			// Serial number, algorithm, issuer, validity and subject come before it.
			for range 5 {
				if _, ok := readElement(&tbs.body); !ok {
					return Key{Problem: "the public key is missing"}
				}
			}
			if spki, ok := readElement(&tbs.body); ok {
				return ParseKey(spki.raw)
			}
		}
	}
	return Key{Problem: "the certificate is unreadable"}
}
