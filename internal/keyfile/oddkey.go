package keyfile

import (
	"crypto"
	"crypto/x509"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// keyParts splits a PrivateKeyInfo (RFC 5958, Section 2) into its algorithm and
// the key, both as encoded; an ECPrivateKey (RFC 5915, Section 3) has its curve
// for the algorithm.
func keyParts(der []byte) (alg cryptobyte.String, key []byte, ok bool) {
	in := cryptobyte.String(der)
	var outer cryptobyte.String
	var version int
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !outer.ReadASN1Integer(&version) || version > 1 {
		return nil, nil, false
	}
	if outer.PeekASN1Tag(cbasn1.SEQUENCE) {
		var octets cryptobyte.String
		ok = outer.ReadASN1Element(&alg, cbasn1.SEQUENCE) && outer.ReadASN1(&octets, cbasn1.OCTET_STRING)
		return alg, octets, ok
	}
	var octets, curve cryptobyte.String
	if !outer.ReadASN1(&octets, cbasn1.OCTET_STRING) || !outer.ReadASN1(&curve, cbasn1.Tag(0).Constructed().ContextSpecific()) {
		return nil, nil, false
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes([]byte{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01}) })
		b.AddBytes(curve)
	})
	alg, err := b.Bytes()
	return alg, octets, err == nil
}

// kindOfKey names a private key by its algorithm, such as "Ed448" or "ECDSA
// brainpoolP256r1"; "" when it is no private key.
func kindOfKey(der []byte) string {
	alg, _, ok := keyParts(der)
	if !ok {
		return ""
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(alg)
		b.AddASN1BitString(nil)
	})
	spki, err := b.Bytes()
	if err != nil {
		return ""
	}
	return chain.ParseKey(spki).String()
}

// parsePSSKey reads an RSA key that is for RSASSA-PSS alone (RFC 4055), which
// Go's parser refuses; nil = it is none.
func parsePSSKey(der []byte) crypto.Signer {
	alg, inner, ok := keyParts(der)
	if !ok || !isPSS(alg) {
		return nil
	}
	k, err := x509.ParsePKCS1PrivateKey(inner)
	if err != nil {
		return nil
	}
	return k
}

func isPSS(alg cryptobyte.String) bool {
	var oid cryptobyte.String
	return alg.ReadASN1(&alg, cbasn1.SEQUENCE) && alg.ReadASN1(&oid, cbasn1.OBJECT_IDENTIFIER) &&
		string(oid) == "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a"
}
