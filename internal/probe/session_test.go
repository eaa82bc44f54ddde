package probe

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// twice makes an attempt and a second one that offers the session of the first.
func twice(t *testing.T, spec Spec) (first, second *facts.Attempt) {
	t.Helper()
	var left *Session
	spec.Keep = func(s *Session) { left = s }
	first = attempt(t, spec)
	wantCompleted(t, first)
	if left == nil || first.Session.Left == "" {
		t.Fatalf("the first attempt left no session: %+v", first.Session)
	}
	if strings.Contains(left.String(), string(left.secret)) {
		t.Error("the secret is printed")
	}
	spec.Session = left
	return first, attempt(t, spec)
}

func TestResume(t *testing.T) {
	t.Parallel()
	key := [32]byte{1}
	for _, c := range []struct {
		name, kind string
		config     *tls.Config
	}{
		{"tls 1.2", "ticket", &tls.Config{MaxVersion: tls.VersionTLS12}},
		{"tls 1.2, static RSA", "ticket", &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}}},
		{"tls 1.3", "PSK", &tls.Config{}},
		{"tls 1.3, after a HelloRetryRequest", "PSK", &tls.Config{CurvePreferences: []tls.CurveID{tls.CurveP521}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.config.Certificates = []tls.Certificate{identity("rsa")}
			c.config.SetSessionTicketKeys([][32]byte{key})
			_, second := twice(t, Spec{Address: goServer(t, c.config), Request: request()})
			wantCompleted(t, second)
			if s := second.Session; s.Offered != c.kind || !s.Resumed {
				t.Errorf("got %+v", s)
			}
			if len(second.Chain) != 0 || len(second.Violations) != 0 || second.HTTP == nil || second.Finished.Result != facts.ProofValid {
				t.Errorf("got %d certificates, violations %v, HTTP %v, Finished %v", len(second.Chain), second.Violations, second.HTTP, second.Finished)
			}
		})
	}
}

// TestResumeElsewhere offers a session to a server that does not know it: a
// full handshake follows.
func TestResumeElsewhere(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := func() *tls.Config {
			return &tls.Config{MinVersion: version, MaxVersion: version, Certificates: []tls.Certificate{identity("p256")}}
		}
		var left *Session
		wantCompleted(t, attempt(t, Spec{Address: goServer(t, config()), Request: request(), Keep: func(s *Session) { left = s }}))
		a := attempt(t, Spec{Address: goServer(t, config()), Request: request(), Session: left})
		wantCompleted(t, a)
		if a.Session.Offered == "" || a.Session.Resumed || len(a.Chain) == 0 {
			t.Errorf("%04x: got %+v and %d certificates", version, a.Session, len(a.Chain))
		}
	}
}

func TestResumeOpenSSL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, kind string
		args       []string
	}{
		{"tls 1.2, session ID", "session ID", []string{"-tls1_2", "-no_ticket"}},
		{"tls 1.2, ticket", "ticket", []string{"-tls1_2"}},
		{"tls 1.3", "PSK", []string{"-tls1_3"}},
		{"tls 1.3, stateful", "PSK", []string{"-tls1_3", "-no_ticket"}},
		{"tls 1.3, SHA-384", "PSK", []string{"-tls1_3", "-ciphersuites", "TLS_AES_256_GCM_SHA384"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, second := twice(t, Spec{Address: opensslServer(t, "rsa", c.args...), Request: request()})
			wantCompleted(t, second)
			if s := second.Session; s.Offered != c.kind || !s.Resumed {
				t.Errorf("got %+v", s)
			}
		})
	}
}

func TestProxyLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ from, to, want string }{
		{"192.0.2.1:5000", "192.0.2.2:443", "PROXY TCP4 192.0.2.1 192.0.2.2 5000 443\r\n"},
		{"[2001:db8::1]:5000", "[2001:db8::2]:443", "PROXY TCP6 2001:db8::1 2001:db8::2 5000 443\r\n"},
	} {
		if got := proxyLine(tcpAddr(t, c.from), tcpAddr(t, c.to)); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
	if got := proxyLine(nil, nil); got != "PROXY UNKNOWN\r\n" {
		t.Errorf("got %q", got)
	}
}

func tcpAddr(t *testing.T, s string) net.Addr {
	t.Helper()
	a, err := net.ResolveTCPAddr("tcp", s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
