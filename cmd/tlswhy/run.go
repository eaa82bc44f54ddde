package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/proxy"
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
	once    bool
	report  string
}

func (p *program) runCommand() *cobra.Command {
	f := &runFlags{}
	cmd := &cobra.Command{
		Use:   "run -- COMMAND ARGS...",
		Short: "runs a client, watches its connections and explains the failed ones",
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case f.listen != "":
				return p.runRelay(cmd.Context(), f, args)
			case f.once:
				return badUsage("tlswhy run --once --listen 127.0.0.1:8443 shop.example.com:443", "--once goes with --listen")
			case len(args) == 0:
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
	fs.BoolVar(&f.once, "once", false, "end after the first connection")
	fs.BoolVar(&f.offline, "no-experiments", false, "make no connection of our own")
	fs.StringVar(&f.report, "report", "", "write the report to a file")
	fs.StringVar(&o.CAFile, "ca", "", "the client's trust anchors")
	fs.StringVar(&o.Trust, "trust", "", "whose roots")
	fs.StringVar(&o.Server, "server", "", "whose fix to print: nginx, apache ...")
	f.registerOutput(fs)
	f.parallel = 1
	return cmd
}

// runClient runs the command behind a proxy of ours. The command's output and
// exit code pass through; what is to be said goes to standard error.
func (p *program) runClient(ctx context.Context, f *runFlags, args []string) error {
	w, err := p.newWitness(f, filepath.Base(args[0]), commandLine("tlswhy run --", args))
	if err != nil {
		return err
	}
	w.command = args
	upstream := proxy.NewUpstream(p.environ, args)
	upstream.Git = gitProxy(args)
	w.ignored = upstream.Ignored
	r, err := relay.Listen("127.0.0.1:0", relay.Options{Upstream: upstream.Proxy, Roots: roots(f.opts.CAFile), Lead: resolved(args)})
	if err != nil {
		return badUsage("", "starting the proxy: %v", err)
	}
	preload, remove := writePreload()
	defer remove()
	return p.attend(ctx, w, r, relay.Environ(p.environ, r.Addr(), args, preload))
}

// attend runs the command of a witness to its end and says what was seen.
func (p *program) attend(ctx context.Context, w *witness, r *relay.Relay, environ []string) error {
	code, err := p.runThrough(w.command, environ)
	w.code = code
	seen := r.Close()
	if err != nil {
		complain(p.stderr, err)
		return exitError(code)
	}
	// The command's end by a signal is no reason to keep silent about it.
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), os.Interrupt, syscall.SIGTERM)
	defer stop()
	for _, c := range seen {
		w.judge(c)
	}
	w.explain(ctx)
	if err := w.conclude(); err != nil {
		complain(p.stderr, err)
	}
	return exitError(code)
}

// runThrough runs a command with our standard streams and hands signals on; it
// returns the command's exit code, or 128 plus the signal that ended it. The
// error says why the command could not be started.
func (p *program) runThrough(args, environ []string) (int, error) {
	p.patient.Store(true) // the end of the user's command is awaited
	path, err := exec.LookPath(args[0])
	if err == nil {
		cmd := exec.Command(path, args[1:]...)
		cmd.Env = environ
		cmd.Stdin, cmd.Stdout, cmd.Stderr = p.stdin, p.stdout, p.stderr
		var code int
		if code, err = runToEnd(cmd); err == nil {
			return code, nil
		}
	}
	reason, hint := errors.Unwrap(err), ""
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		if _, serr := os.Stat(args[0]); serr == nil {
			hint = "it is in this folder: write ./" + args[0]
		}
		return exitNoCommand, badUsage(hint, "there is no command %q: %v", args[0], cmp.Or(reason, err))
	case errors.Is(err, exec.ErrDot):
		hint = "write ./" + args[0]
	case errors.Is(err, syscall.ENOEXEC):
		hint = "a script needs a first line such as #!/bin/sh; or name its interpreter: tlswhy run -- sh " + args[0]
	case errors.Is(err, fs.ErrPermission):
		hint = "chmod +x " + args[0] + ", if it is a program"
	}
	return exitNotRunable, badUsage(hint, "the command %q cannot be run: %v", args[0], cmp.Or(reason, err))
}

// runToEnd starts a command and hands signals on until it has ended.
func runToEnd(cmd *exec.Cmd) (int, error) {
	signals := make(chan os.Signal, 8)
	for _, s := range forwarded {
		if !signal.Ignored(s) { // nohup, for one, wants it to stay so
			signal.Notify(signals, s)
		}
	}
	defer signal.Stop(signals)
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if !sentToAll(s) {
				_ = cmd.Process.Signal(s)
			}
		case <-done:
			if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
				return 128 + int(ws.Signal()), nil
			}
			return max(cmd.ProcessState.ExitCode(), 0), nil
		}
	}
}

// roots are the system's and those of a file, nil for the system's alone.
func roots(file string) *x509.CertPool {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	pool.AppendCertsFromPEM(data)
	return pool
}

// gitProxy asks git, which reads its own configuration first, for its proxy.
func gitProxy(args []string) string {
	if filepath.Base(args[0]) != "git" {
		return ""
	}
	out, err := exec.Command(args[0], "config", "--get", "http.proxy").Output()
	if err != nil {
		return ""
	}
	return string(out)
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
// and explains failures as they come. With a command it ends with the command.
func (p *program) runRelay(ctx context.Context, f *runFlags, args []string) error {
	if len(args) == 0 {
		return badUsage("tlswhy run --listen 127.0.0.1:8443 shop.example.com:443", "no target to lead to")
	}
	t, err := diagnose.ParseTarget(args[0])
	if err != nil {
		return err
	}
	host, port := t.Name, strconv.Itoa(t.Port)
	command := args[1:]
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	client := "the client"
	if len(command) > 0 {
		client = filepath.Base(command[0])
	}
	w, err := p.newWitness(f, client, commandLine("tlswhy run --listen "+shellQuote(f.listen), args))
	if err != nil {
		return err
	}
	w.target, w.protocol, w.command = host, t.Protocol, command
	ended := make(chan *relay.Conversation, 64)
	o := relay.Options{Target: net.JoinHostPort(host, port)}
	if len(command) == 0 {
		o.Done = func(c *relay.Conversation) { ended <- c }
	}
	r, err := relay.Listen(f.listen, o)
	if err != nil {
		return badUsage("give another address, such as 127.0.0.1:9443 or 127.0.0.1:0", "--listen %s: %v", f.listen, cmp.Or(errors.Unwrap(err), err))
	}
	w.relay = r.Addr()
	if len(command) > 0 {
		return p.attend(ctx, w, r, append(slices.Clip(p.environ), "TLSWHY_ADDR="+r.Addr(), "TLSWHY_PORT="+relayPort(r.Addr())))
	}
	w.pointThere(port)
	over := make(chan struct{})
	go func() {
		defer close(over)
		<-ctx.Done()
		r.Close()
	}()
	for {
		var c *relay.Conversation
		select {
		case c = <-ended:
		case <-over:
			select {
			case c = <-ended: // one that ended with us
			default:
				return exitError(w.exit)
			}
		}
		w.judge(c)
		w.explain(context.WithoutCancel(ctx))
		if err := w.flush(); err != nil {
			return err
		}
		if f.once && (c.Err != nil || c.Attempt != nil && c.Attempt.BytesSent+c.Attempt.BytesReceived > 0) {
			return exitError(w.exit)
		}
	}
}

// relayPort is the port of host:port, "" for a Unix socket.
func relayPort(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	return port
}
