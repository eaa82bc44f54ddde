package diagnose_test

import (
	"crypto/tls"
	"sync/atomic"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// TestQuick checks names at one server: the first is judged, another that the
// certificate covers is not, one that it does not cover fails, and so does all
// once the server has changed for the worse.
func TestQuick(t *testing.T) {
	t.Parallel()
	_, pair := issued()
	var bad atomic.Bool
	address, ca := overTLS(t, &tls.Config{Certificates: []tls.Certificate{pair}, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := &tls.Config{Certificates: []tls.Certificate{pair}, SessionTicketsDisabled: true}
		if bad.Load() {
			c.MaxVersion = tls.VersionTLS10
			c.MinVersion = tls.VersionTLS10
		}
		return c, nil
	}}, func(s *secured) { s.Read(make([]byte, 1)) })
	q := &diagnose.Quick{Light: &diagnose.Light{}}
	o := diagnose.Options{CAFile: ca, Connect: []string{address}}
	check := func(target string) *diag.Diagnosis {
		d, err := q.Check(t.Context(), target, o)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := check("tls://shop.lab.test:443"); d.Verdict == diag.Failure || len(d.Attempts) != 1 {
		t.Fatalf("got %s", describe(d))
	}
	for range 3 {
		if d := check("tls://shop.lab.test:443"); d.Verdict == diag.Failure || len(d.Attempts) != 0 || d.Target.Name != "shop.lab.test" {
			t.Errorf("got %s", describe(d))
		}
	}
	if d := check("tls://other.test:443"); d.Verdict != diag.Failure || d.FirstFailure().ID != "hostname-mismatch" || len(d.Attempts) == 0 {
		t.Errorf("got %s", describe(d))
	}
	bad.Store(true)
	if d := check("tls://shop.lab.test:443"); d.Verdict != diag.Failure || d.FirstFailure().ID != "protocol-version" {
		t.Errorf("got %s", describe(d))
	}
	if _, err := q.Check(t.Context(), "http:// ", o); err == nil {
		t.Error("a target that makes no sense is taken")
	}
	o.Connect = []string{"127.0.0.1:1"} // where nothing listens
	if d := check("tls://shop.lab.test:443"); d.Verdict != diag.Failure || d.FirstFailure().ID != "tcp-refused" {
		t.Errorf("got %s", describe(d))
	}
}
