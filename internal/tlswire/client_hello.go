package tlswire

import (
	"fmt"

	"golang.org/x/crypto/cryptobyte"
)

const sectionClientHello = "RFC 8446, Section 4.1.2"

// ParseClientHello reads a ClientHello with its handshake header. On a
// *WireError the hello is returned as far as it was readable. The result
// shares msg's memory.
func ParseClientHello(msg []byte) (*ClientHello, error) {
	r := newReader(msg, TypeClientHello, "ClientHello", sectionClientHello)
	h := &ClientHello{Raw: msg}
	h.Version = Version(r.u16("legacy_version"))
	h.Random = r.bytes(32, "random")
	h.SessionID = r.vec8("legacy_session_id")
	if len(h.SessionID) > 32 {
		r.object("legacy_session_id", "is longer than 32 bytes")
	}
	h.CipherSuites = list16[CipherSuite](r, "cipher_suites")
	h.Compression = r.vec8("legacy_compression_methods")
	if r.err != nil || r.s.Empty() {
		return h, r.result() // without extensions, as up to TLS 1.1
	}
	h.Extensions = r.extensions()
	r.end("")
	if r.err == nil {
		r.noDuplicates(h.Extensions)
	}
	return h, r.result()
}

// Marshal returns the handshake message, or the body of the SSLv2 record. It
// refuses only what the length fields cannot say.
func (h *ClientHello) Marshal() ([]byte, error) {
	if h.SSL2 {
		return h.marshalSSL2()
	}
	return marshalSized(TypeClientHello, h.size(), func(b *cryptobyte.Builder) {
		b.AddUint16(uint16(h.Version))
		b.AddBytes(h.Random)
		addVec8(b, h.SessionID)
		b.AddUint16LengthPrefixed(func(b *cryptobyte.Builder) { addUint16s(b, h.CipherSuites) })
		addVec8(b, h.Compression)
		if h.Extensions != nil {
			addExtensions(b, h.Extensions)
		}
	})
}

// MarshalRecord returns the hello in its record, in several where it is longer
// than a record may be, or in the SSLv2 record.
func (h *ClientHello) MarshalRecord() ([]byte, error) {
	body, err := h.Marshal()
	if err != nil {
		return nil, err
	}
	if h.SSL2 {
		return marshalSSL2Record(body)
	}
	version := h.RecordVersion
	if version == 0 {
		version = TLS10
	}
	return MarshalRecords(ContentHandshake, version, body, MaxPlaintext)
}

// ParseClientHelloRecord reads the ClientHello from the records that carry it,
// or from an SSLv2 record (RFC 5246, Appendix E.2). Bytes after the hello are
// left alone.
func ParseClientHelloRecord(rec []byte) (*ClientHello, error) {
	var records RecordSplitter
	var messages Reassembler
	records.Push(rec)
	version := Version(0)
	for {
		record, ok, err := records.Next()
		if err != nil {
			return nil, fmt.Errorf("reading ClientHello: %w", err)
		}
		if !ok {
			return nil, &WireError{Message: "ClientHello", Problem: problemTruncated, Section: sectionClientHello}
		}
		if version == 0 {
			version = record.Version
		}
		switch record.Type {
		case ContentSSL2:
			return ParseSSL2ClientHello(record.Fragment)
		case ContentHandshake:
		default:
			return nil, &WireError{Message: "ClientHello", Problem: fmt.Sprintf("came in a record of type %v", record.Type), Section: "RFC 8446, Section 5.1"}
		}
		if err := messages.Push(record.Fragment); err != nil {
			return nil, fmt.Errorf("reading ClientHello: %w", err)
		}
		message, ok, err := messages.Next()
		if err != nil {
			return nil, fmt.Errorf("reading ClientHello: %w", err)
		}
		if ok {
			h, err := ParseClientHello(message.Raw)
			h.RecordVersion = version
			return h, err
		}
	}
}

