package tlswire

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

// HandshakeTooLargeError is a handshake message whose header announces more
// than the limit, or a flight beyond the total.
type HandshakeTooLargeError struct {
	Type   HandshakeType
	Length int // of the body; of everything when Total
	Limit  int
	Total  bool
}

// Error implements error.
func (e *HandshakeTooLargeError) Error() string {
	if e.Total {
		return fmt.Sprintf("reassembling handshake: %d bytes exceed %d", e.Length, e.Limit)
	}
	return fmt.Sprintf("reassembling handshake: %v of %d bytes exceeds %d", e.Type, e.Length, e.Limit)
}

// Reassembler joins the fragments of handshake records to messages. The zero
// value is ready; it is not safe for concurrent use.
type Reassembler struct {
	Limit int // of one message's body; zero means MaxHandshakeMessage
	Total int // of all messages; zero means MaxHandshakeTotal

	buf   []byte
	total int
}

// Push adds the fragment of a handshake record. The reassembler copies it.
func (a *Reassembler) Push(fragment []byte) error {
	limit := a.Total
	if limit <= 0 {
		limit = MaxHandshakeTotal
	}
	if a.total+len(fragment) > limit {
		return &HandshakeTooLargeError{Length: a.total + len(fragment), Limit: limit, Total: true}
	}
	a.total += len(fragment)
	a.buf = append(a.buf, fragment...)
	return nil
}

// Next returns the next whole message, or ok false when more is needed. Its
// memory is its own.
func (a *Reassembler) Next() (message Handshake, ok bool, err error) {
	limit := a.Limit
	if limit <= 0 {
		limit = MaxHandshakeMessage
	}
	s := cryptobyte.String(a.buf)
	var kind uint8
	var length uint32
	if !s.ReadUint8(&kind) || !s.ReadUint24(&length) {
		return Handshake{}, false, nil
	}
	if int(length) > limit {
		return Handshake{}, false, &HandshakeTooLargeError{Type: HandshakeType(kind), Length: int(length), Limit: limit}
	}
	if !s.Skip(int(length)) {
		return Handshake{}, false, nil
	}
	raw := cloneBytes(a.buf[:len(a.buf)-len(s)])
	a.buf = s
	body := cryptobyte.String(raw)
	if !body.Skip(4) {
		return Handshake{}, false, nil
	}
	return Handshake{Type: HandshakeType(kind), Body: body, Raw: raw}, true, nil
}

// Pending returns the bytes that no message took yet: at the end of a flight
// they are a message cut short.
func (a *Reassembler) Pending() []byte { return a.buf }
