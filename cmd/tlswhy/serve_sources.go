package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/config"
	"github.com/tlswhy/tlswhy/internal/monitor/renewal"
	monitorservice "github.com/tlswhy/tlswhy/internal/monitor/service"
	"github.com/tlswhy/tlswhy/internal/monitor/source"
)

// newSources joins the endpoints of all sources in the store.
func (s *service) newSources() *source.Manager {
	return &source.Manager{Log: s.log,
		Confirmed: func(ctx context.Context, endpoint string) bool {
			open, err := s.store.Incidents(ctx, monitor.Filter{Endpoint: endpoint, OpenOnly: true})
			return err == nil && slices.ContainsFunc(open, func(i monitor.Incident) bool { return i.Finding.Cause == "source-shrunk" && !i.Acknowledged.IsZero() })
		},
		Store: func(ctx context.Context, es []monitor.Endpoint) error {
			spread := min(time.Duration(len(es))*20*time.Millisecond, time.Minute)
			return s.store.SetEndpoints(ctx, time.Now(), "file", vantage, spread, es)
		},
		Kept: func(ctx context.Context) ([]monitor.Endpoint, error) {
			all, err := s.store.Endpoints(ctx)
			var out []monitor.Endpoint
			for i := range all {
				e := &all[i].Endpoint
				out = append(out, *e)
				for k := range all[i].States {
					if e.Kind == monitor.KindFile {
						s.shelf.Recall(e, &all[i].States[k])
					}
				}
			}
			return out, err
		}}
}

// namers are the sources as people see them.
func (s *service) namers() []monitorservice.Source {
	out := []monitorservice.Source{}
	moment := func(t time.Time) *time.Time {
		if t.IsZero() {
			return nil
		}
		return &t
	}
	for _, x := range s.sources.Sources() {
		out = append(out, monitorservice.Source{Name: x.Name, Endpoints: x.Endpoints, Loaded: moment(x.Loaded), Error: x.Error, Held: x.Held, Since: moment(x.Since)})
	}
	return out
}

// specs are the sources as package source takes them.
func (p *program) specs(c *config.Config, client *http.Client) ([]source.Spec, error) {
	var out []source.Spec
	for i := range c.Sources {
		x := &c.Sources[i]
		s := source.Spec{Name: x.Name, Paths: x.Paths, URL: x.URL, Header: x.Header, Refresh: x.Refresh, MaxShrink: x.MaxShrink, Read: x.Read, Client: client}
		if x.File != nil {
			s.File = func(path string) (monitor.Endpoint, bool) {
				e := x.File(path)
				return e, slices.Contains(x.Paths, path) || p.holdsCertificate(&e)
			}
		}
		if x.CAFile != "" {
			own, err := trusting(client, x.CAFile)
			if err != nil {
				return nil, fmt.Errorf("source %q: %w", x.Name, err)
			}
			s.Client = own
		}
		out = append(out, s)
	}
	return out, nil
}

// trusting is a client like the given one with other trust anchors.
func trusting(c *http.Client, file string) (*http.Client, error) {
	pem, err := readBounded(file)
	if err != nil {
		return nil, fmt.Errorf("reading ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca_file %q holds no certificate (PEM)", file)
	}
	t, ok := c.Transport.(*http.Transport)
	if !ok {
		return nil, errors.New("ca_file cannot be used with this client")
	}
	t = t.Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	own := *c
	own.Transport = t
	return &own, nil
}

// checkSources reads the lists in files once, for --check-config.
func (p *program) checkSources(ctx context.Context, specs []source.Spec) (endpoints int, err error) {
	var errs []error
	for i := range specs {
		if specs[i].URL != "" {
			continue
		}
		es, err := specs[i].Load(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("source %q: %w", specs[i].Name, err))
		}
		endpoints += len(es)
	}
	return endpoints, errors.Join(errs...)
}

// directories are the ACME servers that are asked when they want a certificate
// to be renewed, the configuration's first, and the client for it.
func (p *program) directories(c *config.Config, client *http.Client) ([]renewal.Directory, *http.Client, error) {
	if c.Renewal.Off {
		return nil, client, nil
	}
	var out []renewal.Directory
	for _, d := range c.Renewal.Directories {
		out = append(out, renewal.Directory{Issuer: d.Issuer, URL: d.URL})
	}
	if c.Renewal.CAFile == "" {
		return append(out, renewal.Known...), client, nil
	}
	own, err := trusting(client, c.Renewal.CAFile)
	if err != nil {
		return nil, nil, fmt.Errorf("renewal: %w", err)
	}
	return out, own, nil
}

// judgement is the rules with what else the judgement needs now.
func (s *service) judgement() *monitor.Rules {
	r := *s.rules.Load()
	r.Windows = s.renewal.Windows()
	kept, rates := s.told.ways()
	r.Routes, r.Rates = slices.Concat(kept, r.Routes), rates
	return &r
}

// localAddresses are those of this machine, as far as they can be known.
func localAddresses() (out []netip.Addr) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			out = append(out, p.Addr().Unmap())
		}
	}
	return out
}
