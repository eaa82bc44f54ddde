package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/lab"
	"github.com/tlswhy/tlswhy/internal/report"
)

func (p *program) labCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "broken servers on this machine, to practise and to test",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				if _, ok := lab.Lookup(args[0]); ok {
					return badUsage("tlswhy lab run "+args[0]+" diagnoses it, tlswhy lab serve "+args[0]+" keeps it running", "run or serve?")
				}
				hint := "list, run ID or serve ID"
				if near := nearest(args[0], []string{"list", "run", "serve"}); near != "" {
					hint = "did you mean tlswhy lab " + near + "?"
				}
				return badUsage(hint, "lab does not know %q", args[0])
			}
			return p.labList("auto", nil)
		},
	}
	color := ""
	list := &cobra.Command{Use: "list [WORD...]", Short: "lists the scenarios", RunE: func(_ *cobra.Command, args []string) error { return p.labList(color, args) }}
	list.Flags().StringVar(&color, "color", "auto", "auto, always or never")

	f := &diagnoseFlags{}
	run := &cobra.Command{
		Use:   "run ID...",
		Short: "starts a broken server, diagnoses it and prints the report",
		RunE: func(cmd *cobra.Command, args []string) error {
			scenarios, err := chooseScenarios(args)
			if err != nil {
				return err
			}
			code := exitHealthy
			for i, s := range scenarios {
				if i > 0 {
					fmt.Fprintln(p.stdout)
				}
				c, err := p.labRun(cmd.Context(), s, f)
				if err != nil {
					return err
				}
				code = worse(code, c)
			}
			return exitError(code)
		},
		ValidArgsFunction: completeScenarios,
	}
	f.registerOutput(run.Flags())

	dir := ""
	serve := &cobra.Command{
		Use:   "serve ID",
		Short: "keeps a broken server running",
		RunE: func(cmd *cobra.Command, args []string) error {
			scenarios, err := chooseScenarios(args)
			if err != nil {
				return err
			}
			if len(scenarios) > 1 {
				return badUsage("start the others beside it", "serve takes one ID")
			}
			return p.labServe(cmd.Context(), scenarios[0], dir)
		},
		ValidArgsFunction: completeScenarios,
	}
	serve.Flags().StringVar(&dir, "dir", "", "folder for the client's files; default is a temporary one")
	cmd.AddCommand(list, run, serve)
	return cmd
}

