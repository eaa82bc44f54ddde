package tlswire

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// ParseCertificateVerify reads a CertificateVerify with its header; up to TLS
// 1.1 it names no scheme.
func ParseCertificateVerify(msg []byte, version Version) (*CertificateVerify, error) {
	r := newReader(msg, TypeCertificateVerify, "CertificateVerify", "RFC 8446, Section 4.4.3")
	c := &CertificateVerify{}
	if version >= TLS12 {
		c.Scheme = SignatureScheme(r.u16("algorithm"))
		c.HasScheme = r.err == nil
	}
	c.Signature = r.vec16("signature")
	r.end("")
	return c, r.result()
}

// Marshal returns the handshake message.
func (c *CertificateVerify) Marshal() ([]byte, error) {
	return marshal(TypeCertificateVerify, func(b *cryptobyte.Builder) {
		if c.HasScheme {
			b.AddUint16(uint16(c.Scheme))
		}
		addVec16(b, c.Signature)
	})
}

// ParseNewSessionTicket reads a NewSessionTicket with its header, in the layout
// of the version (RFC 5077, Section 3.3; RFC 8446, Section 4.6.1).
func ParseNewSessionTicket(msg []byte, version Version) (*NewSessionTicket, error) {
	section := "RFC 5077, Section 3.3"
	if version >= TLS13 {
		section = "RFC 8446, Section 4.6.1"
	}
	r := newReader(msg, TypeNewSessionTicket, "NewSessionTicket", section)
	t := &NewSessionTicket{Lifetime: r.u32("ticket_lifetime")}
	if version < TLS13 {
		t.Ticket = r.vec16("ticket")
		r.end("")
		return t, r.result()
	}
	t.AgeAdd = r.u32("ticket_age_add")
	t.Nonce = r.vec8("ticket_nonce")
	t.Ticket = r.vec16("ticket")
	t.Extensions = r.extensions()
	r.end("")
	return t, r.result()
}

// Marshal returns the handshake message in the layout of the version.
func (t *NewSessionTicket) Marshal(version Version) ([]byte, error) {
	return marshal(TypeNewSessionTicket, func(b *cryptobyte.Builder) {
		b.AddUint32(t.Lifetime)
		if version >= TLS13 {
			b.AddUint32(t.AgeAdd)
			addVec8(b, t.Nonce)
		}
		addVec16(b, t.Ticket)
		if version >= TLS13 {
			addExtensions(b, t.Extensions)
		}
	})
}

// ParseFinished returns the verify_data of a Finished with its header: 36 bytes
// in SSL 3.0, 12 up to TLS 1.2, the length of the hash in TLS 1.3.
func ParseFinished(msg []byte) (verifyData []byte, err error) {
	r := newReader(msg, TypeFinished, "Finished", "RFC 8446, Section 4.4.4")
	verifyData = r.rest()
	if r.err == nil && len(verifyData) == 0 {
		r.fail("verify_data", problemTruncated)
	}
	return verifyData, r.result()
}

// MarshalFinished returns a Finished.
func MarshalFinished(verifyData []byte) ([]byte, error) {
	return MarshalHandshake(TypeFinished, verifyData)
}

// ParseKeyUpdate reads a KeyUpdate with its header (RFC 8446, Section 4.6.3).
func ParseKeyUpdate(msg []byte) (updateRequested bool, err error) {
	r := newReader(msg, TypeKeyUpdate, "KeyUpdate", "RFC 8446, Section 4.6.3")
	request := r.u8("request_update")
	r.end("")
	if r.err == nil && request > 1 {
		r.fail("request_update", fmt.Sprintf("is %d", request))
	}
	return request == 1, r.result()
}

// MarshalKeyUpdate returns a KeyUpdate.
func MarshalKeyUpdate(requestUpdate bool) ([]byte, error) {
	body := []byte{0}
	if requestUpdate {
		body = []byte{1}
	}
	return MarshalHandshake(TypeKeyUpdate, body)
}

// ParseAlert reads the fragment of an alert record. A record may hold several
// alerts up to TLS 1.2; the first is returned.
func ParseAlert(fragment []byte) (Alert, error) {
	r := &reader{message: "Alert", section: "RFC 8446, Section 6", s: fragment}
	level := r.u8("level")
	description := r.u8("description")
	return Alert{Level: AlertLevel(level), Description: AlertDescription(description)}, r.result()
}

// Marshal returns the fragment of an alert record.
func (a Alert) Marshal() []byte { return []byte{uint8(a.Level), uint8(a.Description)} }
