package main

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/errtext"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/report"
	"github.com/tlswhy/tlswhy/internal/truststore"
	"github.com/tlswhy/tlswhy/internal/truststore/programs"
)

// explainFlags are the options of tlswhy explain; those of diagnose that say
// how to connect serve its live check.
type explainFlags struct {
	diagnoseFlags
	probe bool
	host  string
}

func (p *program) explainCommand() *cobra.Command {
	f := &explainFlags{}
	cmd := &cobra.Command{
		Use:   "explain [TEXT|FILE|-]",
		Short: "says what an error message or a log means",
		RunE:  func(cmd *cobra.Command, args []string) error { return p.runExplain(cmd.Context(), f, args) },
	}
	fs := cmd.Flags()
	fs.BoolVar(&f.probe, "probe", false, "check the host of the text live")
	fs.StringVar(&f.host, "host", "", "the host to check, with --probe")
	fs.StringVar(&f.opts.Server, "server", "", "whose fix to print: nginx, apache ...")
	fs.StringVar(&f.client, "client", "", "with --probe: speak and judge as this client")
	fs.StringVar(&f.opts.CAFile, "ca", "", "with --probe: the only trust anchors (PEM)")
	fs.StringVar(&f.opts.CertFile, "cert", "", "with --probe: client certificate (PEM)")
	fs.StringVar(&f.opts.KeyFile, "key", "", "with --probe: its key (PEM)")
	fs.StringVar(&f.opts.StartTLS, "starttls", "", "with --probe: plaintext dialogue before TLS")
	fs.StringVar(&f.opts.Proxy, "proxy", "", "with --probe: URL of a proxy, or none")
	fs.StringArrayVar(&f.opts.Connect, "connect", nil, "with --probe: dial HOST:PORT instead of resolving the name")
	fs.StringVar(&f.at, "at", "", "judge as of this moment")
	f.registerOutput(fs)
	f.parallel = 1
	return cmd
}

// runExplain explains every input and prints one report for each distinct
// failure.
func (p *program) runExplain(ctx context.Context, f *explainFlags, args []string) error {
	o, format, ro, err := f.resolve(p)
	if err != nil {
		return err
	}
	if f.probe && f.host == "" && len(args) == 1 && isTarget(args[0]) {
		f.host = args[0] // no text, only a host: tlswhy explain --probe HOST
	}
	inputs, err := p.explainInputs(ctx, args)
	if err != nil {
		return err
	}
	s := report.NewStream(p.stdout, format, ro)
	code := exitHealthy
	for _, in := range inputs {
		r, err := in.read()
		if err == nil && r.Binary && len(r.Matches) == 0 && !f.probe {
			err, r = errNoText, nil
		}
		if err != nil {
			fmt.Fprintf(p.stderr, "tlswhy: %s: %s\n", clean(in.name), clean(err.Error()))
			code = worse(code, exitUsage)
			if errors.Is(err, context.Canceled) {
				code = exitInterrupted
			}
			if r == nil {
				p.suggestOther(in.name, nil)
				continue
			}
		}
		if len(r.Matches) == 0 && !f.probe {
			p.suggestOther(in.name, args)
		}
		c, err := p.explainResult(ctx, f, o, s, r)
		if err != nil {
			return err
		}
		code = worse(code, c)
	}
	if err := s.Close(); err != nil {
		return badUsage("", "writing the report: %v", err)
	}
	if format == report.Nagios && code != exitInterrupted {
		return exitError(pluginCode(s.NagiosCode(), code))
	}
	return exitError(code)
}

// suggestOther names the command for what is no text about a failure.
func (p *program) suggestOther(name string, args []string) {
	command := fileCommands[strings.ToLower(filepath.Ext(name))]
	switch {
	case command != "" && command != "explain":
		fmt.Fprintf(p.stderr, "tlswhy: for such a file: tlswhy %s %s\n", command, shellQuote(name))
	case len(args) == 1 && isTarget(args[0]):
		fmt.Fprintf(p.stderr, "tlswhy: to diagnose a host: tlswhy %s\n", shellQuote(args[0]))
	}
}

