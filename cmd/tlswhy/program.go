package main

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/report"
)

// program is what the commands need from outside.
type program struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
	diagnose       diagnoser
	light          *diagnose.Light   // makes the monitor's checks; nil leaves them to diagnose
	answers        *diagnose.Answers // of issuers, for all diagnoses of the program
	apart          bool              // what is read came from strangers: no file of this machine concerns them
	picture        bool              // diagnoses are drawn
	guard          func(address string) error
	keys           func(*diagnose.Env) // how key files are opened; nil before the flags are read
	bulk           *bulk               // of a long list of targets; nil for none
	outTerminal    bool                // stdout is a terminal
	errTerminal    bool
	columns        int // of the terminal, 0 when unknown
	// patient says that the command makes an end of its own, which takes time.
	patient atomic.Bool
}

func newProgram() *program {
	p := &program{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ(),
		outTerminal: term.IsTerminal(int(os.Stdout.Fd())), errTerminal: term.IsTerminal(int(os.Stderr.Fd()))}
	p.diagnose, p.answers = orInterrupted(p.diagnoseTarget), &diagnose.Answers{}
	p.light = &diagnose.Light{Env: p.lend()}
	if p.outTerminal {
		if w, _, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			p.columns = w
		}
		p.outTerminal = enableColor(os.Stdout)
	}
	if p.errTerminal {
		p.errTerminal = enableColor(os.Stderr)
	}
	return p
}

// run executes one command line and returns the exit code.
func (p *program) run(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.stdin)
	root.SetOut(p.stdout)
	root.SetErr(p.stderr)
	return p.until(ctx, func() int { return complain(p.stderr, root.ExecuteContext(ctx)) })
}

// env returns a variable of the environment, "" when it is not set; the last
// one wins.
func (p *program) env(name string) string {
	value := ""
	for _, e := range p.environ {
		if k, v, ok := strings.Cut(e, "="); ok && k == name {
			value = v
		}
	}
	return value
}

// maxColumns keeps lines readable on a wide terminal.
const maxColumns = 120

// width is how many columns a text may take.
func (p *program) width() int {
	if p.columns > 0 {
		return min(p.columns, maxColumns)
	}
	if n, err := strconv.Atoi(p.env("COLUMNS")); err == nil && n > 0 {
		return min(n, maxColumns)
	}
	return 80
}

// color decides whether to use colour: "auto" means on a terminal, unless
// NO_COLOR (https://no-color.org) or a dumb terminal forbids it.
func (p *program) color(when string) (bool, error) {
	switch when {
	case "auto":
		return p.outTerminal && p.env("NO_COLOR") == "" && p.env("TERM") != "dumb", nil
	case "always":
		return true, nil
	case "never":
		return false, nil
	}
	return false, badUsage("auto, always or never", "--color %q is unknown", when)
}

// ascii says that the locale names a character set other than UTF-8. Without
// any locale, as in a container, UTF-8 is the better guess.
func (p *program) ascii() bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		v := strings.ToLower(p.env(name))
		if v == "" {
			continue
		}
		return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8") && (v == "c" || v == "posix" || strings.Contains(v, "."))
	}
	return false
}

// clean is text that a terminal can only draw.
func clean(s string) string { return report.Clean(s) }

// pageOptions are how help and pages are printed.
func (p *program) pageOptions(when string) (report.Options, error) {
	color, err := p.color(when)
	return report.Options{Width: p.width(), Color: color, ASCII: p.ascii()}, err
}

// noArgs is cobra.NoArgs in our words.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return badUsage("see tlswhy help "+cmd.Name(), "%s takes no %q", cmd.Name(), args[0])
	}
	return nil
}
