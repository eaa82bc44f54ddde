package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/report"
)

// clientsFlags are the options of tlswhy clients.
type clientsFlags struct {
	diagnoseFlags
	family   []string
	named    []string
	profiles string
	all      bool
	replay   bool
	rate     int
	list     bool
	capture  string
}

func (p *program) clientsCommand() *cobra.Command {
	f := &clientsFlags{}
	cmd := &cobra.Command{
		Use:   "clients TARGET...",
		Short: "which of the known clients can connect, and why the others cannot",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.capture != "":
				if len(args) > 0 {
					return badUsage("", "--capture-installed takes no target")
				}
				return p.captureInstalled(cmd.Context(), f)
			case f.list:
				of, _, err := f.choose()
				if err != nil {
					return err
				}
				return p.listProfiles(&f.diagnoseFlags, of)
			case len(args) == 0 && f.targets == "":
				return badUsage("give a host, host:port or URL, or --targets FILE", "no target")
			}
			return p.runClients(cmd.Context(), f, args)
		},
	}
	fs, o := cmd.Flags(), &f.opts
	fs.SetNormalizeFunc(normalName)
	fs.StringSliceVar(&f.family, "family", nil, "clients of these families only")
	fs.StringArrayVar(&f.named, "client", nil, "this client only; may be repeated")
	fs.StringVar(&f.profiles, "profiles", "", "directory with further clients")
	fs.BoolVar(&f.all, "all", false, "older clients one by one")
	fs.BoolVar(&f.replay, "replay", false, "send every client's hello")
	positive(fs, &f.rate, "rate", "replayed hellos per second")
	fs.IntVarP(&f.parallel, "parallel", "P", 4, "replayed hellos at a time")
	fs.BoolVar(&f.list, "list", false, "print the names of the clients")
	fs.StringVar(&f.capture, "capture-installed", "", "write the clients of this machine as profiles into a directory")
	fs.StringArrayVar(&o.Connect, "connect", nil, "dial HOST:PORT instead of resolving the name")
	fs.StringArrayVar(&o.Resolve, "resolve", nil, "HOST:PORT:ADDR[,ADDR], as in curl")
	fs.BoolVarP(&f.ip4, "ipv4", "4", false, "IPv4 addresses only")
	fs.BoolVarP(&f.ip6, "ipv6", "6", false, "IPv6 addresses only")
	fs.StringVar(&o.SNI, "sni", "", "server_name to send, or none")
	fs.StringVar(&o.ALPN, "alpn", "", "application protocols in place of each client's own, or none")
	fs.StringVar(&o.StartTLS, "starttls", "", "plaintext dialogue before TLS")
	fs.StringVar(&o.CAFile, "ca", "", "the only trust anchors (PEM)")
	fs.StringVar(&o.Trust, "trust", "", "whose roots, in place of each client's own")
	fs.StringVar(&f.at, "at", "", "judge as of that moment")
	fs.DurationVar(&o.Timeout, "timeout", 0, "of a connection")
	fs.StringVar(&f.targets, "targets", "", "file with targets, - for standard input")
	fs.StringVarP(&f.output, "output", "o", "text", "text, json, html, markdown, junit, sarif, nagios or csv")
	fs.StringVar(&f.color, "color", "auto", "auto, always or never")
	fs.BoolVarP(&f.quiet, "quiet", "q", false, "no progress")
	return cmd
}

// defaultRate is how many hellos a second a replay sends.
const defaultRate = 20

