package starttls

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// script is what a server says: the first entry is its greeting, each further
// one answers one line of the client. The words end, reset and wait close,
// reset and keep the connection without an answer.
type script []string

const (
	endNow   = "\x00end"
	resetNow = "\x00reset"
	waitNow  = "\x00wait"
)

// serve runs the script for one connection and returns a client connection.
func serve(t *testing.T, s script) net.Conn {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		in := bufio.NewReader(conn)
		for i, answer := range s {
			if i > 0 {
				if _, err := in.ReadString('\n'); err != nil {
					return
				}
			}
			for _, mark := range []string{endNow, resetNow, waitNow} {
				text, found := strings.CutSuffix(answer, mark)
				if !found {
					continue
				}
				conn.Write([]byte(text))
				switch mark {
				case resetNow:
					// Give the client time to read what came before the reset.
					conn.(*net.TCPConn).SetLinger(0)
				case waitNow:
					in.ReadString(0)
				}
				return
			}
			conn.Write([]byte(answer))
		}
		in.ReadString(0)
	}()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		conn.Close()
		listener.Close()
		<-done
	})
	return conn
}

func TestDialogue(t *testing.T) {
	t.Parallel()
	ehlo := "250-mx.test\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-STARTTLS\r\n250 8BITMIME\r\n"
	caps := "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK done\r\n"
	cases := []struct {
		name     string
		protocol string
		script   script
		want     Problem
		step     string
		code     string
		text     string
		caps     []string
		data     string
	}{
		{name: "smtp normal", protocol: "smtp", script: script{"220 mx.test ESMTP\r\n", ehlo, "220 go ahead\r\n"}},
		{name: "smtp long greeting", protocol: "smtp", script: script{"220-mx.test ESMTP\r\n220-no spam\r\n220 please\r\n", ehlo, "220 2.0.0 Ready\r\n"}},
		{name: "smtp greeting of 300 lines", protocol: "smtp", script: script{strings.Repeat("220-no spam\r\n", 299) + "220 mx.test ESMTP\r\n", ehlo, "220 2.0.0 Ready\r\n"}},
		{name: "smtp bare newlines", protocol: "smtp", script: script{"220 mx\n", "250 starttls\n", "220\n"}, want: NotOffered, step: "EHLO"},
		{name: "smtp lower case", protocol: "smtp", script: script{"220 mx\n", "250-mx\n250 starttls\n", "220\n"}},
		{name: "smtp host called ftp", protocol: "smtp", script: script{"220 ftp.example.test Postfix\r\n", ehlo, "220 go\r\n"}},
		{name: "smtp 421", protocol: "smtp", script: script{"421 4.7.0 too many connections\r\n"}, want: Unavailable, step: "greeting", code: "421", text: "4.7.0 too many connections"},
		{name: "smtp 554", protocol: "smtp", script: script{"554-mx.test\r\n554 blocked, see https://x.test\r\n"}, want: Unavailable, step: "greeting", code: "554", text: "mx.test blocked, see https://x.test"},
		{name: "smtp 450", protocol: "smtp", script: script{"450 busy\r\n"}, want: Unavailable, step: "greeting", code: "450", text: "busy"},
		{name: "smtp not offered", protocol: "smtp", script: script{"220 mx\r\n", "250-mx\r\n250-SIZE\r\n250 HELP\r\n"}, want: NotOffered, step: "EHLO", caps: []string{"SIZE", "HELP"}},
		{name: "smtp rewritten", protocol: "smtp", script: script{"220 mx\r\n", "250-mx\r\n250-XXXXXXXA\r\n250 HELP\r\n"}, want: Rewritten, step: "EHLO", caps: []string{"XXXXXXXA", "HELP"}},
		{name: "smtp only HELO", protocol: "smtp", script: script{"220 mx\r\n", "500 what?\r\n", "250 mx\r\n"}, want: NotOffered, step: "HELO"},
		{name: "smtp no HELO either", protocol: "smtp", script: script{"220 mx\r\n", "502 no\r\n", "550 go away\r\n"}, want: Refused, step: "HELO", code: "550", text: "go away"},
		{name: "smtp 421 to EHLO", protocol: "smtp", script: script{"220 mx\r\n", "421 closing\r\n"}, want: Refused, step: "EHLO", code: "421", text: "closing"},
		{name: "smtp 454", protocol: "smtp", script: script{"220 mx\r\n", ehlo, "454 4.7.0 TLS not available due to local problem\r\n"}, want: Refused, step: "STARTTLS", code: "454", text: "4.7.0 TLS not available due to local problem", caps: []string{"PIPELINING", "SIZE 1000", "STARTTLS", "8BITMIME"}},
		{name: "smtp 502", protocol: "smtp", script: script{"220 mx\r\n", ehlo, "502 not implemented\r\n"}, want: Refused, step: "STARTTLS", code: "502", text: "not implemented", caps: []string{"PIPELINING", "SIZE 1000", "STARTTLS", "8BITMIME"}},
		{name: "smtp silence", protocol: "smtp", script: script{waitNow}, want: NoGreeting, step: "greeting"},
		{name: "smtp silence later", protocol: "smtp", script: script{"220 mx\r\n", waitNow}, want: Silent, step: "EHLO"},
		{name: "smtp closed at once", protocol: "smtp", script: script{endNow}, want: Closed, step: "greeting"},
		{name: "smtp closed at STARTTLS", protocol: "smtp", script: script{"220 mx\r\n", ehlo, endNow}, want: Closed, step: "STARTTLS"},
		{name: "smtp reset", protocol: "smtp", script: script{"220 mx\r\n", resetNow}, want: Reset, step: "EHLO"},
		{name: "smtp ssh", protocol: "smtp", script: script{"SSH-2.0-OpenSSH_9.2\r\n"}, want: WrongProtocol, step: "greeting", data: "SSH-2.0-OpenSSH_9.2"},
		{name: "smtp imap", protocol: "smtp", script: script{"* OK Dovecot ready.\r\n"}, want: WrongProtocol, step: "greeting", data: "* OK Dovecot ready."},
		{name: "smtp ftp", protocol: "smtp", script: script{"220 (vsFTPd 3.0.3)\r\n"}, want: WrongProtocol, step: "greeting", data: "220 (vsFTPd 3.0.3)"},
		{name: "smtp mysql", protocol: "smtp", script: script{"J\x00\x00\x00\x0a8.0.36\x00" + waitNow}, want: WrongProtocol, step: "greeting", data: "J\x00\x00\x00"},
		{name: "smtp no line end", protocol: "smtp", script: script{"hello" + waitNow}, want: WrongProtocol, step: "greeting", data: "hello"},
		{name: "smtp tls alert", protocol: "smtp", script: script{"\x15\x03\x01\x00\x02\x02\x28" + waitNow}, want: SpeaksTLS, step: "greeting", data: "\x15\x03\x01"},
		{name: "smtp endless line", protocol: "smtp", script: script{"220 " + strings.Repeat("a", 2*maxLine)}, want: WrongProtocol, step: "greeting", data: "220 " + strings.Repeat("a", maxData-4)},
		{name: "smtp endless reply", protocol: "smtp", script: script{"220 mx\r\n", strings.Repeat("250-a\r\n", 2*maxLines)}, want: Garbled, step: "EHLO"},
		{name: "smtp code changes", protocol: "smtp", script: script{"220 mx\r\n", "250-mx\r\n550 no\r\n"}, want: Garbled, step: "EHLO", data: "550 no"},
		{name: "smtp garbage later", protocol: "smtp", script: script{"220 mx\r\n", "hello\r\n"}, want: Garbled, step: "EHLO", data: "hello"},

		{name: "imap normal", protocol: "imap", script: script{"* OK IMAP ready\r\n", caps, "a2 OK begin TLS\r\n"}},
		{name: "imap chatty", protocol: "imap", script: script{"* OK [CAPABILITY IMAP4rev1] hi\r\n", "* 3 EXISTS\r\n" + caps, "* OK wait\r\na2 OK\r\n"}},
		{name: "imap lower case", protocol: "imap", script: script{"* ok hi\r\n", "* capability imap4rev1 starttls\r\na1 ok\r\n", "a2 ok\r\n"}},
		{name: "imap not offered", protocol: "imap", script: script{"* OK hi\r\n", "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na1 OK\r\n"}, want: NotOffered, step: "CAPABILITY", caps: []string{"IMAP4rev1", "AUTH=PLAIN"}},
		{name: "imap rewritten", protocol: "imap", script: script{"* OK hi\r\n", "* CAPABILITY IMAP4rev1 XXXXXXXX\r\na1 OK\r\n"}, want: Rewritten, step: "CAPABILITY", caps: []string{"IMAP4rev1", "XXXXXXXX"}},
		{name: "imap NO", protocol: "imap", script: script{"* OK hi\r\n", caps, "a2 NO TLS is broken here\r\n"}, want: Refused, step: "STARTTLS", code: "NO", text: "TLS is broken here", caps: []string{"IMAP4rev1", "STARTTLS", "LOGINDISABLED"}},
		{name: "imap BAD", protocol: "imap", script: script{"* OK hi\r\n", "a1 BAD unknown command\r\n"}, want: Refused, step: "CAPABILITY", code: "BAD", text: "unknown command"},
		{name: "imap BYE", protocol: "imap", script: script{"* BYE too many connections\r\n"}, want: Unavailable, step: "greeting", code: "BYE", text: "too many connections"},
		{name: "imap BYE later", protocol: "imap", script: script{"* OK hi\r\n", caps, "* BYE shutdown\r\n"}, want: Refused, step: "STARTTLS", code: "BYE", text: "shutdown", caps: []string{"IMAP4rev1", "STARTTLS", "LOGINDISABLED"}},
		{name: "imap PREAUTH", protocol: "imap", script: script{"* PREAUTH welcome\r\n", caps}, want: NotOffered, step: "CAPABILITY", code: "PREAUTH", text: "welcome", caps: []string{"IMAP4rev1", "STARTTLS", "LOGINDISABLED"}},
		{name: "imap smtp", protocol: "imap", script: script{"220 mx.test ESMTP\r\n"}, want: WrongProtocol, step: "greeting", data: "220 mx.test ESMTP"},
		{name: "imap pop3", protocol: "imap", script: script{"+OK ready\r\n"}, want: WrongProtocol, step: "greeting", data: "+OK ready"},
		{name: "imap silence", protocol: "imap", script: script{waitNow}, want: NoGreeting, step: "greeting"},
		{name: "imap foreign tag", protocol: "imap", script: script{"* OK hi\r\n", "a9 OK\r\n"}, want: Garbled, step: "CAPABILITY", data: "a9 OK"},
		{name: "imap endless", protocol: "imap", script: script{"* OK hi\r\n", strings.Repeat("* OK\r\n", 2*maxLines)}, want: Garbled, step: "CAPABILITY"},
		{name: "imap tls", protocol: "imap", script: script{"\x16\x03\x03\x00\x7a" + endNow}, want: SpeaksTLS, step: "greeting", data: "\x16\x03\x03"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p, ok := Lookup(tc.protocol)
			if !ok {
				t.Fatalf("no protocol %q", tc.protocol)
			}
			timeout := time.Minute
			if tc.want == NoGreeting || tc.want == Silent || strings.HasSuffix(tc.script[0], waitNow) {
				timeout = 2 * time.Second // long enough for the words before the silence
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			lines, err := p.Dialogue(ctx, serve(t, tc.script), "mx.test")
			if tc.want == 0 {
				if err != nil {
					t.Fatalf("got %v, want success; dialogue %v", err, lines)
				}
				return
			}
			var failure *Error
			if !errors.As(err, &failure) {
				t.Fatalf("got %v, want *Error", err)
			}
			got := fmt.Sprintf("%s|%s|%s|%s|%q|%q", failure.Problem, failure.Step, failure.Code, failure.Text, failure.Capabilities, failure.Data)
			want := fmt.Sprintf("%s|%s|%s|%s|%q|%q", tc.want, tc.step, tc.code, tc.text, tc.caps, tc.data)
			if got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if err.Error() == "" {
				t.Error("empty error text")
			}
		})
	}
}

