package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/report"
)

// watch diagnoses the targets round after round until ctx ends, which is its
// normal end. Text is one line per change, JSON one line per target and round.
// The exit code is that of the worst whole round, as with several targets: 0
// means that every round was healthy.
func (p *program) watch(ctx context.Context, f *diagnoseFlags, o options, format report.Format, ro report.Options, args []string) error {
	code, rounds := exitHealthy, 0
	said := map[string]string{}
	for ; ; rounds++ {
		next := time.Now().Add(f.every)
		results, finish := p.start(ctx, o, f.parallel, args, f.targets)
		round := exitHealthy
		for ch := range results {
			res := <-ch
			if ctx.Err() != nil {
				continue // cut short: it says nothing
			}
			c, err := p.tell(res, format, ro, f.strict, said)
			if err != nil {
				return err
			}
			round = worse(round, c)
		}
		if err := finish(); err != nil {
			return err
		}
		if ctx.Err() != nil {
			break
		}
		code = worse(code, round)
		select {
		case <-ctx.Done():
		case <-time.After(time.Until(next)):
		}
	}
	if rounds == 0 {
		fmt.Fprintln(p.stderr, "tlswhy: interrupted")
		return exitError(exitInterrupted)
	}
	return exitError(code)
}

// tell prints one result of a round and returns its exit code. Text is left out
// when it says what was said last of the target.
func (p *program) tell(res result, format report.Format, ro report.Options, strict bool, said map[string]string) (int, error) {
	d, code := res.d, exitUsage
	if res.err != nil {
		if format == report.Text {
			if msg, _ := explain(res.err); said[res.t.input] != msg {
				said[res.t.input] = msg
				complain(p.stderr, &usageError{res.t.input + ": " + msg, ""})
			}
			return code, nil
		}
		d = refused(res.t.input, res.err)
	} else {
		code = codeOf(d.Verdict, strict)
	}
	var line bytes.Buffer
	if format == report.Text {
		state := stateOf(d)
		if said[res.t.input] == state {
			return code, nil
		}
		said[res.t.input] = state
		line.WriteString(time.Now().UTC().Format(time.RFC3339) + "  ")
		ro.Quiet = true
	}
	if err := report.NewStream(&line, format, ro).Add(d); err != nil {
		return code, badUsage("", "writing the report: %v", err)
	}
	if _, err := p.stdout.Write(line.Bytes()); err != nil {
		return code, badUsage("", "writing the report: %v", err)
	}
	return code, nil
}

// stateOf is what must differ for a line: the verdict, what causes it, and
// where.
func stateOf(d *diag.Diagnosis) string {
	state := []string{string(d.Verdict)}
	for _, c := range d.Causes {
		if c.Severity != diag.SeverityInfo {
			state = append(state, string(c.Severity), c.ID, strings.Join(c.Addresses, ","))
		}
	}
	return strings.Join(state, " ")
}
