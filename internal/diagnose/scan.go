package diagnose

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/inventory"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/proxy"
	"github.com/tlswhy/tlswhy/internal/starttls"
)

// ScanOptions are those of an inventory beyond the options of a diagnosis.
type ScanOptions struct {
	// Quick leaves out what takes long or many connections: the server's order of
	// suites, resumption below TLS 1.3, signature schemes beyond those seen in
	// passing.
	Quick bool
	Open  int // connections at a time; 0 = 8
}

// Scanned is an inventory: as the result, and as facts for a prediction.
type Scanned struct {
	*diag.Inventory
	Server *facts.Server
	Offers *inventory.Result
}

// Scan makes the inventory of a target. The error is a *UsageError or a
// *FileError; all that concerns the peer is in the inventory.
func Scan(ctx context.Context, target string, o Options, env Env, so ScanOptions) (*Scanned, error) {
	started := time.Now()
	p, want, err := begin(target, o, env)
	if err != nil {
		return nil, err
	}
	if err := p.software(&want); err != nil {
		return nil, err
	}
	if err := p.loadIdentity(&want); err != nil {
		return nil, err
	}
	if err := p.via(); err != nil {
		return nil, err
	}
	if err := p.findProxy(&want); err != nil {
		return nil, err
	}
	if err := p.loadAnchors(&want, started); err != nil {
		return nil, err
	}
	if w := p.ways.proxy; w != nil && w.Scheme == "https" { // the proxy itself is verified
		if err := p.findProxy(&want); err != nil {
			return nil, err
		}
	}
	inv := newInventory(started)
	inv.Target = diag.Target{Input: want.Input, Name: want.Name, Port: want.Port, Protocol: want.Protocol, StartTLS: want.StartTLS}
	if want.Hello != nil {
		inv.Target.SNI = want.Hello.ServerName()
	}
	out := &Scanned{Inventory: inv, Server: &facts.Server{}, Offers: &inventory.Result{}}
	if l := want.Local; l != nil {
		inv.Verdict, inv.Outcome = diag.Untested, fmt.Sprintf("the %s %s: %s", l.Role, l.File, l.Problem)
		return out, nil
	}
	p.progress("resolving " + want.Name)
	l, not, err := p.lookup(ctx)
	if err != nil {
		return nil, err
	}
	inv.NotTested = append(inv.NotTested, not...)
	if len(l.Addresses) == 0 {
		inv.Verdict, inv.Outcome = diag.Failure, unresolved(l)
		if len(not) > 0 {
			inv.Verdict, inv.Outcome = diag.Untested, "no address of it can be reached from this machine"
		}
		inv.DurationMS = ms(time.Since(started))
		return out, nil
	}
	io, err := p.asking(&want, l.Addresses, so)
	if err != nil {
		return nil, err
	}
	if len(o.Connect) > 0 {
		inv.Target.Address = l.Addresses[0]
	}
	var asked sync.WaitGroup
	var records []diag.Record
	var notAsked []diag.NotTested
	asked.Go(func() { records, notAsked = p.records(ctx, &want, l) })
	for i, address := range l.Addresses {
		io.Address, io.Others = address, without(l.Addresses, address)
		out.Offers = inventory.Take(ctx, io)
		if out.Offers.Reached || i == len(l.Addresses)-1 || ctx.Err() != nil {
			break
		}
		if end := out.Offers.End; end != nil {
			inv.NotTested = append(inv.NotTested, diag.NotTested{What: address, Reason: causes.EndText(end)})
		}
	}
	if others := without(l.Addresses, io.Address); len(others) > 0 && out.Offers.Reached {
		for _, a := range others {
			if !slices.ContainsFunc(inv.NotTested, func(n diag.NotTested) bool { return n.What == a }) {
				inv.NotTested = append(inv.NotTested, diag.NotTested{What: a, Reason: "one address is looked at; name others by --connect"})
			}
		}
	}
	inv.Address = io.Address
	asked.Wait()
	inv.Records = append(inv.Records, records...)
	inv.NotTested = append(inv.NotTested, notAsked...)
	out.Server = out.Offers.Server()
	p.fillInventory(inv, &want, out.Offers, started)
	inv.DurationMS = ms(time.Since(started))
	return out, nil
}

// asking is how the inventory reaches the target.
func (p *plan) asking(w *facts.Want, addresses []string, so ScanOptions) (inventory.Options, error) {
	io := inventory.Options{Name: w.Hello.ServerName(), Prober: p.prober(),
		Quick: so.Quick, Open: so.Open, Connections: p.opts.MaxConnections, Timeout: p.opts.Timeout, Progress: p.opts.Progress}
	if p.ways.proxy != nil {
		io.Spec.Way = &proxy.Way{Proxy: p.ways.proxy, Roots: p.ways.roots}
	}
	io.Spec.Identity, io.Spec.Decompress = p.identity, p.env.Decompress
	if protocol, ok := starttls.Lookup(w.StartTLS); ok {
		io.Spec.Preamble = probe.StartTLS(protocol, w.Name)
		if wrapper, ok := protocol.(starttls.Wrapper); ok {
			io.Spec.Wrap = wrapper.Wrap
		}
	}
	if w.Protocol == "https" && w.StartTLS == "" {
		host := w.Name
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		io.Request = &probe.Request{Host: host, Path: p.target.Path, UserAgent: "tlswhy"}
	}
	return io, nil
}

func without(list []string, gone string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == gone })
}

// unresolved says why there is no address.
func unresolved(l facts.Lookup) string {
	switch {
	case l.WrongFamily:
		return l.Name + " has no address of the wanted family"
	case l.NotFound:
		return "the name " + l.Name + " does not exist, or has no address"
	case l.Timeout:
		return "the DNS did not answer for " + l.Name
	}
	return "resolving " + l.Name + ": " + l.Err
}

// newInventory has all lists in place, so that JSON never says null.
func newInventory(at time.Time) *diag.Inventory {
	return &diag.Inventory{Schema: diag.InventorySchema, Verdict: diag.OK, Versions: []diag.OfferedVersion{}, Groups: []diag.OfferedGroup{},
		Schemes: []diag.OfferedScheme{}, DH: []diag.DHPrime{}, ALPN: []string{}, Certificates: []diag.ServedCertificate{}, Authorities: []string{},
		Properties: []diag.Property{}, Records: []diag.Record{}, Weak: []diag.Weakness{}, Guidelines: []diag.Guideline{}, NotTested: []diag.NotTested{},
		Notes: []string{}, StartedAt: at.UTC(), Tool: Tool()}
}
