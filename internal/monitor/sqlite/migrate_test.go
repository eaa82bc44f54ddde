package sqlite

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

// older makes a database of the first schema.
func older(t *testing.T) string {
	t.Helper()
	dump, err := os.ReadFile("testdata/schema-1.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.db")
	db, err := open(path, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(dump)); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestMigrationCopiesFirst opens a file that an older version wrote: nothing is
// lost, and the copy is what it was.
func TestMigrationCopiesFirst(t *testing.T) {
	t.Parallel()
	path := older(t)
	s := mustOpen(t, path)
	defer s.Close()
	copied := s.backupOf(1)
	old, err := open(copied, "&_pragma=query_only(1)", 1)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	var version, watches, claimed int
	if err := old.QueryRow(`SELECT (SELECT max(version_id) FROM goose_db_version), count(*), sum(claimed_until > 0) FROM watches`).Scan(&version, &watches, &claimed); err != nil || version != 1 || watches != 3 || claimed != 1 {
		t.Errorf("the copy has schema %d, %d watches, %d of them claimed: %v", version, watches, claimed, err)
	}
	end := storetest.Start.Add(35 * time.Minute) // of what the older version did
	es, err := s.Endpoints(t.Context())
	if err != nil || len(es) != 3 {
		t.Fatalf("got %d endpoints, %v", len(es), err)
	}
	for _, e := range es {
		st := e.States[0]
		if e.Checks != 5 || st.Now.Leaf() == nil || !st.Checked.Equal(end.Add(-7*time.Minute)) || st.First.IsZero() || e.Endpoint.ID != "e0001" && !st.Good.Equal(st.Checked) {
			t.Errorf("got %+v", e)
		}
	}
	is, err := s.Incidents(t.Context(), monitor.Filter{})
	if err != nil || len(is) != 1 || !is[0].Open() || is[0].Endpoint != "e0001" {
		t.Errorf("got incidents %+v, %v", is, err)
	}
	if ms, err := s.Outbox(t.Context(), end, "mail", 10); err != nil || len(ms) != 1 || ms[0].Items[0].Incident.ID != is[0].ID {
		t.Errorf("got messages %+v, %v", ms, err)
	}
	// The claim of before holds until it ends; then everything goes on.
	if b, err := s.Claim(t.Context(), end, "here", 10); err != nil || len(b.Works) != 2 {
		t.Errorf("claimed %d, %v; want the two that nobody has", len(b.Works), err)
	}
	later := end.Add(5 * time.Minute)
	b, err := s.Claim(t.Context(), later, "here", 10)
	if err != nil || len(b.Works) != 3 {
		t.Fatalf("claimed %d, %v", len(b.Works), err)
	}
	var reps []monitor.Report
	for _, w := range b.Works {
		reps = append(reps, storetest.Report(w.Endpoint.ID, later, ""))
	}
	if err := s.Ingest(t.Context(), later, storetest.Rules, b, reps); err != nil {
		t.Fatal(err)
	}
	if es, err = s.Endpoints(t.Context()); err != nil || es[0].Checks != 6 || !es[0].States[0].Checked.Equal(later) || len(es[0].States) != 1 {
		t.Errorf("got %+v, %v", es[0], err)
	}
}

func TestRestore(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	path, saved := filepath.Join(dir, "m.db"), filepath.Join(dir, "saved.db")
	s := mustOpen(t, path)
	set := func(n int) {
		if err := s.SetEndpoints(ctx, storetest.Start, "file", "here", 0, storetest.Endpoints(n)); err != nil {
			t.Fatal(err)
		}
	}
	set(5)
	if err := s.Backup(ctx, saved); err != nil {
		t.Fatal(err)
	}
	set(2)
	if _, err := Restore(ctx, storetest.Start, saved, path); !errors.Is(err, ErrRunning) {
		t.Fatalf("over a database in use: got %v, want ErrRunning", err)
	}
	if es, err := s.Endpoints(ctx); err != nil || len(es) != 2 {
		t.Errorf("the refusal changed something: %d endpoints, %v", len(es), err)
	}
	set(3) // it goes on
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kept, err := Restore(ctx, storetest.Start, saved, path)
	if err != nil || kept == "" {
		t.Fatalf("got %q, %v", kept, err)
	}
	for file, want := range map[string]int{path: 5, kept: 3} {
		s := mustOpen(t, file)
		if es, err := s.Endpoints(ctx); err != nil || len(es) != want {
			t.Errorf("%s has %d endpoints, %v; want %d", file, len(es), err, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	fresh := filepath.Join(dir, "fresh.db")
	if kept, err := Restore(ctx, storetest.Start, saved, fresh); err != nil || kept != "" || !exists(fresh) {
		t.Errorf("into an empty folder: got %q, %v", kept, err)
	}
}

func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	ctx, dir := context.Background(), t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := filepath.Join(dir, "good.db")
	s := mustOpen(t, good)
	if err := s.SetEndpoints(ctx, storetest.Start, "file", "here", 0, storetest.Endpoints(500)); err != nil {
		t.Fatal(err)
	}
	newer := filepath.Join(dir, "newer.db")
	if err := s.Backup(ctx, newer); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := open(newer, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, file, want string }{
		{"not there", filepath.Join(dir, "none"), "no such file"},
		{"a letter", write("letter", []byte(strings.Repeat("dear aunt, ", 1000))), "no sound database"},
		{"cut short", write("cut", whole[:len(whole)/2]), "no sound database"},
		{"empty", write("empty", nil), "no such table"},
		{"newer", newer, "newer version"},
	} {
		path := filepath.Join(dir, "m.db")
		if _, err := Restore(ctx, storetest.Start, c.file, path); err == nil || !strings.Contains(err.Error(), c.want) || exists(path) {
			t.Errorf("%s: got %v, want %q and no file", c.name, err, c.want)
		}
	}
}
