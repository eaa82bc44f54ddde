package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/guard"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/api"
	"github.com/tlswhy/tlswhy/internal/monitor/config"
	"github.com/tlswhy/tlswhy/internal/monitor/metrics"
	"github.com/tlswhy/tlswhy/internal/monitor/server"
	monitorservice "github.com/tlswhy/tlswhy/internal/monitor/service"
	"github.com/tlswhy/tlswhy/internal/monitor/web"
	"github.com/tlswhy/tlswhy/internal/starttls"
)

// memory is what the running monitor keeps things in.
type memory interface {
	monitorservice.Store
	monitor.Accounts
	metrics.Store
}

// serveHTTP answers until ctx ends.
func (p *program) serveHTTP(ctx context.Context, s *service, ln net.Listener, c *config.Config, f *serveFlags) error {
	handler, err := server.Wrap(s.front(), server.Options{ExternalURL: c.ExternalURL, Proxies: c.Server.Proxies})
	if err != nil {
		return errors.Join(badUsage("correct the configuration", "%v", err), ln.Close())
	}
	srv := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)} // what strangers send is no news
	srv.RegisterOnShutdown(s.pages.Close)
	scheme, serve := "http", func() error { return srv.Serve(ln) }
	if c.Server.Cert != "" {
		cert, err := server.LoadCertificate(c.Server.Cert, c.Server.Key, s.log)
		if err != nil {
			return errors.Join(badUsage("correct server.cert_file and server.key_file", "%v", err), ln.Close())
		}
		srv.TLSConfig = cert.Config()
		scheme, serve = "https", func() error { return srv.ServeTLS(ln, "", "") }
	}
	own := scheme + "://" + ln.Addr().String()
	if err := s.invite(ctx, s.keeper, own); err != nil {
		return errors.Join(err, ln.Close())
	}
	ended := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(ended)
		farewell, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if err := srv.Shutdown(farewell); err != nil {
			_ = srv.Close() // whoever still waits has had the time
		}
		s.wait(farewell)
	})
	s.log.Info("listening", "url", own, "external", c.ExternalURL)
	if err := serve(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("answering at %s: %w", own, err)
	}
	<-ended
	return nil
}

// invite tells, while there is no user, how to make the first one.
func (s *service) invite(ctx context.Context, k *access.Keeper, own string) error {
	empty, err := k.NeedsSetUp(ctx)
	if err != nil || !empty {
		return err
	}
	s.log.Warn("there is no user yet: open the page and make the first one; from another machine or through a proxy that needs this token", "url", own+"/setup", "token", k.SetUpToken())
	return nil
}

// open makes what answers people and programs.
func (p *program) open(ctx context.Context, s *service, c *config.Config, path string) {
	s.keeper = access.New(s.store)
	o := p.configOptions()
	svc := monitorservice.New(monitorservice.Options{Store: s.store, Keeper: s.keeper, Vantage: vantage, Version: programVersion(), Rules: s.judgement, Parse: o.Parse,
		StartTLS: func(name string) bool { _, ok := starttls.Lookup(name); return ok }, Channels: s.told.list, Changed: s.deliver.Nudge,
		Sources: s.namers, Confirm: s.sources.Confirm,
		Vault: s.vault, CheckChannel: checkKept, ChannelsChanged: func() error { return s.told.reload(ctx, s) },
		Diagnose: func(ctx context.Context, r monitorservice.DiagnoseRequest) (*diag.Diagnosis, error) {
			return p.diagnoseFor(ctx, s.outside(), r)
		}, Read: func(ctx context.Context, m monitorservice.Material, r monitorservice.DiagnoseRequest) (monitorservice.Reading, error) {
			return p.explainFor(ctx, s.outside(), m, r)
		}})
	s.wait = svc.Wait
	s.api = api.New(api.Options{Service: svc, Keeper: s.keeper, Version: programVersion(), Log: s.log, Plain: append(s.health(), s.scraped()...)})
	prefix := ""
	if u, err := url.Parse(c.ExternalURL); err == nil {
		prefix = u.Path
	}
	s.pages = web.New(web.Options{Service: svc, Servers: causes.SoftwareNames("server"), Keeper: s.keeper, Prefix: prefix, Version: programVersion(), File: path, Log: s.log, Sources: s.sourcePages})
}

// front hands requests to the API or to the pages.
func (s *service) front() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.api.Knows(r) {
			s.api.ServeHTTP(w, r)
			return
		}
		s.pages.ServeHTTP(w, r)
	})
}

// inside is the rule for what the configuration names.
func inside(c *config.Config) *guard.Policy {
	n := &c.Networks
	p := &guard.Policy{Loopback: true, Private: true, Allow: n.Allow, Deny: n.Deny}
	if n.LinkLocal {
		p.Allow = slices.Concat(n.Allow, guard.LinkLocal)
	}
	return p
}

// outside is the rule for what is added through the API. Where the configuration
// does not say, private networks may be reached, and this machine by those who
// are on it anyway.
func (s *service) outside() *guard.Policy {
	c := s.config.Load()
	p := inside(c)
	p.Loopback, p.Private = c.Networks.Loopback, c.Networks.Private
	if !c.Networks.Said {
		p.Loopback, p.Private = s.local && c.ExternalURL == "" && len(c.Server.Proxies) == 0, true
	}
	return p
}

// reach is the rule for an endpoint, by who named it.
func (s *service) reach(e *monitor.Endpoint) *guard.Policy {
	if e.Source == monitor.SourceAPI {
		return s.outside()
	}
	return inside(s.config.Load())
}

// onLoopback tells whether an address to listen at is reached from this machine
// only.
func onLoopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	a, bad := netip.ParseAddr(host)
	return err == nil && (host == "localhost" || bad == nil && a.IsLoopback())
}
