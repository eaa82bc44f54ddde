package diagnose

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// maxControls bounds how many controls one diagnosis asks.
const maxControls = 3

// controls reads the options' controls; names are looked up later.
func (p *plan) controls() error {
	for _, c := range p.opts.Control {
		host, _, _, err := splitHost(c)
		if err == nil && host != "" {
			_, err = normalName(host)
		}
		if err != nil || host == "" {
			return usage("HOST or HOST:PORT", "--control %q cannot be read", c)
		}
	}
	if len(p.opts.Control) > maxControls {
		return usage("", "%d controls are more than the %d that one diagnosis asks", len(p.opts.Control), maxControls)
	}
	return nil
}

// lookupControls finds one address of each control, of a family that the target
// has. A control without one is named and left out.
func (r *runner) lookupControls(ctx context.Context) {
	for _, c := range r.opts.Control {
		host, port, hasPort, _ := splitHost(c)
		if !hasPort {
			port = 443
		}
		name, _ := normalName(host)
		if at := net.JoinHostPort(name, strconv.Itoa(port)); resolvesItself(r.ways.proxy) {
			if !slices.Contains(r.c.Lookup.Addresses, at) {
				r.c.Controls = append(r.c.Controls, facts.Control{Name: name, Address: at})
			}
			continue
		}
		addrs, _, err := r.plan.addresses(ctx, name, port)
		i := slices.IndexFunc(addrs, func(a netip.Addr) bool {
			at := net.JoinHostPort(a.String(), strconv.Itoa(port))
			return r.reaches(a) && hasRoute(at) && !slices.Contains(r.c.Lookup.Addresses, at)
		})
		switch {
		case err != nil:
			r.not = append(r.not, diag.NotTested{What: "the control " + c, Reason: "its name does not resolve: " + err.Error()})
		case i < 0:
			r.not = append(r.not, diag.NotTested{What: "the control " + c, Reason: "it has no address of the target's family that is not the target's own"})
		default:
			r.c.Controls = append(r.c.Controls, facts.Control{Name: name, Address: net.JoinHostPort(addrs[i].String(), strconv.Itoa(port))})
		}
	}
}

// reaches tells whether one of the target's addresses is of the same family.
func (r *runner) reaches(a netip.Addr) bool {
	return slices.ContainsFunc(r.c.Lookup.Addresses, func(s string) bool {
		ap, err := netip.ParseAddrPort(s)
		return err == nil && ap.Addr().Is6() == a.Is6()
	})
}

func (r *runner) isControl(address string) bool {
	return slices.ContainsFunc(r.c.Controls, func(c facts.Control) bool { return c.Address == address })
}
