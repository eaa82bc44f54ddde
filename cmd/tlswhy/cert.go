package main

import (
	"cmp"
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/report"
)

// certFlags are the options of tlswhy cert.
type certFlags struct {
	diagnoseFlags
	name string
	keyFlags
	offline  bool
	complete bool
	write    string
	force    bool
}

func (p *program) certCommand() *cobra.Command {
	f := &certFlags{}
	cmd := &cobra.Command{
		Use:   "cert FILE|DIR|-|TARGET...",
		Short: "inspects, completes and compares certificates",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage("give a file, a folder, - or a host", "nothing to read")
			}
			return p.runCert(cmd.Context(), f, args)
		},
	}
	fs := cmd.Flags()
	fs.SetNormalizeFunc(normalName)
	o := &f.opts
	fs.StringVar(&f.name, "name", "", "the name that clients will ask for")
	fs.StringVar(&o.KeyFile, "key", "", "private key that must match")
	fs.StringVar(&f.passwordFile, "password-file", "", "file with the password")
	fs.StringVar(&f.alias, "alias", "", "the key to take from a store")
	fs.BoolVar(&f.offline, "offline", false, "fetch no missing certificate")
	fs.BoolVar(&f.complete, "complete", false, "write the chain in order and complete")
	fs.StringVarP(&f.write, "write", "w", "", "where to")
	fs.BoolVar(&f.force, "force", false, "replace another certificate")
	fs.StringVar(&o.CAFile, "ca", "", "the only trust anchors")
	fs.StringVar(&o.Trust, "trust", "", "whose roots")
	fs.StringVar(&f.at, "at", "", "judge as of this moment")
	fs.StringVar(&f.client, "client", "", "judge as this client")
	fs.StringVar(&o.Server, "server", "", "whose fix to print: nginx, apache ...")
	fs.StringVar(&o.Proxy, "proxy", "", "URL of a proxy, or none")
	fs.StringArrayVar(&o.Connect, "connect", nil, "dial HOST:PORT for a target")
	fs.StringVar(&o.StartTLS, "starttls", "", "plaintext dialogue before TLS")
	fs.BoolVar(&f.strict, "strict", false, "a warning is a failure")
	f.registerOutput(fs)
	f.parallel = 1
	return cmd
}

// runCert sorts the arguments into files and targets: files are inspected,
// targets are asked what they serve, and both together are compared.
func (p *program) runCert(ctx context.Context, f *certFlags, args []string) error {
	o, format, ro, err := f.resolve(p)
	switch {
	case err != nil:
		return err
	case f.write != "" && !f.complete:
		return badUsage("add --complete", "--write without --complete")
	case f.force && f.write == "":
		return badUsage("add --write FILE", "--force without --write")
	}
	r, err := p.newReading(ctx, f)
	if err != nil {
		return err
	}
	var paths, targets []string
	for _, a := range args {
		switch isFile, err := fileOrTarget(a); {
		case err != nil:
			r.refuse(a, err)
		case isFile:
			paths = append(paths, a)
		default:
			targets = append(targets, a)
		}
	}
	r.readAll(paths)
	held := r.held
	r.complain()
	switch {
	case len(held) == 0 && len(targets) == 0:
		return p.printCerts(nil, r, format, ro, f.strict)
	case len(targets) > 0 && len(paths) > 0:
		if len(held) != 1 {
			return badUsage("give one file and its target", "%d files to compare with", len(held))
		}
		if f.complete {
			return badUsage("complete first, then compare", "--complete and a comparison exclude each other")
		}
	case f.complete && len(held)+len(targets) != 1:
		return badUsage("give one file or target", "--complete for %d files", len(held)+len(targets))
	}
	var found []*diag.Diagnosis
	if f.complete && len(held) == 1 {
		held[0].Chain = leafFirst(held[0].Chain)
	}
	if len(targets) > 0 {
		for _, t := range targets {
			d, err := p.servedCertificates(ctx, t, held, o)
			if err != nil {
				return err
			}
			found = append(found, d)
		}
	} else {
		if found, err = p.judgeFiles(ctx, f, held, o); err != nil {
			return err
		}
	}
	if f.complete {
		return p.complete(found[0], f.write, f.force)
	}
	// The soonest to expire comes first.
	slices.SortStableFunc(found, func(a, b *diag.Diagnosis) int {
		if len(a.Certificates) == 0 || len(b.Certificates) == 0 {
			return cmp.Compare(len(a.Certificates), len(b.Certificates))
		}
		return a.Certificates[0].NotAfter.Compare(b.Certificates[0].NotAfter)
	})
	return p.printCerts(found, r, format, ro, f.strict)
}

