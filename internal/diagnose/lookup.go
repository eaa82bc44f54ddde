package diagnose

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// maxAddresses bounds how many addresses of one name are tried.
const maxAddresses = 8

// lookup finds the addresses to dial. Addresses of a family without a local
// route are left out and named: they are not tested, not broken.
func (p *plan) lookup(ctx context.Context) (facts.Lookup, []diag.NotTested, error) {
	if l, ok := p.throughProxy(); ok {
		return l, nil, nil
	}
	t, start := p.target, time.Now()
	l := facts.Lookup{Name: t.Name}
	var not []diag.NotTested
	switch {
	case len(p.opts.Connect) > 0:
		l.Given = true
		for _, c := range p.opts.Connect {
			host, port, hasPort, err := splitHost(c)
			if err != nil || host == "" {
				return l, nil, usage("HOST:PORT", "--connect %q cannot be read", c)
			}
			if !hasPort {
				port = t.Port
			}
			addrs, err := resolve(ctx, host)
			if err != nil {
				p.fill(&l, err)
				l.Name = host // it is this name that was sought
				continue
			}
			l.Addresses = append(l.Addresses, p.join(addrs, port)...)
		}
		if len(l.Addresses) > 0 {
			l.Err, l.Name = "", t.Name
		}
	default:
		addrs, given, err := p.addresses(ctx, t.Name, t.Port)
		if err != nil {
			var bad *UsageError
			if errors.As(err, &bad) {
				return l, nil, err
			}
			p.fill(&l, err)
		}
		l.Given = given
		l.Addresses = p.join(addrs, t.Port)
		if len(addrs) > 0 && len(l.Addresses) == 0 {
			l.Err, l.WrongFamily = "it has addresses, but none of the family that was asked for (-4 or -6)", true
		}
	}
	l.Took = time.Since(start)
	if len(l.Addresses) > maxAddresses {
		not = append(not, diag.NotTested{What: strings.Join(l.Addresses[maxAddresses:], ", "), Reason: "more addresses than are tried in one run"})
		l.Addresses = l.Addresses[:maxAddresses]
	}
	var routed []string
	for _, addr := range l.Addresses {
		if ap, err := netip.ParseAddrPort(addr); err == nil && !p.source.Reaches(ap.Addr()) {
			not = append(not, diag.NotTested{What: addr, Reason: "--via " + p.source.Name + " has no address of its family"})
			continue
		}
		if p.source.Set() || hasRoute(addr) {
			routed = append(routed, addr)
			continue
		}
		not = append(not, diag.NotTested{What: addr, Reason: "this machine has no route to it"})
	}
	l.Addresses = routed
	return l, not, nil
}

// addresses honours --resolve, then IP literals, then the resolver.
func (p *plan) addresses(ctx context.Context, name string, port int) (addrs []netip.Addr, given bool, err error) {
	for _, r := range p.opts.Resolve {
		host, rest, _ := strings.Cut(r, ":")
		at, list, ok := strings.Cut(rest, ":")
		if !ok {
			return nil, false, usage("HOST:PORT:ADDRESS[,ADDRESS]", "--resolve %q cannot be read", r)
		}
		if n, err := strconv.Atoi(at); err != nil || n < 1 || n > 65535 {
			return nil, false, usage("HOST:PORT:ADDRESS[,ADDRESS]", "--resolve %q: %q is no port", r, at)
		}
		of, err := normalName(host)
		if err != nil && host != "*" {
			return nil, false, err
		}
		if host != "*" && of != name || at != strconv.Itoa(port) {
			continue
		}
		for _, s := range strings.Split(list, ",") {
			a, err := netip.ParseAddr(strings.Trim(s, "[] "))
			if err != nil {
				return nil, false, usage("HOST:PORT:ADDRESS[,ADDRESS]", "--resolve %q: %q is no address", r, s)
			}
			addrs = append(addrs, a)
		}
		return addrs, true, nil
	}
	if a, err := netip.ParseAddr(name); err == nil {
		if name == p.target.Name {
			a = a.WithZone(p.target.Zone)
		}
		if a.Is6() && a.IsLinkLocalUnicast() && a.Zone() == "" {
			return nil, true, usage("write [ADDRESS%INTERFACE]:PORT", "%s is a link-local address: it needs the interface that leads to it", a)
		}
		return []netip.Addr{a}, true, nil
	}
	addrs, err = resolve(ctx, name)
	return addrs, false, err
}

func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, err
}

// fill turns a resolver's error into facts.
func (p *plan) fill(l *facts.Lookup, err error) {
	l.Err = err.Error()
	var dns *net.DNSError
	if errors.As(err, &dns) {
		l.Err, l.NotFound, l.Timeout = dns.Err, dns.IsNotFound, dns.IsTimeout
		if dns.Name != "" {
			l.Err = dns.Name + ": " + dns.Err
		}
	}
}

// join keeps the wanted family and adds the port, without doubles.
func (p *plan) join(addrs []netip.Addr, port int) []string {
	var out []string
	seen := map[netip.Addr]bool{}
	for _, a := range addrs {
		if p.opts.Network == "ip4" && !a.Is4() || p.opts.Network == "ip6" && !a.Is6() || seen[a] {
			continue
		}
		seen[a] = true
		out = append(out, net.JoinHostPort(a.String(), strconv.Itoa(port)))
	}
	return out
}

// hasRoute asks the kernel for a route without sending a packet.
func hasRoute(addr string) bool {
	c, err := net.Dial("udp", addr)
	if err != nil {
		return !isNoRoute(err)
	}
	c.Close()
	return true
}
