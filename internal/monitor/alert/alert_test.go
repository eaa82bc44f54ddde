package alert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

var opened = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// message is one about an expired certificate.
func message(kind monitor.Kind) monitor.Message {
	i := monitor.Incident{ID: "abc123", Endpoint: "e1", Vantage: "local", Key: "expiry", Severity: monitor.Critical, Notified: monitor.Critical, Target: "https://shop.example.com", Owner: "web",
		Opened: opened, LastGood: opened.Add(-time.Minute), Addresses: []string{"192.0.2.1:443"}, Changed: []string{"version: TLS 1.2, was TLS 1.3"},
		Finding: monitor.Finding{Key: "expiry", Cause: "cert-expired", Summary: "the certificate expired <12> & days ago", Evidence: []diag.Evidence{{Text: "notAfter is the past", Where: "Certificate, element 0"}},
			Fixes: []diag.Fix{{Side: "server", For: "nginx", Text: "renew it", Config: "ssl_certificate x;\nssl_key y;", Command: "nginx -s reload"}}, Verify: "tlswhy shop.example.com"}}
	if kind == monitor.KindResolved {
		i.Resolved, i.Why, i.Notified = opened.Add(time.Hour), "no longer seen", ""
	}
	return monitor.Message{Key: "abc123-1-x", Channel: "c", Kind: kind, At: opened, Items: []monitor.Item{{Incident: i, Tags: map[string]string{"env": "prod", "1-team": "a"}, Runbook: "wiki/renew"}}}
}

// long is a message as long as no receiver takes it.
func long() monitor.Message {
	m := message(monitor.KindOpened)
	m.Items[0].Incident.Finding.Summary = strings.Repeat("ä long summary ", 4000)
	for range 200 {
		m.Items = append(m.Items, m.Items[0])
	}
	return m
}

// receiver is a server that answers in a given way and keeps what it was sent.
type receiver struct {
	*httptest.Server
	got    [][]byte
	header []http.Header
	path   string
}

func receive(t *testing.T, answer func(http.ResponseWriter)) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		r.got, r.header, r.path = append(r.got, body), append(r.header, req.Header), req.URL.Path
		answer(w)
	}))
	t.Cleanup(r.Close)
	return r
}

func ok(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) }

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	r := receive(t, ok)
	r.Close()
	ch, err := New(Options{Type: "webhook", URL: monitor.Secret(r.URL)})
	if err != nil {
		t.Fatal(err)
	}
	retry, err := ch.Notify(t.Context(), message(monitor.KindOpened))
	var more *monitor.DeliveryError
	if !retry || !errors.As(err, &more) || more.Ambiguous {
		t.Errorf("got retry %v, %v; nothing can have arrived", retry, err)
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	r := receive(t, ok)
	ch, err := New(Options{Type: "webhook", URL: monitor.Secret(r.URL), Secret: "s3cret"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a repeated try is the same, byte for byte
		if _, err := ch.Notify(t.Context(), message(monitor.KindOpened)); err != nil {
			t.Fatal(err)
		}
	}
	h := r.header[0]
	if string(r.got[0]) != string(r.got[1]) || h.Get("Idempotency-Key") != "abc123-1-x" || r.header[1].Get("X-Tlswhy-Signature") != h.Get("X-Tlswhy-Signature") {
		t.Error("the second try differs from the first")
	}
	if want := "sha256=" + Sign("s3cret", h.Get("X-Tlswhy-Timestamp"), r.got[0]); h.Get("X-Tlswhy-Signature") != want {
		t.Errorf("got signature %q, want %q", h.Get("X-Tlswhy-Signature"), want)
	}
	var body struct {
		Schema, Key, Kind, Text string
		Items                   []monitor.Item
	}
	if err := json.Unmarshal(r.got[0], &body); err != nil || body.Schema != Schema || len(body.Items) != 1 || body.Items[0].Incident.Finding.Cause != "cert-expired" {
		t.Errorf("got %s, %v", r.got[0], err)
	}
}

// TestText holds a text to what the reader needs.
func TestText(t *testing.T) {
	t.Parallel()
	m := message(monitor.KindOpened)
	text := Text(&m)
	for _, want := range []string{"cert-expired", "notAfter is the past", "was TLS 1.3", "nginx: renew it", "      ssl_key y;", "nginx -s reload", "tlswhy shop.example.com", "wiki/renew", "192.0.2.1:443", "Owner: web", "last good check was at 2026-11-22 09:59:00"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q:\n%s", want, text)
		}
	}
	m = message(monitor.KindResolved)
	if text := Text(&m); !strings.Contains(text, "RESOLVED") || !strings.Contains(text, "after 60 minutes: no longer seen") {
		t.Errorf("got %q", text)
	}
	for n := range 40 {
		if s := cut("ääääääääääääääääää", n); !utf8.ValidString(s) {
			t.Errorf("cut to %d bytes: %q", n, s)
		}
	}
}