func completeScenarios(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var out []string
	for _, s := range lab.Scenarios() {
		out = append(out, s.ID+"\t"+s.Title)
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}

// chooseScenarios looks scenarios up by their ids.
func chooseScenarios(args []string) ([]lab.Scenario, error) {
	if len(args) == 0 {
		return nil, badUsage("tlswhy lab list prints them", "which scenario?")
	}
	var out []lab.Scenario
	for _, arg := range args {
		s, ok := lab.Lookup(arg)
		if !ok {
			var ids []string
			for _, s := range lab.Scenarios() {
				ids = append(ids, s.ID)
			}
			hint := "tlswhy lab list prints them"
			if near := nearest(arg, ids); near != "" {
				hint = "did you mean " + near + "?"
			}
			return nil, badUsage(hint, "no scenario is called %q", arg)
		}
		out = append(out, s)
	}
	return out, nil
}

// labList prints the scenarios whose id, title or family contains every word.
func (p *program) labList(color string, words []string) error {
	o, err := p.pageOptions(color)
	if err != nil {
		return err
	}
	var groups []string
	byGroup := map[string][]lab.Scenario{}
	width := 0
	for _, s := range lab.Scenarios() {
		g := scenarioGroup(s)
		if !containsAll(strings.ToLower(s.ID+" "+s.Title+" "+s.Cause+" "+g), words) {
			continue
		}
		if byGroup[g] == nil {
			groups = append(groups, g)
		}
		byGroup[g] = append(byGroup[g], s)
		width = max(width, len(s.ID))
	}
	if len(groups) == 0 {
		return badUsage("tlswhy lab list prints all of them", "no scenario is about %q", strings.Join(words, " "))
	}
	slices.SortStableFunc(groups, func(a, b string) int { return groupRank(a) - groupRank(b) })
	for i, g := range groups {
		if i > 0 {
			g = "\n" + g
		}
		if err := p.heading(g, o); err != nil {
			return err
		}
		for _, s := range byGroup[strings.TrimPrefix(g, "\n")] {
			if err := report.Entry(p.stdout, fmt.Sprintf("  %-*s  ", width, s.ID), s.Title, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// healthyGroup is the heading of the scenarios without a cause.
const healthyGroup = "healthy, though unusual"

// scenarioGroup is the family of the expected cause.
func scenarioGroup(s lab.Scenario) string {
	if s.Cause == "" {
		return healthyGroup
	}
	if page, ok := causes.PageOf(s.Cause); ok {
		return page.Family
	}
	return "other"
}

// groupRank puts the families first, in their order, and the healthy ones last.
func groupRank(g string) int {
	if i := slices.Index(causes.Families, g); i >= 0 {
		return i
	}
	if g == healthyGroup {
		return len(causes.Families) + 1
	}
	return len(causes.Families)
}

func containsAll(s string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(s, strings.ToLower(w)) {
			return false
		}
	}
	return true
}

// heading prints a line that stands out; a line feed before it is an empty
// line.
func (p *program) heading(s string, o report.Options) error {
	if rest, ok := strings.CutPrefix(s, "\n"); ok {
		fmt.Fprintln(p.stdout)
		s = rest
	}
	return report.Heading(p.stdout, s, o)
}

// labRun starts the server and diagnoses it as the command line would.
func (p *program) labRun(ctx context.Context, s lab.Scenario, f *diagnoseFlags) (int, error) {
	dir, err := os.MkdirTemp("", "tlswhy-lab-")
	if err != nil {
		return 0, badUsage("", "making a folder for the client's files: %v", err)
	}
	defer os.RemoveAll(dir)
	running, args, err := startScenario(ctx, s, dir)
	if err != nil {
		return 0, err
	}
	defer running.Close()
	if !f.quiet && f.output == string(report.Text) {
		o, err := p.pageOptions(f.color)
		if err != nil {
			return 0, err
		}
		if err := report.Entry(p.stdout, "", strings.TrimSpace(upperFirst(s.Title)+". "+s.Story), o); err != nil {
			return 0, err
		}
		fmt.Fprintln(p.stdout)
	}
	of := &diagnoseFlags{}
	fs := pflag.NewFlagSet("lab", pflag.ContinueOnError)
	of.register(fs)
	if err := fs.Parse(args); err != nil {
		return 0, fmt.Errorf("scenario %q: %w", s.ID, err)
	}
	of.opts.Command = "tlswhy lab run " + s.ID // the files of args will be gone
	of.output, of.verbose, of.redact, of.color, of.quiet = f.output, f.verbose, f.redact, f.color, f.quiet
	var code exitError
	err = p.runDiagnose(ctx, of, fs.Args())
	if c, ok := err.(exitError); ok {
		code, err = c, nil
	}
	return int(code), err
}

// startScenario starts the server and returns the arguments of the client
// whose files it wrote to dir.
func startScenario(ctx context.Context, s lab.Scenario, dir string) (*lab.Running, []string, error) {
	running, err := lab.Start(ctx, s)
	if err != nil {
		return nil, nil, badUsage("", "%v", err)
	}
	file := func(name string, pem []byte) string {
		path := filepath.Join(dir, name)
		if err == nil && pem != nil {
			err = os.WriteFile(path, pem, 0o600)
		}
		return path
	}
	args := s.Client.Args(running, file("ca.pem", running.CA), file("client.pem", running.ClientCert), file("client.key", running.ClientKey),
		file("ca.crl", running.List))
	if err != nil {
		_ = running.Close() // the first error is the one that says something
		return nil, nil, badUsage("", "writing the client's files: %v", err)
	}
	return running, args, nil
}

// labServe runs the server until the context ends.
func (p *program) labServe(ctx context.Context, s lab.Scenario, dir string) error {
	var err error
	if dir == "" {
		if dir, err = os.MkdirTemp("", "tlswhy-lab-"); err == nil {
			defer os.RemoveAll(dir)
		}
	} else {
		err = os.MkdirAll(dir, 0o755)
	}
	if err != nil {
		return badUsage("", "making a folder for the client's files: %v", err)
	}
	running, args, err := startScenario(ctx, s, dir)
	if err != nil {
		return err
	}
	defer running.Close()
	fmt.Fprintf(p.stdout, "%s: %s\nlistens on %s; the name is %s; the client's files are in %s\n\n  tlswhy %s\n",
		s.ID, s.Title, running.Addr, running.Name, dir, shellJoin(args))
	if s.Client.Protocol == "" && !s.Client.NoConnect {
		host, port := running.Name, running.Addr[strings.LastIndexByte(running.Addr, ':')+1:]
		fmt.Fprintf(p.stdout, "  curl --cacert %s --connect-to %s https://%s:%s/\n", shellQuote(filepath.Join(dir, "ca.pem")), shellQuote("::"+running.Addr), host, port)
	}
	fmt.Fprintln(p.stderr, "\nCtrl-C ends it")
	<-ctx.Done()
	return nil
}

// shellJoin writes arguments as one types them.
func shellJoin(args []string) string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = shellQuote(a)
	}
	return strings.Join(out, " ")
}

// shellQuote writes a word as a shell takes it.
func shellQuote(s string) string { return diagnose.Quote(s) }

// upperFirst begins a sentence.
func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
