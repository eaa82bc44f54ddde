package tlswire

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // only to say what such a key may sign.
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
)

// CertificateVerifyContent is what a TLS 1.3 CertificateVerify signs (RFC 8446,
// Section 4.4.3).
func CertificateVerifyContent(side Side, transcriptHash []byte) []byte {
	who := "client"
	if side == SideServer {
		who = "server"
	}
	content := make([]byte, 0, 64+33+1+len(transcriptHash))
	for range 64 {
		content = append(content, ' ')
	}
	content = append(content, "TLS 1.3, "+who+" CertificateVerify"...)
	return append(append(content, 0), transcriptHash...)
}

// ServerKeyExchangeContent is what a ServerKeyExchange signs: both randoms and
// the parameters (RFC 5246, Section 7.4.3).
func ServerKeyExchangeContent(clientRandom, serverRandom, params []byte) []byte {
	content := make([]byte, 0, len(clientRandom)+len(serverRandom)+len(params))
	return append(append(append(content, clientRandom...), serverRandom...), params...)
}

// Sign makes a CertificateVerify signature over the message. SchemeLegacy
// selects the algorithm of TLS 1.0 and 1.1 by the key.
func Sign(signer crypto.Signer, scheme SignatureScheme, message []byte) ([]byte, error) {
	kind, hash := schemeOf(scheme)
	if scheme == SchemeLegacy {
		kind, hash = legacyKind(signer.Public())
	}
	var options crypto.SignerOpts = hash
	sum := message
	switch {
	case kind == keyNone:
		return nil, fmt.Errorf("signing with scheme %#04x: not supported", uint16(scheme))
	case kind == keyEd25519:
	case kind == keyPSS:
		sum = digest(hash, message)
		options = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
	case hash == 0:
		sum, options = digest(0, message), crypto.MD5SHA1
	default:
		sum = digest(hash, message)
	}
	signature, err := signer.Sign(rand.Reader, sum, options)
	if err != nil {
		return nil, fmt.Errorf("signing with scheme %#04x: %w", uint16(scheme), err)
	}
	return signature, nil
}

// ChooseScheme picks the first scheme of the peer's list that fits the key and
// that this package can sign with. Before TLS 1.2 it is SchemeLegacy. False
// means that the lists have nothing in common.
func ChooseScheme(pub crypto.PublicKey, version Version, peer []SignatureScheme) (SignatureScheme, bool) {
	if version < TLS12 {
		kind, _ := legacyKind(pub)
		return SchemeLegacy, kind != keyNone
	}
	for _, scheme := range peer {
		if SchemeFits(pub, version, scheme) {
			return scheme, true
		}
	}
	return 0, false
}

// SchemeFits says whether a key of this kind and size may sign with the scheme
// in a handshake of the version (RFC 8446, Section 4.2.3; RFC 5246, Section
// 7.4.8).
func SchemeFits(pub crypto.PublicKey, version Version, scheme SignatureScheme) bool {
	kind, hash := schemeOf(scheme)
	switch key := pub.(type) {
	case *rsa.PublicKey:
		if kind == keyPSS {
			// The rsa_pss_pss schemes want a key with the RSASSA-PSS OID.
			return scheme < 0x0809 && key.N.BitLen() >= 8*(2*hash.Size()+2)
		}
		return kind == keyRSA && version < TLS13
	case *ecdsa.PublicKey:
		if kind != keyECDSA || version < TLS13 {
			return kind == keyECDSA
		}
		want := map[SignatureScheme]int{0x0403: 256, 0x0503: 384, 0x0603: 521}[scheme]
		return key.Curve.Params().BitSize == want
	case ed25519.PublicKey:
		return kind == keyEd25519
	case *dsa.PublicKey:
		return kind == keyDSA && version < TLS13
	}
	return false
}
