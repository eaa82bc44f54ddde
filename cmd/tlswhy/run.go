package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/relay"
)

// The exit codes of a shell for a command that cannot be run.
const (
	exitNoCommand  = 127
	exitNotRunable = 126
)

// runFlags are the options of tlswhy run.
type runFlags struct {
	diagnoseFlags
	listen  string
	offline bool
	report  string
}

func (p *program) runCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run -- COMMAND ARGS...",
		Short: "runs a client, watches its connections and explains the failed ones",
		RunE: func(cmd *cobra.Command, args []string) error {
			if f.listen != "" {
				return p.runRelay(cmd.Context(), f, args)
			}
			if len(args) == 0 {
				return badUsage("tlswhy run -- curl https://shop.example.com", "no command to run")
			}
			return p.runClient(cmd.Context(), f, args)
		},
	}
	fs := cmd.Flags()
	fs.SetInterspersed(false) // what follows the command is the command's
	fs.SetNormalizeFunc(normalName)
	o := &f.opts
	fs.StringVar(&f.listen, "listen", "", "lead every connection to ADDR on to one target")
	fs.BoolVar(&f.offline, "no-experiments", false, "make no connection of our own")
	fs.StringVar(&f.report, "report", "", "write the report to a file")
	fs.StringVar(&o.CAFile, "ca", "", "the client's trust anchors")
	fs.StringVar(&o.Trust, "trust", "", "whose roots")
	fs.StringVar(&o.Server, "server", "", "whose fix to print: nginx, apache ...")
	f.registerOutput(fs)
	f.parallel = 1
	p.completeFlags(cmd)
	return cmd
}

// runClient runs the command behind a proxy of ours. The command's output and
// exit code pass through; what is to be said goes to standard error.
func (p *program) runClient(ctx context.Context, f *runFlags, args []string) error {
	w, err := p.newWitness(f, filepath.Base(args[0]))
	if err != nil {
		return err
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		complain(p.stderr, badUsage("", "the command %q cannot be run: %v", args[0], errors.Unwrap(err)))
		if errors.Is(err, os.ErrPermission) {
			return exitError(exitNotRunable)
		}
		return exitError(exitNoCommand)
	}
	r, err := relay.Listen("127.0.0.1:0", relay.Options{Upstream: upstream})
	if err != nil {
		return badUsage("", "starting the proxy: %v", err)
	}
	preload, remove := writePreload()
	defer remove()
	cmd := exec.Command(path, args[1:]...)
	cmd.Env = relay.Environ(p.environ, r.Addr(), args[0], preload)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
	code := runThrough(cmd)
	w.command = args
	w.code = code
	for _, c := range r.Close() {
		w.judge(ctx, c)
	}
	if err := w.conclude(); err != nil {
		complain(p.stderr, err)
	}
	return exitError(code)
}

// runThrough runs a command and hands signals on; it returns the command's exit
// code, or 128 plus the signal that ended it.
func runThrough(cmd *exec.Cmd) int {
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return exitNotRunable
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			// The terminal has sent an interrupt to the command as well.
			if s != os.Interrupt {
				_ = cmd.Process.Signal(s)
			}
		case <-done:
			if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
				return 128 + int(ws.Signal())
			}
			return max(cmd.ProcessState.ExitCode(), 0)
		}
	}
}

// upstream is the proxy that the environment names for a target, so that a
// network that needs one still works.
func upstream(hostport string) (*url.URL, error) {
	return http.ProxyFromEnvironment(&http.Request{URL: &url.URL{Scheme: "https", Host: hostport}})
}

// writePreload puts the script for old Node.js where it can be loaded from.
func writePreload() (path string, remove func()) {
	f, err := os.CreateTemp("", "tlswhy-*.cjs")
	if err != nil {
		return "", func() {}
	}
	_, werr := f.Write(relay.NodePreload)
	if errors.Join(werr, f.Close()) != nil {
		_ = os.Remove(f.Name())
		return "", func() {}
	}
	return f.Name(), func() { _ = os.Remove(f.Name()) }
}

// runRelay leads every connection to one target, for clients that take no proxy,
// and explains failures as they come.
func (p *program) runRelay(ctx context.Context, f *runFlags, args []string) error {
	if len(args) != 1 {
		return badUsage("tlswhy run --listen 127.0.0.1:8443 shop.example.com:443", "give one target")
	}
	host, port, err := net.SplitHostPort(args[0])
	if err != nil {
		host, port = args[0], "443"
	}
	target := net.JoinHostPort(host, port)
	w, err := p.newWitness(f, "the client")
	if err != nil {
		return err
	}
	w.target = host
	ended := make(chan *relay.Conversation, 64)
	r, err := relay.Listen(f.listen, relay.Options{Target: target, Done: func(c *relay.Conversation) { ended <- c }})
	if err != nil {
		return badUsage("", "--listen: %v", err)
	}
	fmt.Fprintf(p.stderr, "tlswhy: %s leads to %s; point the client there (with the name %s in its SNI). Ctrl-C ends.\n", r.Addr(), target, host)
	closed := make(chan struct{})
	go func() {
		<-ctx.Done()
		r.Close()
		close(closed)
	}()
	for {
		select {
		case c := <-ended:
			w.judge(context.WithoutCancel(ctx), c)
			if err := w.flush(); err != nil {
				return err
			}
		case <-closed:
			return exitError(w.exit)
		}
	}
}
