package lab

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// plainToTLS is what a web server says to plain HTTP on its TLS port.
const plainToTLS = "HTTP/1.1 400 Bad Request\r\nServer: tlswhy-lab\r\nContent-Type: text/plain\r\nConnection: close\r\n" +
	"Content-Length: 54\r\n\r\nClient sent an HTTP request to an HTTPS server (lab).\n\n"

// stream is the connection after the handshake.
type stream interface {
	io.Reader
	io.Writer
}

// answer is the application: HTTP/1.1, a minimum of HTTP/2, and lines of SMTP
// or IMAP where the connection began with their dialogue.
func (e *engine) answer(conn *serverConn, s stream, protocol, name string, hasCertificate bool) {
	if e.faults.Mute {
		_, _ = io.Copy(io.Discard, s) // until the client goes
		return
	}
	if e.faults.StartTLS != "" {
		e.answerLines(s)
		return
	}
	if r := e.faults.Hangup; !r.IsZero() {
		_, _ = s.Read(make([]byte, 1)) // what it asks for does not matter
		_ = r.do(conn, nil)            // always an error
		return
	}
	status := e.statusFor(conn, name)
	body := "It works.\n"
	if e.faults.HTTP400 && !hasCertificate {
		// The words of nginx, which the browser shows.
		status = http.StatusBadRequest
		body = "<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n<body>\r\n" +
			"<center><h1>400 Bad Request</h1></center>\r\n<center>No required SSL certificate was sent</center>\r\n</body>\r\n</html>\r\n"
	}
	if protocol == "h2" {
		answerH2(s, status, body)
		return
	}
	in := bufio.NewReader(io.LimitReader(s, 1<<20))
	request, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	server := e.faults.ServerHeader
	if server == "" {
		server = "tlswhy-lab"
	}
	_, _ = fmt.Fprintf(s, "HTTP/1.1 %d %s\r\nServer: %s\r\n%sContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n",
		status, http.StatusText(status), server, e.faults.fields(), len(body)) // the client may be gone
	if request.Method != http.MethodHead {
		_, _ = io.WriteString(s, body)
	}
}

// fields are the header fields that the faults add.
func (a *App) fields() string {
	var out string
	if a.Location != "" {
		out += "Location: " + a.Location + "\r\n"
	}
	if a.Date {
		out += "Date: " + time.Now().Add(a.DateOff).UTC().Format(http.TimeFormat) + "\r\n"
	}
	return out
}

// answerLines agrees to every line until QUIT or LOGOUT.
func (e *engine) answerLines(s stream) {
	in := bufio.NewScanner(io.LimitReader(s, 1<<20))
	for in.Scan() {
		words := strings.Fields(in.Text())
		if len(words) == 0 {
			continue
		}
		reply := "250 mx.lab.test\r\n"
		done := strings.EqualFold(words[0], "QUIT")
		if done {
			reply = "221 bye\r\n"
		}
		if e.faults.StartTLS == "imap" {
			done = len(words) > 1 && strings.EqualFold(words[1], "LOGOUT")
			reply = words[0] + " OK done\r\n"
		}
		if _, err := io.WriteString(s, reply); err != nil || done {
			return
		}
	}
}

// The frames of RFC 9113 that the answer needs.
const (
	frameData     = 0
	frameHeaders  = 1
	frameSettings = 4
	frameGoAway   = 7
)

// answerH2 answers the first request of an HTTP/2 connection (RFC 9113).
func answerH2(s stream, status int, body string) {
	preface := make([]byte, 24)
	if _, err := io.ReadFull(s, preface); err != nil {
		return
	}
	if _, err := s.Write(frame(frameSettings, 0, 0, nil)); err != nil {
		return
	}
	header := make([]byte, 9)
	for range 100 {
		if _, err := io.ReadFull(s, header); err != nil {
			return
		}
		size := int(binary.BigEndian.Uint32(header) >> 8)
		if _, err := io.CopyN(io.Discard, s, int64(size)); err != nil {
			return
		}
		switch header[3] {
		case frameSettings:
			if header[4]&1 == 0 {
				_, _ = s.Write(frame(frameSettings, 1, 0, nil)) // the next read shows an error
			}
		case frameHeaders:
			stream := binary.BigEndian.Uint32(header[5:])
			// A literal :status without indexing, name of static index 8 (RFC
			// 7541, Section 6.2.2).
			block := append([]byte{0x08, 0x03}, fmt.Sprint(status)...)
			out := frame(frameHeaders, 4, stream, block)
			out = append(out, frame(frameData, 1, stream, []byte(body))...)
			out = append(out, frame(frameGoAway, 0, 0, append(binary.BigEndian.AppendUint32(nil, stream), 0, 0, 0, 0))...)
			_, _ = s.Write(out) // the client may be gone
			return
		}
	}
}

// frame is one HTTP/2 frame.
func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	out := []byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(out, stream), payload...)
}
