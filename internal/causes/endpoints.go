package causes

import (
	"fmt"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// How many connections with the user's own hello are made to an address, where
// the user does not say: enough to see that a failure is steady, and more once
// the answers were seen to differ.
const (
	steadyDials  = 3
	differsDials = 5
)

// group is a number of addresses, or of connections to one address, that
// answered the user's own hello alike.
type group struct {
	addrs []string
	base  *facts.Attempt
	mixed bool // other connections to the address answered otherwise
}

// view is what the rules see of the group.
func (g group) view(c *facts.Case) *view {
	v := newView(c, g.addrs)
	if g.base != nil {
		v.base, v.deep, v.mixed = g.base, g.base, g.mixed
	}
	return v
}

// groups sorts the addresses, and the connections to an address whose answers
// differ.
func groups(c *facts.Case) []group {
	var out []group
	add := func(addr string, base *facts.Attempt, mixed bool) {
		for i := range out {
			if out[i].mixed == mixed && answer(out[i].base) == answer(base) {
				if !slices.Contains(out[i].addrs, addr) {
					out[i].addrs = append(out[i].addrs, addr)
				}
				return
			}
		}
		out = append(out, group{[]string{addr}, base, mixed})
	}
	for _, addr := range c.Lookup.Addresses {
		v := newView(c, []string{addr})
		if v.base == nil {
			continue
		}
		dials := v.dials()
		if !differ(dials) || v.shut() != nil {
			add(addr, v.base, false)
			continue
		}
		var seen []string
		for _, a := range dials {
			if f := fate(a); !slices.Contains(seen, f) {
				seen = append(seen, f)
				add(addr, a, true)
			}
		}
	}
	return out
}

// answer is what the server did, for telling addresses apart.
func answer(a *facts.Attempt) string {
	key := fmt.Sprint(a.End.Kind, a.End.Stage, a.End.Alert, a.Version, a.Request != nil)
	for _, cert := range a.Chain {
		key += fmt.Sprintf(" %x", cert.SHA256[:8])
	}
	if a.HTTP != nil {
		key += fmt.Sprint(" ", a.HTTP.Status)
	}
	return key
}

// fate is the same for telling connections to one address apart. A reset, a
// close and silence are one: which it is may be a matter of microseconds.
func fate(a *facts.Attempt) string {
	switch {
	case works(a):
		key := "ok " + a.Version.String()
		for _, cert := range a.Chain {
			key += fmt.Sprintf(" %x", cert.SHA256[:8])
		}
		return key
	case snapped(a):
		return "cut"
	}
	return fmt.Sprint(a.End.Kind, a.End.Alert)
}

// works tells whether the handshake came as far as it should.
func works(a *facts.Attempt) bool { return completed(a) || a.End.Kind == facts.EndStopped }

// snapped tells whether an attempt failed without a reason given.
func snapped(a *facts.Attempt) bool {
	switch a.End.Kind {
	case facts.EndReset, facts.EndClosed, facts.EndTimeout, facts.EndRefused, facts.EndNoConnect, facts.EndPreamble:
		return !completed(a)
	}
	return false
}

// hesitates tells whether the server hung up long after it had read the hello.
// Who does not like a hello does so at once.
func hesitates(a *facts.Attempt) bool {
	return (a.End.Kind == facts.EndClosed || a.End.Kind == facts.EndReset) && a.End.After >= time.Second
}

// dials are the connections with the user's own hello, in order.
func (v *view) dials() []*facts.Attempt {
	var out []*facts.Attempt
	for _, a := range v.tries {
		isOwn := own(a)
		if plain := v.plainBase(); plain != "" {
			isOwn = a.Of.What == plain
		}
		if isOwn && a.End.Kind != facts.EndCanceled {
			out = append(out, a)
		}
	}
	return out
}

// differ tells whether some of the connections work and others do not, or meet
// another server.
func differ(dials []*facts.Attempt) bool {
	return slices.ContainsFunc(dials, works) && slices.ContainsFunc(dials, func(a *facts.Attempt) bool { return fate(a) != fate(dials[0]) })
}

// repeat asks for the user's own hello until there were n connections with it;
// the user's own number goes before.
func (v *view) repeat(n int) []facts.Experiment {
	if own := v.c.Want.Repeat; own > 0 {
		n = own
	}
	have := v.dials()
	if len(have) >= n || v.first() == "" {
		return nil
	}
	e := v.own()
	for _, a := range have {
		e.Repeat = max(e.Repeat, a.Of.Repeat+1)
	}
	return v.ask(e)
}

// contradicted tells whether the same hello worked and was cut at this address:
// then no property of it is to blame.
func (v *view) contradicted() bool {
	return slices.ContainsFunc(v.tries, func(a *facts.Attempt) bool {
		return a.Of.Kind == facts.Handshake && snapped(a) && slices.ContainsFunc(v.tries, func(b *facts.Attempt) bool {
			return works(b) && a.Of.Changes == b.Of.Changes && a.Of.What == b.Of.What && a.Of.Session == b.Of.Session && a.Of.Direct == b.Of.Direct
		})
	})
}

// changesFace tells whether the address showed several certificates of one kind
// for the same names, or to those who asked for the same name, or one with
// different intermediates, so that several machines stand behind it.
func (v *view) changesFace() bool {
	return v.base != nil && len(v.base.Chain) > 0 && slices.ContainsFunc(v.tries, func(a *facts.Attempt) bool {
		if len(a.Chain) == 0 {
			return false
		}
		mine, other := v.base.Chain[0], a.Chain[0]
		if other.SHA256 == mine.SHA256 {
			return !slices.EqualFunc(a.Chain, v.base.Chain, (*chain.Certificate).Equal)
		}
		return other.Key.Algorithm == mine.Key.Algorithm && (slices.Equal(other.DNSNames, mine.DNSNames) || a.Of.Kind == facts.Handshake && offered(a).ServerName() == offered(v.base).ServerName())
	})
}

// certificateFailure tells whether a certificate is to blame, which a renewal
// may have brought to some machines only.
func certificateFailure(causes []finding) bool {
	return slices.ContainsFunc(causes, func(f finding) bool {
		return f.severity() == diag.SeverityFailure && f.r.rank >= rankTrust && f.r.rank <= rankName
	})
}

// more asks for further connections where one does not tell enough.
func (v *view) more(causes []finding) []facts.Experiment {
	switch {
	case v.base == nil || v.c.Spent:
		return nil
	case v.shut() != nil:
		return nil // rate-limited
	case v.silenced():
		return v.again(1)
	case v.mixed, v.flaky, v.contradicted(), v.changesFace():
		return v.repeat(differsDials)
	case v.c.Want.Repeat > 0:
		return v.repeat(0)
	case v.stuck && v.allBlocked(v.base):
		return nil // the controls showed that it is steady
	case v.stuck && slices.ContainsFunc(v.compared(v.base), func(x comparison) bool { return x.followed(v.base) }):
		if v.base.End.Kind == facts.EndTimeout {
			return nil
		}
		return v.repeat(2) // they did so, too
	case certificateFailure(causes), v.stuck && snapped(v.base) && v.base.End.Stage != diag.StageProxy && v.base.End.Kind != facts.EndTimeout && v.base.End.Kind != facts.EndPreamble:
		return v.repeat(steadyDials)
	}
	return nil
}

// often says how many of the connections to the group's first address met this
// answer, "" where all did.
func (v *view) often() string {
	n, dials := 0, v.dials()
	for _, a := range dials {
		if fate(a) == fate(v.base) {
			n++
		}
	}
	if n == len(dials) {
		return ""
	}
	return fmt.Sprintf("%d of %d connections to %s", n, len(dials), v.first())
}
