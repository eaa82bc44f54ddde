package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/report"
	"github.com/tlswhy/tlswhy/internal/srvconf"
)

// configFlags are the options of tlswhy config.
type configFlags struct {
	diagnoseFlags
	name    string
	root    string
	offline bool
	fix     bool
}

func (p *program) configCommand() *cobra.Command {
	f := &configFlags{}
	cmd := &cobra.Command{
		Use:   "config FILE...",
		Short: "says what a server's configuration will do to clients",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage("tlswhy config /etc/nginx/nginx.conf", "no configuration")
			}
			return p.runConfig(cmd.Context(), f, args)
		},
	}
	fs := cmd.Flags()
	fs.SetNormalizeFunc(normalName)
	o := &f.opts
	fs.StringVar(&o.Server, "server", "", "whose configuration it is")
	fs.StringVar(&f.name, "name", "", "only the site that answers this name")
	fs.StringVar(&f.root, "root", "", "where the paths of the configuration begin")
	fs.BoolVar(&f.offline, "offline", false, "fetch no missing certificate")
	fs.BoolVar(&f.fix, "fix", false, "print what to change as a diff")
	fs.StringVar(&o.CAFile, "ca", "", "the only trust anchors")
	fs.StringVar(&o.Trust, "trust", "", "whose roots")
	fs.StringVar(&f.at, "at", "", "judge as of this moment")
	fs.StringVar(&f.client, "client", "", "judge as this client")
	fs.BoolVar(&f.strict, "strict", false, "a warning is a failure")
	f.registerOutput(fs)
	f.parallel = 1
	return cmd
}

// runConfig reads every file and reports each of its sites.
func (p *program) runConfig(ctx context.Context, f *configFlags, files []string) error {
	server := strings.ToLower(f.opts.Server)
	if server != "" && !slices.Contains(srvconf.Servers(), server) {
		return badUsage("one of "+strings.Join(srvconf.Servers(), ", "), "--server %q: its configurations are not known", server)
	}
	f.opts.Server = ""
	o, format, ro, err := f.resolve(p)
	if err != nil {
		return err
	}
	run := &configRun{p: p, f: f, format: format, options: ro, stream: report.NewStream(p.stdout, format, ro), code: exitHealthy}
	inputs, complete := p.configurations(f, files, srvconf.Options{Server: server, Root: f.root})
	if !complete {
		run.code = exitUsage
	}
	for _, in := range inputs {
		if f.fix {
			err = run.fixes(ctx, in.file, srvconf.Options{Server: server, Root: f.root}, o)
		} else {
			err = run.report(ctx, in.file, in.config, o)
		}
		if err != nil {
			return err
		}
	}
	if f.fix {
		return exitError(run.code)
	}
	return run.close()
}

// configRun is one call of tlswhy config.
type configRun struct {
	p       *program
	f       *configFlags
	format  report.Format
	options report.Options
	stream  *report.Stream
	code    int
}

// report judges what one configuration holds.
func (r *configRun) report(ctx context.Context, file string, c *srvconf.Config, o options) error {
	if len(c.Faults) > 0 {
		if err := r.add(diagnose.Misread(file, c.Software, c.Faults, r.command(file))); err != nil {
			return err
		}
	}
	env := r.p.lend()
	env.PrivateFetches = true
	sites := c.Sites
	if r.f.name != "" {
		sites = slices.DeleteFunc(slices.Clone(sites), func(s *facts.Site) bool { return s.Answering(r.f.name) != s })
	}
	for _, s := range sites {
		o.Command = r.command(file)
		d, err := diagnose.Configured(ctx, s, r.f.offline, diagnose.Options(o), env)
		if err != nil {
			return err
		}
		d.Notes = append(d.Notes, c.Notes...)
		if err := r.add(d); err != nil {
			return err
		}
	}
	if len(sites) == 0 && len(c.Faults) == 0 && r.format == report.Text {
		return r.say("%s (%s, %d files) serves no TLS\n", file, c.Software, len(c.Files))
	}
	return nil
}

func (r *configRun) say(format string, args ...any) error {
	if _, err := fmt.Fprintf(r.p.stdout, format, args...); err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	return nil
}

// add prints one diagnosis: healthy sites as one line, the others in full.
func (r *configRun) add(d *diag.Diagnosis) error {
	r.code = worse(r.code, codeOf(d.Verdict, r.f.strict))
	var err error
	if r.format == report.Text && r.options.Verbose == 0 && d.Verdict == diag.OK {
		short := r.options
		short.Quiet = true
		err = oneReport(r.p.stdout, r.format, short, d)
	} else {
		err = r.stream.Add(d)
	}
	if err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	return nil
}

func oneReport(w io.Writer, format report.Format, o report.Options, d *diag.Diagnosis) error {
	s := report.NewStream(w, format, o)
	if err := s.Add(d); err != nil {
		return err
	}
	return s.Close()
}

func (r *configRun) close() error {
	if err := r.stream.Close(); err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	if r.format == report.Nagios {
		return exitError(pluginCode(r.stream.NagiosCode(), r.code))
	}
	return exitError(r.code)
}

// command is the line that repeats the judgement.
func (r *configRun) command(file string) string {
	words := "tlswhy config"
	for _, x := range []struct{ flag, value string }{{"--name", r.f.name}, {"--root", r.f.root}, {"--ca", r.f.opts.CAFile}, {"--trust", r.f.opts.Trust}, {"--at", r.f.at}, {"--client", r.f.client}} {
		if x.value != "" {
			words += " " + x.flag + " " + shellQuote(x.value)
		}
	}
	return words + " " + shellQuote(file)
}
