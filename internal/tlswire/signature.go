package tlswire

import (
	"crypto"
	"crypto/dsa" //nolint:staticcheck // DSS servers still exist and are judged, not trusted.
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// CheckResult is the outcome of a cryptographic check.
type CheckResult uint8

// The three outcomes, and zero for a check that was not made.
const (
	CheckNone CheckResult = iota
	CheckValid
	CheckInvalid
	CheckCannot // we cannot compute it; that says nothing about the peer
)

// String is the outcome in words.
func (r CheckResult) String() string {
	switch r {
	case CheckValid:
		return "valid"
	case CheckInvalid:
		return "invalid"
	case CheckCannot:
		return "cannot check"
	}
	return "not checked"
}

// Check is the outcome of a cryptographic check and, unless it is valid, why.
type Check struct {
	Result CheckResult
	Reason string
}

func invalid(format string, args ...any) Check {
	return Check{CheckInvalid, fmt.Sprintf(format, args...)}
}

func cannot(format string, args ...any) Check {
	return Check{CheckCannot, fmt.Sprintf(format, args...)}
}

// SchemeLegacy stands for the signatures before TLS 1.2, which name no scheme:
// MD5 and SHA-1 together with RSA, SHA-1 with ECDSA and DSA (RFC 4346, Section
// 7.4.3). The value is not assigned to anything on the wire.
const SchemeLegacy SignatureScheme = 0

// keyKind is what a signature scheme asks of the key.
type keyKind uint8

const (
	keyNone keyKind = iota
	keyRSA          // PKCS #1 v1.5
	keyPSS
	keyDSA
	keyECDSA
	keyEd25519
)

// schemeOf takes a scheme apart. In TLS 1.2 the bytes are hash and signature,
// so that the rarer combinations are computed and not listed. A zero hash of
// keyRSA means MD5 and SHA-1 together.
func schemeOf(scheme SignatureScheme) (keyKind, crypto.Hash) {
	switch scheme {
	case 0x0804, 0x0809:
		return keyPSS, crypto.SHA256
	case 0x0805, 0x080A:
		return keyPSS, crypto.SHA384
	case 0x0806, 0x080B:
		return keyPSS, crypto.SHA512
	case 0x0807:
		return keyEd25519, 0
	}
	// RFC 5246, Section 7.4.1.4.1.
	hashes := map[byte]crypto.Hash{1: crypto.MD5, 2: crypto.SHA1, 3: crypto.SHA224, 4: crypto.SHA256, 5: crypto.SHA384, 6: crypto.SHA512}
	hash, known := hashes[byte(scheme>>8)]
	if !known {
		return keyNone, 0
	}
	switch byte(scheme) {
	case 1:
		return keyRSA, hash
	case 2:
		return keyDSA, hash
	case 3:
		return keyECDSA, hash
	}
	return keyNone, 0
}

// VerifySignature checks a ServerKeyExchange or CertificateVerify signature
// over the signed bytes. SchemeLegacy selects the algorithm by the key. It does
// not ask whether the version allows the scheme; see SchemeFits. Keys: *rsa.PublicKey,
// *ecdsa.PublicKey, ed25519.PublicKey, *dsa.PublicKey; all else cannot be
// checked.
func VerifySignature(pub crypto.PublicKey, scheme SignatureScheme, signed, signature []byte) Check {
	if pub == nil {
		return cannot("no readable public key")
	}
	kind, hash := schemeOf(scheme)
	if scheme == SchemeLegacy {
		kind, hash = legacyKind(pub)
	}
	if kind == keyNone {
		return cannot("signature scheme %#04x is not supported", uint16(scheme))
	}
	switch key := pub.(type) {
	case *rsa.PublicKey:
		if kind != keyRSA && kind != keyPSS {
			return invalid("signature scheme %#04x does not belong to an RSA key", uint16(scheme))
		}
		return verifyRSA(key, kind, hash, digest(hash, signed), signature)
	case *ecdsa.PublicKey:
		if kind != keyECDSA {
			return invalid("signature scheme %#04x does not belong to an ECDSA key", uint16(scheme))
		}
		if !ecdsa.VerifyASN1(key, digest(hash, signed), signature) {
			return invalid("the ECDSA signature does not verify with the key of the certificate")
		}
	case ed25519.PublicKey:
		if kind != keyEd25519 {
			return invalid("signature scheme %#04x does not belong to an Ed25519 key", uint16(scheme))
		}
		if len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, signed, signature) {
			return invalid("the Ed25519 signature does not verify with the key of the certificate")
		}
	case *dsa.PublicKey:
		if kind != keyDSA {
			return invalid("signature scheme %#04x does not belong to a DSA key", uint16(scheme))
		}
		return verifyDSA(key, digest(hash, signed), signature)
	default:
		return cannot("keys of type %T are not supported", pub)
	}
	return Check{Result: CheckValid}
}

