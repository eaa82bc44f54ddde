package monitor_test

import (
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestAhead tells of dated rules once, and alerts only for what will break.
func TestAhead(t *testing.T) {
	t.Parallel()
	lifetime := diag.Ahead{Rule: "lifetime", From: start.Add(50 * day), Text: "100 days"}
	eku := diag.Ahead{Rule: "client-auth", From: start.Add(50 * day), Text: "no clientAuth", Breaks: true}
	distrust := diag.Ahead{Rule: "distrust", From: start.Add(50 * day), Text: "refused", Breaks: true}
	for _, c := range []struct {
		name string
		kind string
		rule diag.Ahead
		want string
	}{
		{"a shorter lifetime is no alert", "", lifetime, ""},
		{"clientAuth of a server is no alert", "", eku, ""},
		{"clientAuth of a client's file", monitor.KindFile, eku, "opened policy-ahead warning"},
		{"distrust", "", distrust, "opened policy-ahead warning"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			w.endpoints[0].Interval, w.endpoints[0].Kind = hour, c.kind
			w.answer = func(*monitor.Endpoint) monitor.Report {
				d := healthy(cert{serial: 1, from: start, life: 90 * day})
				d.Certificates[0].Ahead = []diag.Ahead{c.rule}
				return at(one, d)
			}
			w.run(start.Add(59 * day))
			if got := strings.Join(w.told(), ", "); got != c.want {
				t.Errorf("told %q, want %q", got, c.want)
			}
			n := 0
			for _, e := range w.events {
				if e.Kind == monitor.EventPolicy {
					n++
				}
			}
			if n != 1 {
				t.Errorf("%d events, want one", n)
			}
		})
	}
}

// TestExpect holds handshakes to what their owner demands.
func TestExpect(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		expect monitor.Expect
		want   string
	}{
		{"names are there", monitor.Expect{Names: []string{"shop.example.com", "www.shop.example.com"}}, ""},
		{"a name is missing", monitor.Expect{Names: []string{"shop.example.com", "api.example.com"}}, "expected-names"},
		{"a wildcard covers one label", monitor.Expect{Names: []string{"a.b.shop.example.com"}}, "expected-names"},
		{"key", monitor.Expect{Key: "ecdsa"}, ""},
		{"another key", monitor.Expect{Key: "RSA 4096"}, "expected-key"},
		{"issuer", monitor.Expect{Issuer: "Let's Encrypt"}, ""},
		{"another issuer", monitor.Expect{Issuer: "DigiCert"}, "expected-issuer"},
		{"version", monitor.Expect{MinVersion: "TLS 1.3"}, ""},
		{"ALPN", monitor.Expect{ALPN: "http/1.1"}, "expected-alpn"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			w.endpoints[0].Expect = c.expect
			w.answer = func(*monitor.Endpoint) monitor.Report {
				return at(one, healthy(cert{serial: 1, from: start, life: 90 * day, names: []string{"shop.example.com", "*.shop.example.com"}}))
			}
			w.run(start.Add(2 * hour))
			got := ""
			for _, i := range w.incidents {
				got += i.Finding.Cause
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
