package tlswire

import (
	"errors"
	"fmt"
	"io"
	"math"

	"golang.org/x/crypto/cryptobyte"
)

// The lengths of a record's fragment.
const (
	MaxPlaintext  = 1 << 14           // RFC 8446, Section 5.1
	MaxCiphertext = 1<<14 + 2048      // RFC 5246, Section 6.2.3; TLS 1.3 allows 256 more than the plaintext
	maxSSL2Record = 1<<15 - 1         // with the 2-byte header
	recordHeader  = 1 + 2 + 2         // type, version, length
	maxFirstBytes = recordHeader + 59 // kept of bytes that are not TLS
)

// ContentSSL2 marks a record of SSL 2.0, which has no type on the wire: its
// Fragment is the body behind the 2-byte header.
const ContentSSL2 ContentType = 0x80

// ErrNotTLS is what a *NotTLSError unwraps to.
var ErrNotTLS = errors.New("bytes are not a TLS record")

// NotTLSError carries the first bytes of a peer that does not speak TLS, up to
// 64 of them; see IdentifyPlaintext.
type NotTLSError struct {
	First []byte
}

// Error implements error.
func (e *NotTLSError) Error() string {
	return fmt.Sprintf("reading record: first bytes %q are not a TLS record", e.First)
}

// Unwrap returns ErrNotTLS.
func (e *NotTLSError) Unwrap() error { return ErrNotTLS }

// RecordTooLargeError is a record whose header announces more than the limit.
type RecordTooLargeError struct {
	Type    ContentType
	Version Version
	Length  int
	Limit   int
}

// Error implements error.
func (e *RecordTooLargeError) Error() string {
	return fmt.Sprintf("reading record: %v record of %d bytes exceeds %d (RFC 8446, Section 5.1)", e.Type, e.Length, e.Limit)
}

// TruncatedRecordError is a stream that ended, or failed, within a record. It
// unwraps to the reader's error, io.ErrUnexpectedEOF for a plain end.
type TruncatedRecordError struct {
	Got  []byte // of the record, header included
	Want int    // length of the record with its header, at least
	Err  error
}

// Error implements error.
func (e *TruncatedRecordError) Error() string {
	return fmt.Sprintf("reading record: got %d of %d bytes: %v", len(e.Got), e.Want, e.Err)
}

// Unwrap returns the reader's error.
func (e *TruncatedRecordError) Unwrap() error { return e.Err }

// header is a parsed record header.
type header struct {
	kind    ContentType
	version Version
	size    int // of the header
	length  int // of the fragment
}

// parseHeader reads the first 5 bytes of a record. ok is false when they are
// neither a TLS nor an SSLv2 record.
func parseHeader(first []byte) (h header, ok bool) {
	s := cryptobyte.String(first)
	var kind uint8
	var version, length uint16
	if !s.ReadUint8(&kind) || !s.ReadUint16(&version) || !s.ReadUint16(&length) {
		return header{}, false
	}
	if kind >= uint8(ContentChangeCipherSpec) && kind <= uint8(ContentHeartbeat) && version>>8 == 3 {
		return header{ContentType(kind), Version(version), recordHeader, int(length)}, true
	}
	return parseSSL2Header(first)
}

// parseSSL2Header recognizes the three messages that travel in clear by their
// first fields.
func parseSSL2Header(first []byte) (header, bool) {
	s := cryptobyte.String(first)
	var size, field uint16
	var kind uint8
	if !s.ReadUint16(&size) || size&0x8000 == 0 || !s.ReadUint8(&kind) || !s.ReadUint16(&field) {
		return header{}, false
	}
	length := int(size & 0x7FFF)
	known := false
	switch kind {
	case ssl2ClientHello:
		known = length >= 9 && (field == uint16(SSL2) || field>>8 == 3)
	case ssl2ServerHello: // session_id_hit, certificate_type
		known = length >= 11 && field>>8 <= 1 && field&0xFF <= 1
	case ssl2Error:
		known = length == 3
	}
	return header{ContentSSL2, SSL2, 2, length}, known
}

// startsLikeRecord judges fewer than 5 bytes.
func startsLikeRecord(first []byte) bool {
	s := cryptobyte.String(first)
	var kind, major uint8
	if !s.ReadUint8(&kind) || kind&0x80 != 0 {
		return true
	}
	if kind < uint8(ContentChangeCipherSpec) || kind > uint8(ContentHeartbeat) {
		return false
	}
	return !s.ReadUint8(&major) || major == 3
}

