package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/starttls"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// readHello waits for the client's first bytes.
func readHello(c net.Conn) { c.Read(make([]byte, 16<<10)) }

// say writes bytes after the ClientHello and then does what then says.
func say(data string, then func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		readHello(c)
		c.Write([]byte(data))
		then(c)
	}
}

func fin(c net.Conn)   { c.(*net.TCPConn).CloseWrite(); io.Copy(io.Discard, c) }
func reset(c net.Conn) { c.(*net.TCPConn).SetLinger(0); c.Close() }
func hold(c net.Conn)  { io.Copy(io.Discard, c) }

const (
	alert40   = "\x15\x03\x03\x00\x02\x02\x28"
	warning   = "\x15\x03\x03\x00\x02\x01\x70"
	alertStop = "\x15\x03\x01\x00\x02\x01\x00"
)

func TestEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		handle func(net.Conn)
		kind   facts.EndKind
		by     tlswire.Side
		check  func(*facts.Attempt) bool
	}{
		{"fin", say("", fin), facts.EndClosed, tlswire.SideServer, nil},
		{"reset", say("", reset), facts.EndReset, tlswire.SideServer, nil},
		{"silence", say("", hold), facts.EndTimeout, tlswire.SideNone, nil},
		{"alert", say(alert40, fin), facts.EndAlert, tlswire.SideServer,
			func(a *facts.Attempt) bool { return a.End.Alert.Description == 40 && len(a.Alerts) == 1 }},
		{"alert-and-reset", say(alert40, reset), facts.EndAlert, tlswire.SideServer, nil},
		{"close-notify", say(alertStop, fin), facts.EndAlert, tlswire.SideServer,
			func(a *facts.Attempt) bool { return a.End.Alert.Description == tlswire.AlertCloseNotify }},
		{"warning-then-alert", say(warning+alert40, fin), facts.EndAlert, tlswire.SideServer,
			func(a *facts.Attempt) bool { return len(a.Alerts) == 2 && a.Alerts[0].Description == 112 }},
		{"warning-then-fin", say(warning, fin), facts.EndClosed, tlswire.SideServer,
			func(a *facts.Attempt) bool { return len(a.Alerts) == 1 }},
		{"two-alerts-in-a-record", say("\x15\x03\x03\x00\x04\x01\x70\x02\x28", fin), facts.EndAlert, tlswire.SideServer,
			func(a *facts.Attempt) bool { return len(a.Alerts) == 2 }},
		{"half-alert", say("\x15\x03\x03\x00\x01\x02", fin), facts.EndMalformed, tlswire.SideServer, nil},
		{"http", say("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", hold), facts.EndNotTLS, tlswire.SideServer,
			func(a *facts.Attempt) bool {
				return bytes.HasSuffix(a.End.Data, []byte("Length: 0\r\n\r\n"))
			}},
		{"ssh", func(c net.Conn) { c.Write([]byte("SSH-2.0-x\r\n")); hold(c) }, facts.EndNotTLS, tlswire.SideServer,
			func(a *facts.Attempt) bool { return string(a.End.Data) == "SSH-2.0-x\r\n" }},
		{"short-garbage", say("no", fin), facts.EndNotTLS, tlswire.SideServer,
			func(a *facts.Attempt) bool { return string(a.End.Data) == "no" }},
		{"partial-header", say("\x16\x03", fin), facts.EndClosed, tlswire.SideServer, nil},
		{"partial-record", say("\x16\x03\x03\x00\x40abc", fin), facts.EndClosed, tlswire.SideServer,
			func(a *facts.Attempt) bool { return a.Messages[1].Name == "partial record" }},
		{"record-overflow", say("\x16\x03\x03\xff\xff", hold), facts.EndMalformed, tlswire.SideServer, nil},
		{"huge-message", say("\x16\x03\x03\x00\x04\x02\xff\xff\xff", hold), facts.EndLimit, tlswire.SideClient, nil},
		{"bad-server-hello", say("\x16\x03\x03\x00\x06\x02\x00\x00\x02\x03\x03", hold), facts.EndMalformed, tlswire.SideServer,
			func(a *facts.Attempt) bool { return len(a.Violations) == 1 }},
		{"wrong-message", say("\x16\x03\x03\x00\x04\x0e\x00\x00\x00", hold), facts.EndLocal, tlswire.SideClient,
			func(a *facts.Attempt) bool { return a.End.Alert.Description == tlswire.AlertUnexpectedMessage }},
		{"application-data", say("\x17\x03\x03\x00\x04abcd", hold), facts.EndLocal, tlswire.SideClient, nil},
		{"heartbeat-then-alert", say("\x18\x03\x03\x00\x04abcd"+alert40, fin), facts.EndAlert, tlswire.SideServer,
			func(a *facts.Attempt) bool { return len(a.Violations) == 1 }},
		{"hello-request-then-alert", say("\x16\x03\x03\x00\x04\x00\x00\x00\x00"+alert40, fin), facts.EndAlert, tlswire.SideServer, nil},
		{"ccs-then-alert", say("\x14\x03\x03\x00\x01\x01"+alert40, fin), facts.EndAlert, tlswire.SideServer, nil},
		{"endless-records", func(c net.Conn) {
			readHello(c)
			for err := error(nil); err == nil; {
				_, err = c.Write(bytes.Repeat([]byte("\x16\x03\x03\x00\x00\x15\x03\x03\x00\x02\x01\x5a"), 1000))
			}
		}, facts.EndLimit, tlswire.SideClient, func(a *facts.Attempt) bool { return a.BytesReceived < 600<<10 }},
		{"endless-garbage", func(c net.Conn) {
			readHello(c)
			for err := error(nil); err == nil; {
				_, err = c.Write(bytes.Repeat([]byte("x"), 1000))
			}
		}, facts.EndNotTLS, tlswire.SideServer, func(a *facts.Attempt) bool { return len(a.End.Data) <= keptNotTLS }},
		{"slow-drip", func(c net.Conn) {
			readHello(c)
			for i := 0; ; i++ {
				if _, err := c.Write([]byte{"\x16\x03\x03\x10\x00"[min(i, 4)]}); err != nil {
					return
				}
				time.Sleep(20 * time.Millisecond)
			}
		}, facts.EndTimeout, tlswire.SideNone, func(a *facts.Attempt) bool { return a.End.After < 20*time.Second }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			total := time.Minute // a busy machine must not run into it
			if c.kind == facts.EndTimeout {
				total = time.Second
			}
			a := attempt(t, Spec{Address: serve(t, c.handle), Timeouts: Timeouts{Total: total}})
			if a.End.Kind != c.kind || a.End.By != c.by || a.End.Stage != diag.StageClientHello {
				t.Errorf("got %v by %v at %v (%v), want %v by %v", a.End.Kind, a.End.By, a.End.Stage, a.End.Err, c.kind, c.by)
			}
			if c.check != nil && !c.check(a) {
				t.Errorf("got %+v, alerts %v, violations %v, messages %v", a.End, a.Alerts, a.Violations, a.Messages)
			}
			if a.Sent == nil || len(a.Messages) == 0 || a.Messages[0].Name != "ClientHello" {
				t.Errorf("transcript: got %v", a.Messages)
			}
		})
	}
}

