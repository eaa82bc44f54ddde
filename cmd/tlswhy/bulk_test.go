package main

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// bulkRun runs a list with answers that depend on the name; until ends the run
// when that many targets have been asked, 0 for never.
func bulkRun(t *testing.T, list, journal string, until int, args ...string) (out, errs string, code int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr bytes.Buffer
	asked := 0
	p := &program{stdin: strings.NewReader(list), stdout: &stdout, stderr: &stderr, environ: []string{"COLUMNS=100"}}
	p.diagnose = func(ctx context.Context, input string, o *options) (*diag.Diagnosis, error) {
		if asked++; asked == until {
			cancel()
		}
		return fakeDiagnose(ctx, input, o)
	}
	args = append([]string{"--targets", "-", "-o", "json", "--parallel", "1"}, args...)
	if journal != "" {
		args = append(args, "--resume", journal)
	}
	root := p.root()
	root.SetArgs(args)
	code = complain(&stderr, root.ExecuteContext(ctx))
	return stdout.String(), stderr.String(), code
}

// TestResume interrupts a list and goes on until it is done: each target is
// reported once, none is lost.
func TestResume(t *testing.T) {
	t.Parallel()
	var list strings.Builder
	const n = 40
	for i := range n {
		fmt.Fprintf(&list, "ok.h%d.test\n", i)
	}
	list.WriteString("two words\nok.h3.test\n")
	journal := filepath.Join(t.TempDir(), "done")
	var all string
	for range n {
		out, errs, code := bulkRun(t, list.String(), journal, 7)
		all += out
		if code != exitInterrupted {
			break
		}
		if !strings.Contains(errs, "interrupted; the same command goes on") {
			t.Errorf("an interrupted list says %q", errs)
		}
	}
	for i := range n {
		if got := strings.Count(all, fmt.Sprintf(`"input":"ok.h%d.test"`, i)); got != 1 {
			t.Errorf("ok.h%d.test is reported %d times", i, got)
		}
	}
	if got := strings.Count(all, "two words"); got < 1 {
		t.Error("the line that makes no sense is not reported")
	}
	out, errs, code := bulkRun(t, list.String(), journal, 0)
	if out != "" || code != exitHealthy || !strings.Contains(errs, "were done before") {
		t.Errorf("a list that is done: got %d, %q, %q", code, out, errs)
	}
	if _, errs, code := bulkRun(t, strings.Replace(list.String(), "ok.h5.", "ok.x5.", 1), journal, 0); code != exitUsage || !strings.Contains(errs, "this list does not begin") {
		t.Errorf("another list: got %d, %q", code, errs)
	}
	if err := os.WriteFile(journal, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errs, code := bulkRun(t, list.String(), journal, 0); code != exitUsage || !strings.Contains(errs, "is no resume file") {
		t.Errorf("no resume file: got %d, %q", code, errs)
	}
}

// TestResumeBeyond interrupts a list whose first target takes for ever: what has
// ended after it is reported, and not again.
func TestResumeBeyond(t *testing.T) {
	t.Parallel()
	const n = 20
	var list strings.Builder
	list.WriteString("slow.test\n")
	for i := range n {
		fmt.Fprintf(&list, "ok.h%d.test\n", i)
	}
	journal := filepath.Join(t.TempDir(), "done")
	run := func(slow bool) (string, int) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var stdout, stderr bytes.Buffer
		var asked atomic.Int32
		p := &program{stdin: strings.NewReader(list.String()), stdout: &stdout, stderr: &stderr, environ: []string{"COLUMNS=100"}}
		p.diagnose = func(ctx context.Context, input string, o *options) (*diag.Diagnosis, error) {
			if input != "slow.test" {
				if asked.Add(1) == n {
					cancel()
				}
			} else if slow {
				<-ctx.Done()
			}
			return fakeDiagnose(ctx, "ok."+input, o)
		}
		root := p.root()
		root.SetArgs([]string{"--targets", "-", "-o", "json", "--parallel", "3", "--resume", journal})
		code := complain(&stderr, root.ExecuteContext(ctx))
		return stdout.String(), code
	}
	first, code := run(true)
	if code != exitInterrupted || strings.Contains(first, "slow.test") || strings.Count(first, "\n") < n-2 {
		t.Errorf("got %d, %d lines", code, strings.Count(first, "\n"))
	}
	// A kill in the middle of a line of the journal.
	f, err := os.OpenFile(journal, os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = f.WriteString("0000000")
	f.Close()
	second, code := run(false)
	all := first + second
	if code != exitHealthy || strings.Count(all, "\n") != n+1 || strings.Count(all, `"input":"ok.slow.test"`) != 1 {
		t.Errorf("got %d, %d lines", code, strings.Count(all, "\n"))
	}
	for i := range n {
		if got := strings.Count(all, fmt.Sprintf(`"input":"ok.ok.h%d.test"`, i)); got != 1 {
			t.Errorf("ok.h%d.test is reported %d times", i, got)
		}
	}
}

// TestDuplicates leaves out what was named before, and says so.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	out, errs, code := bulkRun(t, "ok.a.test\nok.b.test\nok.a.test\nfail.c.test\nok.b.test\n", "", 0)
	if got := strings.Count(out, "\n"); got != 3 || code != exitFailure || !strings.Contains(errs, "left out: 2, at standard input:3, standard input:5") {
		t.Errorf("got %d lines, %d, %q", got, code, errs)
	}
}

// TestPace spreads what begins.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := &pace{gap: 100 * time.Millisecond}
		begun := time.Now()
		for range 11 {
			if !p.wait(t.Context()) {
				t.Fatal("it ended")
			}
		}
		if took := time.Since(begun); took != time.Second {
			t.Errorf("11 turns took %v, want 1s", took)
		}
		nets := &networks{gap: time.Second, of: map[netip.Prefix]*pace{}}
		begun = time.Now()
		for _, at := range []string{"192.0.2.1", "192.0.2.200:8443", "198.51.100.1", "[2001:db8::1]:443", "2001:db8:0:1::2"} {
			nets.wait(t.Context(), target{input: at}, options{})
		}
		if took := time.Since(begun); took != 2*time.Second || len(nets.of) != 3 {
			t.Errorf("took %v for %d networks, want 2s for 3", took, len(nets.of))
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if p.wait(gone) {
			t.Error("a turn after the end")
		}
	})
}
