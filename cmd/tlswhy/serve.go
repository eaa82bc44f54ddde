package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
	_ "time/tzdata" // maintenance names time zones, and not every machine knows them

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/alert"
	"github.com/tlswhy/tlswhy/internal/monitor/api"
	"github.com/tlswhy/tlswhy/internal/monitor/config"
	"github.com/tlswhy/tlswhy/internal/monitor/loop"
	"github.com/tlswhy/tlswhy/internal/monitor/metrics"
	"github.com/tlswhy/tlswhy/internal/monitor/renewal"
	"github.com/tlswhy/tlswhy/internal/monitor/seal"
	"github.com/tlswhy/tlswhy/internal/monitor/source"
	"github.com/tlswhy/tlswhy/internal/monitor/sqlite"
	"github.com/tlswhy/tlswhy/internal/monitor/web"
)

// serveFlags are the options of serve.
type serveFlags struct {
	listen, data, config string
	secretKey            string
	checkConfig          bool
	channel              string
}

// vantage is the name of this machine's own view.
const vantage = "local"

func (p *program) serveCommand() *cobra.Command {
	f := &serveFlags{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "watches endpoints and alerts before users notice",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := noArgs(cmd, args); err != nil {
				return err
			}
			return p.runServe(cmd.Context(), f)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&f.listen, "listen", "127.0.0.1:8470", "address of the status and health pages")
	fs.StringVar(&f.data, "data", "", "folder of the database")
	fs.StringVar(&f.config, "config", "", "file of endpoints, channels and routes")
	fs.StringVar(&f.secretKey, "secret-key", "", "file of the key of the secrets in the database")
	fs.BoolVar(&f.checkConfig, "check-config", false, "read the configuration, say what is wrong, and end")
	fs.StringVar(&f.channel, "test-channel", "", "send a test by a channel (all: by every one), and end")
	return cmd
}

// runServe watches until ctx ends.
func (p *program) runServe(ctx context.Context, f *serveFlags) error {
	if f.data == "" {
		dir, err := dataDir(p)
		if err != nil {
			return badUsage("give one with --data DIR", "no folder for the data: %v", err)
		}
		f.data = dir
	}
	o := p.configOptions()
	c := &config.Config{}
	path := f.config
	if path == "" {
		path = filepath.Join(f.data, "tlswhy.yaml")
	}
	if _, err := os.Stat(path); err == nil || f.config != "" || f.checkConfig {
		if c, err = config.Load(path, o); err != nil {
			return badUsage("correct the file, then run it again with --check-config", "%v", err)
		}
	} else {
		fmt.Fprintf(p.stderr, "tlswhy: there is no %s yet: nothing is watched until you write one\n", path)
	}
	if f.checkConfig {
		specs, err := p.specs(c, outward(c))
		var more int
		if err == nil {
			more, err = p.checkSources(ctx, specs)
		}
		if err != nil {
			return badUsage("correct it, then run it again with --check-config", "%v", err)
		}
		fmt.Fprintf(p.stdout, "%s is good: %d endpoints, %d channels, %d routes\n", path, len(c.Endpoints)+more, len(c.Channels), len(c.Rules.Routes))
		return nil
	}
	if f.channel != "" {
		return p.testChannel(ctx, c, f.channel)
	}
	if err := os.MkdirAll(f.data, 0o700); err != nil {
		return badUsage("give another with --data DIR", "making the folder of the data: %v", err)
	}
	p.patient.Store(true)
	release, err := sqlite.Lock(ctx, filepath.Join(f.data, "tlswhy.lock"))
	switch {
	case errors.Is(err, sqlite.ErrLocked):
		return badUsage("end it first, or give this one a folder of its own with --data DIR", "another monitor is running on the data in %s", f.data)
	case err != nil:
		return badUsage("give another with --data DIR", "the folder of the data cannot be used: %v", err)
	}
	defer func() { _ = release() }() // the end of the process releases it, too
	store, err := sqlite.Open(ctx, filepath.Join(f.data, databaseName))
	if err != nil {
		return badUsage("", "%v", err)
	}
	err = p.watchWith(ctx, f, store, c, path, o)
	return errors.Join(err, store.Close())
}

// service is a running monitor.
type service struct {
	store   memory
	rules   atomic.Pointer[monitor.Rules]
	config  atomic.Pointer[config.Config]
	deliver *loop.Deliverer
	shelf   *source.Shelf
	sources *source.Manager
	renewal *renewal.Keeper
	log     *slog.Logger
	metrics *metrics.Metrics
	keeper  *access.Keeper
	api     *api.API
	pages   *web.Web
	wait    func(context.Context) // for the diagnoses that somebody asked for
	local   bool                  // only this machine reaches the API
	vault   *seal.Vault
	told    told // the channels in use
	watcher *loop.Watcher
}