func TestConnectEnds(t *testing.T) {
	t.Parallel()
	const closed = "127.0.0.1:1" // a port below those that programs are given
	canceledCtx, cancel := context.WithCancel(context.Background())
	cancel()
	blocked := func(ctx context.Context, _, _ string) (net.Conn, error) { <-ctx.Done(); return nil, ctx.Err() }
	for _, c := range []struct {
		name    string
		ctx     context.Context
		address string
		prober  Prober
		want    facts.EndKind
	}{
		{"refused", context.Background(), closed, Prober{}, facts.EndRefused},
		{"no-connect", context.Background(), closed, Prober{Dial: blocked}, facts.EndNoConnect},
		{"canceled", canceledCtx, closed, Prober{Dial: blocked}, facts.EndCanceled},
		{"bad-address", context.Background(), "127.0.0.1", Prober{}, facts.EndLocal},
		{"unreachable", context.Background(), closed, Prober{Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: unreachableErrnos[0]}
		}}, facts.EndUnreachable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := c.prober.Attempt(c.ctx, Spec{Address: c.address, Hello: template(), Timeouts: Timeouts{Connect: time.Second}})
			if a.End.Kind != c.want || a.End.Stage != diag.StageConnect {
				t.Errorf("got %v at %v: %v, want %v", a.End.Kind, a.End.Stage, a.End.Err, c.want)
			}
		})
	}
	if a := Attempt(context.Background(), Spec{Address: closed}); a.End.Kind != facts.EndLocal {
		t.Errorf("without a hello: got %v", a.End.Kind)
	}
}