// runClients asks target after target, in the order in which they were named.
func (p *program) runClients(ctx context.Context, f *clientsFlags, args []string) error {
	o, format, ro, err := f.resolve(p)
	if err != nil {
		return err
	}
	o.Client = ""
	profiles, chosen, err := f.choose()
	if err != nil {
		return err
	}
	if f.rate == 0 {
		f.rate = defaultRate
	}
	progress := p.newProgress(false, f.quiet)
	o.Progress = progress.state
	roster := diagnose.Roster{Profiles: profiles, Replay: f.replay, Every: time.Second / time.Duration(f.rate), Parallel: f.parallel}
	all := f.all || chosen
	stream, code := report.NewClientsStream(p.stdout, format, all, ro), exitHealthy
	var failed error
	readErr := p.readTargets(args, f.targets, func(t target) bool {
		var d *diag.Clients
		err := t.err
		if err == nil {
			opts := diagnose.Options(o)
			d, err = diagnose.Clients(ctx, t.input, opts, p.lend(), roster)
		}
		progress.clear()
		if err != nil {
			msg, hint := explain(err)
			complain(p.stderr, &usageError{msg, hint})
			code = worse(code, exitUsage)
			return ctx.Err() == nil
		}
		if failed = stream.Add(d); failed != nil {
			return false
		}
		code = worse(code, codeOfClients(d, all))
		return ctx.Err() == nil
	})
	if failed == nil {
		failed = stream.Close()
	}
	switch {
	case failed != nil:
		return badUsage("", "writing the report: %v", failed)
	case ctx.Err() != nil:
		fmt.Fprintln(p.stderr, "tlswhy: interrupted")
		return exitError(exitInterrupted)
	case readErr != nil:
		complain(p.stderr, readErr)
		code = worse(code, exitUsage)
	}
	if format == report.Nagios {
		return exitError(pluginCode(stream.NagiosCode(), code))
	}
	return exitError(code)
}

// codeOfClients is 1 where a client fails that is in use, or was asked for.
func codeOfClients(d *diag.Clients, all bool) int {
	code := exitHealthy
	for _, k := range d.Clients {
		switch {
		case !all && !k.Current:
		case k.Outcome == diag.ClientFails:
			code = worse(code, exitFailure)
		case k.Outcome == diag.ClientUnknown:
			code = worse(code, exitUntested)
		}
	}
	return code
}

// choose picks the profiles; chosen says that the user named some.
func (f *clientsFlags) choose() (profiles []*client.Profile, chosen bool, err error) {
	profiles = client.Profiles()
	if f.profiles != "" {
		more, err := loadProfiles(f.profiles)
		if err != nil {
			return nil, false, badUsage("tlswhy clients --capture-installed DIR writes such files", "%v", err)
		}
		profiles = client.Merge(more, profiles)
	}
	if len(f.named) > 0 {
		var named []*client.Profile
		for _, name := range f.named {
			one, err := client.LookupIn(profiles, name)
			if err != nil {
				return nil, false, badUsage("tlswhy clients --list shows all", "%v", err)
			}
			named = append(named, one)
		}
		return named, true, nil
	}
	if len(f.family) == 0 {
		return profiles, false, nil
	}
	var of []*client.Profile
	for _, word := range f.family {
		one := slices.DeleteFunc(slices.Clone(profiles), func(c *client.Profile) bool { return !strings.EqualFold(c.Family, strings.TrimSpace(word)) })
		if len(one) == 0 {
			return nil, false, badUsage("tlswhy clients --list shows the families", "no family of clients is called %q", word)
		}
		of = append(of, one...)
	}
	return of, f.all, nil
}

// listClients prints the names that --client takes, by family.
func (p *program) listClients(f *diagnoseFlags) error {
	return p.listProfiles(f, client.Profiles())
}

func (p *program) listProfiles(f *diagnoseFlags, of []*client.Profile) error {
	var families []string
	byFamily := map[string][]string{}
	for _, c := range of {
		if byFamily[c.Family] == nil {
			families = append(families, c.Family)
		}
		if !slices.Contains(byFamily[c.Family], c.Name) {
			byFamily[c.Family] = append(byFamily[c.Family], c.Name)
		}
	}
	o, err := p.pageOptions(f.color)
	if err != nil {
		return err
	}
	width := 0
	for _, name := range families {
		width = max(width, len(name))
	}
	for _, name := range families {
		if err := report.Entry(p.stdout, fmt.Sprintf("%-*s  ", width, name), strings.Join(byFamily[name], ", "), o); err != nil {
			return err
		}
	}
	return nil
}
