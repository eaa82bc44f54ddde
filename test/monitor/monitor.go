// Package monitor builds the program and runs tlswhy serve as its operator does:
// a process of its own, in a folder of its own, at a port that the system
// chooses. What it said is shown when the test fails.
//
//	m := monitor.Start(t, monitor.Program(t), monitor.Config(t, "endpoints: []")...)
//	resp, err := http.Get(m.URL + "/healthz")
package monitor

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/test/server"
)

// patience is how long a test waits for what must come.
const patience = 3 * time.Minute

// Until waits for a condition.
func Until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still waiting for %s", what)
		}
	}
}

// Program builds the binary and returns its path.
func Program(t testing.TB) string {
	t.Helper()
	return Build(t, server.Folder(t))
}

// Build builds it into a folder.
func Build(t testing.TB, dir string) string {
	t.Helper()
	bin := filepath.Join(dir, "tlswhy")
	cmd := exec.Command("go", "build", "-o", bin, "github.com/tlswhy/tlswhy/cmd/tlswhy")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building tlswhy: %v\n%s", err, out)
	}
	return bin
}

// Config writes a configuration and returns the arguments of serve that use it,
// with a new folder for the data.
func Config(t testing.TB, text string) []string {
	t.Helper()
	dir := server.Folder(t)
	file := filepath.Join(dir, "tlswhy.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--config", file, "--data", filepath.Join(dir, "data")}
}

// Process is a running tlswhy serve.
type Process struct {
	URL string // where it listens
	Cmd *exec.Cmd

	mu   sync.Mutex
	said bytes.Buffer
}

// Write implements io.Writer, for what the process says.
func (p *Process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.Write(b)
}

// Said is all that it said so far.
func (p *Process) Said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// Says tells whether it said that.
func (p *Process) Says(what string) bool { return strings.Contains(p.Said(), what) }

// Stop ends it, and waits for the end.
func (p *Process) Stop() error {
	if err := p.Cmd.Process.Signal(os.Interrupt); err != nil {
		return err
	}
	return p.Cmd.Wait()
}

var listening = regexp.MustCompile(`msg=listening url=(\S+)`)

// Start runs it until the test ends, and waits until it listens. A later
// --listen in args takes the place of the free port.
func Start(t testing.TB, bin string, args ...string) *Process {
	t.Helper()
	return StartWith(t, nil, bin, args...)
}

// StartWith does the same with more in its environment.
func StartWith(t testing.TB, env []string, bin string, args ...string) *Process {
	t.Helper()
	p := &Process{Cmd: exec.Command(bin, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)}
	p.Cmd.Stdout, p.Cmd.Stderr, p.Cmd.Env = p, p, append(os.Environ(), env...)
	if err := p.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.Cmd.Process.Kill()
		_ = p.Cmd.Wait()
		if t.Failed() {
			t.Logf("tlswhy serve said:\n%s", p.Said())
		}
	})
	Until(t, "the monitor", func() bool {
		if x := listening.FindStringSubmatch(p.Said()); x != nil {
			p.URL = x[1]
		}
		return p.URL != ""
	})
	return p
}
