package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/api"
	"github.com/tlswhy/tlswhy/internal/monitor/config"
	"github.com/tlswhy/tlswhy/internal/monitor/exporter"
	"github.com/tlswhy/tlswhy/internal/monitor/metrics"
	"github.com/tlswhy/tlswhy/internal/monitor/web"
)

// scraped is what Prometheus asks for.
func (s *service) scraped() []api.Plain {
	probe := exporter.New(exporter.Options{Modules: s.modules, Reach: func(ctx context.Context, address string) error {
		// Who sits at this machine reaches what it reaches.
		if p := access.From(ctx); p == nil && access.OriginOf(ctx).Here {
			return inside(s.config.Load()).Check(address)
		}
		return s.outside().Check(address)
	}})
	word := func(name, means string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: means, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	return []api.Plain{
		{Method: http.MethodGet, Path: "/metrics", ID: "metrics", Summary: "Metrics of the monitor and its endpoints, for Prometheus. Open on this machine", Type: "text/plain", Scope: monitor.ScopeMetrics, Handler: s.metrics},
		{Method: http.MethodGet, Path: "/probe", ID: "probe", Summary: "A probe as blackbox_exporter and ssl_exporter make them. Open on this machine", Type: "text/plain", Scope: monitor.ScopeMetrics, Handler: probe,
			Query: []*huma.Param{word("target", "What to probe: URL or HOST:PORT"), word("module", "How: http_2xx (the default), tcp_tls, smtp_starttls, https, tcp, or one of the configuration")}},
	}
}

// modules are those of the configuration. A module whose file of anchors cannot
// be read trusts nobody.
func (s *service) modules() map[string]exporter.Module {
	out := map[string]exporter.Module{}
	for name, m := range s.config.Load().ProbeModules {
		x := exporter.Module{Prober: m.Prober, Scheme: m.Scheme, TLS: m.TLS, StartTLS: m.StartTLS, ServerName: m.ServerName, AnyStatus: m.AnyStatus, NoRedirects: m.NoRedirects, Timeout: m.Limit()}
		if m.CAFile != "" {
			x.Roots = x509.NewCertPool()
			if pem, err := readBounded(m.CAFile); err != nil || !x.Roots.AppendCertsFromPEM(pem) {
				s.log.Error("the anchors of a module cannot be read", "module", name, "file", m.CAFile, "err", err)
			}
		}
		out[name] = x
	}
	return out
}

func (s *service) sourceMetrics() (out []metrics.Source) {
	for _, x := range s.sources.Sources() {
		out = append(out, metrics.Source{Name: x.Name, Endpoints: x.Endpoints, Up: x.Error == "" && x.Held == nil, Loaded: x.Loaded})
	}
	return out
}

// sourcePages says the same for the pages, in words.
func (s *service) sourcePages() (out []web.Source) {
	for _, x := range s.sources.Sources() {
		p := web.Source{Name: x.Name, Endpoints: x.Endpoints, Loaded: x.Loaded, Error: x.Error}
		if p.Error == "" && x.Held != nil {
			p.Error = "its last list is held back"
		}
		out = append(out, p)
	}
	return out
}

// beat calls the heartbeat's URL while the monitor is well, until ctx ends.
func (s *service) beat(ctx context.Context) {
	for {
		c := s.config.Load()
		every := c.Heartbeat.Every
		if c.Heartbeat.URL == "" {
			every = time.Minute // perhaps a reload brings one
		} else if err := errors.Join(s.well(ctx), s.told.unreadable()); err != nil {
			s.log.Warn("no heartbeat was sent: the monitor is not well", "err", err)
		} else if err := call(ctx, c); err != nil && ctx.Err() == nil {
			s.log.Warn("the heartbeat was not taken", "err", err)
		}
		t := time.NewTimer(every)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// call makes one request; errors do not tell the URL, which may hold a token.
func call(ctx context.Context, c *config.Config) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, string(c.Heartbeat.URL), nil)
	if err != nil {
		return errors.New("the URL cannot be used")
	}
	client := outward(c)
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return unwrapURL(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("the receiver answered %s", resp.Status)
	}
	return nil
}

// unwrapURL takes the URL off an error of net/http.
func unwrapURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
