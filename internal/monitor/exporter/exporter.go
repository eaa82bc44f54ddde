// Package exporter answers /probe as Prometheus' blackbox_exporter and
// ssl_exporter do, under their names, so that their users can point their scrape
// configuration here. Where blackbox_exporter gives a value it is the same. It
// also tells of certificates that are expired or not trusted, of which
// blackbox_exporter says nothing. It makes no diagnosis; that is what endpoints
// are for.
//
//	h := exporter.New(exporter.Options{Reach: reach})
//	http.Handle("GET /probe", h)
package exporter

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Module says how a target is probed.
type Module struct {
	Prober string // http or tcp
	// Scheme is put before HTTP targets that have none; "" is http.
	Scheme string
	// TLS speaks TLS to TCP targets; StartTLS says what comes before.
	TLS      bool
	StartTLS string
	// ServerName is the name to ask for and verify; "" is the target's.
	ServerName string
	// Roots are the trust anchors; nil is the system's.
	Roots *x509.CertPool
	// AnyStatus takes every HTTP status for success; else it is 200 to 299.
	AnyStatus bool
	// NoRedirects takes the first answer.
	NoRedirects bool
	Timeout     time.Duration // 0 is what Prometheus says
}

// BuiltIn are the modules that need no configuration: the first three under the
// names of blackbox_exporter's example, the others under those of ssl_exporter's.
func BuiltIn() map[string]Module {
	return map[string]Module{
		"http_2xx":      {Prober: "http"},
		"tcp_tls":       {Prober: "tcp", TLS: true},
		"smtp_starttls": {Prober: "tcp", StartTLS: "smtp"},
		"https":         {Prober: "http", Scheme: "https", AnyStatus: true},
		"tcp":           {Prober: "tcp", TLS: true},
	}
}

// Options are what the exporter needs.
type Options struct {
	// Modules are those beside the built-in ones, asked at each probe.
	Modules func() map[string]Module
	// Reach may refuse an address just before it is dialled.
	Reach func(ctx context.Context, address string) error
}

// Exporter probes on request.
type Exporter struct {
	Options
	room chan struct{}
}

// The bounds of probes.
const (
	parallel       = 64
	defaultTimeout = 10 * time.Second
	maxTimeout     = 45 * time.Second
	// timeoutOffset is what Prometheus has left to read the answer, as in
	// blackbox_exporter.
	timeoutOffset = 500 * time.Millisecond
)

// New makes an Exporter.
func New(o Options) *Exporter { return &Exporter{Options: o, room: make(chan struct{}, parallel)} }

