package sqlite

import (
	"cmp"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
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
	if last := o.Holders[len(o.Holders)-1]; len(o.Holders) != monitor.MaxGroups || !last.Others || last.Count != 18 || o.Holders[0].Name != "team-00" || o.Holders[0].Count != 3 {
		t.Errorf("got certificates of %+v", o.Holders)
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
	if o, err := s.Overview(t.Context()); err != nil || o.Endpoints != 0 || len(o.Issuers) != 0 || len(o.Owners)+len(o.Holders) != 0 {
		t.Errorf("after all have left: got %+v, %v", o, err)
	}
}

// TestHolders counts a certificate once for each owner, however many endpoints
// and addresses serve it, and follows its renewal.
func TestHolders(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	var es []monitor.Endpoint
	for i, owner := range []string{"shop", "shop", "pay", ""} {
		e := monitor.Endpoint{Target: fmt.Sprintf("host-%d.example.com", i), Host: fmt.Sprintf("host-%d.example.com", i), Port: 443, Owner: owner}
		e.ID = monitor.NewID(&e)
		es = append(es, e)
	}
	if err := s.SetEndpoints(t.Context(), storetest.Start, "file", "here", 0, es); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		serve [4][]int // leaf certificates
		want  string
	}{
		{[4][]int{{1, 1}, {1}, {1, 2}, nil}, "pay 2, shop 1"},
		{[4][]int{{1, 1}, {3}, {1, 2}, {4}}, "pay 2, shop 2, nobody 1"},
		{[4][]int{{3, 3}, {3}, {2, 2}, {4}}, "nobody 1, pay 1, shop 1"},
	} {
		err := s.transaction(t.Context(), "serving", func(tx *sql.Tx) error {
			for i, leaves := range step.serve {
				var states []monitor.State
				for j, n := range leaves {
					st := seen(storetest.Start, n)[0]
					st.Address = fmt.Sprintf("192.0.2.%d:443", j)
					states = append(states, st)
				}
				if err := relist(t.Context(), tx, storetest.Start, es[i].ID, states, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		o, err := s.Overview(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range o.Holders {
			got = append(got, fmt.Sprintf("%s %d", cmp.Or(g.Name, "nobody"), g.Count))
		}
		if strings.Join(got, ", ") != step.want {
			t.Errorf("got %q, want %q", got, step.want)
		}
	}
}

// TestLeavesMigrate demands that the migration counts what relist writes.
func TestLeavesMigrate(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	fill(t, s, 50)
	const all = `SELECT group_concat(endpoint || ' ' || leaves) FROM (SELECT endpoint, leaves FROM listing ORDER BY endpoint)`
	want, err := texts(t.Context(), s.read, all)
	if err != nil || !strings.Contains(want[0], "leaf-000049") {
		t.Fatalf("got %q, %v", want, err)
	}
	script, err := migrations.ReadFile("migrations/00018_leaves.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, update, _ := strings.Cut(string(script), "ALTER TABLE listing ADD COLUMN leaves TEXT NOT NULL DEFAULT '';")
	update, _, _ = strings.Cut(update, "DROP TRIGGER")
	err = s.transaction(t.Context(), "migrating", func(tx *sql.Tx) error {
		if _, err := tx.Exec(`UPDATE listing SET leaves = ''`); err != nil {
			return err
		}
		_, err := tx.Exec(update)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := texts(t.Context(), s.read, all); err != nil || got[0] != want[0] {
		t.Errorf("got %q, %v, want %q", got, err, want)
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
