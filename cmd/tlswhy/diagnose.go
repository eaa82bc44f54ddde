package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/report"
)

func (p *program) diagnoseCommand() *cobra.Command {
	f := &diagnoseFlags{}
	cmd := &cobra.Command{
		Use:   "diagnose TARGET...",
		Short: "says why the handshake with a live target fails",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.targets == "" && f.client != "list" {
				return badUsage("give a host, host:port or URL, or --targets FILE", "no target")
			}
			return p.runDiagnose(cmd.Context(), f, args)
		},
	}
	f.register(cmd.Flags())
	return cmd
}

// runDiagnose diagnoses every target and prints the reports in the order in
// which the targets were named.
func (p *program) runDiagnose(ctx context.Context, f *diagnoseFlags, args []string) error {
	if f.client == "list" {
		return p.listClients(f)
	}
	for _, a := range args {
		if err := checkFile(a); err != nil {
			return err
		}
	}
	o, format, ro, err := f.resolve(p)
	if err != nil {
		return err
	}
	open, err := f.openWith(p)
	if err != nil {
		return err
	}
	end, err := f.echoEnd(p)
	if err != nil {
		return err
	}
	p.keys = func(env *diagnose.Env) {
		f.lendKeys(env, open)
		env.Echo = end
	}
	if f.every > 0 {
		return p.watch(ctx, f, o, format, ro, args)
	}
	many := f.targets != "" || len(args) > 1
	r := &run{p: p, format: format, many: many, strict: f.strict, stream: report.NewStream(p.stdout, format, ro),
		progress: p.newProgress(many, f.quiet), said: map[string]bool{}}
	if !many {
		o.Progress = r.progress.state
	}
	if p.bulk, err = f.bulk(p, f); err != nil {
		return err
	}
	defer p.bulk.close()
	r.progress.list(p.bulk)
	results, finish := p.start(ctx, o, f.parallel, args, f.targets)
	for res := range results {
		r.add(<-res)
	}
	err = finish()
	r.progress.clear()
	p.bulk.sum(p.stderr)
	return r.close(ctx, err)
}

// run is the consuming half: what comes back, in order.
type run struct {
	p        *program
	format   report.Format
	many     bool
	strict   bool
	stream   *report.Stream
	progress *progress
	code     int
	nagios   int
	written  bool
	writeErr error
	said     map[string]bool // complaints, each of which is made once
	stopped  bool            // a target is left to another run
}

// note remembers that a target is done, once its report is written.
func (r *run) note(res result) {
	if r.writeErr == nil {
		r.writeErr = r.p.bulk.done(res.t, r.stopped)
	}
}

func (r *run) add(res result) {
	if r.p.bulk.journalled() && res.late {
		r.stopped = true // it is done again; what has ended after it is not
		return
	}
	if res.d == nil && res.err == nil {
		return // the end came before it was begun
	}
	defer r.note(res)
	d, code := res.d, exitUsage
	if res.err != nil {
		r.complain(res)
		if r.format == report.Text || r.format == report.Markdown {
			d = nil // standard error has said it
		} else {
			d = refused(res.t.input, res.err)
		}
	} else {
		code = codeOfTarget(d, r.strict)
	}
	r.code = worse(r.code, code)
	r.progress.done(code)
	if d == nil {
		return
	}
	r.nagios = report.WorstNagios(r.nagios, report.NagiosCode(d.Verdict, r.strict))
	r.progress.clear()
	r.written = true
	if err := r.stream.Add(d); err != nil && r.writeErr == nil {
		r.writeErr = err
	}
}

// complain says on standard error what is wrong with a target, with its
// place. What is wrong with an option or a file concerns every target and is
// said once.
func (r *run) complain(res result) {
	msg, hint := explain(res.err)
	switch {
	case r.many && res.t.err == nil && !aboutTarget(res.t.input, res.err):
		if r.said[msg] {
			return
		}
		r.said[msg] = true
	case res.t.where != "":
		msg = res.t.where + ": " + msg
	case r.many:
		msg = res.t.input + ": " + msg
	}
	r.progress.clear()
	complain(r.p.stderr, &usageError{msg, hint})
}

// close ends the report and turns what happened into the exit code.
func (r *run) close(ctx context.Context, readErr error) error {
	r.progress.clear()
	if r.written || readErr == nil && r.format != report.Text && r.format != report.Markdown {
		if err := r.stream.Close(); err != nil && r.writeErr == nil {
			r.writeErr = err
		}
	}
	if r.writeErr != nil {
		return badUsage("", "writing the report: %v", r.writeErr)
	}
	if readErr != nil {
		complain(r.p.stderr, readErr)
		r.code, r.nagios = worse(r.code, exitUsage), report.WorstNagios(r.nagios, 3)
	}
	if ctx.Err() != nil {
		fmt.Fprintln(r.p.stderr, "tlswhy: interrupted"+r.p.bulk.goOn())
		return exitError(exitInterrupted)
	}
	if r.format == report.Nagios {
		return exitError(r.nagios)
	}
	return exitError(r.code)
}

// refused is the diagnosis of a target, an option or a file that makes no
// sense, for readers of JSON and the like.
func refused(input string, err error) *diag.Diagnosis {
	msg, hint := explain(err)
	c := diag.Cause{ID: "file-or-config-error", Family: "transport", Severity: diag.SeverityFailure, Confidence: diag.Proven,
		Stage: diag.StageResolve, Summary: msg}
	if hint != "" {
		c.Fixes = []diag.Fix{{Side: "client", Action: "correct-command-line", Text: hint}}
	}
	return &diag.Diagnosis{Schema: diag.Schema, Target: diag.Target{Input: withoutCredentials(input)}, Verdict: diag.Untested, Causes: []diag.Cause{c},
		StartedAt: time.Now().UTC(), JudgedAt: time.Now().UTC(), Tool: toolInfo()}
}

// withoutCredentials takes user and password out of a target that is repeated.
func withoutCredentials(target string) string {
	scheme, rest, isURL := strings.Cut(target, "://")
	if !isURL {
		scheme, rest = "", target
	}
	host, path, hasPath := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = host[i+1:]
	}
	out := host
	if isURL {
		out = scheme + "://" + host
	}
	if hasPath {
		out += "/" + path
	}
	return out
}