// judgeFiles judges files side by side, in their order.
func (p *program) judgeFiles(ctx context.Context, f *certFlags, held []diagnose.Held, o options) ([]*diag.Diagnosis, error) {
	env := p.lend()
	env.PrivateFetches = true
	files, err := diagnose.NewFiles(f.name, f.offline, diagnose.Options(o), env)
	if err != nil {
		return nil, err
	}
	found := make([]*diag.Diagnosis, len(held))
	slots := make(chan struct{}, 2*runtime.GOMAXPROCS(0))
	var work sync.WaitGroup
	for i, h := range held {
		slots <- struct{}{}
		work.Go(func() {
			defer func() { <-slots }()
			found[i] = files.Judge(ctx, h, f.verify(h.Path))
		})
	}
	work.Wait()
	return found, nil
}

// printCerts prints one report in full and many as a table.
func (p *program) printCerts(found []*diag.Diagnosis, r *reading, format report.Format, ro report.Options, strict bool) error {
	ro.Certificates = slices.ContainsFunc(found, func(d *diag.Diagnosis) bool { return d.Target.Protocol != "file" })
	const short = 3 // more of them are a table
	table := format == report.Text && (len(found) > short || r.folder && len(found) > 1) && ro.Verbose == 0
	s := report.NewStream(p.stdout, format, ro)
	code, nagios := exitHealthy, 0
	var err error
	for _, b := range r.refused {
		code, nagios = exitUsage, report.WorstNagios(nagios, 3)
		if format != report.Text && format != report.Markdown {
			err = s.Add(refused(b.path, b.err))
		}
	}
	for _, d := range found {
		code = worse(code, codeOf(d.Verdict, strict))
		nagios = report.WorstNagios(nagios, report.NagiosCode(d.Verdict, strict))
		if err == nil && !table {
			err = s.Add(d)
		}
	}
	switch {
	case err != nil:
	case table:
		err = report.Expiry(p.stdout, found, ro)
	default:
		err = s.Close()
	}
	if err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	switch {
	case r.ctx.Err() != nil:
		code = exitInterrupted
	case format == report.Nagios:
		code = nagios
	}
	return exitError(code)
}

// servedCertificates diagnoses a target and, where a file is given, says whether
// the target serves what the file holds.
func (p *program) servedCertificates(ctx context.Context, target string, held []diagnose.Held, o options) (*diag.Diagnosis, error) {
	env := p.lend()
	o.Detail = max(o.Detail, 1)
	if len(held) == 1 {
		env.OnDisk, env.OnDiskFile = held[0].Chain, held[0].File
		o.Command = commandOf("tlswhy cert", option{"--ca", o.CAFile}, option{"--trust", o.Trust}, option{"--starttls", o.StartTLS})
		for _, c := range o.Connect {
			o.Command += " --connect " + shellQuote(c)
		}
		o.Command += " " + shellQuote(held[0].Path) + " " + shellQuote(target)
	}
	d, err := underGuard(ctx, env, func(env diagnose.Env) (*diag.Diagnosis, error) {
		return diagnose.Run(ctx, target, diagnose.Options(o), env)
	})
	if err == nil && len(held) == 1 && (d.Verdict == diag.OK || d.Verdict == diag.Warning) && !slices.ContainsFunc(d.Causes, func(c diag.Cause) bool { return c.ID == "renewed-not-deployed" }) {
		d.Notes = append(d.Notes, "every address serves what "+held[0].File+" holds")
	}
	return d, err
}

// verify is the command that repeats the inspection of a file.
func (f *certFlags) verify(file string) string {
	return commandOf("tlswhy cert", option{"--name", f.name}, option{"--key", f.opts.KeyFile}, option{"--ca", f.opts.CAFile}, option{"--trust", f.opts.Trust},
		option{"--at", f.at}, option{"--password-file", f.passwordFile}, option{"--alias", f.alias}) + " " + shellQuote(file)
}

// option is one option of a command line.
type option struct{ name, value string }

// commandOf writes a command with the options that have a value.
func commandOf(command string, options ...option) string {
	for _, o := range options {
		if o.value != "" {
			command += " " + o.name + " " + shellQuote(o.value)
		}
	}
	return command
}
