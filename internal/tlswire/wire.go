package tlswire

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// The bounds on what a peer may make us keep. TLS allows handshake messages
// of 16 MiB; OpenSSL stops at 100 kB of certificates, Go at 256 KiB.
const (
	// MaxHandshakeMessage bounds one handshake message, a decompressed
	// Certificate included.
	MaxHandshakeMessage = 256 << 10
	// MaxHandshakeTotal bounds all messages that one Reassembler returns.
	MaxHandshakeTotal = 1 << 20
)

// WireError says which rule of the wire format a message breaks. Parsers that
// return one also return what was readable.
type WireError struct {
	Message string // "ServerHello"
	Field   string // "cipher_suite", in the RFC's spelling; empty means the whole message
	Problem string // "truncated"
	Section string // "RFC 8446, Section 4.1.3"
}

// Error implements error.
func (e *WireError) Error() string {
	where := e.Message
	if e.Field != "" {
		where += "." + e.Field
	}
	text := "parsing " + where + ": " + e.Problem
	if e.Section != "" {
		text += " (" + e.Section + ")"
	}
	return text
}

const (
	problemTruncated = "truncated"
	problemTrailing  = "trailing bytes"
)

// reader reads fields in order and keeps the first error; after it every read
// returns zero, so that a parser can list its fields without a check at each.
type reader struct {
	message, section string
	s                cryptobyte.String
	err              *WireError
	soft             *WireError // a value that is forbidden but can be read past
}

// newReader opens the body of a handshake message with its 4-byte header.
func newReader(msg []byte, want HandshakeType, message, section string) *reader {
	r := &reader{message: message, section: section, s: cryptobyte.String(msg)}
	got := HandshakeType(r.u8("msg_type"))
	if r.err == nil && got != want {
		r.fail("msg_type", fmt.Sprintf("is %v", got))
	}
	body := r.vec24("length")
	r.end("")
	r.s = body
	return r
}

func (r *reader) fail(field, problem string) {
	if r.err == nil {
		r.err = &WireError{Message: r.message, Field: field, Problem: problem, Section: r.section}
	}
	r.s = nil
}

// object notes a forbidden value without ending the reading.
func (r *reader) object(field, problem string) {
	if r.soft == nil && r.err == nil {
		r.soft = &WireError{Message: r.message, Field: field, Problem: problem, Section: r.section}
	}
}

// result returns what was noted first, an untyped nil for nothing.
func (r *reader) result() error {
	switch {
	case r.soft != nil:
		return r.soft
	case r.err != nil:
		return r.err
	}
	return nil
}

func (r *reader) check(ok bool, field string) bool {
	if !ok {
		r.fail(field, problemTruncated)
	}
	return ok && r.err == nil
}

func (r *reader) u8(field string) (v uint8) {
	if !r.check(r.s.ReadUint8(&v), field) {
		return 0
	}
	return v
}

func (r *reader) u16(field string) (v uint16) {
	if !r.check(r.s.ReadUint16(&v), field) {
		return 0
	}
	return v
}

func (r *reader) u24(field string) (v uint32) {
	if !r.check(r.s.ReadUint24(&v), field) {
		return 0
	}
	return v
}

func (r *reader) u32(field string) (v uint32) {
	if !r.check(r.s.ReadUint32(&v), field) {
		return 0
	}
	return v
}

func (r *reader) bytes(n int, field string) (b []byte) {
	if !r.check(r.s.ReadBytes(&b, n), field) {
		return nil
	}
	return b
}

func (r *reader) vec8(field string) (b cryptobyte.String) {
	if !r.check(r.s.ReadUint8LengthPrefixed(&b), field) {
		return nil
	}
	return b
}

func (r *reader) vec16(field string) (b cryptobyte.String) {
	if !r.check(r.s.ReadUint16LengthPrefixed(&b), field) {
		return nil
	}
	return b
}

func (r *reader) vec24(field string) (b cryptobyte.String) {
	if !r.check(r.s.ReadUint24LengthPrefixed(&b), field) {
		return nil
	}
	return b
}

// list16 reads a vector of 16-bit values; nil means absent or unreadable.
func list16[T ~uint16](r *reader, field string) []T {
	body := r.vec16(field)
	if r.err != nil {
		return nil
	}
	values, ok := uint16s[T](body)
	if !ok {
		r.fail(field, "odd length")
	}
	return values
}

// rest takes what is left.
func (r *reader) rest() []byte {
	b := []byte(r.s)
	r.s = nil
	return b
}

// end reports what is left as an error.
func (r *reader) end(field string) {
	if r.err == nil && !r.s.Empty() {
		r.fail(field, problemTrailing)
	}
}

// uint16s reads 16-bit values until the end.
func uint16s[T ~uint16](s cryptobyte.String) ([]T, bool) {
	values := make([]T, 0, len(s)/2)
	for !s.Empty() {
		var v uint16
		if !s.ReadUint16(&v) {
			return values, false
		}
		values = append(values, T(v))
	}
	return values, true
}

func addUint16s[T ~uint16](b *cryptobyte.Builder, values []T) {
	for _, v := range values {
		b.AddUint16(uint16(v))
	}
}

func addVec8(b *cryptobyte.Builder, data []byte) {
	b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(data) })
}

func addVec16(b *cryptobyte.Builder, data []byte) {
	b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(data) })
}

func addVec24(b *cryptobyte.Builder, data []byte) {
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(data) })
}

// marshal builds a handshake message.
func marshal(t HandshakeType, body func(*cryptobyte.Builder)) ([]byte, error) {
	return marshalSized(t, 0, body)
}

// marshalSized is marshal where the length of the message is known.
func marshalSized(t HandshakeType, size int, body func(*cryptobyte.Builder)) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, size))
	b.AddUint8(uint8(t))
	b.AddUint24LengthPrefixed(body)
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("marshalling %v: %w", t, err)
	}
	return out, nil
}

// MarshalHandshake puts the 4-byte header before a body.
func MarshalHandshake(t HandshakeType, body []byte) ([]byte, error) {
	return marshal(t, func(b *cryptobyte.Builder) { b.AddBytes(body) })
}
