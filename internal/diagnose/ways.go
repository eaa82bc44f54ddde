package diagnose

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/proxy"
)

// ways are the proxies of one diagnosis, with their credentials. Like the user's
// client it goes through the proxy that its options or its environment name; the
// way without it, or with one that it leaves out, is an experiment.
type ways struct {
	proxy, other *url.URL
	roots        *x509.CertPool // that vouch for a proxy's own certificate
}

// noProxy are the words of Options.Proxy that mean none.
var noProxy = []string{"none", "direct"}

// findProxy looks for the proxy that leads to the target.
func (p *plan) findProxy(w *facts.Want) error {
	defer func() {
		if p.ways.proxy != nil && p.ways.proxy.Scheme == "https" || p.ways.other != nil && p.ways.other.Scheme == "https" {
			p.ways.roots = vouchers(w)
		}
	}()
	at := net.JoinHostPort(w.Name, strconv.Itoa(w.Port))
	named, from, err := p.environment(w, at)
	switch option := p.opts.Proxy; {
	case option == "":
		if err != nil {
			return usage("mend it, or say --proxy none", "%v", err)
		}
		if named != nil {
			p.ways.proxy, w.Proxy = named, described(named, from)
			return nil
		}
		// NO_PROXY, or a rule of the client's own, leaves the target out.
		if p.ways.other, from, err = p.named(w, at); err == nil && p.ways.other != nil {
			w.OtherProxy = described(p.ways.other, from)
			w.OtherProxy.Why = "NO_PROXY"
		}
	case slices.Contains(noProxy, option):
		if err == nil && named != nil {
			p.ways.other, w.OtherProxy = named, described(named, from)
			w.OtherProxy.Why = "--proxy " + option
		}
	case p.env.Dial != nil:
		return usage("leave it out", "--proxy %s: the connections are led by somebody else already", bare(option))
	default:
		u, err := proxy.Parse("--proxy", option)
		if err != nil {
			return usage("such as http://proxy.example.com:3128, socks5h://127.0.0.1:1080, or none", "%v", err)
		}
		p.ways.proxy, w.Proxy = u, described(u, "--proxy")
	}
	return nil
}

// environment is the proxy that the user's client takes from its environment,
// nil for none. A guard and another dialler rule it out: a proxy hides what is
// dialled.
func (p *plan) environment(w *facts.Want, hostport string) (*url.URL, string, error) {
	if p.env.Dial != nil || p.env.Guard != nil || len(p.env.Environ) == 0 {
		return nil, "", nil
	}
	u := proxy.NewUpstream(p.env.Environ, []string{"curl"})
	family, _, _ := strings.Cut(strings.ToLower(w.Client.Name), " ")
	r := proxy.Request{Host: hostport, Agent: agents[family]}
	if w.Protocol == "https" {
		r.Scheme = "https"
	}
	if w.Protocol == "http" {
		return nil, "", nil // a page in clear needs no tunnel
	}
	found, err := u.Proxy(r)
	return found, u.Variable(r), err
}

// proxyFor is the proxy for what certificates point to: that of --proxy, that of
// the environment for the address, or else the target's; nil for none.
func (r *runner) proxyFor() func(*url.URL) *url.URL {
	switch {
	case r.ways.proxy != nil && r.opts.Proxy != "":
		return func(*url.URL) *url.URL { return r.ways.proxy }
	case r.opts.Proxy != "" || r.env.Dial != nil || r.env.Guard != nil || len(r.env.Environ) == 0:
		return nil
	}
	u := proxy.NewUpstream(r.env.Environ, []string{"curl"})
	return func(to *url.URL) *url.URL {
		at := to.Host
		if to.Port() == "" {
			at = net.JoinHostPort(to.Hostname(), map[string]string{"http": "80", "https": "443"}[to.Scheme])
		}
		req := proxy.Request{Scheme: to.Scheme, Host: at}
		found, err := u.Proxy(req)
		if err != nil || found == nil && u.Variable(req) == "" {
			return r.ways.proxy
		}
		return found // nil: NO_PROXY
	}
}

// bare is a proxy as the user wrote it, without the credentials.
func bare(option string) string {
	scheme, rest, ok := strings.Cut(option, "://")
	if !ok {
		scheme, rest = "", option
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest = "USER:PASSWORD" + rest[i:]
	}
	if ok {
		return scheme + "://" + rest
	}
	return rest
}

// named is the proxy that the environment would name were there no exceptions.
func (p *plan) named(w *facts.Want, hostport string) (*url.URL, string, error) {
	q := *p
	q.env.Environ = slices.DeleteFunc(slices.Clone(p.env.Environ), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return strings.EqualFold(name, "NO_PROXY")
	})
	return q.environment(w, hostport)
}

