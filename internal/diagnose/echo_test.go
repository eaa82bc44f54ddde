package diagnose_test

import (
	"bytes"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/echo"
)

const echoSecret = echo.Secret("correct-horse-battery-staple")

// box stands before the echo server and does to ClientHellos what it is told;
// what is no TLS it lets through.
func box(t *testing.T, behind string, deed func(client, server net.Conn, hello []byte) bool) string {
	return serve(t, func(c net.Conn) {
		up, err := net.Dial("tcp", behind)
		if err != nil {
			return
		}
		defer up.Close()
		head := make([]byte, 5)
		if _, err := io.ReadFull(c, head); err != nil {
			return
		}
		first := head
		if head[0] == 22 {
			body := make([]byte, binary.BigEndian.Uint16(head[3:]))
			if _, err := io.ReadFull(c, body); err != nil {
				return
			}
			first = append(head, body...)
			if deed(c, up, first) {
				return
			}
		} else if _, err := up.Write(first); err != nil {
			return
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = io.Copy(c, up)
			_ = c.Close()
		}()
		_, _ = io.Copy(up, c)
		_ = up.Close()
		<-done
	})
}

// swallow reads until the client gives up.
func swallow(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func reset(c net.Conn) {
	_ = c.(*net.TCPConn).SetLinger(0)
	_ = c.Close()
}

// TestEcho interferes on the way to an echo server, whose word is the proof.
func TestEcho(t *testing.T) {
	t.Parallel()
	anchor, pair := issued()
	ca := file(t, "ca.pem", anchor)
	target := []byte("shop.lab.test")
	pass := func(_, up net.Conn, hello []byte) bool { _, err := up.Write(hello); return err != nil }
	for _, x := range []struct {
		name  string
		deed  func(client, up net.Conn, hello []byte) bool
		fate  string // of the client's own hello
		id    string
		says  string
		fails bool // the same happens to the target
	}{
		{name: "nothing in between", deed: pass, fate: echo.Same},
		{name: "the name is reset", deed: func(c, up net.Conn, hello []byte) bool {
			if bytes.Contains(hello, target) {
				reset(c)
				return true
			}
			return pass(c, up, hello)
		}, fate: echo.Lost, id: "middlebox-reset", says: "cuts off connections that name shop.lab.test", fails: true},
		{name: "the name is swallowed", deed: func(c, up net.Conn, hello []byte) bool {
			if bytes.Contains(hello, target) {
				swallow(c)
				return true
			}
			return pass(c, up, hello)
		}, fate: echo.Lost, id: "middlebox-blackhole", says: "silently drops connections that name shop.lab.test", fails: true},
		{name: "all TLS is reset", deed: func(c, _ net.Conn, _ []byte) bool { reset(c); return true },
			fate: echo.Lost, id: "middlebox-reset", says: "whatever their name", fails: true},
		{name: "the answer is swallowed", deed: func(c, up net.Conn, hello []byte) bool {
			pass(c, up, hello)
			go swallow(up)
			swallow(c)
			return true
		}, fate: echo.Unheard, id: "middlebox-blackhole", says: "whatever their name"},
		{name: "half of the hello is swallowed", deed: func(c, up net.Conn, hello []byte) bool {
			pass(c, up, hello[:len(hello)/2])
			swallow(c)
			return true
		}, fate: echo.Short, id: "middlebox-blackhole", says: "whatever their name"},
		{name: "TLS 1.3 is hidden", deed: func(c, up net.Conn, hello []byte) bool {
			return pass(c, up, bytes.Replace(hello, []byte{0, 0x2b}, []byte{0x7f, 0x2b}, 1))
		}, fate: echo.Rewritten, id: "middlebox-downgrade", says: "rewrites ClientHellos"},
		{name: "a proxy makes connections of its own", deed: func(c, up net.Conn, hello []byte) bool {
			inner := tls.Server(&ahead{c, hello}, &tls.Config{Certificates: []tls.Certificate{pair}})
			outer := tls.Client(up, &tls.Config{InsecureSkipVerify: true, ServerName: "shop.lab.test"})
			if outer.Handshake() == nil {
				_ = inner.Handshake()
			}
			return true
		}, fate: echo.Remade, id: "middlebox-inspection", says: "TLS ends at something on the path"},
		{name: "a portal answers", deed: func(c, up net.Conn, hello []byte) bool {
			_ = tls.Server(&ahead{c, hello}, &tls.Config{Certificates: []tls.Certificate{pair}}).Handshake()
			return true
		}, fate: echo.Elsewhere, id: "middlebox-inspection", says: "answers in the server's place"},
		{name: "only the large hello is cut off", deed: func(c, up net.Conn, hello []byte) bool {
			if len(hello) > 2000 {
				reset(c)
				return true
			}
			return pass(c, up, hello)
		}, fate: echo.Same},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			s, err := echo.Listen("127.0.0.1:0", echoSecret, echo.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(s.Close)
			address := serve(t, func(c net.Conn) {
				if x.fails {
					head := make([]byte, 2000)
					_, _ = c.Read(head)
					reset(c)
					return
				}
				server := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}})
				if server.Handshake() == nil && greet(server) {
					_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			})
			d := runEnv(t, "https://shop.lab.test", diagnose.Options{Connect: []string{address}, CAFile: ca, Timeout: 20 * time.Second},
				diagnose.Env{Echo: &diagnose.EchoEnd{Address: box(t, s.Addr(), x.deed), Secret: echoSecret, Wait: 3 * time.Second}})
			for _, problem := range coherent(d) {
				t.Error(problem)
			}
			if d.Echo == nil || len(d.Echo.Hellos) == 0 || d.Echo.Hellos[0].Fate != x.fate {
				t.Fatalf("got %+v\n%v", d.Echo, d.NotTested)
			}
			if x.id == "" {
				if d.Verdict != diag.OK || !strings.Contains(strings.Join(d.Notes, " "), "byte for byte") {
					t.Errorf("got %s, notes %q\n%s", d.Verdict, d.Notes, describe(d))
				}
				return
			}
			var found *diag.Cause
			for i := range d.Causes {
				if d.Causes[i].ID == x.id && strings.Contains(d.Causes[i].Summary, x.says) {
					found = &d.Causes[i]
				}
			}
			want := diag.SeverityWarning
			if x.fails {
				want = diag.SeverityFailure
			}
			if found == nil || found.Confidence != diag.Proven || found.Severity != want || x.fails && found != d.FirstFailure() {
				t.Errorf("got %s\n%s", d.Verdict, describe(d))
			}
		})
	}
}

