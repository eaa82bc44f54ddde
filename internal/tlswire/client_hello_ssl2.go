package tlswire

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

const sectionSSL2ClientHello = "RFC 5246, Appendix E.2"

// The message types of SSL 2.0.
const (
	ssl2Error       = 0
	ssl2ClientHello = 1
	ssl2ServerHello = 4
)

// ParseSSL2ClientHello reads the body of an SSLv2 record. CipherSuites gets the
// specs that are TLS suites (first byte zero).
func ParseSSL2ClientHello(body []byte) (*ClientHello, error) {
	r := &reader{message: "ClientHello (SSLv2)", section: sectionSSL2ClientHello, s: body}
	h := &ClientHello{SSL2: true, Raw: body}
	if t := r.u8("msg_type"); r.err == nil && t != ssl2ClientHello {
		r.fail("msg_type", fmt.Sprintf("is %d", t))
	}
	h.Version = Version(r.u16("version"))
	h.RecordVersion = h.Version
	specs := int(r.u16("cipher_spec_length"))
	session := int(r.u16("session_id_length"))
	challenge := int(r.u16("challenge_length"))
	list := cryptobyte.String(r.bytes(specs, "cipher_specs"))
	h.SSL2Specs = ssl2Specs(r, list)
	for _, spec := range h.SSL2Specs {
		if spec <= 0xFFFF {
			h.CipherSuites = append(h.CipherSuites, CipherSuite(spec))
		}
	}
	if id := r.bytes(session, "session_id"); len(id) > 0 {
		h.SessionID = id
	}
	h.Random = r.bytes(challenge, "challenge")
	r.end("")
	return h, r.result()
}

// ssl2Specs reads 3-byte cipher specs.
func ssl2Specs(r *reader, list cryptobyte.String) []uint32 {
	var specs []uint32
	for !list.Empty() {
		var spec uint32
		if !list.ReadUint24(&spec) {
			r.fail("cipher_specs", "length is no multiple of 3")
			break
		}
		specs = append(specs, spec)
	}
	return specs
}

func addSSL2Specs(b *cryptobyte.Builder, specs []uint32) {
	for _, spec := range specs {
		b.AddUint24(spec)
	}
}

// length16 is a length that must fit into its two bytes.
func length16(b *cryptobyte.Builder, n int) {
	if n > 0xFFFF {
		b.SetError(fmt.Errorf("length %d does not fit 16 bits", n))
		return
	}
	b.AddUint16(uint16(n))
}

func (h *ClientHello) marshalSSL2() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(ssl2ClientHello)
	b.AddUint16(uint16(h.Version))
	length16(&b, 3*len(h.SSL2Specs))
	length16(&b, len(h.SessionID))
	length16(&b, len(h.Random))
	addSSL2Specs(&b, h.SSL2Specs)
	b.AddBytes(h.SessionID)
	b.AddBytes(h.Random)
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("marshalling ClientHello (SSLv2): %w", err)
	}
	return out, nil
}

// marshalSSL2Record puts the 2-byte header before a body.
func marshalSSL2Record(body []byte) ([]byte, error) {
	if len(body) > maxSSL2Record {
		return nil, fmt.Errorf("marshalling SSLv2 record: body of %d bytes exceeds %d", len(body), maxSSL2Record)
	}
	var b cryptobyte.Builder
	b.AddUint16(0x8000 | uint16(len(body)))
	b.AddBytes(body)
	return b.Bytes()
}