// watchWith runs the loops and the pages over an open store.
func (p *program) watchWith(ctx context.Context, f *serveFlags, store memory, c *config.Config, path string, o config.Options) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	log := slog.New(slog.NewTextHandler(p.stderr, nil))
	vault, err := openVault(ctx, store, f)
	if err != nil {
		return badUsage("", "%v", err)
	}
	s := &service{store: store, log: log, local: onLoopback(f.listen), deliver: &loop.Deliverer{Store: store, Log: log}, vault: vault}
	ln, err := net.Listen("tcp", f.listen)
	if err != nil {
		return badUsage("give another address with --listen", "listening at %s: %v", f.listen, err)
	}
	s.shelf = &source.Shelf{Local: localAddresses()}
	s.sources = s.newSources()
	s.renewal = &renewal.Keeper{Log: log}
	s.metrics = metrics.New(metrics.Options{Store: store, Version: programVersion(), Log: log, Sources: s.sourceMetrics})
	if err := s.apply(ctx, p, c); err != nil {
		return errors.Join(badUsage("", "%v", err), ln.Close())
	}
	p.open(ctx, s, c, path)
	w := &loop.Watcher{Store: store, Rules: s.judgement, Checker: checker{p, s.shelf, s.sources, s.renewal, s.reach, s.metrics.Checked}, Vantage: vantage, Log: log, Ingested: s.ingested,
		Resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}}
	s.watcher = w
	log.Info("watching", "endpoints", len(c.Endpoints), "data", f.data, "config", path)
	var loops sync.WaitGroup
	loops.Go(func() { s.renewal.Run(ctx) })
	loops.Go(func() { s.beat(ctx) })
	loops.Go(func() { _, _ = store.Overview(ctx) }) // has the lists in memory before somebody asks
	loops.Go(func() { _ = w.Run(ctx) })             // it ends with ctx and has no other error
	loops.Go(func() { loop.Tidy(ctx, store, monitor.Retention{}, log) })
	loops.Go(func() {
		config.Watch(ctx, path, o, c, hangUps(ctx), 2*time.Second, log, func(c *config.Config) {
			if err := s.apply(ctx, p, c); err != nil {
				log.Error("the new configuration could not be stored", "err", err)
			}
		})
	})
	err = p.serveHTTP(ctx, s, ln, c, f)
	cancel()
	loops.Wait()
	s.deliver.Wait()
	s.sources.Wait()
	return err
}

// ingested is called when checks came in.
func (s *service) ingested() {
	s.deliver.Nudge()
	s.pages.Nudge()
}

// apply makes a configuration the one that counts.
func (s *service) apply(ctx context.Context, p *program, c *config.Config) error {
	channels, err := fileChannels(c)
	if err != nil {
		return err
	}
	specs, err := p.specs(c, outward(c))
	if err != nil {
		return err
	}
	s.config.Store(c)
	if err := s.sources.Set(ctx, c.Endpoints, specs); err != nil {
		return err
	}
	directories, client, err := p.directories(c, outward(c))
	if err != nil {
		return err
	}
	s.renewal.Set(client, directories)
	s.rules.Store(&c.Rules)
	return s.told.set(ctx, s, channels)
}

// outward is the client for what the configuration names.
func outward(c *config.Config) *http.Client {
	tr := inside(c).Transport()
	tr.Proxy = http.ProxyFromEnvironment // the proxy's address is then the one that is judged
	return &http.Client{Transport: tr}
}

// channelOptions are those of a channel of the file. What it dials is judged by
// the rule for what the configuration names.
func channelOptions(c *config.Channel, of *config.Config) alert.Options {
	o := alert.Options{Type: c.Type, URL: c.URL, Secret: c.Secret, Server: c.Server, TLS: c.TLS, CAFile: c.CAFile, Username: c.Username, Password: c.Password,
		From: c.From, To: c.To, Template: c.Template, ContentType: c.ContentType, Command: c.Command, Repeat: c.RepeatEvery(), Header: map[string]monitor.Secret{}, ExternalURL: of.ExternalURL, Client: outward(of), Control: inside(of).Control}
	for name, h := range c.Headers {
		o.Header[name] = h.Value
	}
	return o
}

// configOptions lend the reader what it may not import.
func (p *program) configOptions() config.Options {
	return config.Options{
		Parse: func(target string) (string, int, error) {
			t, err := diagnose.ParseTarget(target)
			return t.Name, t.Port, err
		},
		Env: func(name string) (string, bool) {
			for _, e := range p.environ {
				if len(e) > len(name) && e[:len(name)] == name && e[len(name)] == '=' {
					return p.env(name), true
				}
			}
			return "", false
		},
		CheckChannel: func(c *config.Channel) error {
			if _, err := alert.New(channelOptions(c, &config.Config{})); err != nil {
				return err
			}
			_, err := alert.Rate(c.Type, c.Rate)
			return err
		},
	}
}

// dataDir is where a program of this system keeps what it writes.
func dataDir(p *program) (string, error) {
	switch {
	case runtime.GOOS == "windows":
		if dir := p.env("ProgramData"); dir != "" {
			return filepath.Join(dir, "tlswhy"), nil
		}
	case runtime.GOOS != "darwin" && os.Geteuid() == 0:
		return "/var/lib/tlswhy", nil
	case runtime.GOOS != "darwin":
		if dir := p.env("XDG_STATE_HOME"); dir != "" {
			return filepath.Join(dir, "tlswhy"), nil
		}
		home, err := os.UserHomeDir()
		return filepath.Join(home, ".local", "state", "tlswhy"), err
	}
	dir, err := os.UserConfigDir()
	return filepath.Join(dir, "tlswhy"), err
}
