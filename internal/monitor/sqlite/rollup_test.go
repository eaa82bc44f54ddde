package sqlite

import (
	"context"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

func TestPacking(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		samples []byte
		want    entry
	}{
		{"one", []byte{0, 40}, entry{7, 1, 1, 40, 40, 40}},
		{"none answered", []byte{0xFF, 0xFF, 0xFF, 0xFF}, entry{7, 2, 0, 0, 0, 0}},
		{"one of two", []byte{0xFF, 0xFF, 1, 0}, entry{7, 2, 1, 256, 256, 256}},
		{"several", []byte{0, 10, 0, 30, 0, 20, 0, 100}, entry{7, 4, 4, 10, 40, 100}},
	} {
		packed := appendHour(appendHour(nil, 3, []byte{0, 1}), 7, c.samples)
		got := entries(packed)
		if len(got) != 2 || got[0].hour != 3 || got[1] != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
		for i := range packed {
			entries(packed[:i]) // what is cut short ends, and no more
		}
	}
	if got := whole([]entry{{1, 2, 1, 10, 10, 10}, {2, 3, 3, 5, 50, 90}, {3, 4, 0, 0, 0, 0}}); got != (entry{wholeDay, 9, 4, 5, 40, 90}) {
		t.Errorf("got the day %+v", got)
	}
}

// hourly checks an endpoint every 20 minutes for a while.
func hourly(t *testing.T, s *Store, from time.Time, d time.Duration) {
	t.Helper()
	for now := from; now.Before(from.Add(d)); now = now.Add(20 * time.Minute) {
		b, err := s.Claim(t.Context(), now, "here", 10)
		if err != nil {
			t.Fatal(err)
		}
		var reps []monitor.Report
		for _, w := range b.Works {
			rep := storetest.Report(w.Endpoint.ID, now, "")
			rep.Outcomes[0].MS = float64(now.Hour())
			reps = append(reps, rep)
		}
		if err := s.Ingest(t.Context(), now, storetest.Rules, b, reps); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRollups(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	start := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	if err := s.SetEndpoints(t.Context(), start, "file", "here", 0, storetest.Endpoints(2)); err != nil {
		t.Fatal(err)
	}
	hourly(t, s, start, 3*24*time.Hour)
	got, err := s.Rollups(t.Context(), "e0001", start.Add(25*time.Hour), start.Add(27*time.Hour))
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v, %v; want two hours", got, err)
	}
	want := monitor.Rollup{Vantage: "here", Address: "192.0.2.1:443", From: start.Add(25 * time.Hour), For: time.Hour, Checks: 3, Answered: 3, MinMS: 1, AvgMS: 1, P95MS: 1}
	if !reflect.DeepEqual(got[0], want) {
		t.Errorf("got %+v, want %+v", got[0], want)
	}
	// Of the first day only the day stays, and then nothing.
	now := start.Add(3 * 24 * time.Hour)
	keep := monitor.Retention{Hours: 48 * time.Hour}
	prune(t, s, now, keep)
	if got, err = s.Rollups(t.Context(), "e0001", start, start.Add(24*time.Hour)); err != nil || len(got) != 1 || got[0].For != 24*time.Hour || got[0].Checks != 72 || got[0].MinMS != 0 || got[0].P95MS != 23 {
		t.Errorf("got %+v, %v; want one day", got, err)
	}
	if got, err = s.Rollups(t.Context(), "e0001", start.Add(24*time.Hour), now); err != nil || len(got) != 47 {
		t.Errorf("got %d hours, %v; want those of two days but the one under way", len(got), err)
	}
	keep.Days = 49 * time.Hour
	prune(t, s, now.Add(30*24*time.Hour), keep)
	if got, err = s.Rollups(t.Context(), "e0001", start, now); err != nil || len(got) != 0 {
		t.Errorf("got %+v, %v; want that all is forgotten", got, err)
	}
}

// prune forgets until there is nothing more to forget.
func prune(t *testing.T, s *Store, now time.Time, r monitor.Retention) {
	t.Helper()
	for more := true; more; {
		var err error
		if more, err = s.Prune(t.Context(), now, r); err != nil {
			t.Fatal(err)
		}
	}
}

// TestPruneKeepsChanges forgets messages that left, and keeps what changed and
// what still waits.
func TestPruneKeepsChanges(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	if err := s.SetEndpoints(t.Context(), storetest.Start, "file", "here", 0, storetest.Endpoints(stormEndpoints)); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if err := round(t.Context(), s, "", func(string) {}); err != nil {
			t.Fatal(err)
		}
	}
	due, err := s.NextDue(t.Context(), "here")
	if err != nil {
		t.Fatal(err)
	}
	waits := monitor.Message{Key: "waits", Channel: "chat", Group: "g", At: due.Add(-time.Hour), Due: due}
	if err := s.Enqueue(t.Context(), waits); err != nil {
		t.Fatal(err)
	}
	count := func() (events, incidents, messages int) {
		if err := s.read.QueryRowContext(context.Background(), `SELECT (SELECT count(*) FROM events), (SELECT count(*) FROM incidents), count(*) FROM outbox`).Scan(&events, &incidents, &messages); err != nil {
			t.Fatal(err)
		}
		return events, incidents, messages
	}
	events, incidents, messages := count()
	if messages < 3 || incidents == 0 {
		t.Fatalf("%d messages, %d incidents", messages, incidents)
	}
	prune(t, s, due.Add(200*24*time.Hour), monitor.Retention{})
	if e, i, m := count(); e != events || i != incidents || m != 1 {
		t.Errorf("got %d events, %d incidents, %d messages; want %d, %d and the one that waits", e, i, m, events, incidents)
	}
}
