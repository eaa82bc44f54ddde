package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

func TestEnds(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
	t.Cleanup(func() { _ = s.Close() })
	now := storetest.Start
	const day = 24 * time.Hour
	for i, c := range []struct {
		role       string
		begin, end time.Duration // from now
	}{{"leaf", -90 * day, -day}, {"leaf", -60 * day, 5 * day}, {"leaf", -30 * day, 60 * day}, {"leaf", -3 * day, 3 * day}, {"leaf", -2 * day, 4*day + 1}, {"leaf", 0, 400 * day}, {"intermediate", -day, 5 * day}} {
		if _, err := s.write.Exec(`INSERT INTO certificates (fingerprint, role, subject, issuer, search, expires, begins, first_seen, body) VALUES (?1, ?2, '', '', '', ?3, ?4, 0, '{}')`,
			string(rune('a'+i)), c.role, micros(now.Add(c.end)), micros(now.Add(c.begin))); err != nil {
			t.Fatal(err)
		}
	}
	e, err := s.Ends(t.Context(), monitor.EndsQuery{Now: now, From: now, To: now.Add(100 * day), Bins: 10})
	if err != nil || len(e.Bins) != 10 || e.Before != 1 || e.After != 1 {
		t.Fatalf("got %+v, %v", e, err)
	}
	if b := e.Bins[0]; b.Count != 3 || b.Due != 1 || !b.From.Equal(now) || !b.To.Equal(now.Add(10*day)) {
		t.Errorf("the first bin is %+v", b)
	}
	if e.Bins[6].Count != 1 || e.Bins[6].Due != 0 {
		t.Errorf("got %+v", e.Bins)
	}
	for _, bad := range []monitor.EndsQuery{{From: now, To: now, Bins: 1}, {From: now, To: now.Add(day)}, {From: now, To: now.Add(day), Bins: monitor.MaxBins + 1}} {
		if _, err := s.Ends(t.Context(), bad); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
}
