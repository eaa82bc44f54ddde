package diagnose_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/lab"
)

// TestLab diagnoses every scenario of the lab: the first failure must be the
// expected one, a healthy server must have none, and what a scenario nearly has
// must not be found.
func TestLab(t *testing.T) {
	t.Parallel()
	for _, s := range lab.Scenarios() {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			d := diagnoseLab(t, s)
			report := describe(d)
			first := d.FirstFailure()
			switch {
			case s.Cause == "" && first != nil && !slices.Contains(s.Or, first.ID):
				t.Errorf("got failure %s on a healthy server\n%s", first.ID, report)
			case s.Cause != "" && first == nil:
				t.Errorf("got no failure, want %s\n%s", s.Cause, report)
			case s.Cause != "" && first.ID != s.Cause && !slices.Contains(s.Or, first.ID):
				t.Errorf("got %s, want %s\n%s", first.ID, s.Cause, report)
			}
			for _, id := range s.Also {
				if !slices.ContainsFunc(d.Causes, func(c diag.Cause) bool { return c.ID == id }) {
					t.Errorf("missed %s\n%s", id, report)
				}
			}
			if slices.ContainsFunc(d.Causes, func(c diag.Cause) bool { return c.ID == s.Near && c.Severity == diag.SeverityFailure }) && s.Near != "" {
				t.Errorf("found %s, which this scenario only nearly has\n%s", s.Near, report)
			}
			for _, c := range d.Causes {
				if c.Severity == diag.SeverityFailure && len(c.Fixes) == 0 {
					t.Errorf("%s has no fix\n%s", c.ID, report)
				}
			}
			if len(d.Attempts) > 20*max(1, len(d.Addresses)) {
				t.Errorf("%d connections\n%s", len(d.Attempts), report)
			}
			if d.DurationMS > 60000 {
				t.Errorf("took %.0f ms\n%s", d.DurationMS, report)
			}
		})
	}
}

// diagnoseLab starts a scenario and diagnoses it as its hint says.
func diagnoseLab(t *testing.T, s lab.Scenario) *diag.Diagnosis {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	r, err := lab.Start(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	dir := t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	h := s.Client
	o := diagnose.Options{SNI: h.SNI, MinVersion: h.MinVersion, MaxVersion: h.MaxVersion, Ciphers: h.Ciphers, Groups: h.Groups, SigAlgs: h.SigAlgs,
		ALPN: h.ALPN, Client: h.Profile, StartTLS: h.StartTLS, Revocation: h.Revocation, RequireStaple: h.RequireStaple,
		HelloSize: h.HelloSize, RecordSplit: h.RecordSplit, SegmentSplit: h.SegmentSplit, RecordVersion: h.RecordVersion,
		GREASE: h.GREASE, FallbackSCSV: h.FallbackSCSV, RequireALPN: h.RequireALPN}
	if !h.NoConnect {
		o.Connect = append([]string{r.Addr}, r.Others...)
	}
	if flags := r.ControlFlags(); flags != nil {
		o.Control, o.Resolve = []string{flags["--control"]}, []string{flags["--resolve"]}
	}
	o.Proxy = r.Proxy
	if h.Anchors != "none" {
		o.CAFile = write("ca.pem", r.CA)
	}
	if len(r.ClientCert) > 0 {
		o.CertFile, o.KeyFile = write("client.pem", r.ClientCert), write("client.key", r.ClientKey)
	}
	o.At, o.MinDHBits, o.MaxValidityDays, o.Pins, o.TLSA = h.Moment(), h.MinDHBits, h.MaxDays, r.Pins, r.TLSA
	if len(r.List) > 0 {
		o.CRLFiles = []string{write("ca.crl", r.List)}
	}
	d, err := diagnose.Run(ctx, h.Target(r.Addr), o, diagnose.Env{})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// describe prints a diagnosis for a failed test.
func describe(d *diag.Diagnosis) string {
	var b strings.Builder
	for _, c := range d.Causes {
		b.WriteString("  " + string(c.Severity) + " " + c.ID + " (" + string(c.Confidence) + "): " + c.Summary + "\n")
		for _, e := range c.Evidence {
			b.WriteString("      " + e.Text + " [" + e.Where + "]\n")
		}
	}
	for _, a := range d.Attempts {
		b.WriteString("    " + strings.Join([]string{a.Address, a.Change, a.End, string(a.Stage), a.Version, a.Suite}, " | ") + "\n")
	}
	return b.String()
}