// What cancels the context ends the attempt at once; its deadline is a timeout.
func TestContext(t *testing.T) {
	t.Parallel()
	address := serve(t, say("", hold))
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(30*time.Millisecond, cancel)
	if a := Attempt(ctx, Spec{Address: address, Hello: template()}); a.End.Kind != facts.EndCanceled {
		t.Errorf("canceled: got %v %v", a.End.Kind, a.End.Err)
	}
	ctx, cancel = context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if a := Attempt(ctx, Spec{Address: address, Hello: template()}); a.End.Kind != facts.EndTimeout {
		t.Errorf("deadline: got %v %v", a.End.Kind, a.End.Err)
	}
}

// A peer that resets while we write has often left an alert.
func TestAlertAfterFailedWrite(t *testing.T) {
	t.Parallel()
	address := serve(t, func(c net.Conn) {
		c.Write([]byte(alert40))
		c.(*net.TCPConn).CloseWrite()
		hold(c)
	})
	prober := Prober{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return brokenWriter{c}, err
	}}
	a := prober.Attempt(context.Background(), Spec{Address: address, Hello: template()})
	if a.End.Kind != facts.EndAlert || a.End.WriteErr == "" {
		t.Errorf("got %v, write error %q", a.End.Kind, a.End.WriteErr)
	}
}

type brokenWriter struct{ net.Conn }

func (brokenWriter) Write([]byte) (int, error) { return 0, resetErrnos[0] }

func TestPreambles(t *testing.T) {
	t.Parallel()
	smtp, ok := starttls.Lookup("smtp")
	if !ok {
		t.Fatal("no smtp")
	}
	upgrade := func(c net.Conn) {
		c.Write([]byte("220 mx ESMTP\r\n"))
		c.Read(make([]byte, 1000))
		c.Write([]byte("250-mx\r\n250 STARTTLS\r\n"))
		c.Read(make([]byte, 1000))
		c.Write([]byte("220 go\r\n"))
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{identity("p256")}})
		s.Handshake()
		s.Close()
	}
	a := attempt(t, Spec{Address: serve(t, upgrade), Preamble: StartTLS(smtp, "mx.probe.test")})
	wantCompleted(t, a)
	if len(a.Preamble) < 5 || a.Preamble[0].From != tlswire.SideServer || a.Preamble[0].Text != "220 mx ESMTP" {
		t.Errorf("preamble: got %v", a.Preamble)
	}
	plain := func(c net.Conn) {
		c.Write([]byte("220 mx ESMTP\r\n"))
		c.Read(make([]byte, 1000))
		c.Write([]byte("250 mx\r\n"))
		hold(c)
	}
	a = attempt(t, Spec{Address: serve(t, plain), Preamble: StartTLS(smtp, "mx.probe.test")})
	if a.End.Kind != facts.EndPreamble || a.End.Stage != diag.StagePreamble || a.Sent != nil {
		t.Errorf("without STARTTLS: got %v at %v", a.End.Kind, a.End.Stage)
	}
	proxy := func(context.Context, net.Conn) ([]facts.PreambleLine, error) {
		return nil, proxyError{errors.New("407")}
	}
	a = attempt(t, Spec{Address: serve(t, hold), Preamble: proxy})
	if a.End.Kind != facts.EndPreamble || a.End.Stage != diag.StageProxy || !strings.Contains(a.End.Err, "407") {
		t.Errorf("proxy: got %v at %v", a.End.Kind, a.End.Stage)
	}
}

type proxyError struct{ error }

func (proxyError) Stage() diag.Stage { return diag.StageProxy }
