package tlswire

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

const sectionSSL2 = "SSL 2.0, Section 2.6"

// ParseSSL2ServerHello reads the body of an SSLv2 record.
func ParseSSL2ServerHello(body []byte) (*SSL2ServerHello, error) {
	r := &reader{message: "ServerHello (SSLv2)", section: sectionSSL2, s: body}
	h := &SSL2ServerHello{}
	if t := r.u8("msg_type"); r.err == nil && t != ssl2ServerHello {
		r.fail("msg_type", fmt.Sprintf("is %d", t))
	}
	h.SessionIDHit = r.u8("session_id_hit") != 0
	h.CertType = r.u8("certificate_type")
	h.Version = Version(r.u16("server_version"))
	certificate := int(r.u16("certificate_length"))
	specs := int(r.u16("cipher_specs_length"))
	connection := int(r.u16("connection_id_length"))
	h.Certificate = r.bytes(certificate, "certificate")
	h.Specs = ssl2Specs(r, r.bytes(specs, "cipher_specs"))
	h.ConnectionID = r.bytes(connection, "connection_id")
	r.end("")
	return h, r.result()
}

// Marshal returns the body of the SSLv2 record.
func (h *SSL2ServerHello) Marshal() ([]byte, error) {
	var b cryptobyte.Builder
	b.AddUint8(ssl2ServerHello)
	hit := uint8(0)
	if h.SessionIDHit {
		hit = 1
	}
	b.AddUint8(hit)
	b.AddUint8(h.CertType)
	b.AddUint16(uint16(h.Version))
	length16(&b, len(h.Certificate))
	length16(&b, 3*len(h.Specs))
	length16(&b, len(h.ConnectionID))
	b.AddBytes(h.Certificate)
	addSSL2Specs(&b, h.Specs)
	b.AddBytes(h.ConnectionID)
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("marshalling ServerHello (SSLv2): %w", err)
	}
	return out, nil
}

// ParseSSL2Error reads the body of an SSLv2 record that carries an error
// message: 1 no cipher, 2 no certificate, 4 bad certificate, 6 unsupported
// certificate type.
func ParseSSL2Error(body []byte) (code uint16, err error) {
	r := &reader{message: "Error (SSLv2)", section: sectionSSL2, s: body}
	if t := r.u8("msg_type"); r.err == nil && t != ssl2Error {
		r.fail("msg_type", fmt.Sprintf("is %d", t))
	}
	code = r.u16("error_code")
	r.end("")
	return code, r.result()
}