func TestSlack(t *testing.T) {
	t.Parallel()
	r := receive(t, ok)
	ch, err := New(Options{Type: "slack", URL: monitor.Secret(r.URL)})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []monitor.Message{message(monitor.KindOpened), message(monitor.KindResolved), long(), {Kind: monitor.KindTest}} {
		if _, err := ch.Notify(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for _, raw := range r.got {
		var body struct {
			Text        string
			Attachments []struct {
				Color  string
				Blocks []struct{ Text struct{ Text string } }
			}
		}
		if err := json.Unmarshal(raw, &body); err != nil {
			t.Fatal(err)
		}
		text := body.Attachments[0].Blocks[0].Text.Text
		if n := utf8.RuneCountInString(text); n > 3000 || n == 0 || body.Text == "" {
			t.Errorf("a section of %d characters, text %q", n, body.Text)
		}
		if strings.Contains(text, "<12>") {
			t.Errorf("not escaped: %s", text)
		}
	}
}

func TestAlertmanager(t *testing.T) {
	t.Parallel()
	r := receive(t, ok)
	ch, err := New(Options{Type: "alertmanager", URL: monitor.Secret(r.URL + "/"), ExternalURL: "https://mon.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	var batches [][]amAlert
	for _, k := range []monitor.Kind{monitor.KindOpened, monitor.KindEscalated, monitor.KindResolved} {
		if _, err := ch.Notify(t.Context(), message(k)); err != nil {
			t.Fatal(err)
		}
		var as []amAlert
		if err := json.Unmarshal(r.got[len(r.got)-1], &as); err != nil {
			t.Fatal(err)
		}
		batches = append(batches, as)
	}
	if r.path != "/api/v2/alerts" {
		t.Errorf("posted to %s", r.path)
	}
	var got []string
	for _, as := range batches {
		for _, a := range as {
			got = append(got, fmt.Sprintf("%s %v", a.Labels["severity"], a.EndsAt.After(time.Now())))
			for name := range a.Labels {
				if !regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`).MatchString(name) {
					t.Errorf("label %q is none", name)
				}
			}
		}
	}
	if want := []string{"critical true", "warning false", "critical true", "warning false", "critical false"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q (severity, firing)", got, want)
	}
	first, last := batches[0][0].Labels, batches[2][1].Labels
	if fmt.Sprint(first) != fmt.Sprint(last) {
		t.Errorf("the labels of the end %v are not those of the beginning %v", last, first)
	}
	if every := ch.(monitor.Repeater).Every(); every == 0 || every*2 > amLasts {
		t.Errorf("repeated every %v, lasts %v: a gap", every, amLasts)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"type", Options{Type: "pigeon"}, `"pigeon" is none of`},
		{"url", Options{Type: "slack", URL: "example.com/x"}, "whole http"},
		{"server", Options{Type: "email", Server: "mx"}, "HOST:PORT"},
		{"to", Options{Type: "email", Server: "mx:25", From: "a@b.example"}, "to is missing"},
		{"from", Options{Type: "email", Server: "mx:25", To: []string{"a@b.example"}}, "no mail address"},
		{"tls", Options{Type: "email", Server: "mx:25", To: []string{"a@b.example"}, From: "a@b.example", TLS: "maybe"}, "none of starttls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := New(c.o); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

// TestPage has messages name the page of their incident, and only where there
// is one.
func TestPage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ external, want string }{
		{"https://mon.example.com/tls/", "https://mon.example.com/tls/incidents/abc123"},
		{"", ""},
	} {
		r := receive(t, ok)
		ch, err := New(Options{Type: "webhook", URL: monitor.Secret(r.URL), ExternalURL: c.external})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range []monitor.Kind{monitor.KindOpened, monitor.KindResolved} {
			m := message(k)
			if _, err := ch.Notify(t.Context(), m); err != nil || m.Items[0].Page != "" {
				t.Fatalf("got %v, and the caller's message now says %q", err, m.Items[0].Page)
			}
			var body struct {
				Text  string
				Items []monitor.Item
			}
			if err := json.Unmarshal(r.got[len(r.got)-1], &body); err != nil || body.Items[0].Page != c.want {
				t.Errorf("%s: got %q, %v; want %q", k, body.Items[0].Page, err, c.want)
			}
			if strings.Contains(body.Text, "/incidents/") != (c.want != "") || !strings.Contains(body.Text, c.want) {
				t.Errorf("%s: got %s, want it to name %q", k, body.Text, c.want)
			}
		}
	}
}
