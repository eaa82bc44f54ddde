package keyfile

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
	"software.sslmate.com/src/go-pkcs12"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// isPKCS12 recognises a PFX (RFC 7292, Section 4): a sequence that begins with
// the version 3.
func isPKCS12(data []byte) bool {
	in := cryptobyte.String(data)
	var outer cryptobyte.String
	var version int
	if in.ReadASN1(&outer, cbasn1.SEQUENCE) {
		return outer.ReadASN1Integer(&version) && version == 3 && outer.PeekASN1Tag(cbasn1.SEQUENCE)
	}
	// BER of indefinite length, as some old programs write it.
	return bytes.HasPrefix(data, []byte{0x30, 0x80, 0x02, 0x01, 0x03, 0x30})
}

func parsePKCS12(data []byte, o Options) (*Contents, error) {
	const kind = "the PKCS#12 file"
	password := ""
	if o.Password != nil {
		password = string(o.Password.secret)
	}
	blocks, err := pkcs12.ToPEM(data, password)
	if err != nil && !errors.Is(err, pkcs12.ErrIncorrectPassword) {
		if own, e := openPFX(data, []byte(password)); e == nil || errors.Is(e, ErrWrongPassword) && o.Password != nil {
			blocks, err = own, e
		} else if errors.Is(e, ErrWrongPassword) {
			err = pkcs12.ErrIncorrectPassword
		}
	}
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword) && o.Password == nil:
		return nil, fail(ErrNoPassword, passwordHint, "%s needs a password", kind)
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, ErrWrongPassword):
		return nil, fail(ErrWrongPassword, "", "the password does not open %s", kind)
	case err != nil:
		return nil, fail(ErrFormat, "convert it: openssl pkcs12 -in FILE -out FILE.pem", "%s cannot be read (damaged, or of a kind that is not supported)", kind)
	}
	return fromBags(blocks, o)
}

// fromBags puts the chosen key's certificate first and its issuers behind it.
func fromBags(blocks []*pem.Block, o Options) (*Contents, error) {
	c := &Contents{Format: "PKCS#12"}
	keys := map[string]crypto.Signer{}
	var names []string
	for _, b := range blocks {
		if b.Type == "CERTIFICATE" {
			c.Chain = append(c.Chain, chain.Parse(b.Bytes))
			continue
		}
		key, err := parseKeyDER(b.Bytes, o)
		switch {
		case errors.Is(err, ErrWrongPassword):
			return nil, err
		case errors.Is(err, ErrNoPassword):
			c.Other = append(c.Other, "a private key that needs a password")
			continue
		case err != nil:
			c.Other = append(c.Other, err.Error())
			continue
		case key == nil:
			c.Other = append(c.Other, "a damaged private key")
			continue
		}
		name := b.Headers["friendlyName"]
		if name == "" || keys[name] != nil {
			name = fmt.Sprint(len(keys) + 1)
		}
		keys[name] = key
		names = append(names, name)
	}
	if len(names) == 0 {
		if len(c.Chain) == 0 {
			return nil, fail(ErrEmpty, "", "the PKCS#12 file holds no certificate and no key")
		}
		return c, nil
	}
	name, err := choose(names, o.Alias)
	if err != nil {
		return nil, err
	}
	c.Alias, c.Key = name, keys[name]
	c.Chain = behind(c.Chain, c.Key)
	return c, nil
}

// behind orders certificates: the one of the key, its issuers, the rest.
func behind(certs []*chain.Certificate, key crypto.Signer) []*chain.Certificate {
	var out []*chain.Certificate
	left := append([]*chain.Certificate{}, certs...)
	take := func(fits func(*chain.Certificate) bool) bool {
		for i, c := range left {
			if fits(c) {
				out = append(out, c)
				left = append(left[:i], left[i+1:]...)
				return true
			}
		}
		return false
	}
	if !take(func(c *chain.Certificate) bool { return chain.MatchesKey(c, key.Public()) }) {
		return certs
	}
	for {
		last := out[len(out)-1]
		if last.SelfIssued() || !take(func(c *chain.Certificate) bool { return c.Subject.Equal(last.Issuer) }) {
			return append(out, left...)
		}
	}
}