// ServeHTTP implements http.Handler.
func (x *Exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	name := q.Get("module")
	if name == "" {
		name = "http_2xx"
	}
	m, ok := x.module(name)
	target := q.Get("target")
	limit, err := timeoutOf(r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds"), m.Timeout)
	switch {
	case !ok:
		http.Error(w, fmt.Sprintf("there is no module %q", name), http.StatusBadRequest)
		return
	case target == "" || len(target) > 2000:
		http.Error(w, "target is missing, or too long", http.StatusBadRequest)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), limit)
	defer cancel()
	select {
	case x.room <- struct{}{}:
		defer func() { <-x.room }()
	case <-ctx.Done():
		http.Error(w, "too many probes are under way", http.StatusServiceUnavailable)
		return
	}
	p := &probe{m: m, reach: x.Reach, registry: prometheus.NewRegistry(), name: name}
	p.run(ctx, target)
	promhttp.HandlerFor(p.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

func (x *Exporter) module(name string) (Module, bool) {
	if x.Modules != nil {
		if m, ok := x.Modules()[name]; ok {
			return m, true
		}
	}
	m, ok := BuiltIn()[name]
	return m, ok
}

// timeoutOf is how long a probe may take: what the module says, within what
// Prometheus waits.
func timeoutOf(header string, module time.Duration) (time.Duration, error) {
	limit := defaultTimeout
	if header != "" {
		s, err := strconv.ParseFloat(header, 64)
		if err != nil || !(s > 0) || s > 1e6 {
			return 0, fmt.Errorf("X-Prometheus-Scrape-Timeout-Seconds: %q is no number of seconds", header)
		}
		limit = time.Duration(s * float64(time.Second))
		if limit > timeoutOffset {
			limit -= timeoutOffset
		}
	}
	if module > 0 && (module < limit || header == "") {
		limit = module
	}
	return min(limit, maxTimeout), nil
}

// probe is one of them.
type probe struct {
	m        Module
	name     string
	reach    func(ctx context.Context, address string) error
	registry *prometheus.Registry
	// seen is the last TLS connection, kept although it was not trusted.
	seen atomic.Pointer[seen]
}

func (p *probe) gauge(name, help string, v float64) {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
	g.Set(v)
	p.registry.MustRegister(g)
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// run probes, and fills the registry.
func (p *probe) run(ctx context.Context, target string) {
	start := time.Now()
	var ok bool
	if p.m.Prober == "http" {
		ok = p.http(ctx, target)
	} else {
		ok = p.tcp(ctx, target)
	}
	p.certificates()
	p.gauge("probe_success", "Whether the probe succeeded", number(ok))
	p.gauge("probe_duration_seconds", "How long the probe took", time.Since(start).Seconds())
	p.gauge("probe_failed_due_to_regex", "Always 0: modules have no expressions here", 0)
	p.gauge("ssl_probe_success", "Whether the probe succeeded", number(ok))
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "ssl_prober", Help: "The prober that was used"}, []string{"prober"})
	g.WithLabelValues(map[string]string{"http": "https", "tcp": "tcp"}[p.m.Prober]).Set(1)
	p.registry.MustRegister(g)
}

// resolve finds one address of a host: IPv6 before IPv4, as blackbox_exporter
// does by default.
func (p *probe) resolve(ctx context.Context, host string) (netip.Addr, time.Duration, error) {
	start := time.Now()
	a, err := netip.ParseAddr(host)
	if err != nil {
		var all []netip.Addr
		if all, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err == nil {
			a = all[0].Unmap()
			for _, x := range all {
				if x.Is6() && !x.Is4In6() {
					a = x
					break
				}
			}
		}
	}
	took := time.Since(start)
	p.gauge("probe_dns_lookup_time_seconds", "How long the lookup of the name took", took.Seconds())
	if err != nil {
		return a, took, err
	}
	a = a.Unmap()
	version, bytes := 6.0, a.AsSlice()
	if a.Is4() {
		version = 4
	}
	h := fnv.New32a()
	_, _ = h.Write(bytes) // a hash takes everything
	p.gauge("probe_ip_protocol", "Version of the Internet Protocol", version)
	p.gauge("probe_ip_addr_hash", "Hash of the address, which changes with it", float64(h.Sum32()))
	return a, took, nil
}

// dialer is held to the rule for addresses.
func (p *probe) dialer(ctx context.Context) *net.Dialer {
	return &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		if p.reach == nil {
			return nil
		}
		return p.reach(ctx, address)
	}}
}

// config verifies by itself, so that what is not trusted is seen all the same.
func (p *probe) config(host string) *tls.Config {
	name := p.m.ServerName
	if name == "" {
		name = host
	}
	return &tls.Config{ServerName: name, MinVersion: tls.VersionTLS10, InsecureSkipVerify: true, // VerifyConnection does it
		VerifyConnection: func(s tls.ConnectionState) error {
			chains, err := verify(&s, name, p.m.Roots)
			p.seen.Store(&seen{state: s, chains: chains, roots: p.m.Roots, trusted: err == nil})
			return err
		}}
}

var errNone = errors.New("the server sent no certificate")

// verify is what crypto/tls does without InsecureSkipVerify.
func verify(s *tls.ConnectionState, name string, roots *x509.CertPool) ([][]*x509.Certificate, error) {
	if len(s.PeerCertificates) == 0 {
		return nil, errNone
	}
	o := x509.VerifyOptions{Roots: roots, DNSName: name, Intermediates: x509.NewCertPool()}
	for _, c := range s.PeerCertificates[1:] {
		o.Intermediates.AddCert(c)
	}
	return s.PeerCertificates[0].Verify(o)
}
