package diagnose_test

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/lab"
)

// look makes one look and demands that the options are accepted.
func look(t testing.TB, l *diagnose.Light, target string, o diagnose.Options, address, known string) diagnose.Sight {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := l.Look(ctx, target, o, address, known)
	if err != nil {
		t.Fatal(err)
	}
	if s.Same == (s.Diagnosis != nil) {
		t.Fatalf("got %+v: the same, or a diagnosis", s)
	}
	return s
}

// TestLook looks at a server until it changes.
func TestLook(t *testing.T) {
	t.Parallel()
	var older atomic.Bool
	_, pair := issued()
	address, ca := overTLS(t, &tls.Config{Certificates: []tls.Certificate{pair}, GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := &tls.Config{Certificates: []tls.Certificate{pair}, SessionTicketsDisabled: true}
		if older.Load() {
			c.MaxVersion = tls.VersionTLS12
		}
		return c, nil
	}}, func(s *secured) { s.Read(make([]byte, 1)) })
	l := &diagnose.Light{}
	o := diagnose.Options{CAFile: ca}
	target := "tls://shop.lab.test:443"
	first := look(t, l, target, o, address, "")
	if first.Digest == "" || first.Diagnosis.Verdict == diag.Failure || !first.Until.After(time.Now()) {
		t.Fatalf("got %+v: %s", first, describe(first.Diagnosis))
	}
	for range 3 {
		if s := look(t, l, target, o, address, first.Digest); !s.Same || s.Digest != first.Digest {
			t.Errorf("got %+v, want the same", s)
		}
	}
	older.Store(true)
	s := look(t, l, target, o, address, first.Digest)
	if s.Same || s.Digest == first.Digest || s.Digest == "" {
		t.Errorf("got %+v of a server that changed", s)
	}
	if s.Diagnosis != nil && s.Diagnosis.Attempts[0].Version != "TLS 1.2" {
		t.Errorf("got %s", s.Diagnosis.Attempts[0].Version)
	}
	if s := look(t, l, target, o, "", first.Digest); s.Same || s.Digest != "" {
		t.Errorf("a look without an address says %+v", s)
	}
}

// TestLookIsJudged holds looks to the diagnosis with one connection, and later
// looks to the first.
func TestLookIsJudged(t *testing.T) {
	t.Parallel()
	var digests atomic.Int32
	t.Cleanup(func() {
		if n := digests.Load(); n < 10 {
			t.Errorf("only %d scenarios have a digest", n)
		}
	})
	for i, s := range lab.Scenarios() {
		h := s.Client
		// A sample; what needs more than an address and anchors is left out.
		if i%12 != 0 || h.NoConnect || h.Anchors == "none" || h.Profile != "" || h.StartTLS != "" || !h.Moment().IsZero() {
			continue
		}
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			r := startLab(t, s.ID)
			o := diagnose.Options{SNI: h.SNI, MinVersion: h.MinVersion, MaxVersion: h.MaxVersion, Ciphers: h.Ciphers, CAFile: file(t, "ca.pem", r.CA)}
			one := o
			one.Connect, one.MaxConnections = []string{r.Addr}, 1
			target, l := h.Target(r.Addr), &diagnose.Light{}
			want, got := run(t, target, one), look(t, l, target, o, r.Addr, "")
			if got.Digest == "" {
				return // it is judged each time
			}
			for range 2 {
				if ids(run(t, target, one)) != ids(want) {
					return // a server that changes its mind
				}
			}
			if a, b := ids(want), ids(got.Diagnosis); a != b {
				t.Errorf("a look finds %s, a diagnosis %s", b, a)
			}
			digests.Add(1)
			if again := look(t, l, target, o, r.Addr, got.Digest); again.Diagnosis != nil && ids(again.Diagnosis) != ids(want) {
				t.Errorf("a later look finds %s, the first %s", ids(again.Diagnosis), ids(want))
			}
		})
	}
}

// TestWholeLeaf shows of a leaf what a monitor compares with those before it,
// and only where certificates are shown whole.
func TestWholeLeaf(t *testing.T) {
	t.Parallel()
	r := startLab(t, "sct-garbled")
	for detail, want := range map[int]bool{0: false, 1: true} {
		d := run(t, "shop.lab.test", diagnose.Options{Connect: []string{r.Addr}, CAFile: file(t, "ca.pem", r.CA), Detail: detail, MaxConnections: 1})
		if len(d.Certificates) == 0 {
			t.Fatal("no certificate")
		}
		if c := d.Certificates[0]; (c.PublicKey != "") != want || (c.SCTs >= 2) != want || (c.PEM != "") != want {
			t.Errorf("detail %d: got key %q, %d SCTs", detail, c.PublicKey, c.SCTs)
		}
	}
}

func ids(d *diag.Diagnosis) string {
	var out []string
	for _, c := range d.Causes {
		out = append(out, c.ID)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
