package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/api"
	"github.com/tlswhy/tlswhy/internal/monitor/config"
	"github.com/tlswhy/tlswhy/internal/report"
)

// checkFlags are the options of tlswhy check.
type checkFlags struct {
	diagnoseFlags
	config         string
	monitor        string
	tokenFile      string
	warn, critical string
	why            bool
}

func (p *program) checkCommand() *cobra.Command {
	f := &checkFlags{}
	cmd := &cobra.Command{
		Use:   "check ENDPOINT...",
		Short: "judges an endpoint as the monitor does, or asks a running one",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage("give a host, host:port or URL, or with --monitor the id of an endpoint", "nothing to check")
			}
			return p.runCheck(cmd.Context(), f, args)
		},
	}
	fs := cmd.Flags()
	fs.SetNormalizeFunc(normalName)
	fs.StringVar(&f.config, "config", "", "take the endpoint from the monitor's file")
	fs.StringVar(&f.monitor, "monitor", "", "ask the monitor at this URL")
	fs.StringVar(&f.tokenFile, "token-file", "", "file with an API token of the monitor")
	fs.StringVar(&f.warn, "warn", "", "time left that is worth a warning")
	fs.StringVar(&f.critical, "critical", "", "time left that is critical")
	fs.StringVar(&f.opts.CAFile, "ca", "", "the only trust anchors (PEM)")
	fs.StringVar(&f.opts.SNI, "sni", "", "server_name to send, or none")
	fs.StringVar(&f.opts.StartTLS, "starttls", "", "plaintext dialogue before TLS")
	fs.StringArrayVar(&f.opts.Connect, "connect", nil, "dial HOST:PORT instead of resolving the name")
	fs.BoolVar(&f.why, "why", false, "say why somebody was, or was not, told of it")
	fs.BoolVar(&f.strict, "strict", false, "a warning is a failure")
	f.registerOutput(fs)
	f.parallel = 1
	return cmd
}

// runCheck prints a report on each endpoint.
func (p *program) runCheck(ctx context.Context, f *checkFlags, args []string) error {
	_, format, ro, err := f.resolve(p)
	if err != nil {
		return err
	}
	if f.why {
		return p.runWhy(ctx, f, format, args)
	}
	look, err := p.looker(f)
	switch {
	case err != nil && format == report.Nagios: // 2 would be CRITICAL to who asks
		look = func(context.Context, string) (*diag.Diagnosis, error) { return nil, err }
	case err != nil:
		return err
	}
	r := &run{p: p, format: format, many: len(args) > 1, strict: f.strict, stream: report.NewStream(p.stdout, format, ro),
		progress: p.newProgress(len(args) > 1, f.quiet), said: map[string]bool{}}
	for _, name := range args {
		if ctx.Err() != nil {
			break
		}
		d, err := look(ctx, name)
		r.add(result{t: target{input: name}, d: d, err: err})
	}
	return r.close(ctx, nil)
}

// looker finds out about an endpoint in the way that the options say.
func (p *program) looker(f *checkFlags) (func(ctx context.Context, name string) (*diag.Diagnosis, error), error) {
	x := monitor.Expect{}
	for _, t := range []struct {
		name, text string
		to         *time.Duration
	}{{"warn", f.warn, &x.Warn}, {"critical", f.critical, &x.Critical}} {
		var d api.Duration
		if err := d.UnmarshalText([]byte(t.text)); err != nil {
			return nil, badUsage("a number of days or hours, such as 20d or 36h", "--%s %q makes no sense", t.name, t.text)
		}
		*t.to = time.Duration(d)
	}
	at := cmp.Or(f.monitor, p.env("TLSWHY_MONITOR"))
	if f.config != "" {
		at = f.monitor // the variable is for those who say nothing
	}
	switch {
	case at != "" && f.config != "":
		return nil, badUsage("leave one of them out", "--monitor and --config")
	case (at != "" || f.config != "") && (f.opts.SNI+f.opts.StartTLS != "" || len(f.opts.Connect) > 0):
		return nil, badUsage("they are the endpoint's there", "--sni, --starttls or --connect with --monitor or --config")
	case at != "" && (x.Warn != 0 || x.Critical != 0):
		return nil, badUsage("the monitor has its own: expect, in its configuration", "--monitor and --warn or --critical")
	case at != "":
		a, err := p.asker(f)
		if err != nil {
			return nil, err
		}
		return a.look, nil
	case f.tokenFile != "":
		return nil, badUsage("say which with --monitor URL", "--token-file without a monitor")
	case f.config == "":
		o := &f.opts
		return func(ctx context.Context, name string) (*diag.Diagnosis, error) {
			return p.checkNow(ctx, &monitor.Endpoint{Target: name, Expect: x, SNI: o.SNI, StartTLS: o.StartTLS, Connect: o.Connect, CAFile: o.CAFile})
		}, nil
	case f.opts.CAFile != "":
		return nil, badUsage("say ca_file there", "--ca with --config")
	}
	c, err := config.Load(f.config, p.configOptions())
	if err != nil {
		return nil, badUsage("correct the file", "%v", err)
	}
	return func(ctx context.Context, name string) (*diag.Diagnosis, error) {
		found := slices.Collect(func(yield func(monitor.Endpoint) bool) {
			for _, e := range c.Endpoints {
				if (e.Target == name || e.ID == name || e.Host == name) && !yield(e) {
					return
				}
			}
		})
		if exact := slices.IndexFunc(found, func(e monitor.Endpoint) bool { return e.Target == name || e.ID == name }); exact > 0 {
			found[0] = found[exact]
		} else if len(found) != 1 && exact < 0 {
			return nil, badUsage("name its target as the file does", "%d endpoints of %s are %q", len(found), f.config, name)
		}
		e := found[0]
		e.Expect.Warn, e.Expect.Critical = cmp.Or(x.Warn, e.Expect.Warn), cmp.Or(x.Critical, e.Expect.Critical)
		return p.checkNow(ctx, &e)
	}, nil
}