// Clone returns a deep copy without Raw, ready to be changed.
func (h *ClientHello) Clone() *ClientHello {
	c := *h
	c.SSL2Specs = append([]uint32(nil), h.SSL2Specs...)
	c.Random = cloneBytes(h.Random)
	c.SessionID = cloneBytes(h.SessionID)
	c.CipherSuites = append([]CipherSuite(nil), h.CipherSuites...)
	c.Compression = cloneBytes(h.Compression)
	c.Extensions = cloneExtensions(h.Extensions)
	c.Raw = nil
	return &c
}

// Extension returns the body of the first extension of this type.
func (h *ClientHello) Extension(t ExtensionType) ([]byte, bool) {
	return findExtension(h.Extensions, t)
}

// HasExtension reports whether the hello carries an extension of this type.
func (h *ClientHello) HasExtension(t ExtensionType) bool {
	_, ok := h.Extension(t)
	return ok
}

// SetExtension replaces the body of the extension in place, or appends the
// extension; pre_shared_key stays last (RFC 8446, Section 4.2.11). A hello with
// a padding extension keeps its length where it can.
func (h *ClientHello) SetExtension(t ExtensionType, data []byte) {
	h.repadded(func() {
		for i := range h.Extensions {
			if h.Extensions[i].Type == t {
				h.Extensions[i].Data = data
				return
			}
		}
		e := Extension{Type: t, Data: data}
		n := len(h.Extensions)
		if n > 0 && h.Extensions[n-1].Type == ExtPreSharedKey {
			last := h.Extensions[n-1]
			h.Extensions = append(h.Extensions[:n-1:n-1], e, last)
			return
		}
		h.Extensions = append(h.Extensions, e)
	})
}

// RemoveExtension removes every extension of this type.
func (h *ClientHello) RemoveExtension(t ExtensionType) {
	h.repadded(func() { h.removeExtension(t) })
}

func (h *ClientHello) removeExtension(t ExtensionType) {
	if !h.HasExtension(t) {
		return
	}
	kept := make([]Extension, 0, len(h.Extensions))
	for _, e := range h.Extensions {
		if e.Type != t {
			kept = append(kept, e)
		}
	}
	h.Extensions = kept
}

// SetCipherSuites replaces the suites, keeping a padded hello's length.
func (h *ClientHello) SetCipherSuites(suites []CipherSuite) {
	h.repadded(func() { h.CipherSuites = suites })
}

// repadded runs a change and then restores the length that a padding extension
// (RFC 7685) gave the hello.
func (h *ClientHello) repadded(change func()) {
	if h.SSL2 || !h.HasExtension(ExtPadding) {
		change()
		return
	}
	before := h.size()
	change()
	if h.HasExtension(ExtPadding) && h.size() != before {
		h.PadTo(before)
	}
}

// PadTo gives the handshake message (with its 4-byte header) this length by a
// padding extension (RFC 7685), or removes that where the hello is too long.
// Where less is missing than an extension needs, the padding is one byte, as
// OpenSSL and Chrome do, and the hello a little longer.
func (h *ClientHello) PadTo(length int) {
	missing := length - h.sizeWithout(ExtPadding)
	if missing <= 0 {
		h.removeExtension(ExtPadding)
		return
	}
	padding := make([]byte, max(1, missing-4))
	for i := range h.Extensions {
		if h.Extensions[i].Type == ExtPadding {
			h.Extensions[i].Data = padding
			return
		}
	}
	h.Extensions = append(h.Extensions, Extension{Type: ExtPadding, Data: padding})
	if n := len(h.Extensions); n > 1 && h.Extensions[n-2].Type == ExtPreSharedKey {
		h.Extensions[n-1], h.Extensions[n-2] = h.Extensions[n-2], h.Extensions[n-1]
	}
}

// size is the length of the handshake message with its header.
func (h *ClientHello) size() int {
	n := 4 + 2 + len(h.Random) + 1 + len(h.SessionID) + 2 + 2*len(h.CipherSuites) + 1 + len(h.Compression)
	if h.Extensions != nil {
		n += 2
	}
	for _, e := range h.Extensions {
		n += 4 + len(e.Data)
	}
	return n
}

func (h *ClientHello) sizeWithout(t ExtensionType) int {
	n := h.size()
	for _, e := range h.Extensions {
		if e.Type == t {
			n -= 4 + len(e.Data)
		}
	}
	return n
}
