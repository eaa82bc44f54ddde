package probe

import (
	"encoding/binary"
	"net/http"
	"slices"
	"strconv"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// The frame types and flags of HTTP/2 that matter to one request (RFC 9113,
// Section 6).
const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameContinuation = 9

	flagEndStream  = 0x1
	flagAck        = 0x1
	flagEndHeaders = 0x4
	flagPadded     = 0x8
	flagPriority   = 0x20

	frameHeaderSize = 9
	maxFrame        = 1 << 14 // we never allow more
	h2Preface       = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
)

// answer2 is one request over HTTP/2.
type answer2 struct {
	raw     []byte
	pending []byte
	block   []byte // header block so far
	ends    bool   // the block's HEADERS ended the stream
	decoder hpackDecoder
	http    *facts.HTTP
}

func (a *answer2) request(r *Request) []byte {
	settings := []byte{0, 2, 0, 0, 0, 0} // ENABLE_PUSH = 0
	fields := []byte{0x82, 0x87}         // :method GET, :scheme https
	fields = appendLiteral(fields, 4, requestPath(r))
	fields = appendLiteral(fields, 1, oneLine(r.Host))
	fields = appendLiteral(fields, 19, "*/*") // accept
	if r.UserAgent != "" {
		fields = appendLiteral(fields, 58, oneLine(r.UserAgent))
	}
	out := append([]byte(h2Preface), frame(frameSettings, 0, 0, settings)...)
	return append(out, frame(frameHeaders, flagEndStream|flagEndHeaders, 1, fields)...)
}

// frame builds one frame.
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	out := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(out[5:], stream)
	return append(out, payload...)
}

func (a *answer2) take(data []byte) (reply []byte, head, complete bool) {
	if a.http == nil {
		a.http = &facts.HTTP{Proto: "HTTP/2.0"}
	}
	if room := keptRaw - len(a.raw); room > 0 {
		a.raw = append(a.raw, data[:min(room, len(data))]...)
		a.http.Raw = a.raw
	}
	a.pending = append(a.pending, data...)
	for len(a.pending) >= frameHeaderSize && !complete {
		size := int(a.pending[0])<<16 | int(a.pending[1])<<8 | int(a.pending[2])
		if size > maxFrame {
			return reply, true, true // this is no HTTP/2 for us
		}
		if len(a.pending) < frameHeaderSize+size {
			break
		}
		kind, flags := a.pending[3], a.pending[4]
		payload := slices.Clone(a.pending[frameHeaderSize : frameHeaderSize+size])
		a.pending = append(a.pending[:0], a.pending[frameHeaderSize+size:]...)
		var back []byte
		back, complete = a.frame(kind, flags, payload)
		reply = append(reply, back...)
	}
	return reply, a.http.Status != 0, complete
}

// frame takes one frame of the server.
func (a *answer2) frame(kind, flags byte, payload []byte) (reply []byte, complete bool) {
	switch kind {
	case frameSettings:
		if flags&flagAck == 0 {
			return frame(frameSettings, flagAck, 0, nil), false
		}
	case framePing:
		if flags&flagAck == 0 {
			return frame(framePing, flagAck, 0, payload), false
		}
	case frameReset, frameGoAway:
		return nil, true
	case frameHeaders:
		a.block, a.ends = unpad(flags, payload, flags&flagPriority != 0), flags&flagEndStream != 0
		return nil, a.headers(flags)
	case frameContinuation:
		if len(a.block)+len(payload) <= maxHead {
			a.block = append(a.block, payload...)
		}
		return nil, a.headers(flags)
	case frameData:
		body := unpad(flags, payload, false)
		a.http.Body = append(a.http.Body, body[:min(len(body), keptBody-len(a.http.Body))]...)
		return nil, flags&flagEndStream != 0 || len(a.http.Body) >= keptBody
	}
	return nil, false
}

// unpad takes padding and priority off a frame.
func unpad(flags byte, payload []byte, priority bool) []byte {
	if flags&flagPadded != 0 && len(payload) > 0 {
		padding := int(payload[0])
		payload = payload[1:]
		payload = payload[:max(0, len(payload)-padding)]
	}
	if priority {
		payload = payload[min(5, len(payload)):]
	}
	return payload
}

// headers decodes a complete header block; true ends the answer.
func (a *answer2) headers(flags byte) bool {
	if flags&flagEndHeaders == 0 {
		return false
	}
	fields, ok := a.decoder.decode(a.block)
	a.block = nil
	if a.http.Status != 0 && !informational(a.http.Status) {
		return a.ends // trailers
	}
	header := http.Header{}
	for _, field := range fields {
		if field.name == ":status" {
			a.http.Status, _ = strconv.Atoi(field.value)
			continue
		}
		header.Add(field.name, field.value)
	}
	a.http.Header = header
	return a.ends || !ok
}

func (a *answer2) result() *facts.HTTP { return a.http }