// ahead gives back what was read of a connection.
type ahead struct {
	net.Conn
	read []byte
}

func (a *ahead) Read(p []byte) (int, error) {
	if len(a.read) > 0 {
		n := copy(p, a.read)
		a.read = a.read[n:]
		return n, nil
	}
	return a.Conn.Read(p)
}

// TestEchoUnreachable says so and keeps the verdict.
func TestEchoUnreachable(t *testing.T) {
	t.Parallel()
	anchor, pair := issued()
	address := serve(t, func(c net.Conn) { _ = tls.Server(c, &tls.Config{Certificates: []tls.Certificate{pair}}).Handshake() })
	s, err := echo.Listen("127.0.0.1:0", echoSecret, echo.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for name, end := range map[string]diagnose.EchoEnd{
		"no server":    {Address: address, Secret: echoSecret},
		"wrong secret": {Address: s.Addr(), Secret: "another-secret-altogether"},
		"no port":      {Address: "127.0.0.1", Secret: echoSecret},
	} {
		d := runEnv(t, "tls://shop.lab.test:443", diagnose.Options{Connect: []string{address}, CAFile: file(t, "ca.pem", anchor), Timeout: 20 * time.Second}, diagnose.Env{Echo: &end})
		if d.Verdict != diag.OK || d.Echo == nil || d.Echo.Err == "" || len(d.NotTested) == 0 {
			t.Errorf("%s: got %s, %+v", name, d.Verdict, d.Echo)
		}
	}
}
