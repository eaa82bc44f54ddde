package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// TestMain makes two programs for the scripts: tlswhy is the real one, fake
// the same with answers that depend on the target's name only.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tlswhy": main, "fake": fakeMain})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":     exits,
			"jsonlines": jsonLines,
			"interrupt": interrupt,
		},
	})
}

func fakeMain() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := newProgram()
	p.diagnose, p.light = fakeDiagnose, nil
	os.Exit(p.run(ctx, os.Args[1:]))
}

// fakeDiagnose answers by the first label of the target.
func fakeDiagnose(ctx context.Context, input string, o *options) (*diag.Diagnosis, error) {
	name, _, _ := strings.Cut(input, ":")
	d := &diag.Diagnosis{Schema: diag.Schema, Target: diag.Target{Input: input, Name: name, Port: 443, SNI: o.SNI, Client: o.Client},
		StartedAt: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), DurationMS: 10, Tool: diag.Tool{Version: "test"}}
	if _, err := diagnose.ParseTarget(input); err != nil {
		return nil, err
	}
	word, _, _ := strings.Cut(name, ".")
	cause := diag.Cause{ID: "cert-expired", Family: "certificate", Severity: diag.SeverityFailure, Confidence: diag.Proven,
		Stage: diag.StageCertificate, Summary: "the certificate expired 12 days ago"}
	switch word {
	case "option":
		return nil, &tlswhy.UsageError{Msg: "no client is called \"x\"", Hint: "see --client list"}
	case "file":
		return nil, &tlswhy.FileError{File: "ca.pem", Role: "anchors", Err: os.ErrNotExist}
	case "fail":
		d.Verdict, d.Causes = diag.Failure, []diag.Cause{cause}
	case "warn":
		cause.Severity = diag.SeverityWarning
		d.Verdict, d.Causes = diag.Warning, []diag.Cause{cause}
	case "untested":
		d.Verdict = diag.Untested
	case "slow":
		select {
		case <-ctx.Done():
			d.Verdict = diag.Untested
		case <-time.After(time.Minute):
			d.Verdict = diag.OK
		}
	default:
		d.Verdict = diag.OK
	}
	return d, nil
}

// exits runs a program and compares its exit code: exits 1 fake fail.test
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGS...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%v: got exit code %d, want %d", args[1:], got, want)
	}
}

// jsonLines checks that standard output has so many lines, each an object with
// the schema and lists instead of null: jsonlines 2
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	lines := strings.Split(strings.TrimSuffix(ts.ReadFile("stdout"), "\n"), "\n")
	if len(lines) != want {
		ts.Fatalf("got %d lines, want %d", len(lines), want)
	}
	for _, l := range lines {
		var d map[string]any
		ts.Check(json.Unmarshal([]byte(l), &d))
		if d["schema"] != diag.Schema {
			ts.Fatalf("schema is %v", d["schema"])
		}
		for _, key := range []string{"causes", "addresses", "certificates", "attempts", "not_tested", "notes"} {
			if _, ok := d[key].([]any); !ok {
				ts.Fatalf("%s is no list in %s", key, l)
			}
		}
	}
}

// interrupt starts a program that never ends by itself, interrupts it and
// compares its exit code: interrupt 130 fake slow.test
func interrupt(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	path, err := exec.LookPath(args[1])
	if err != nil {
		path = ts.Getenv("PATH")
		path = strings.Split(path, string(os.PathListSeparator))[0] + "/" + args[1]
	}
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir = ts.Getenv("WORK")
	in, err := cmd.StdinPipe()
	ts.Check(err)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	var said strings.Builder
	cmd.Stderr = &said
	ts.Check(cmd.Start())
	defer in.Close()
	if _, err := in.Write([]byte("ok.test\nslow.test\n")); err != nil {
		ts.Fatalf("writing: %v", err)
	}
	first := make([]byte, 1) // the first target's report says that signals are heard
	_, err = out.Read(first)
	ts.Check(err)
	ts.Check(cmd.Process.Signal(os.Interrupt))
	for err == nil {
		_, err = out.Read(make([]byte, 512))
	}
	_ = cmd.Wait() // the code is what counts
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("got exit code %d, want %d: %s", got, want, said.String())
	}
}
