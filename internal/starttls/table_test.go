package starttls

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tlsBytes follow every whole dialogue of the tables: they must stay unread.
const tlsBytes = "\x15\x03\x01\x00\x02\x02\x28"

// wholes are dialogues of the server that lead to TLS, by protocol.
var wholes = map[string]string{}

// whole adds one; a file calls it in a variable declaration.
func whole(protocol, text string) struct{} {
	wholes[protocol] = text
	return struct{}{}
}

// row is one dialogue. The server says all it will say at once and then ends:
// ends is io.EOF when nil.
type row struct {
	name string
	says string
	ends error
	want Problem // 0 means that TLS follows
	step string
	code string
	text string
	caps []string
	data string
}

// Ends of a server that went silent or reset the connection.
var (
	silence = os.ErrDeadlineExceeded
	aReset  = &net.OpError{Op: "read", Err: syscall.ECONNRESET}
)

// endConn is a scriptConn that ends as it is told and keeps what was written.
type endConn struct {
	scriptConn
	ends error
	sent strings.Builder
}

func (c *endConn) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	if err == io.EOF && c.ends != nil {
		err = c.ends
	}
	return n, err
}

func (c *endConn) Write(p []byte) (int, error)      { return c.sent.Write(p) }
func (c *endConn) SetWriteDeadline(time.Time) error { return nil }

// check runs a table; sent is what the client says in each dialogue that leads
// to TLS. Whole dialogues are cut at every byte.
func check(t *testing.T, protocol, sent string, rows []row) {
	t.Helper()
	p, ok := Lookup(protocol)
	if !ok {
		t.Fatalf("no protocol %q", protocol)
	}
	rows = append(rows,
		row{name: "silence at once", ends: silence, want: NoGreeting, step: "*"},
		row{name: "closed at once", want: Closed, step: "*"},
		row{name: "reset at once", ends: aReset, want: Reset, step: "*"},
		row{name: "tls alert", says: tlsBytes, ends: silence, want: SpeaksTLS, step: "*", data: tlsBytes[:3]},
		row{name: "whole", says: wholes[protocol] + tlsBytes})
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			conn := &endConn{scriptConn: scriptConn{in: strings.NewReader(r.says)}, ends: r.ends}
			lines, err := p.Dialogue(t.Context(), conn, "host.test")
			if r.want == 0 {
				rest, _ := io.ReadAll(conn.in)
				if err != nil || string(rest) != tlsBytes {
					t.Fatalf("got %v and %q left, want TLS; dialogue %v", err, rest, lines)
				}
				if sent != "" && conn.sent.String() != sent {
					t.Errorf("sent %q, want %q", conn.sent.String(), sent)
				}
				return
			}
			var failure *Error
			if !errors.As(err, &failure) {
				t.Fatalf("got %v, want *Error; dialogue %v", err, lines)
			}
			if r.step == "*" {
				failure.Step = "*"
			}
			got := fmt.Sprintf("%s|%s|%s|%s|%q|%q", failure.Problem, failure.Step, failure.Code, failure.Text, failure.Capabilities, failure.Data)
			want := fmt.Sprintf("%s|%s|%s|%s|%q|%q", r.want, r.step, r.code, r.text, r.caps, r.data)
			if got != want {
				t.Errorf("got  %s\nwant %s\ndialogue %v", got, want, lines)
			}
		})
	}
	for n := range len(wholes[protocol]) {
		conn := &endConn{scriptConn: scriptConn{in: strings.NewReader(wholes[protocol][:n])}}
		if _, err := p.Dialogue(t.Context(), conn, "host.test"); ProblemOf(err) == 0 {
			t.Errorf("cut at %d: got %v, want an *Error", n, err)
		}
	}
}
