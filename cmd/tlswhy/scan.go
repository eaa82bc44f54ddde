package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/report"
)

func (p *program) scanCommand() *cobra.Command {
	f := &diagnoseFlags{parallel: 4}
	so := diagnose.ScanOptions{}
	cmd := &cobra.Command{
		Use:   "scan TARGET...",
		Short: "says what a server offers: versions, suites in order, groups, certificates",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.targets == "" {
				return badUsage("give a host, host:port or URL, or --targets FILE", "no target")
			}
			return p.runScan(cmd.Context(), f, so, args)
		},
	}
	fs := cmd.Flags()
	f.registerReach(fs)
	fs.StringVar(&f.opts.CAFile, "ca", "", "the only trust anchors (PEM)")
	fs.StringVar(&f.opts.Trust, "trust", "", "whose trust store: system, mozilla ...")
	fs.BoolVar(&so.Quick, "quick", false, "leave out what takes long, such as the order of suites")
	positive(fs, &so.Open, "open", "connections at a time")
	f.registerOutput(fs)
	return cmd
}

// scanTarget makes an inventory with what the program lends the library.
func (p *program) scanTarget(ctx context.Context, target string, o *options, so diagnose.ScanOptions) (*diagnose.Scanned, error) {
	env := p.lend()
	if p.keys != nil {
		p.keys(&env)
	}
	return diagnose.Scan(ctx, target, diagnose.Options(*o), env, so)
}

// scanned is what came of one target of scan.
type scanned struct {
	t   target
	inv *diag.Inventory
	err error
}

// runScan prints the inventory of every target, in the order in which they were
// named.
func (p *program) runScan(ctx context.Context, f *diagnoseFlags, so diagnose.ScanOptions, args []string) error {
	o, format, ro, err := f.resolve(p)
	if err != nil {
		return err
	}
	open, err := f.openWith(p)
	if err != nil {
		return err
	}
	p.keys = func(env *diagnose.Env) { f.lendKeys(env, open) }
	many := f.targets != "" || len(args) > 1
	progress := p.newProgress(many, f.quiet)
	if !many {
		o.Progress = progress.state
	}
	r := &run{p: p, many: many, progress: progress, said: map[string]bool{}}
	stream := report.NewInventoryStream(p.stdout, format, ro)
	results, finish := pooled(ctx, p, f.parallel, args, f.targets, func(t target) scanned {
		if t.err != nil {
			return scanned{t: t, err: t.err}
		}
		s, err := p.scanTarget(ctx, t.input, &o, so)
		if err != nil {
			return scanned{t: t, err: err}
		}
		return scanned{t: t, inv: s.Inventory}
	})
	code, nagios := exitHealthy, 0
	for res := range results {
		x := <-res
		progress.clear()
		if x.err != nil {
			r.complain(result{t: x.t, err: x.err})
			code, nagios = worse(code, exitUsage), report.WorstNagios(nagios, 3)
			progress.done(exitUsage)
			continue
		}
		one := codeOf(x.inv.Verdict, f.strict)
		nagios = report.WorstNagios(nagios, report.NagiosCode(x.inv.Verdict, f.strict))
		code = worse(code, one)
		progress.done(one)
		progress.clear()
		if err := stream.Add(x.inv); err != nil {
			return badUsage("", "writing the report: %v", err)
		}
	}
	progress.clear()
	readErr := finish()
	if err := stream.Close(); err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	if readErr != nil {
		complain(p.stderr, readErr)
		code, nagios = worse(code, exitUsage), report.WorstNagios(nagios, 3)
	}
	if ctx.Err() != nil {
		fmt.Fprintln(p.stderr, "tlswhy: interrupted")
		return exitError(exitInterrupted)
	}
	if format == report.Nagios {
		return exitError(nagios)
	}
	return exitError(code)
}
