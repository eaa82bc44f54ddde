package sqlite

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

func TestOverview(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	if o, err := s.Overview(t.Context()); err != nil || o.Endpoints != 0 || len(o.Owners) != 0 || len(o.Lifetimes) != len(monitor.Lifetimes) {
		t.Errorf("of nothing: got %+v, %v", o, err)
	}
	fill(t, s, 50)
	o, err := s.Overview(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if o.Endpoints != 50 || o.States[monitor.StandCritical] != 5 || o.States[monitor.StandOK] != 45 {
		t.Errorf("got %d endpoints, %v", o.Endpoints, o.States)
	}
	// 20 owners: 11 have names, and 9 are summed up.
	if last := o.Owners[len(o.Owners)-1]; len(o.Owners) != monitor.MaxGroups || !last.Others || last.Count != 18 || o.Owners[0].Name != "team-00" || o.Owners[0].Count != 3 || o.Owners[0].Critical != 3 {
		t.Errorf("got owners %+v", o.Owners)
	}
	if n := o.Lifetimes[0].Count + o.Lifetimes[1].Count; n != 35 { // within 47 days
		t.Errorf("got lifetimes %+v", o.Lifetimes)
	}
	sum := 0
	for _, g := range o.Lifetimes {
		sum += g.Count
	}
	if sum != 50 || len(o.Issuers) != 3 || o.Issuers[0].Count != 17 {
		t.Errorf("got %d certificates, issuers %+v", sum, o.Issuers)
	}
	if err := s.SetEndpoints(t.Context(), storetest.Start, "file", "here", 0, nil); err != nil {
		t.Fatal(err)
	}
	if o, err := s.Overview(t.Context()); err != nil || o.Endpoints != 0 || len(o.Issuers) != 0 || len(o.Owners) != 0 {
		t.Errorf("after all have left: got %+v, %v", o, err)
	}
}

// BenchmarkOverview sums 100,000 endpoints up.
func BenchmarkOverview(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "m.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	fill(b, s, 100_000)
	var took []time.Duration
	for range 20 {
		start := time.Now()
		if _, err := s.Overview(b.Context()); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	b.Log(fmt.Sprint("the first: ", took[0]))
	slices.Sort(took)
	b.ReportMetric(float64(took[18].Microseconds())/1000, "ms-p95")
	b.ReportMetric(0, "ns/op")
}