// checkNow makes a full diagnosis, and judges it by the thresholds and
// expectations of the monitor. Nothing is remembered: what needs a history, such
// as drift, is not judged.
func (p *program) checkNow(ctx context.Context, e *monitor.Endpoint) (*diag.Diagnosis, error) {
	t, err := diagnose.ParseTarget(e.Target)
	if err != nil {
		return nil, err
	}
	e.Host, e.Port = t.Name, t.Port
	e.ID = monitor.NewID(e)
	d, err := checker{p: p}.now(ctx, e)
	if err != nil {
		return nil, err
	}
	o := monitor.Observe(d, "", true)
	rules := &monitor.Rules{Tries: 1, Within: time.Nanosecond}
	after := rules.Apply(monitor.Before{Now: time.Now(), Endpoint: *e, Vantage: vantage}, monitor.Report{Endpoint: e.ID, Vantage: vantage, At: time.Now(), Addresses: []string{""}, Outcomes: []monitor.Outcome{o}})
	for i := range after.States {
		judged(d, after.States[i].Sightings)
	}
	return d, nil
}

// now is a full diagnosis of an endpoint.
func (c checker) now(ctx context.Context, e *monitor.Endpoint) (*diag.Diagnosis, error) {
	e = named(e)
	o := optionsOf(e)
	if e.DiskFile == "" {
		return c.p.diagnose(ctx, e.Target, &o)
	}
	return c.against(ctx, e, &o, e.DiskFile, e.Reload)
}

// judged puts what the monitor sees into the diagnosis: its severities, and its
// own causes.
func judged(d *diag.Diagnosis, seen []monitor.Sighting) {
	if d.Verdict == diag.Untested {
		return
	}
	d.Causes = slices.DeleteFunc(d.Causes, func(c diag.Cause) bool { return c.ID == "expires-soon" })
	verdict := diag.OK
	for i := range seen {
		f := &seen[i].Finding
		severity := diag.SeverityWarning
		if f.Severity == monitor.Critical {
			severity, verdict = diag.SeverityFailure, diag.Failure
		} else if verdict == diag.OK {
			verdict = diag.Warning
		}
		if k := slices.IndexFunc(d.Causes, func(c diag.Cause) bool { return c.ID == f.Cause }); k >= 0 {
			d.Causes[k].Severity = severity
			continue
		}
		d.Causes = append(d.Causes, diag.Cause{ID: f.Cause, Severity: severity, Confidence: diag.Proven, Stage: f.Stage, Summary: f.Summary, Evidence: f.Evidence, Fixes: f.Fixes, Verify: f.Verify})
	}
	d.Verdict = verdict
	slices.SortStableFunc(d.Causes, func(a, b diag.Cause) int {
		return cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity))
	})
}

var severities = []diag.Severity{diag.SeverityFailure, diag.SeverityWarning, diag.SeverityInfo}

// token is the API token of a file or of the environment.
func (p *program) token(file string) (string, error) {
	if file == "" {
		if t := strings.TrimSpace(p.env("TLSWHY_TOKEN")); t != "" {
			return t, nil
		}
		return "", badUsage("make one with the scope read under /api/v1/tokens, then set TLSWHY_TOKEN or give --token-file FILE", "no token for the monitor")
	}
	raw, err := readBounded(file)
	if err != nil {
		return "", badUsage("name a file with an API token", "reading the token: %v", err)
	}
	t := strings.TrimSpace(string(raw))
	if t == "" || strings.ContainsAny(t, " \n\r") {
		return "", badUsage("it is one word", "%s", fmt.Sprintf("%q holds no token", file))
	}
	return t, nil
}
