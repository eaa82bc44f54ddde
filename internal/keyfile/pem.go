package keyfile

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// parsePEM reads all blocks. The first key counts; a key that cannot be read is
// an error only when there is nothing else.
func parsePEM(data []byte, o Options) (*Contents, error) {
	certs, rest := chain.ParsePEM(data)
	c := &Contents{Format: "PEM", Chain: certs}
	for _, s := range rest {
		if !strings.Contains(s, "private key") {
			c.Other = append(c.Other, s)
		}
	}
	var first error
	for block, tail := pem.Decode(chain.Text(data)); block != nil; block, tail = pem.Decode(tail) {
		if !strings.Contains(block.Type, "PRIVATE KEY") || c.Key != nil {
			continue
		}
		key, err := parseKeyBlock(block, o)
		if err != nil && first == nil {
			first = err
		}
		c.Key = key
	}
	switch {
	case c.Key != nil || first == nil && len(c.Chain) > 0:
	case first != nil && (len(c.Chain) == 0 || errors.Is(first, ErrWrongPassword)):
		return nil, first
	case errors.Is(first, ErrNoPassword):
		c.Other = append(c.Other, "a private key that needs a password")
	case first != nil:
		c.Other = append(c.Other, first.Error())
	default:
		return nil, nothingIn(data, c.Other)
	}
	if f := flawOf(data); f != nil {
		c.Flaw, c.Mend = f.String(), f.hint
	}
	return c, nil
}

// nothingIn is the error for a file without certificate and key.
func nothingIn(data []byte, other []string) error {
	if what, hint := kindOf(data); what != "" {
		return fail(ErrEmpty, hint, "it is %s", what)
	}
	if f := flawOf(data); f != nil {
		return fail(ErrFormat, f.hint, "%s", f)
	}
	if len(other) == 0 {
		return fail(ErrFormat, "known are PEM, DER, PKCS#7, PKCS#12 and Java keystores", "it is none of the formats of certificates and keys")
	}
	return fail(ErrEmpty, useOf(other), "it holds no certificate and no key, but %s", strings.Join(other[:min(3, len(other))], ", "))
}

func parseKeyBlock(b *pem.Block, o Options) (crypto.Signer, error) {
	if b.Type == "OPENSSH PRIVATE KEY" {
		return nil, fail(ErrFormat, "TLS needs another kind of file: openssl genpkey", "it is an SSH key")
	}
	der := b.Bytes
	if strings.Contains(b.Headers["Proc-Type"], "ENCRYPTED") {
		if o.Password == nil {
			return nil, fail(ErrNoPassword, passwordHint, "the private key is encrypted with a password")
		}
		//lint:ignore SA1019 keys in OpenSSL's old format exist; this reads them and never writes any
		plain, err := x509.DecryptPEMBlock(b, o.Password.secret)
		if err != nil {
			return nil, fail(ErrWrongPassword, "", "the password does not open the private key")
		}
		der = plain
	}
	key, err := parseKeyDER(der, o)
	if err != nil {
		return nil, err
	}
	if key == nil {
		return nil, fail(ErrFormat, "", "it holds a damaged private key")
	}
	return key, nil
}

// parseKeyDER reads a private key; nil and no error mean that it is none.
func parseKeyDER(der []byte, o Options) (crypto.Signer, error) {
	if k, err := parsePKCS8(der); k != nil || err != nil {
		return k, err
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	if !isEncryptedPKCS8(der) {
		if kind := kindOfKey(der); kind != "" {
			return nil, fail(ErrFormat, "", "it holds a private key of a kind that tlswhy cannot use (%s), or a damaged one", kind)
		}
		return nil, nil
	}
	if o.Password == nil {
		return nil, fail(ErrNoPassword, passwordHint, "the private key is encrypted with a password")
	}
	plain, err := decryptPKCS8(der, o.Password.secret)
	if err != nil {
		return nil, err
	}
	k, err := parsePKCS8(plain)
	if k == nil && err == nil {
		return nil, fail(ErrWrongPassword, "", "the password does not open the private key")
	}
	return k, err
}

// parsePKCS8 reads a PrivateKeyInfo; nil and no error mean that it is none that
// Go knows.
func parsePKCS8(der []byte) (crypto.Signer, error) {
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return parsePSSKey(der), nil
	}
	s, ok := k.(crypto.Signer)
	if !ok {
		return nil, fail(ErrFormat, "", "it holds a key for key exchange (X25519), which signs nothing and is of no use for TLS certificates")
	}
	return s, nil
}