// explainResult prints what was found in one input.
func (p *program) explainResult(ctx context.Context, f *explainFlags, o options, s *report.Stream, r *errtext.Result) (int, error) {
	code := exitHealthy
	matches := r.Matches
	if len(matches) == 0 {
		if f.probe && f.host != "" {
			matches = []facts.TextMatch{{}}
		} else {
			return code, s.Add(diagnose.NoFailure(r.Lines))
		}
	}
	for i, m := range matches {
		var d *diag.Diagnosis
		var err error
		if f.probe && i < maxProbes {
			d, err = diagnose.Probe(ctx, m, f.host, diagnose.Options(o), diagnose.Env{Sources: []truststore.Source{programs.Lists{}}, Environ: p.environ})
		} else {
			d, err = diagnose.Explain(m, diagnose.Options(o))
		}
		if err != nil {
			return exitUsage, err
		}
		if r.Dropped > 0 && i == len(matches)-1 {
			d.Notes = append(d.Notes, fmt.Sprintf("%d further failures are left out: too many different ones", r.Dropped))
		}
		code = worse(code, codeOf(d.Verdict, f.strict))
		if err := s.Add(d); err != nil {
			return code, badUsage("", "writing the report: %v", err)
		}
	}
	return code, nil
}

// maxProbes bounds the live checks of one text.
const maxProbes = 8

// explainInput is one text: given, in a file or on standard input.
type explainInput struct {
	name string
	open func() (io.ReadCloser, error)
}

var errNoText = errors.New("this is no text; give the words of the error message, or a log")

// read reads an input; logs that were packed with gzip are unpacked.
func (in *explainInput) read() (*errtext.Result, error) {
	r, err := in.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	if !strings.HasSuffix(in.name, ".gz") {
		return errtext.Read(r)
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("unpacking it: %w", err)
	}
	return errtext.Read(z)
}

// explainInputs decides what the arguments are: files where they exist, "-" or
// nothing for standard input, else words of one text.
func (p *program) explainInputs(ctx context.Context, args []string) ([]explainInput, error) {
	stdin := explainInput{"standard input", func() (io.ReadCloser, error) { return io.NopCloser(p.input(ctx)), nil }}
	if len(args) == 0 {
		if p.inTerminal() {
			fmt.Fprintln(p.stderr, "tlswhy: paste the text and end it with Ctrl-D")
		}
		return []explainInput{stdin}, nil
	}
	var out []explainInput
	for _, a := range args {
		info, err := os.Stat(a)
		switch {
		case a == "-":
			out = append(out, stdin)
		case err == nil && info.IsDir():
			return nil, badUsage("name the files in it", "%q is a folder", a)
		case err == nil:
			out = append(out, explainInput{a, func() (io.ReadCloser, error) { return os.Open(a) }})
		case len(out) > 0 || !slices.ContainsFunc(args, func(s string) bool { return !looksLikeFile(s) }):
			return nil, badUsage("a text is put between quotes; - reads standard input", "the file %q cannot be read: it does not exist", a)
		default:
			text := strings.Join(args, " ")
			return []explainInput{{"the text", func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}}, nil
		}
	}
	return out, nil
}

// isTarget tells a host, host:port or URL from a message.
func isTarget(s string) bool {
	if strings.ContainsAny(s, " \n\t") || !strings.ContainsAny(s, ".:") || looksLikeFile(s) {
		return false
	}
	if _, err := os.Stat(s); err == nil {
		return false
	}
	_, err := diagnose.ParseTarget(s)
	return err == nil
}

// looksLikeFile tells a path from a message.
func looksLikeFile(s string) bool {
	if strings.ContainsAny(s, " \n\t") || strings.Contains(s, "://") {
		return false
	}
	for _, ext := range []string{".log", ".txt", ".out", ".err", ".json"} {
		if strings.HasSuffix(s, ext) {
			return true
		}
	}
	return strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../")
}

// inTerminal tells whether somebody types.
func (p *program) inTerminal() bool {
	f, ok := p.stdin.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
