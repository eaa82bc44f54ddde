package ct

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// SCT is one signed certificate timestamp (RFC 6962, Section 3.2).
type SCT struct {
	LogID      [32]byte
	Time       time.Time
	millis     uint64
	extensions []byte
	signature  []byte
}

// The hash and signature algorithms of RFC 5246, Section 7.4.1.4.1, that logs
// use (RFC 6962, Section 2.1.4).
const (
	hashSHA256     = 4
	signatureECDSA = 3
)

// errSCT is an SCT that is not of version 1 or breaks its layout.
var errSCT = errors.New("reading an SCT: it is not of version 1, or cut short")

// ParseSCT reads one SCT.
func ParseSCT(data []byte) (*SCT, error) {
	s := cryptobyte.String(data)
	var version, hash, algorithm uint8
	var id []byte
	var extensions, signature cryptobyte.String
	out := &SCT{}
	if !s.ReadUint8(&version) || version != 0 || !s.ReadBytes(&id, len(out.LogID)) || !s.ReadUint64(&out.millis) ||
		!s.ReadUint16LengthPrefixed(&extensions) || !s.ReadUint8(&hash) || !s.ReadUint8(&algorithm) ||
		!s.ReadUint16LengthPrefixed(&signature) || !s.Empty() || hash != hashSHA256 || algorithm != signatureECDSA || out.millis > 1<<53 {
		return nil, errSCT
	}
	copy(out.LogID[:], id)
	out.Time = time.UnixMilli(int64(out.millis)).UTC() //nolint:gosec // bounded above
	out.extensions, out.signature = extensions, signature
	return out, nil
}

// signed is what the log signs (RFC 6962, Section 3.2): the certificate itself
// or, with an issuer's key hash, the TBSCertificate of its precertificate.
func (s *SCT) signed(issuerKey *[32]byte, data []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(nil)
	b.AddUint8(0) // v1
	b.AddUint8(0) // certificate_timestamp
	b.AddUint64(s.millis)
	if issuerKey != nil {
		b.AddUint16(1) // precert_entry
		b.AddBytes(issuerKey[:])
	} else {
		b.AddUint16(0) // x509_entry
	}
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(data) })
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(s.extensions) })
	return b.Bytes()
}

// verify checks the log's signature.
func (s *SCT) verify(key *ecdsa.PublicKey, issuerKey *[32]byte, data []byte) bool {
	message, err := s.signed(issuerKey, data)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(message)
	return ecdsa.VerifyASN1(key, sum[:], s.signature)
}

// oidSCTList is the extension of embedded SCTs (RFC 6962, Section 3.3).
var oidSCTList = []byte{0x06, 0x0A, 0x2B, 0x06, 0x01, 0x04, 0x01, 0xD6, 0x79, 0x02, 0x04, 0x02}

// WithoutSCTs takes the list of SCTs out of a TBSCertificate, which gives what
// the logs have signed (RFC 6962, Section 3.2). It reports whether there was
// one. The order and the encoding of everything else stay.
func WithoutSCTs(tbs []byte) ([]byte, bool) {
	s := cryptobyte.String(tbs)
	var body cryptobyte.String
	if !s.ReadASN1(&body, asn1.SEQUENCE) || !s.Empty() {
		return nil, false
	}
	explicit := asn1.Tag(3).ContextSpecific().Constructed()
	var before, kept []byte
	found := false
	for !body.Empty() {
		var field cryptobyte.String
		var tag asn1.Tag
		if !body.ReadAnyASN1Element(&field, &tag) {
			return nil, false
		}
		if tag != explicit {
			before = append(before, field...)
			continue
		}
		var outer, list cryptobyte.String
		if !field.ReadASN1(&outer, explicit) || !outer.ReadASN1(&list, asn1.SEQUENCE) {
			return nil, false
		}
		for !list.Empty() {
			var extension, inner cryptobyte.String
			if !list.ReadASN1Element(&extension, asn1.SEQUENCE) {
				return nil, false
			}
			rest := extension
			if rest.ReadASN1(&inner, asn1.SEQUENCE) && bytes.HasPrefix(inner, oidSCTList) {
				found = true
				continue
			}
			kept = append(kept, extension...)
		}
	}
	b := cryptobyte.NewBuilder(nil)
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(before)
		if len(kept) > 0 {
			b.AddASN1(explicit, func(b *cryptobyte.Builder) {
				b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(kept) })
			})
		}
	})
	out, err := b.Bytes()
	return out, err == nil && found
}