// ReadRecord reads one record. limit bounds its fragment; zero means
// MaxCiphertext. The errors are io.EOF at a record boundary, *NotTLSError,
// *RecordTooLargeError and *TruncatedRecordError. For bytes that are not TLS it
// reads at most what one more Read returns.
func ReadRecord(r io.Reader, limit int) (Record, error) {
	if limit <= 0 {
		limit = MaxCiphertext
	}
	first := make([]byte, recordHeader)
	n, err := io.ReadFull(r, first)
	first = first[:n]
	if n == 0 && err != nil {
		return Record{}, err
	}
	if err != nil {
		if !startsLikeRecord(first) {
			return Record{}, &NotTLSError{First: first}
		}
		return Record{}, &TruncatedRecordError{Got: first, Want: recordHeader, Err: err}
	}
	h, ok := parseHeader(first)
	if !ok {
		more := make([]byte, maxFirstBytes-recordHeader)
		n, _ := r.Read(more)
		return Record{}, &NotTLSError{First: append(first, more[:n]...)}
	}
	if h.length > limit {
		return Record{}, &RecordTooLargeError{h.kind, h.version, h.length, limit}
	}
	whole := make([]byte, h.size+h.length)
	have := copy(whole, first)
	n, err = io.ReadFull(r, whole[have:])
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Record{}, &TruncatedRecordError{Got: whole[:have+n], Want: len(whole), Err: err}
	}
	return Record{Type: h.kind, Version: h.version, Fragment: whole[h.size:]}, nil
}

// RecordSplitter takes a stream in pieces of any size and returns its records.
// The zero value is ready; it is not safe for concurrent use.
type RecordSplitter struct {
	Limit int // of a fragment; zero means MaxCiphertext

	buf []byte
	err error
}

// Push adds bytes of the stream. The splitter copies them.
func (p *RecordSplitter) Push(data []byte) { p.buf = append(p.buf, data...) }

// Next returns the next whole record, or ok false when more bytes are needed.
// After an error (*NotTLSError, *RecordTooLargeError) the stream cannot be
// followed and every call returns that error.
func (p *RecordSplitter) Next() (record Record, ok bool, err error) {
	if p.err != nil {
		return Record{}, false, p.err
	}
	if len(p.buf) < recordHeader {
		if !startsLikeRecord(p.buf) {
			p.err = &NotTLSError{First: cloneBytes(p.buf)}
		}
		return Record{}, false, p.err
	}
	h, known := parseHeader(p.buf[:recordHeader])
	limit := p.Limit
	if limit <= 0 {
		limit = MaxCiphertext
	}
	switch {
	case !known:
		p.err = &NotTLSError{First: cloneBytes(p.buf[:min(len(p.buf), maxFirstBytes)])}
		return Record{}, false, p.err
	case h.length > limit:
		p.err = &RecordTooLargeError{h.kind, h.version, h.length, limit}
		return Record{}, false, p.err
	}
	s := cryptobyte.String(p.buf)
	var fragment []byte
	if !s.Skip(h.size) || !s.ReadBytes(&fragment, h.length) {
		return Record{}, false, nil
	}
	record = Record{Type: h.kind, Version: h.version, Fragment: append([]byte{}, fragment...)}
	p.buf = s
	return record, true, nil
}

// Remaining returns the bytes that no record took yet.
func (p *RecordSplitter) Remaining() []byte { return p.buf }

// Marshal returns the record as on the wire.
func (r Record) Marshal() ([]byte, error) {
	if r.Type == ContentSSL2 {
		return marshalSSL2Record(r.Fragment)
	}
	var b cryptobyte.Builder
	b.AddUint8(uint8(r.Type))
	b.AddUint16(uint16(r.Version))
	addVec16(&b, r.Fragment)
	out, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("marshalling record: %w", err)
	}
	return out, nil
}

// MarshalRecords splits data over records of at most size bytes each (zero
// means MaxPlaintext). Empty data makes one empty record.
func MarshalRecords(t ContentType, v Version, data []byte, size int) ([]byte, error) {
	if size <= 0 {
		size = MaxPlaintext
	}
	out := make([]byte, 0, len(data)+recordHeader*(len(data)/size+1))
	for {
		n := min(size, len(data))
		if n > math.MaxUint16 {
			return nil, fmt.Errorf("marshalling record: %d bytes are too many", n)
		}
		out = append(out, byte(t), byte(v>>8), byte(v), byte(n>>8), byte(n))
		out = append(out, data[:n]...)
		data = data[n:]
		if len(data) == 0 {
			return out, nil
		}
	}
}
