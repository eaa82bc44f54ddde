package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/capture"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/report"
	"github.com/tlswhy/tlswhy/internal/truststore"
	"github.com/tlswhy/tlswhy/internal/truststore/programs"
)

// captureFlags are the options of tlswhy capture.
type captureFlags struct {
	diagnoseFlags
	keyLogs []string
	hosts   []string
	port    int
	all     bool
	failed  bool
}

func (p *program) captureCommand() *cobra.Command {
	f := &captureFlags{}
	cmd := &cobra.Command{
		Use:   "capture FILE|DIR|-...",
		Short: "explains the failed handshakes of a packet capture",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return badUsage("tlswhy capture FILE, or tcpdump -U -w - | tlswhy capture -", "no capture")
			}
			return p.runCapture(cmd.Context(), f, args)
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&f.keyLogs, "keylog", nil, "secrets in the format of SSLKEYLOGFILE")
	fs.StringArrayVar(&f.hosts, "host", nil, "only connections of or to this address, network or name")
	positive(fs, &f.port, "port", "only connections to this port")
	fs.BoolVar(&f.failed, "failed", false, "only those that failed (the default)")
	fs.BoolVar(&f.all, "all", false, "list the healthy ones too")
	fs.StringVar(&f.opts.CAFile, "ca", "", "the only trust anchors (PEM)")
	fs.StringVar(&f.opts.Trust, "trust", "", "whose roots")
	fs.StringVar(&f.opts.Server, "server", "", "whose fix to print: nginx, apache ...")
	fs.StringVar(&f.at, "at", "", "judge as of this moment")
	f.parallel = 1
	f.registerOutput(fs)
	return cmd
}

// runCapture reads the captures one after the other and reports them together.
func (p *program) runCapture(ctx context.Context, f *captureFlags, files []string) error {
	o, format, ro, err := f.resolve(p)
	if err != nil {
		return err
	}
	if f.all && f.failed {
		return badUsage("give one of them", "--all and --failed exclude each other")
	}
	filter, err := newCaptureFilter(f)
	if err != nil {
		return err
	}
	keys, err := loadKeyLogs(f.keyLogs)
	if err != nil {
		return err
	}
	observer, err := diagnose.NewObserver(diagnose.Options(o), diagnose.Env{Sources: []truststore.Source{programs.Lists{}}}, time.Now())
	if err != nil {
		return err
	}
	r := &captureRun{p: p, ctx: ctx, observer: observer, format: format, options: ro, list: f.all || f.verbose > 0,
		stream: report.NewStream(p.stdout, format, ro), groups: map[groupKey]*captureGroup{}, servers: map[string]*captureServer{}}
	for _, arg := range files {
		r.live = arg == "-"
		names, err := inFolder(arg)
		r.complain(err)
		for _, file := range names {
			r.complain(r.read(file, filter, keys))
		}
	}
	return r.close()
}

func (r *captureRun) complain(err error) {
	if err != nil {
		complain(r.p.stderr, err)
		r.broken = true
	}
}

// inFolder lists the captures of a folder, in the order of their names, which
// for tcpdump -C and -G is that of their times; a file stands for itself. What
// is no capture there is passed over.
func inFolder(arg string) ([]string, error) {
	if info, err := os.Stat(arg); err != nil || !info.IsDir() {
		return []string{arg}, nil
	}
	entries, err := os.ReadDir(arg)
	if err != nil {
		return nil, badUsage("", "reading the folder: %v", err)
	}
	var out []string
	for _, e := range entries {
		name := filepath.Join(arg, e.Name())
		if e.Type().IsRegular() && startsLikeCapture(name) {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return nil, badUsage("pcap and pcapng can be read, also gzipped; folders in it are not entered", "no file in the folder %s is a capture", arg)
	}
	return out, nil
}

func startsLikeCapture(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return true // reading it will say why
	}
	defer f.Close()
	return capture.Known(f)
}

// read reads one capture.
func (r *captureRun) read(file string, filter *captureFilter, keys *facts.KeyLog) error {
	in := r.p.input(r.ctx)
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return badUsage("", "opening the capture: %v", err)
		}
		defer f.Close()
		if in = f; !regular(f) {
			in = &interruptible{ctx: r.ctx, r: f}
		}
	}
	stats, err := capture.Read(r.ctx, in, capture.Options{Keys: keys, Want: filter.wantFlow}, func(c *capture.Connection) {
		if filter.want(c) {
			r.add(c)
		}
	})
	r.count(stats)
	var bad *capture.UnreadableError
	switch {
	case errors.Is(err, context.Canceled):
		return nil // what was seen until then is told
	case errors.As(err, &bad) && bad.Harmless:
		fmt.Fprintf(r.p.stderr, "tlswhy: %s: %s\n", clean(file), clean(bad.Error()))
		return nil
	case errors.As(err, &bad):
		return &usageError{fmt.Sprintf("%s: %s", file, bad.Error()), strings.ReplaceAll(bad.Hint, "FILE", file)}
	case err != nil:
		return badUsage("", "reading %s: %v", file, err)
	}
	return nil
}

