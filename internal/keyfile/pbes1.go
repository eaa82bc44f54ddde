package keyfile

import (
	"crypto/cipher"
	"crypto/des"
	"crypto/md5"
	"crypto/rc4"
	"crypto/sha1"
	"encoding/asn1"
	"hash"
	"unicode/utf16"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// oldScheme is an encryption scheme from before PBES2: PBES1 (RFC 8018,
// Section 6.1) derives key and IV at once, those of PKCS#12 (RFC 7292, Appendix
// C) each by itself. OpenSSL wrote them by itself until 1.0.2.
type oldScheme struct {
	digest func() hash.Hash // of PBES1; nil = PKCS#12
	keyLen int
	stream bool // RC4
}

var oldSchemes = map[string]oldScheme{
	"1.2.840.113549.1.5.3":    {digest: md5.New, keyLen: 8},
	"1.2.840.113549.1.5.10":   {digest: sha1.New, keyLen: 8},
	"1.2.840.113549.1.12.1.1": {keyLen: 16, stream: true},
	"1.2.840.113549.1.12.1.2": {keyLen: 5, stream: true},
	"1.2.840.113549.1.12.1.3": {keyLen: 24},
	"1.2.840.113549.1.12.1.4": {keyLen: 16},
}

// decryptOld opens what is sealed by such a scheme; params are its PBEParameter.
func decryptOld(oid asn1.ObjectIdentifier, params, data cryptobyte.String, password []byte) ([]byte, error) {
	s, known := oldSchemes[oid.String()]
	var salt cryptobyte.String
	var iterations int
	if !known || !params.ReadASN1(&params, cbasn1.SEQUENCE) || !params.ReadASN1(&salt, cbasn1.OCTET_STRING) ||
		!params.ReadASN1Integer(&iterations) || iterations < 1 || iterations > maxIterations || len(salt) == 0 || len(salt) > maxSalt {
		return nil, errUnsupported
	}
	var key, iv []byte
	if s.digest != nil {
		sum := append(append([]byte{}, password...), salt...)
		for range iterations {
			h := s.digest()
			h.Write(sum)
			sum = h.Sum(nil)
		}
		key, iv = sum[:8], sum[8:16]
	} else {
		key, iv = deriveOld(1, salt, password, iterations, s.keyLen), deriveOld(2, salt, password, iterations, des.BlockSize)
	}
	if s.stream {
		c, err := rc4.NewCipher(key)
		if err != nil {
			return nil, errUnsupported
		}
		plain := make([]byte, len(data))
		c.XORKeyStream(plain, data)
		return plain, nil
	}
	open := des.NewTripleDESCipher
	switch s.keyLen {
	case 8:
		open = des.NewCipher
	case 16:
		key = append(key[:16:16], key[:8]...)
	}
	block, err := open(key)
	if err != nil {
		return nil, errUnsupported
	}
	return decryptCBC(block, iv, data)
}

// maxSalt bounds what goes into each round; programs write 8 bytes or 20.
const maxSalt = 1 << 10

// deriveOld is the key derivation of PKCS#12 with SHA-1 (RFC 7292, Appendix
// B.2): of the key for id 1, of the IV for id 2.
func deriveOld(id byte, salt, password []byte, iterations, n int) []byte {
	const v = sha1.BlockSize
	var secret []byte
	for _, u := range append(utf16.Encode([]rune(string(password))), 0) {
		secret = append(secret, byte(u>>8), byte(u))
	}
	in := append(repeated(salt, v), repeated(secret, v)...)
	diversifier := repeated([]byte{id}, v)
	var out []byte
	for {
		sum := sha1.Sum(append(diversifier[:v:v], in...))
		for range iterations - 1 {
			sum = sha1.Sum(sum[:])
		}
		if out = append(out, sum[:]...); len(out) >= n {
			return out[:n]
		}
		b := repeated(sum[:], v)[:v]
		for block := in; len(block) > 0; block = block[v:] { // block + b + 1, modulo its width
			carry := 1
			for i := v - 1; i >= 0; i-- {
				carry += int(block[i]) + int(b[i])
				block[i] = byte(carry)
				carry >>= 8
			}
		}
	}
}

// repeated fills the least number of blocks of v bytes with a text, again and
// again.
func repeated(text []byte, v int) []byte {
	out := make([]byte, (len(text)+v-1)/v*v)
	for i := range out {
		out[i] = text[i%len(text)]
	}
	return out
}

// decryptCBC takes the padding away, too.
func decryptCBC(block cipher.Block, iv, data []byte) ([]byte, error) {
	if len(iv) != block.BlockSize() || len(data) == 0 || len(data)%block.BlockSize() != 0 {
		return nil, errUnsupported
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, data)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > block.BlockSize() || pad > len(plain) {
		return nil, fail(ErrWrongPassword, "", "the password does not open the private key")
	}
	return plain[:len(plain)-pad], nil
}
