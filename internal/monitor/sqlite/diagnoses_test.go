package sqlite

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

// TestDiagnosis keeps with an incident the full diagnosis that was made when its
// cause was first seen, though the incident opens some checks later, and that of
// another cause when it gets one. Another incident does not change it.
func TestDiagnosis(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
	t.Cleanup(func() { _ = s.Close() })
	ctx := t.Context()
	e := storetest.Endpoint(1)
	if err := s.SetEndpoints(ctx, storetest.Start, "file", "here", 0, []monitor.Endpoint{e}); err != nil {
		t.Fatal(err)
	}
	now := storetest.Start
	// check ingests a check that sees a cause; full says what a full diagnosis,
	// which only the first of a kind makes, would show.
	check := func(cause, full string) {
		t.Helper()
		now = now.Add(time.Minute)
		if err := s.CheckSoon(ctx, now, e.ID); err != nil {
			t.Fatal(err)
		}
		b, err := s.Claim(ctx, now, "here", 10)
		if err != nil || len(b.Works) != 1 {
			t.Fatalf("claimed %d, %v", len(b.Works), err)
		}
		rep := storetest.Report(e.ID, now, cause)
		for i := range rep.Outcomes {
			o := &rep.Outcomes[i]
			o.Diagnosis = &diag.Diagnosis{Verdict: o.Verdict, Target: diag.Target{Input: "light"}}
			if full != "" {
				o.Deep, o.Diagnosis = true, &diag.Diagnosis{Verdict: o.Verdict, Target: diag.Target{Input: full}}
			}
		}
		if err := s.Ingest(ctx, now, &monitor.Rules{Tries: 2, Within: time.Minute}, b, []monitor.Report{rep}); err != nil {
			t.Fatal(err)
		}
	}
	incidents := func() []monitor.Incident {
		t.Helper()
		is, err := s.Incidents(ctx, monitor.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		return is
	}
	input := func(id string) string {
		t.Helper()
		d, err := s.Diagnosis(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return d.Target.Input
	}
	check("", "")
	check("cert-expired", "first")
	if len(incidents()) != 0 {
		t.Fatal("one sight opens an incident")
	}
	check("cert-expired", "")
	first := incidents()
	if len(first) != 1 || input(first[0].ID) != "first" {
		t.Fatalf("got %+v", first)
	}
	check("", "")
	check("", "")
	check("hostname-mismatch", "second")
	check("hostname-mismatch", "")
	all := incidents()
	if len(all) != 2 || input(all[0].ID) != "second" || input(first[0].ID) != "first" {
		t.Errorf("got %+v", all)
	}
	if _, err := s.Diagnosis(ctx, "other"); !errors.Is(err, monitor.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if err := s.SetEndpoints(ctx, now, "file", "here", 0, nil); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := s.read.QueryRow(`SELECT count(*) FROM diagnoses`).Scan(&left); err != nil || left != 2 {
		t.Errorf("%d diagnoses are left of a removed endpoint, want those of its 2 incidents: %v", left, err)
	}
}
