package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/asn1"
	"hash"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"golang.org/x/crypto/scrypt"
)

// The bounds of key derivation: a hostile file must not cost minutes.
const (
	maxIterations = 10_000_000
	maxScrypt     = 1 << 18 // N*r
)

var (
	oidPBES2  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 13}
	oidPBKDF2 = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 5, 12}
	oidScrypt = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11591, 4, 11}
)

// blockCiphers are the encryption schemes of PBES2 (RFC 8018, Appendix B.2).
var blockCiphers = map[string]struct {
	keyLen int
	open   func([]byte) (cipher.Block, error)
}{
	"2.16.840.1.101.3.4.1.2":  {16, aes.NewCipher},
	"2.16.840.1.101.3.4.1.22": {24, aes.NewCipher},
	"2.16.840.1.101.3.4.1.42": {32, aes.NewCipher},
	"1.2.840.113549.3.7":      {24, des.NewTripleDESCipher},
}

// digests are the PRFs of PBKDF2 (RFC 8018, Appendix B.1.2).
var digests = map[string]func() hash.Hash{
	"1.2.840.113549.2.7":  sha1.New,
	"1.2.840.113549.2.8":  sha256.New224,
	"1.2.840.113549.2.9":  sha256.New,
	"1.2.840.113549.2.10": sha512.New384,
	"1.2.840.113549.2.11": sha512.New,
}

// isEncryptedPKCS8 recognises an EncryptedPrivateKeyInfo (RFC 5958, Section 3).
func isEncryptedPKCS8(der []byte) bool {
	_, _, ok := encryptedParts(der)
	return ok
}

// encryptedParts splits EncryptedPrivateKeyInfo into the algorithm and the data.
func encryptedParts(der []byte) (alg, data cryptobyte.String, ok bool) {
	in := cryptobyte.String(der)
	var outer, octets cryptobyte.String
	ok = in.ReadASN1(&outer, cbasn1.SEQUENCE) && outer.ReadASN1(&alg, cbasn1.SEQUENCE) &&
		outer.ReadASN1(&octets, cbasn1.OCTET_STRING) && outer.Empty() && len(octets) > 0
	return alg, octets, ok
}

var errUnsupported = fail(ErrFormat, "convert the key: openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW (OpenSSL 3 may need -provider legacy -provider default)", "the private key is encrypted in a way that is not supported")

// decryptPKCS8 opens an EncryptedPrivateKeyInfo.
func decryptPKCS8(der, password []byte) ([]byte, error) {
	alg, data, ok := encryptedParts(der)
	if !ok {
		return nil, errUnsupported
	}
	return decrypt(alg, data, password)
}

// decrypt opens what is sealed with PBES2 (RFC 8018, Section 6.2), or with one of
// its forerunners.
func decrypt(alg, data cryptobyte.String, password []byte) ([]byte, error) {
	var oid asn1.ObjectIdentifier
	var params, kdf, scheme cryptobyte.String
	if !alg.ReadASN1ObjectIdentifier(&oid) {
		return nil, errUnsupported
	}
	if !oid.Equal(oidPBES2) {
		return decryptOld(oid, alg, data, password)
	}
	if !alg.ReadASN1(&params, cbasn1.SEQUENCE) ||
		!params.ReadASN1(&kdf, cbasn1.SEQUENCE) || !params.ReadASN1(&scheme, cbasn1.SEQUENCE) {
		return nil, errUnsupported
	}
	var iv cryptobyte.String
	if !scheme.ReadASN1ObjectIdentifier(&oid) || !scheme.ReadASN1(&iv, cbasn1.OCTET_STRING) {
		return nil, errUnsupported
	}
	c, ok := blockCiphers[oid.String()]
	if !ok {
		return nil, errUnsupported
	}
	key, err := deriveKey(kdf, password, c.keyLen)
	if err != nil {
		return nil, err
	}
	block, err := c.open(key)
	if err != nil {
		return nil, errUnsupported
	}
	return decryptCBC(block, iv, data)
}

// deriveKey runs PBKDF2 or scrypt (RFC 7914, Section 7).
func deriveKey(kdf cryptobyte.String, password []byte, n int) ([]byte, error) {
	var oid asn1.ObjectIdentifier
	var params, salt cryptobyte.String
	if !kdf.ReadASN1ObjectIdentifier(&oid) || !kdf.ReadASN1(&params, cbasn1.SEQUENCE) || !params.ReadASN1(&salt, cbasn1.OCTET_STRING) {
		return nil, errUnsupported
	}
	switch {
	case oid.Equal(oidScrypt):
		var cost, r, p int
		if !params.ReadASN1Integer(&cost) || !params.ReadASN1Integer(&r) || !params.ReadASN1Integer(&p) ||
			cost < 2 || cost > maxScrypt || r < 1 || p < 1 || p > 16 || r > maxScrypt/cost {
			return nil, errUnsupported
		}
		key, err := scrypt.Key(password, salt, cost, r, p, n)
		if err != nil {
			return nil, errUnsupported
		}
		return key, nil
	case !oid.Equal(oidPBKDF2):
		return nil, errUnsupported
	}
	var iterations int
	if !params.ReadASN1Integer(&iterations) || iterations < 1 || iterations > maxIterations ||
		!params.SkipOptionalASN1(cbasn1.INTEGER) {
		return nil, errUnsupported
	}
	digest := sha1.New // the default
	if !params.Empty() {
		var prf cryptobyte.String
		if !params.ReadASN1(&prf, cbasn1.SEQUENCE) || !prf.ReadASN1ObjectIdentifier(&oid) || digests[oid.String()] == nil {
			return nil, errUnsupported
		}
		digest = digests[oid.String()]
	}
	key, err := pbkdf2.Key(digest, string(password), salt, iterations, n)
	if err != nil {
		return nil, errUnsupported
	}
	return key, nil
}