// agents are the clients whose own rules are known, by the first word of their
// profiles' names; every other one is taken for curl.
var agents = map[string]string{"go": "Go-http-client/", "java": "Java"}

func described(u *url.URL, from string) *facts.Proxy {
	return &facts.Proxy{Scheme: u.Scheme, Address: u.Host, Login: u.User != nil, From: from}
}

// resolvesItself tells whether a proxy is given names rather than addresses.
func resolvesItself(u *url.URL) bool {
	return u != nil && !slices.Contains([]string{"socks", "socks4", "socks5"}, u.Scheme)
}

// throughProxy are the addresses that a proxy which resolves names is asked for.
func (p *plan) throughProxy() (facts.Lookup, bool) {
	if !resolvesItself(p.ways.proxy) || len(p.opts.Resolve) > 0 {
		return facts.Lookup{}, false
	}
	l := facts.Lookup{Name: p.target.Name, Given: true}
	for _, c := range p.opts.Connect {
		host, port, hasPort, err := splitHost(c)
		if err != nil || host == "" {
			return l, false // the ordinary way says what is wrong
		}
		if !hasPort {
			port = p.target.Port
		}
		l.Addresses = append(l.Addresses, net.JoinHostPort(host, strconv.Itoa(port)))
	}
	if len(l.Addresses) == 0 {
		l.Addresses = []string{net.JoinHostPort(p.target.Name, strconv.Itoa(p.target.Port))}
	}
	return l, true
}

// lead fills in how an experiment reaches its address.
func (r *runner) lead(ctx context.Context, spec *probe.Spec, e facts.Experiment) error {
	at := r.ways.proxy
	switch e.Changes.Path {
	case facts.PathDirect:
		at = nil
	case facts.PathProxy:
		at = r.ways.other
		spec.Asked = r.named(e.Address)
	}
	if at != nil {
		spec.Way = &proxy.Way{Proxy: at, Roots: r.ways.roots}
		return nil
	}
	host, port, err := net.SplitHostPort(e.Address)
	if _, bad := netip.ParseAddr(host); err != nil || bad == nil {
		return nil // an address, ready to be dialled
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return err
	}
	addrs, _, err := r.plan.addresses(ctx, host, n)
	if err != nil {
		return err
	}
	const most = 3
	spec.Peers = r.join(addrs, n)
	spec.Peers = spec.Peers[:min(len(spec.Peers), most)]
	return nil
}

// named is an address with the name that a client would ask a proxy for.
func (r *runner) named(address string) string {
	for _, c := range r.c.Controls {
		if _, port, err := net.SplitHostPort(c.Address); err == nil && c.Address == address {
			return net.JoinHostPort(c.Name, port)
		}
	}
	if !resolvesItself(r.ways.other) || len(r.opts.Connect) > 0 {
		return address
	}
	return net.JoinHostPort(r.c.Want.Name, strconv.Itoa(r.c.Want.Port))
}

// vouchers are the roots for a proxy's own certificate: the system's, and those
// that the client trusts.
func vouchers(w *facts.Want) *x509.CertPool {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	for _, a := range w.Anchors {
		if c, err := x509.ParseCertificate(a.Raw); err == nil {
			pool.AddCert(c)
		}
	}
	return pool
}

// proxyNotes say which way was taken.
func (p *plan) proxyNotes(w *facts.Want) {
	switch {
	case w.Proxy != nil:
		p.notes = append(p.notes, "through the proxy "+w.Proxy.Scheme+"://"+w.Proxy.Address+" ("+w.Proxy.From+")")
	case w.OtherProxy != nil:
		p.notes = append(p.notes, "directly, without the proxy "+w.OtherProxy.Scheme+"://"+w.OtherProxy.Address+" of "+w.OtherProxy.From+": "+w.OtherProxy.Why)
	}
}

// via reads where connections are to leave this machine.
func (p *plan) via() error {
	if len(p.opts.Via) == 0 {
		return nil
	}
	from := p.opts.Via[0]
	if p.env.Dial != nil {
		return usage("leave it out", "--via %s: the connections are led by somebody else already", from)
	}
	var err error
	if p.source, err = probe.ParseSource(from); err != nil {
		return usage("", "--via: %v", err)
	}
	if p.source.Weak != "" {
		p.notes = append(p.notes, fmt.Sprintf("--via %s: its addresses are the source, since %s; the routes decide which way the packets take", from, p.source.Weak))
	}
	return nil
}

// prober makes attempts as the options say.
func (p *plan) prober() probe.Prober {
	return probe.Prober{Dial: p.env.Dial, Guard: p.env.Guard, Source: p.source}
}
