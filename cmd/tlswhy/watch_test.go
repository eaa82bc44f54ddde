package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/report"
)

// TestWatch repeats a target that works, fails twice and works again.
func TestWatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		format report.Format
		lines  []string
	}{
		{"text prints changes", report.Text, []string{"x.test:443", "cert-expired", "x.test:443"}},
		{"json prints rounds", report.JSON, []string{`"ok"`, `"failure"`, `"failure"`, `"ok"`, `"ok"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				rounds := 0
				p := &program{stdout: &out, stderr: &out, diagnose: func(context.Context, string, *options) (*diag.Diagnosis, error) {
					rounds++
					d := &diag.Diagnosis{Schema: diag.Schema, Verdict: diag.OK, Target: diag.Target{Input: "x.test", Name: "x.test", Port: 443}}
					if rounds == 2 || rounds == 3 {
						d.Verdict = diag.Failure
						d.Causes = []diag.Cause{{ID: "cert-expired", Severity: diag.SeverityFailure, Confidence: diag.Proven, Summary: "the certificate expired"}}
					}
					return d, nil
				}}
				ctx, cancel := context.WithTimeout(context.Background(), 4500*time.Millisecond)
				defer cancel()
				err := p.watch(ctx, &diagnoseFlags{every: time.Second, parallel: 1}, options{}, c.format, report.Options{}, []string{"x.test"})
				var code exitError
				if !errors.As(err, &code) || code != exitFailure {
					t.Errorf("got %v, want the code of the worst round", err)
				}
				lines := strings.Split(strings.TrimSpace(out.String()), "\n")
				if len(lines) != len(c.lines) {
					t.Fatalf("got %d lines in %d rounds:\n%s", len(lines), rounds, &out)
				}
				for i, want := range c.lines {
					if !strings.Contains(lines[i], want) {
						t.Errorf("line %d is %q, want %q in it", i, lines[i], want)
					}
				}
			})
		})
	}
}

func TestWatchInterrupted(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := &program{stdout: &out, stderr: &out, diagnose: func(ctx context.Context, _ string, _ *options) (*diag.Diagnosis, error) {
		<-ctx.Done()
		return &diag.Diagnosis{Verdict: diag.Untested}, nil
	}}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Millisecond)
	defer cancel()
	err := p.watch(ctx, &diagnoseFlags{every: time.Second, parallel: 1}, options{}, report.Text, report.Options{}, []string{"x.test"})
	var code exitError
	if !errors.As(err, &code) || code != exitInterrupted || !strings.Contains(out.String(), "interrupted") {
		t.Errorf("got %v and %q", err, &out)
	}
}
