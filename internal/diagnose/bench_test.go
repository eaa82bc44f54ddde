package diagnose_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/lab"
)

// silentCauses are those that only a timeout can tell.
var silentCauses = []string{"handshake-timeout", "tcp-timeout"}

// class is what a scenario is counted under: the family of its cause, except
// that healthy and silent servers stand alone.
func class(s lab.Scenario) string {
	switch {
	case s.Cause == "":
		return "healthy"
	case slices.Contains(silentCauses, s.Cause):
		return "silent"
	}
	page, ok := causes.PageOf(s.Cause)
	if !ok {
		return "other"
	}
	switch page.Family {
	case "cipher", "version":
		return "negotiation"
	}
	return page.Family
}

// BenchmarkDiagnosis measures what the diagnoses of the lab cost by class of
// scenario, one after the other: connections and milliseconds, in the median
// and at most.
func BenchmarkDiagnosis(b *testing.B) {
	classes := map[string][]lab.Scenario{}
	for _, s := range lab.Scenarios() {
		classes[class(s)] = append(classes[class(s)], s)
	}
	for _, name := range []string{"healthy", "certificate", "negotiation", "sni", "client-auth", "transport", "silent"} {
		b.Run(name, func(b *testing.B) {
			if len(classes[name]) == 0 {
				b.Fatal("no scenario is of this class")
			}
			var targets []labTarget
			for _, s := range classes[name] {
				targets = append(targets, newLabTarget(b, s))
			}
			var connections []int
			var took []time.Duration
			for b.Loop() {
				for _, t := range targets {
					began := time.Now()
					d := t.diagnose(b)
					took = append(took, time.Since(began))
					connections = append(connections, len(d.Attempts))
				}
			}
			slices.Sort(connections)
			slices.Sort(took)
			ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
			b.ReportMetric(0, "ns/op") // of the whole class, which says nothing
			b.ReportMetric(float64(connections[len(connections)/2]), "connections-median")
			b.ReportMetric(float64(connections[len(connections)-1]), "connections-max")
			b.ReportMetric(ms(took[len(took)/2]), "ms-median")
			b.ReportMetric(ms(took[len(took)-1]), "ms-max")
		})
	}
}

// TestCosts holds the same in the large: a typical diagnosis needs few
// connections.
func TestCosts(t *testing.T) {
	t.Parallel()
	var targets []labTarget
	for i, s := range lab.Scenarios() {
		if i%4 == 0 && class(s) != "silent" {
			targets = append(targets, newLabTarget(t, s))
		}
	}
	connections := make([]int, len(targets))
	var tasks sync.WaitGroup
	slots := make(chan struct{}, 8)
	for i, l := range targets {
		slots <- struct{}{}
		tasks.Go(func() {
			defer func() { <-slots }()
			d, err := diagnose.Run(context.Background(), l.target, l.o, diagnose.Env{})
			if err != nil {
				t.Error(err)
				return
			}
			connections[i] = len(d.Attempts)
		})
	}
	tasks.Wait()
	slices.Sort(connections)
	if median := connections[len(connections)/2]; median > 6 {
		t.Errorf("%d connections in the median, want at most 6", median)
	}
}

// labTarget is a running scenario with the options of its client.
type labTarget struct {
	target string
	o      diagnose.Options
}

func newLabTarget(tb testing.TB, s lab.Scenario) labTarget {
	tb.Helper()
	r, err := lab.Start(context.Background(), s)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { r.Close() })
	dir := tb.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			tb.Fatal(err)
		}
		return path
	}
	h := s.Client
	o := diagnose.Options{SNI: h.SNI, MinVersion: h.MinVersion, MaxVersion: h.MaxVersion, Ciphers: h.Ciphers, Groups: h.Groups, SigAlgs: h.SigAlgs,
		ALPN: h.ALPN, Client: h.Profile, StartTLS: h.StartTLS}
	if !h.NoConnect {
		o.Connect = []string{r.Addr}
	}
	o.Proxy = r.Proxy
	if h.Anchors != "none" {
		o.CAFile = write("ca.pem", r.CA)
	}
	if len(r.ClientCert) > 0 {
		o.CertFile, o.KeyFile = write("client.pem", r.ClientCert), write("client.key", r.ClientKey)
	}
	o.At, o.MinDHBits, o.MaxValidityDays, o.Pins, o.TLSA = h.Moment(), h.MinDHBits, h.MaxDays, r.Pins, r.TLSA
	return labTarget{h.Target(r.Addr), o}
}

func (l labTarget) diagnose(tb testing.TB) *diag.Diagnosis {
	tb.Helper()
	d, err := diagnose.Run(context.Background(), l.target, l.o, diagnose.Env{})
	if err != nil {
		tb.Fatal(err)
	}
	return d
}
