package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// leafFrom is when the leaf was issued.
func leafFrom(f *Server) time.Time {
	if f.Issued.IsZero() {
		return time.Now().Add(-30 * day)
	}
	return f.Issued
}

// LogKey is the key of one of the lab's logs: those of the operators One, Two
// and so on are known to whoever asks for them here.
func LogKey(name string) (*ecdsa.PublicKey, error) {
	key, err := logKey(name)
	if err != nil {
		return nil, err
	}
	public, ok := key.Public().(*ecdsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("the log %q has a key of type %T", name, key.Public())
	}
	return public, nil
}

func logKey(name string) (crypto.Signer, error) { return keys.get(P256, "log "+name) }

var oidSCTs = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}

// embedSCTs lets the logs sign the certificate and puts their timestamps into
// it (RFC 6962, Sections 3.2 and 3.3).
func embedSCTs(c *certificate, logs []string, issuer *authority) error {
	if c.serial == nil {
		c.serial = big.NewInt(0x1AB0000 + serials.Add(1))
	}
	bare, err := issuer.issue(*c)
	if err != nil {
		return err
	}
	parsed, err := x509.ParseCertificate(bare)
	if err != nil {
		return fmt.Errorf("reading the precertificate: %w", err)
	}
	spki, err := x509.MarshalPKIXPublicKey(issuer.key.Public())
	if err != nil {
		return fmt.Errorf("encoding the issuer's key: %w", err)
	}
	sum := sha256.Sum256(spki)
	list, err := stamps(logs, c.from, parsed.RawTBSCertificate, sum[:])
	if err != nil {
		return err
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.OCTET_STRING, func(b *cryptobyte.Builder) {
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) {
			for _, sct := range list {
				b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(sct) })
			}
		})
	})
	value, err := b.Bytes()
	if err != nil {
		return err
	}
	c.extra = append(c.extra, pkix.Extension{Id: oidSCTs, Value: value})
	return nil
}

// stamps makes one SCT per log. data is the certificate or, with an issuer's
// key hash, its TBSCertificate without SCTs.
func stamps(logs []string, at time.Time, data, issuerKey []byte) ([][]byte, error) {
	var out [][]byte
	for _, name := range logs {
		name, garbled := strings.CutSuffix(name, "!")
		key, err := logKey(name)
		if err != nil {
			return nil, err
		}
		spki, err := x509.MarshalPKIXPublicKey(key.Public())
		if err != nil {
			return nil, fmt.Errorf("encoding the key of a log: %w", err)
		}
		millis := uint64(at.Add(time.Minute).UnixMilli()) //nolint:gosec // after 1970
		var b cryptobyte.Builder
		b.AddUint16(0) // v1, certificate_timestamp
		b.AddUint64(millis)
		b.AddUint16(map[bool]uint16{true: 1}[issuerKey != nil])
		b.AddBytes(issuerKey)
		b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(data) })
		b.AddUint16(0) // no extensions
		message, err := b.Bytes()
		if err != nil {
			return nil, err
		}
		digest := sha256.Sum256(message)
		signature, err := key.Sign(rand.Reader, digest[:], crypto.SHA256)
		if err != nil {
			return nil, fmt.Errorf("signing an SCT: %w", err)
		}
		if garbled {
			signature[len(signature)-1] ^= 1
		}
		id := sha256.Sum256(spki)
		var s cryptobyte.Builder
		s.AddUint8(0)
		s.AddBytes(id[:])
		s.AddUint64(millis)
		s.AddUint16(0)
		s.AddUint16(0x0403) // ecdsa, sha256
		s.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(signature) })
		sct, err := s.Bytes()
		if err != nil {
			return nil, err
		}
		out = append(out, sct)
	}
	return out, nil
}

// pinned are the certificates that pins and TLSA records speak of.
type pinned struct{ leaf, issuer, root []byte }

// of gives the certificate or its key for a word of the hint.
func (p pinned) of(word string, key bool) []byte {
	der := map[string][]byte{"leaf": p.leaf, "issuer": p.issuer, "root": p.root}[word]
	if der == nil {
		return []byte("nothing that is served")
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return der
	}
	if key {
		return c.RawSubjectPublicKeyInfo
	}
	return c.Raw
}

func (p pinned) pins(words []string) []string {
	var out []string
	for _, w := range words {
		w, certificate := strings.CutSuffix(w, "+certificate")
		sum := sha256.Sum256(p.of(w, !certificate))
		if certificate {
			out = append(out, hex.EncodeToString(sum[:]))
			continue
		}
		out = append(out, "sha256//"+base64.StdEncoding.EncodeToString(sum[:]))
	}
	return out
}

func (p pinned) tlsa(records []string) []string {
	var out []string
	for _, r := range records {
		f := strings.Fields(r)
		data := p.of(f[3], f[1] == "1")
		switch f[2] {
		case "1":
			sum := sha256.Sum256(data)
			data = sum[:]
		case "2":
			sum := sha512.Sum512(data)
			data = sum[:]
		}
		out = append(out, strings.Join(f[:3], " ")+" "+hex.EncodeToString(data))
	}
	return out
}