func TestDialogueKeepsEveryLine(t *testing.T) {
	t.Parallel()
	conn := serve(t, script{"220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "454 no\r\n"})
	p, _ := Lookup("SMTP")
	lines, err := p.Dialogue(t.Context(), conn, "mx")
	if ProblemOf(err) != Refused {
		t.Fatalf("got %v, want refused", err)
	}
	var got []string
	for _, l := range lines {
		got = append(got, l.String())
	}
	want := []string{"S: 220 mx", "C: EHLO localhost", "S: 250-mx", "S: 250 STARTTLS", "C: STARTTLS", "S: 454 no"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// The bytes after the go-ahead belong to TLS, even in the same segment.
func TestDialogueLeavesTLSAlone(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]script{
		"smtp": {"220 mx\r\n", "250-mx\r\n250 STARTTLS\r\n", "220 go\r\n\x15\x03\x01\x00\x02\x02\x28"},
		"imap": {"* OK hi\r\n", "* CAPABILITY STARTTLS\r\na1 OK\r\n", "a2 OK go\r\n\x15\x03\x01\x00\x02\x02\x28"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := serve(t, s)
			p, _ := Lookup(name)
			if _, err := p.Dialogue(t.Context(), conn, "mx"); err != nil {
				t.Fatal(err)
			}
			buf := make([]byte, 16)
			n, err := conn.Read(buf)
			if err != nil || !bytes.HasPrefix(buf[:n], []byte{0x15, 3, 1}) {
				t.Errorf("got % x, %v; want the alert", buf[:n], err)
			}
		})
	}
}

func TestDialogueCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	conn := serve(t, script{waitNow})
	go cancel()
	p, _ := Lookup("imap")
	if _, err := p.Dialogue(ctx, conn, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// Every truncation of a good dialogue ends in an *Error, at once.
func TestDialogueTruncated(t *testing.T) {
	t.Parallel()
	full := map[string]string{
		"smtp": "220 mx\r\n250-mx\r\n250-SIZE 1\r\n250 STARTTLS\r\n220 go\r\n",
		"imap": "* OK hi\r\n* CAPABILITY STARTTLS\r\na1 OK\r\na2 OK go\r\n",
	}
	for name, text := range full {
		for n := range len(text) {
			p, _ := Lookup(name)
			lines, err := p.Dialogue(t.Context(), &scriptConn{in: strings.NewReader(text[:n])}, "mx")
			if ProblemOf(err) == 0 {
				t.Errorf("%s cut at %d: got %v, want an *Error; lines %v", name, n, err, lines)
			}
		}
		p, _ := Lookup(name)
		if _, err := p.Dialogue(t.Context(), &scriptConn{in: strings.NewReader(text)}, "mx"); err != nil {
			t.Errorf("%s whole: %v", name, err)
		}
	}
}

func TestRegistry(t *testing.T) {
	t.Parallel()
	want := []string{"ftp", "imap", "irc", "ldap", "lmtp", "mssql", "mysql", "nntp", "pop3", "postgres", "postgresql", "rdp", "sieve", "smtp",
		"xmpp", "xmpp-server"}
	if got := Names(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for port, want := range map[int]string{25: "smtp", 587: "smtp", 143: "imap", 110: "pop3", 21: "ftp", 24: "lmtp", 119: "nntp", 4190: "sieve",
		6667: "irc", 5222: "xmpp", 5269: "xmpp-server", 5432: "postgres", 3306: "mysql", 389: "ldap", 3389: "rdp"} {
		if p, ok := ByPort(port); !ok || p.Name() != want {
			t.Errorf("port %d: got %v, want %s", port, p, want)
		}
	}
	if _, ok := ByPort(443); ok {
		t.Error("port 443 has no preamble")
	}
	if _, ok := Lookup("gopher"); ok {
		t.Error("gopher has no preamble")
	}
}

// scriptConn is a connection whose peer has said all that it will say.
type scriptConn struct {
	net.Conn
	in *strings.Reader
}

func (c *scriptConn) Read(p []byte) (int, error)      { return c.in.Read(p) }
func (c *scriptConn) Write(p []byte) (int, error)     { return len(p), nil }
func (c *scriptConn) SetDeadline(time.Time) error     { return nil }
func (c *scriptConn) SetReadDeadline(time.Time) error { return nil }

func FuzzDialogue(f *testing.F) {
	f.Add("220 mx\r\n250-mx\r\n250 STARTTLS\r\n220 go\r\n")
	f.Add("* OK hi\r\n* CAPABILITY STARTTLS\r\na1 OK\r\na2 OK go\r\n")
	f.Add("\x16\x03\x01")
	for _, whole := range wholes {
		f.Add(whole)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range Names() {
			p, _ := Lookup(name)
			lines, err := p.Dialogue(t.Context(), &scriptConn{in: strings.NewReader(text)}, "mx")
			if err != nil && ProblemOf(err) == 0 {
				t.Errorf("%s: untyped error %v", name, err)
			}
			if len(lines) > 6*maxLines {
				t.Errorf("%s: %d lines kept", name, len(lines))
			}
		}
	})
}

// TestEndlessGreeting cuts a server off that never comes to its point.
func TestEndlessGreeting(t *testing.T) {
	t.Parallel()
	p, _ := Lookup("smtp")
	conn := serve(t, script{strings.Repeat("220-no spam at all\r\n", 10_000) + endNow})
	lines, err := p.Dialogue(t.Context(), conn, "mx.test")
	if got := ProblemOf(err); got != WrongProtocol && got != Garbled {
		t.Errorf("got %v, want a greeting that cannot be read", err)
	}
	if len(lines) > maxKept+1 {
		t.Errorf("%d lines were kept, want at most %d", len(lines), maxKept+1)
	}
}