// interruptible reads a stream that may have nothing to say for long, and stops
// when its context does. The read that is then under way ends with the program:
// nothing can wake it.
type interruptible struct {
	ctx  context.Context
	r    io.Reader
	got  chan portion
	free chan []byte
	left []byte // of the last portion
	buf  []byte
	err  error
}

type portion struct {
	data []byte
	err  error
}

// Read implements io.Reader.
func (i *interruptible) Read(p []byte) (int, error) {
	const size = 1 << 20
	if i.got == nil {
		i.got, i.free = make(chan portion), make(chan []byte, 2)
		i.free <- make([]byte, size)
		i.free <- make([]byte, size)
		go i.pump()
	}
	if len(i.left) == 0 {
		if i.err != nil {
			return 0, i.err
		}
		if i.buf != nil {
			i.free <- i.buf
			i.buf = nil
		}
		select {
		case <-i.ctx.Done():
			return 0, i.ctx.Err()
		case x := <-i.got:
			i.left, i.buf, i.err = x.data, x.data[:cap(x.data)], x.err
		}
	}
	n := copy(p, i.left)
	i.left = i.left[n:]
	return n, nil
}

// pump reads ahead, one buffer at a time.
func (i *interruptible) pump() {
	for {
		select {
		case <-i.ctx.Done():
			return
		case b := <-i.free:
			n, err := i.r.Read(b)
			select {
			case <-i.ctx.Done():
				return
			case i.got <- portion{b[:n], err}:
			}
			if err != nil {
				return
			}
		}
	}
}

// loadKeyLogs reads the files of --keylog.
func loadKeyLogs(files []string) (*facts.KeyLog, error) {
	keys := &facts.KeyLog{}
	for _, file := range files {
		f, err := os.Open(file)
		if err != nil {
			return nil, badUsage("", "opening the key log: %v", err)
		}
		n, err := keys.Add(io.LimitReader(f, 1<<30))
		f.Close()
		if err != nil {
			return nil, badUsage("", "reading the key log %s: %v", file, err)
		}
		if n == 0 {
			return nil, badUsage("its lines are CLIENT_RANDOM ... or CLIENT_HANDSHAKE_TRAFFIC_SECRET ...; the client writes it to the file that SSLKEYLOGFILE names",
				"the key log %s holds no secret", file)
		}
	}
	return keys, nil
}

// captureFilter keeps the connections that were asked for.
type captureFilter struct {
	networks []netip.Prefix
	names    []string
	port     uint16
}

func newCaptureFilter(f *captureFlags) (*captureFilter, error) {
	out := &captureFilter{}
	if f.port < 0 || f.port > 65535 {
		return nil, badUsage("", "--port %d is no port", f.port)
	}
	out.port = uint16(f.port)
	for _, h := range f.hosts {
		if a, err := netip.ParseAddr(h); err == nil {
			out.networks = append(out.networks, netip.PrefixFrom(a, a.BitLen()))
		} else if n, err := netip.ParsePrefix(h); err == nil {
			out.networks = append(out.networks, n)
		} else if strings.ContainsAny(h, "/ \t") || h == "" {
			return nil, badUsage("an address, a network such as 10.0.0.0/8, or a name", "--host %q cannot be read", h)
		} else {
			out.names = append(out.names, strings.ToLower(strings.TrimSuffix(h, ".")))
		}
	}
	return out, nil
}

// wantFlow decides by addresses alone, before anything is put together.
func (f *captureFilter) wantFlow(client, server netip.AddrPort) bool {
	if f.port != 0 && server.Port() != f.port {
		return false
	}
	return len(f.names) > 0 || len(f.networks) == 0 || f.inNetworks(client, server)
}

func (f *captureFilter) inNetworks(client, server netip.AddrPort) bool {
	for _, n := range f.networks {
		if n.Contains(client.Addr()) || n.Contains(server.Addr()) {
			return true
		}
	}
	return false
}

// want decides by names too: that of the ClientHello, and those of the
// certificate.
func (f *captureFilter) want(c *capture.Connection) bool {
	if f.port != 0 && c.Server.Port() != f.port {
		return false
	}
	if len(f.networks)+len(f.names) == 0 || f.inNetworks(c.Client, c.Server) {
		return true
	}
	sni := ""
	if c.Attempt.Sent != nil {
		sni = strings.ToLower(c.Attempt.Sent.ServerName())
	}
	for _, name := range f.names {
		if sni == name || strings.HasSuffix(sni, "."+name) {
			return true
		}
	}
	return false
}
