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
	for block, tail := pem.Decode(data); block != nil; block, tail = pem.Decode(tail) {
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
	case c.Key != nil:
		return c, nil
	case first != nil && (len(c.Chain) == 0 || !errors.Is(first, ErrNoPassword)):
		return nil, first
	case first != nil:
		c.Other = append(c.Other, "a private key that needs a password")
	}
	if len(c.Chain) == 0 {
		return nil, fail(ErrEmpty, "", "it holds no certificate and no key%s", butHas(c.Other))
	}
	return c, nil
}

func butHas(other []string) string {
	if len(other) == 0 {
		return ""
	}
	return ", but " + strings.Join(other[:min(3, len(other))], ", ")
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
		return nil, fail(ErrFormat, "", "it holds a private key that cannot be read (a kind without support, or damaged)")
	}
	return key, nil
}

// parseKeyDER reads a private key; nil and no error mean that it is none.
func parseKeyDER(der []byte, o Options) (crypto.Signer, error) {
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		s, _ := k.(crypto.Signer)
		return s, nil
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	if !isEncryptedPKCS8(der) {
		return nil, nil
	}
	if o.Password == nil {
		return nil, fail(ErrNoPassword, passwordHint, "the private key is encrypted with a password")
	}
	plain, err := decryptPKCS8(der, o.Password.secret)
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(plain)
	if err != nil {
		return nil, fail(ErrWrongPassword, "", "the password does not open the private key")
	}
	s, _ := k.(crypto.Signer)
	return s, nil
}
