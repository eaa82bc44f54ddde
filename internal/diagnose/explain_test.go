package diagnose

import (
	"context"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

func TestExplainText(t *testing.T) {
	t.Parallel()
	d, err := Explain(facts.TextMatch{Stack: "curl", Side: tlswire.SideClient, Whose: tlswire.SideServer, Problem: facts.ProblemUnknownCA,
		Host: "shop.example.com", Port: 8443, Line: 1, Last: 1, Count: 1, Quote: "unable to get local issuer certificate"}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if d.Verdict != diag.Failure || d.Causes[0].ID != "unknown-ca" || d.Causes[0].Confidence == diag.Proven {
		t.Errorf("got %s %+v", d.Verdict, d.Causes[0])
	}
	if d.Next == nil || d.Next.Command != "tlswhy shop.example.com:8443" {
		t.Errorf("next: %+v", d.Next)
	}
	if d.Text == nil || d.Text.Host != "shop.example.com" || len(d.Attempts) != 0 {
		t.Errorf("text: %+v", d.Text)
	}
}

// TestExplainUpstream: a server that calls its upstream is mended as a client, in
// its own words; what it says of its clients is no matter of theirs.
func TestExplainUpstream(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		stack string
		side  tlswire.Side
		want  string // in a fix of the client; "" where it is not the client
	}{
		{"nginx", tlswire.SideClient, "proxy_ssl_trusted_certificate"},
		{"haproxy", tlswire.SideClient, "ca-file"},
		{"apache", tlswire.SideClient, "SSLProxyCACertificateFile"},
		{"envoy", tlswire.SideClient, "trusted_ca"},
		{"nginx", tlswire.SideServer, ""},
		{"nginx", tlswire.SideNone, ""},
	} {
		d, err := Explain(facts.TextMatch{Stack: tt.stack, Side: tt.side, Whose: tlswire.SideServer, Problem: facts.ProblemUnknownCA,
			Host: "app.example.com", Port: 8443, Line: 1, Last: 1, Count: 1, Quote: "unable to get local issuer certificate"}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		named := ""
		for _, f := range d.Causes[0].Fixes {
			if f.Side == "client" && f.For == tt.stack {
				named = f.Config
			}
		}
		if !strings.Contains(named, tt.want) || tt.want == "" && named != "" {
			t.Errorf("%s as the %s: got %q, want %q", tt.stack, tt.side, named, tt.want)
		}
	}
}

// TestExplainNoise: many addresses, none twice, are no failure; one that
// insists is.
func TestExplainNoise(t *testing.T) {
	t.Parallel()
	m := facts.TextMatch{Stack: "nginx", Side: tlswire.SideServer, Problem: facts.ProblemNoCipher, Line: 1, Last: 90, Count: 40, Log: true, Peers: 40, Most: 2, Public: 40}
	for _, tt := range []struct {
		name    string
		change  func(*facts.TextMatch)
		verdict diag.Verdict
	}{
		{"scanners", func(*facts.TextMatch) {}, diag.OK},
		{"one client insists", func(m *facts.TextMatch) { m.Peers, m.Most = 1, 40 }, diag.Failure},
		{"our own network", func(m *facts.TextMatch) { m.Public = 0 }, diag.Failure},
		{"a pasted line", func(m *facts.TextMatch) { m.Log = false }, diag.Failure},
		{"the clients reject us", func(m *facts.TextMatch) { m.Problem = facts.ProblemUnknownCA }, diag.Failure},
	} {
		x := m
		tt.change(&x)
		d, err := Explain(x, Options{})
		if err != nil || d.Verdict != tt.verdict {
			t.Errorf("%s: got %s, want %s (%v)", tt.name, d.Verdict, tt.verdict, err)
		}
	}
}

// TestExplainProbeRefused joins a text with a live run that shows something
// else.
func TestExplainProbeRefused(t *testing.T) {
	t.Parallel()
	m := facts.TextMatch{Stack: "curl", Side: tlswire.SideClient, Problem: facts.ProblemExpired, Host: "127.0.0.1", Port: 1, Line: 1, Last: 1, Count: 1}
	d, err := Probe(context.Background(), m, "", Options{}, Env{})
	if err != nil {
		t.Fatal(err)
	}
	if d.FirstFailure() == nil || d.FirstFailure().ID != "tcp-refused" {
		t.Errorf("got %+v", d.Causes)
	}
	if len(d.Notes) == 0 || !strings.Contains(strings.Join(d.Notes, "\n"), "cert-expired") {
		t.Errorf("notes: %q", d.Notes)
	}
}
