package facts

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// opening is what passed in clear before TLS: a PROXY header, an HTTP CONNECT,
// a STARTTLS dialogue.
type opening struct {
	said    [2][]byte // not yet a line
	heard   [2]int    // bytes so far
	lines   []PreambleLine
	spoken  string // the protocol that asked for TLS, in the words of package starttls; "proxy", "connect"
	asked   bool   // the client asked for TLS
	granted bool   // the server agreed
	begun   bool   // a ClientHello began; it may not be whole
	refusal *End
	// spurned is one after which the client began TLS all the same, as openssl
	// s_client does.
	spurned *End
	// refusalAt is its packet.
	refusalAt int
}

// Bounds of a dialogue.
const (
	maxOpening      = 16 << 10 // bytes of one side
	maxOpeningLines = 60
	maxOpeningLine  = 300
)

// open takes bytes before TLS.
func (r *Recorder) open(from tlswire.Side, data []byte) {
	side := 0
	if from == tlswire.SideServer {
		side = 1
	}
	first := r.heard[side] == 0
	r.heard[side] += len(data)
	r.said[side] = append(r.said[side], data...)
	if from == tlswire.SideClient {
		if at := findHello(r.said[0], first); at >= 0 {
			r.start(at)
			return
		}
	}
	switch {
	case from == tlswire.SideServer && r.tlsFromServer(first):
		r.phase = phaseTLS
		r.flush(1)
		return
	case from == tlswire.SideClient && first && !r.a.Seen.Began && recordStart(data):
		r.phase = phaseTLS // the middle of a connection
		r.flush(0)
		return
	}
	r.listen(from, side)
	if r.heard[0] > maxOpening || r.heard[1] > maxOpening {
		r.phase = phaseOther
		r.said = [2][]byte{}
	}
}

// tlsFromServer reports TLS from a server that has not seen a ClientHello: its
// alert to a client that speaks in clear, or the middle of a connection.
func (r *Recorder) tlsFromServer(first bool) bool {
	said := r.said[1]
	if !first || !recordStart(said) {
		return false
	}
	return !r.a.Seen.Began || said[0] == byte(tlswire.ContentAlert)
}

// start begins the TLS phase at an offset of the client's bytes.
func (r *Recorder) start(at int) {
	r.begun = true
	said := r.said[0]
	const header = 8 // of a TDS packet
	switch {
	case at >= header && said[at-header] == 0x12:
		r.spoken, r.asked = "mssql", true
		r.lanes[0].inTDS, r.lanes[1].inTDS = true, true
		at -= header
	case bytes.HasPrefix(said, []byte("\r\n\r\n\x00\r\nQUIT\n")):
		r.spoken = "proxy"
		r.say(tlswire.SideClient, fmt.Appendf(nil, "PROXY protocol version 2 header, %d bytes", at))
	case at > 0:
		r.say(tlswire.SideClient, bytes.TrimSpace(said[:at]))
	}
	if r.spoken == "" && len(r.lines) > 0 && strings.HasPrefix(r.lines[0].Text, "PROXY ") {
		r.spoken = "proxy"
	}
	r.said[0] = said[at:]
	r.phase = phaseTLS
	r.spurned, r.refusal = r.refusal, nil
	r.flush(0)
}

// flush hands what is left to the TLS phase.
func (r *Recorder) flush(side int) {
	rest := r.said[side]
	r.said = [2][]byte{}
	from := tlswire.SideClient
	if side == 1 {
		from = tlswire.SideServer
	}
	r.push(from, rest)
}

// loseOpening gives a dialogue up that cannot be followed; TLS may still begin
// at the next segment.
func (r *Recorder) loseOpening(from tlswire.Side) {
	r.a.Seen.Began = false
	r.said = [2][]byte{}
	if from == tlswire.SideClient {
		r.heard[0] = 0
	} else {
		r.heard[1] = 0
	}
}

// findHello returns where a ClientHello begins, or -1. In the SSLv2 format it
// is looked for at the first byte only.
func findHello(data []byte, first bool) int {
	for at := 0; ; at++ {
		i := bytes.IndexByte(data[at:], byte(tlswire.ContentHandshake))
		if i < 0 {
			break
		}
		at += i
		if helloAt(data[at:]) {
			return at
		}
	}
	const ssl2Header = 5
	if first && len(data) >= ssl2Header && data[0]&0x80 != 0 && data[2] == 1 && (data[3] == 3 || data[3] == 0 && data[4] == 2) {
		return 0
	}
	return -1
}

// helloAt judges the headers of record and message: 9 fixed bytes and two
// lengths that fit.
func helloAt(b []byte) bool {
	const least = 11
	if len(b) < least || b[1] != 3 || b[2] > 4 || b[5] != byte(tlswire.TypeClientHello) || b[6] != 0 || b[9] != 3 || b[10] > 4 {
		return false
	}
	record, message := int(b[3])<<8|int(b[4]), int(b[7])<<8|int(b[8])
	return record > 0 && record <= tlswire.MaxPlaintext && message >= 38 && record <= message+4
}

// unwrapTDS takes the headers of TDS packets out of a stream; after the
// handshake the stream goes on without them.
func (l *lane) unwrapTDS(data []byte) []byte {
	var out []byte
	for len(data) > 0 {
		if l.tds == 0 {
			const header = 8
			if len(data) < header || data[0] != 0x12 && data[0] != 0x04 {
				l.inTDS = false
				return append(out, data...)
			}
			l.tds = max(0, int(data[2])<<8|int(data[3])-header)
			data = data[header:]
			continue
		}
		n := min(l.tds, len(data))
		out, data = append(out, data[:n]...), data[n:]
		l.tds -= n
	}
	return out
}

// say keeps one line of the dialogue.
func (r *Recorder) say(from tlswire.Side, line []byte) {
	if len(r.lines) >= maxOpeningLines || len(line) == 0 {
		return
	}
	text := strings.Map(func(c rune) rune {
		if c < ' ' && c != '\t' || c == 0x7F || c == '\uFFFD' {
			return '.'
		}
		return c
	}, strings.ToValidUTF8(string(line[:min(len(line), maxOpeningLine)]), "."))
	r.lines = append(r.lines, PreambleLine{From: from, Text: secretFree(text)})
}

// secretFree leaves the words behind out that log somebody in.
func secretFree(line string) string {
	lower := strings.ToLower(line)
	for _, word := range []string{"auth plain ", "auth login ", "pass ", "login ", "authorization: ", "proxy-authorization: ", "cookie: "} {
		if i := strings.Index(lower, word); i >= 0 {
			return line[:i+len(word)] + "..."
		}
	}
	return line
}

// StartTLS is the protocol in which TLS was asked for, "" when there was none.
func (r *Recorder) StartTLS() string { return r.spoken }