// legacyKind is the algorithm that TLS 1.0 and 1.1 use with a key.
func legacyKind(pub crypto.PublicKey) (keyKind, crypto.Hash) {
	switch pub.(type) {
	case *rsa.PublicKey:
		return keyRSA, 0
	case *ecdsa.PublicKey:
		return keyECDSA, crypto.SHA1
	case *dsa.PublicKey:
		return keyDSA, crypto.SHA1
	}
	return keyNone, 0
}

// digest hashes; a zero hash is MD5 followed by SHA-1.
func digest(hash crypto.Hash, data []byte) []byte {
	if hash == 0 {
		return append(digest(crypto.MD5, data), digest(crypto.SHA1, data)...)
	}
	h := hash.New()
	h.Write(data)
	return h.Sum(make([]byte, 0, 64))
}

// smallestStdRSA is the key size below which crypto/rsa refuses to work.
const smallestStdRSA = 1024

func verifyRSA(key *rsa.PublicKey, kind keyKind, hash crypto.Hash, sum, signature []byte) Check {
	if key.N == nil || key.N.Sign() <= 0 || key.N.Bit(0) == 0 || key.E < 2 {
		return cannot("the RSA key is not a usable one")
	}
	if key.N.BitLen() > 16384 {
		return cannot("an RSA key of %d bits is too large to check", key.N.BitLen())
	}
	small := key.N.BitLen() < smallestStdRSA
	var err error
	switch {
	case kind == keyPSS && small:
		return cannot("RSA-PSS with a key of %d bits is not supported", key.N.BitLen())
	case kind == keyPSS:
		err = rsa.VerifyPSS(key, hash, sum, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	case small:
		err = verifySmallRSA(key, hash, sum, signature)
	case hash == 0:
		err = rsa.VerifyPKCS1v15(key, crypto.MD5SHA1, sum, signature)
	default:
		err = rsa.VerifyPKCS1v15(key, hash, sum, signature)
	}
	switch {
	case err == nil:
		return Check{Result: CheckValid}
	case errors.Is(err, rsa.ErrVerification):
		return invalid("the RSA signature does not verify with the key of the certificate")
	}
	return cannot("checking the RSA signature: %v", err)
}

// digestInfo is the DER before the digest in PKCS #1 v1.5 (RFC 8017, Section
// 9.2, note 1).
var digestInfo = map[crypto.Hash]string{
	0:             "",
	crypto.MD5:    "\x30\x20\x30\x0c\x06\x08\x2a\x86\x48\x86\xf7\x0d\x02\x05\x05\x00\x04\x10",
	crypto.SHA1:   "\x30\x21\x30\x09\x06\x05\x2b\x0e\x03\x02\x1a\x05\x00\x04\x14",
	crypto.SHA224: "\x30\x2d\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x04\x05\x00\x04\x1c",
	crypto.SHA256: "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20",
	crypto.SHA384: "\x30\x41\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x02\x05\x00\x04\x30",
	crypto.SHA512: "\x30\x51\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x03\x05\x00\x04\x40",
}

// verifySmallRSA is PKCS #1 v1.5 for the keys that crypto/rsa refuses.
func verifySmallRSA(key *rsa.PublicKey, hash crypto.Hash, sum, signature []byte) error {
	size := (key.N.BitLen() + 7) / 8
	content := append([]byte(digestInfo[hash]), sum...)
	if len(signature) != size || size < len(content)+11 {
		return rsa.ErrVerification
	}
	want := []byte{0, 1}
	for range size - len(content) - 3 {
		want = append(want, 0xFF)
	}
	want = append(append(want, 0), content...)
	s := new(big.Int).SetBytes(signature)
	if s.Cmp(key.N) >= 0 {
		return rsa.ErrVerification
	}
	got := s.Exp(s, big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, size))
	if !slices.Equal(got, want) {
		return rsa.ErrVerification
	}
	return nil
}

func verifyDSA(key *dsa.PublicKey, sum, signature []byte) Check {
	var r, s big.Int
	input := cryptobyte.String(signature)
	var inner cryptobyte.String
	if !input.ReadASN1(&inner, asn1.SEQUENCE) || !inner.ReadASN1Integer(&r) || !inner.ReadASN1Integer(&s) {
		return invalid("the DSA signature is not a pair of integers")
	}
	if key.P == nil || key.Q == nil || key.P.Sign() <= 0 || key.Q.Sign() <= 0 || key.P.BitLen() > 16384 {
		return cannot("the DSA key is not a usable one")
	}
	// FIPS 186-4, Section 4.6: the leftmost bits of the digest.
	sum = sum[:min(len(sum), key.Q.BitLen()/8)]
	if !dsa.Verify(key, sum, &r, &s) {
		return invalid("the DSA signature does not verify with the key of the certificate")
	}
	return Check{Result: CheckValid}
}
