package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) monitor.Store {
		// Names of files may hold what means something in a URL.
		return mustOpen(t, filepath.Join(t.TempDir(), "a b%20?x#y.db"))
	})
}

func mustOpen(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestOldFile opens a file again and again: a restart finds everything.
func TestOldFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	s := mustOpen(t, path)
	if err := s.SetEndpoints(t.Context(), storetest.Start, "file", "here", 0, storetest.Endpoints(3)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, path)
	defer s.Close()
	if es, err := s.Endpoints(t.Context()); err != nil || len(es) != 3 {
		t.Errorf("got %d endpoints, %v", len(es), err)
	}
	if left, _ := filepath.Glob(path + ".schema*"); len(left) != 0 {
		t.Errorf("a copy was made without a migration: %v", left)
	}
}

// TestNewerSchema is an older binary with the file of a newer one.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	s := mustOpen(t, path)
	var knows int64
	if err := s.read.QueryRow(`SELECT max(version_id) FROM goose_db_version`).Scan(&knows); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), s.backupOf(knows)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)`); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), path)
	var newer *NewerSchemaError
	if !errors.As(err, &newer) || newer.Has != 99 || newer.Backup == "" || !strings.Contains(err.Error(), "go back to the copy") {
		t.Errorf("got %v", err)
	}
}

// TestErrorsAreClear shows what an operator reads.
func TestErrorsAreClear(t *testing.T) {
	t.Parallel()
	t.Run("closed", func(t *testing.T) {
		t.Parallel()
		s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Claim(t.Context(), storetest.Start, "here", 1); err == nil || !strings.Contains(err.Error(), "the store is closed") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no folder", func(t *testing.T) {
		t.Parallel()
		_, err := Open(t.Context(), filepath.Join(t.TempDir(), "no", "m.db"))
		if err == nil || !strings.Contains(err.Error(), "cannot be written") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no database", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "m.db")
		if err := os.WriteFile(path, []byte(strings.Repeat("this is a letter to my aunt. ", 400)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(t.Context(), path)
		if err == nil || !strings.Contains(err.Error(), "no sound database") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("locked by another process, and free again", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "m.db")
		s := mustOpen(t, path)
		defer s.Close()
		if err := s.SetEndpoints(t.Context(), storetest.Start, "file", "here", 0, storetest.Endpoints(3)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.write.Exec(`PRAGMA busy_timeout = 20`); err != nil {
			t.Fatal(err)
		}
		other, err := open(path, "&_txlock=immediate", 1)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		tx, err := other.Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Claim(t.Context(), storetest.Start, "here", 1); err == nil || !strings.Contains(err.Error(), "another process holds the database") {
			t.Errorf("got %v", err)
		}
		if es, err := s.Endpoints(t.Context()); err != nil || len(es) != 3 {
			t.Errorf("reading beside it: %d endpoints, %v", len(es), err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if b, err := s.Claim(t.Context(), storetest.Start, "here", 10); err != nil || len(b.Works) != 3 {
			t.Errorf("claimed %d, %v", len(b.Works), err)
		}
	})
	t.Run("disk full, and room again", func(t *testing.T) {
		t.Parallel()
		s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
		defer s.Close()
		var pages int
		if err := s.write.QueryRow(`PRAGMA page_count`).Scan(&pages); err != nil {
			t.Fatal(err)
		}
		if _, err := s.write.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+2)); err != nil {
			t.Fatal(err)
		}
		set := func() error {
			return s.SetEndpoints(context.Background(), storetest.Start, "file", "here", 0, storetest.Endpoints(2000))
		}
		if err := set(); err == nil || !strings.Contains(err.Error(), "the disk is full") {
			t.Fatalf("got %v", err)
		}
		if es, err := s.Endpoints(t.Context()); err != nil || len(es) != 0 {
			t.Errorf("half of a transaction stayed: %d endpoints, %v", len(es), err)
		}
		if _, err := s.write.Exec(`PRAGMA max_page_count = 1000000`); err != nil {
			t.Fatal(err)
		}
		if err := set(); err != nil {
			t.Error(err)
		}
	})
}
