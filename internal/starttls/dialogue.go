package starttls

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// dialogue reads and writes lines and remembers them. It reads byte by byte, so
// that nothing which belongs to TLS is ever taken from the connection.
type dialogue struct {
	protocol string
	ctx      context.Context
	conn     net.Conn
	first    string // the step that the server's first bytes answer
	step     string
	lines    []Line
	received int // bytes of the server so far
}

// converse has a conversation in plain text, bound to the context, and gives its
// lines also where it fails.
func converse(ctx context.Context, conn net.Conn, protocol string, talk func(*dialogue) error) ([]Line, error) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline) // a connection without deadlines still ends with its peer
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		stop()
		_ = conn.SetDeadline(time.Time{})
	}()
	d := &dialogue{protocol: protocol, ctx: ctx, conn: conn, first: "greeting", step: "greeting"}
	err := talk(d)
	return d.lines, err
}

// offered is an error where the capabilities lack the word that begins TLS, or
// where something on the path has overwritten it.
func (d *dialogue) offered(capabilities []string, word string) error {
	if hasWord(capabilities, word) {
		return nil
	}
	failure := d.fail(NotOffered)
	if rewritten(capabilities) {
		failure.Problem = Rewritten
	}
	failure.Capabilities = capabilities
	return failure
}

// fail makes the error of the current step.
func (d *dialogue) fail(p Problem) *Error {
	return &Error{Protocol: d.protocol, Problem: p, Step: d.step}
}

// send writes one line and names the step that begins with it.
func (d *dialogue) send(step, line string) error {
	return d.write(step, line, []byte(line+"\r\n"))
}

// open sends the first bytes of a protocol in which the client begins.
func (d *dialogue) open(step, words string, data []byte) error {
	d.first = step
	return d.write(step, words, data)
}

// write sends bytes and keeps the words for them.
func (d *dialogue) write(step, words string, data []byte) error {
	d.step = step
	d.lines = append(d.lines, Line{Text: words})
	_, err := d.conn.Write(data)
	if err == nil {
		return nil
	}
	return d.transport(err, nil)
}

// line reads one line. Bytes that came before an error are kept as a line of
// the dialogue and in the error.
func (d *dialogue) line() (string, error) { return d.lineAfter(nil) }

// lineAfter reads the rest of a line that begins with bytes already read.
func (d *dialogue) lineAfter(line []byte) (string, error) {
	var b [1]byte
	for {
		n, err := d.conn.Read(b[:])
		if n == 1 {
			d.received++
			if b[0] == '\n' {
				text := strings.TrimSuffix(string(line), "\r")
				d.keep(text)
				return text, nil
			}
			line = append(line, b[0])
			if d.received == 3 && looksLikeTLS(line) {
				return "", d.unreadable(SpeaksTLS, line)
			}
			if len(line) > maxLine || d.received > maxReply {
				return "", d.unreadable(d.unreadableKind(), line)
			}
		}
		if err != nil {
			return "", d.transport(err, line)
		}
	}
}

// keep notes a line of the server, unless there are many already.
func (d *dialogue) keep(text string) {
	if len(d.lines) < maxKept {
		d.lines = append(d.lines, Line{Server: true, Text: text})
	}
}

// heard notes what the server said in a message that is no line of text.
func (d *dialogue) heard(format string, args ...any) {
	d.lines = append(d.lines, Line{Server: true, Text: fmt.Sprintf(format, args...)})
}

// read takes exactly n bytes of a binary message from the connection, before
// which the bytes got have been read. It returns both together.
func (d *dialogue) read(got []byte, n int) ([]byte, error) {
	var b [1]byte
	for n > 0 {
		k, err := d.conn.Read(b[:])
		if k == 1 {
			d.received++
			n--
			if got = append(got, b[0]); d.received == 3 && looksLikeTLS(got) {
				return nil, d.unreadable(SpeaksTLS, got)
			}
		}
		if err != nil && n > 0 {
			err = d.transport(err, nil)
			if failure, ok := err.(*Error); ok && len(got) > 0 {
				failure.Data = got[:min(len(got), maxData)]
			}
			return nil, err
		}
	}
	return got, nil
}

// foreign is the error for bytes that begin no message of the protocol. Text is
// read on to its line end, so that it can be shown.
func (d *dialogue) foreign(got []byte) error {
	text := len(got) > 0
	for _, b := range got {
		text = text && (b >= ' ' && b < 0x7f || b == '\t')
	}
	tls := d.received < 3 && got[0] >= 20 && got[0] <= 24
	if !text && !tls {
		return d.unreadable(d.unreadableKind(), got)
	}
	line, err := d.lineAfter(got)
	if err != nil {
		if failure, ok := err.(*Error); ok && d.step == d.first && failure.Problem != SpeaksTLS {
			failure.Problem = WrongProtocol
		}
		return err
	}
	return d.unreadable(d.unreadableKind(), []byte(line))
}

// unreadableKind is the problem of a line that is none: in the greeting it
// means that another protocol speaks.
func (d *dialogue) unreadableKind() Problem {
	if d.step == d.first {
		return WrongProtocol
	}
	return Garbled
}

// unreadable keeps the bytes and makes the error.
func (d *dialogue) unreadable(p Problem, data []byte) error {
	e := d.fail(p)
	e.Data = append([]byte(nil), data[:min(len(data), maxData)]...)
	if len(data) > 0 && (len(d.lines) == 0 || d.lines[len(d.lines)-1].Text != string(data)) {
		d.lines = append(d.lines, Line{Server: true, Text: string(e.Data)})
	}
	return e
}

// transport tells the ends of the connection apart; partial holds the bytes of
// an unfinished line.
func (d *dialogue) transport(err error, partial []byte) error {
	if cause := d.ctx.Err(); errors.Is(cause, context.Canceled) {
		return cause
	}
	problem := Broken
	switch {
	case errors.Is(err, io.EOF):
		problem = Closed
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		problem = Reset
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		problem = Silent
		if d.received == 0 {
			problem = NoGreeting
		}
	}
	// A greeting of another protocol may have no line end: say what spoke.
	if d.step == d.first && len(partial) > 0 && (problem == Silent || problem == Closed) {
		problem = WrongProtocol
	}
	failure := d.fail(problem)
	failure.Err = err
	if len(partial) > 0 {
		failure.Data = append([]byte(nil), partial[:min(len(partial), maxData)]...)
		d.lines = append(d.lines, Line{Server: true, Text: string(failure.Data)})
	}
	return failure
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// looksLikeTLS reports whether bytes begin like a TLS record: a known content
// type and a major version of 3.
func looksLikeTLS(data []byte) bool {
	return len(data) >= 3 && data[0] >= 20 && data[0] <= 24 && data[1] == 3 && data[2] <= 4
}

// refusal is the error that repeats the server's words.
func refusal(d *dialogue, p Problem, code, text string) *Error {
	failure := d.fail(p)
	failure.Code, failure.Text = code, text
	return failure
}

// block reads the lines up to a single dot (RFC 3977, Section 3.1.1).
func (d *dialogue) block() ([]string, error) {
	var lines []string
	for range maxLines {
		line, err := d.line()
		if err != nil {
			return nil, err
		}
		if line == "." {
			return lines, nil
		}
		lines = append(lines, strings.TrimPrefix(line, "."))
	}
	return nil, d.fail(Garbled)
}
