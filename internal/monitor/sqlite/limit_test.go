//go:build linux

package sqlite

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

// limitFile names the file of the process that TestNoRoom leaves without room.
const limitFile = "TLSWHY_TEST_LIMIT"

func init() {
	path := os.Getenv(limitFile)
	if path == "" {
		return
	}
	// The kernel refuses to let any file grow beyond this, as a full disk does.
	signal.Ignore(syscall.SIGXFSZ)
	const most = 800 << 10
	err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: most})
	if err == nil {
		err = storm(path)
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(3)
}

// TestNoRoom runs a storm of changes until the kernel refuses to write: the
// message says so, and what was told is known, and goes on once there is room.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "m.db")
	s := mustOpen(t, path)
	if err := s.SetEndpoints(t.Context(), storetest.Start, "file", "here", 0, storetest.Endpoints(stormEndpoints)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), limitFile+"="+path)
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err == nil || !strings.Contains(said.String(), "full") {
		t.Fatalf("got %v: %q; want that the disk is full", err, said.String())
	}
	s = mustOpen(t, path)
	defer s.Close()
	stored := outboxKeys(t, s)
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	for _, line := range lines {
		if key, _, _ := strings.Cut(line, " "); !stored[key] {
			t.Errorf("somebody was told %s, of which the store knows nothing", line)
		}
	}
	for range 6 {
		if err := round(context.Background(), s, "good", func(string) {}); err != nil {
			t.Fatal(err)
		}
	}
	if h, err := s.Health(t.Context(), time.Now()); err != nil || h.Open != 0 || h.Outbox != 0 {
		t.Errorf("got health %+v, %v; want nothing open and nothing waiting", h, err)
	}
}
