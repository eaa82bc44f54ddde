//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// TestInterrupt ends commands that wait for a pipe to which nobody writes. Each
// must end by one interruption, and what it printed must be whole.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		args []string // FIFO stands for the pipe, which is standard input too
	}{
		{"anchors", []string{"-o", "json", "--ca", "FIFO", "shop.test"}},
		{"anchors, SARIF", []string{"-o", "sarif", "--ca", "FIFO", "shop.test"}},
		{"client certificate", []string{"-o", "json", "--cert", "FIFO", "shop.test"}},
		{"revocation list", []string{"-o", "json", "--crl", "FIFO", "shop.test"}},
		{"targets", []string{"-o", "json", "--targets", "FIFO"}},
		{"cert", []string{"cert", "-o", "json", "FIFO"}},
		{"cert from standard input", []string{"cert", "-o", "json", "-"}},
		{"cert's anchors", []string{"cert", "-o", "json", "--ca", "FIFO", "FIFO"}},
		{"password", []string{"cert", "-o", "json", "--password-file", "FIFO", "x.p12"}},
		{"explain", []string{"explain", "-o", "json", "-"}},
		{"capture", []string{"capture", "-o", "json", "-"}},
		{"capture of a pipe", []string{"capture", "-o", "json", "FIFO"}},
		{"configuration of the monitor", []string{"serve", "--config", "FIFO"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			fifo := filepath.Join(t.TempDir(), "fifo")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			fromStdin := true
			for i, a := range tt.args {
				if a == "FIFO" {
					tt.args[i], fromStdin = fifo, false
				}
			}
			ctx, interrupt := context.WithCancel(t.Context())
			writer := make(chan *os.File, 1)
			go func() {
				w, _ := os.OpenFile(fifo, os.O_WRONLY, 0) // returns when the program has opened it
				writer <- w
				interrupt()
			}()
			var out, talk guarded // what is left behind may still write
			p := newProgram()
			p.stdin, p.stdout, p.stderr, p.outTerminal, p.errTerminal = strings.NewReader(""), &out, &talk, false, false
			if fromStdin {
				r, err := os.OpenFile(fifo, os.O_RDONLY|syscall.O_NONBLOCK, 0)
				if err != nil {
					t.Fatal(err)
				}
				defer r.Close()
				p.stdin = blocking{r, <-writer}
			}
			code := p.run(ctx, tt.args)
			if !fromStdin {
				defer (<-writer).Close()
			}
			if code != exitInterrupted && code != exitHealthy {
				t.Errorf("got exit code %d, want %d; it said %s", code, exitInterrupted, talk.String())
			}
			for _, line := range jsonValues(out.String()) {
				if !json.Valid([]byte(line)) {
					t.Errorf("no JSON: %s", line)
				}
			}
		})
	}
}

// blocking is a pipe that is held open.
type blocking struct {
	*os.File
	writer *os.File
}

// guarded is a buffer for several goroutines.
type guarded struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (g *guarded) Write(b []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.b.Write(b)
}

func (g *guarded) String() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.b.String()
}

// jsonValues are the lines of JSON lines, or the whole document.
func jsonValues(s string) []string {
	s = strings.TrimSpace(s)
	if s == "" || strings.HasPrefix(s, "{\n") {
		return []string{s}[:min(1, len(s))]
	}
	return strings.Split(s, "\n")
}
