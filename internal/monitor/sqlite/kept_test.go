package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

func TestArchive(t *testing.T) {
	storetest.Archive(t, func(t *testing.T) interface {
		monitor.Archive
		monitor.Store
	} {
		s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}
