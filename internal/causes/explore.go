package causes

import (
	"slices"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// explore follows the smallest changes that help from the user's own hello
// onwards: the best attempt becomes the next base, so that faults behind the
// first one are found too. It sets flips, deep and stuck, and returns what has
// to be tried before it can go on. A decision where there was none before is
// followed as a hint first, and counts only where it leads to more.
func (v *view) explore() []facts.Experiment {
	v.hints = true
	if ask := v.search(); len(ask) > 0 || len(v.flips) == 0 || !v.flips[len(v.flips)-1].hint() {
		return ask
	}
	v.hints, v.stuck, v.flaky, v.flips, v.deep = false, false, false, nil, v.base
	return v.search()
}

// search is explore with hints or without.
func (v *view) search() []facts.Experiment {
	if v.onlooker() != nil {
		return nil
	}
	if cut(v.base) { // by the handshake, or because of our request?
		if v.quiet() == nil {
			return v.ask(facts.Experiment{Address: v.addrs[0], What: facts.Quiet})
		}
		return nil
	}
	if l := v.shut(); v.mixed || l != nil && len(l.failed) > 1 { // no property of the hello is to blame
		v.stuck = v.unexplained(v.base)
		return nil
	}
	if i := slices.IndexFunc(v.tries, garbledOnTheWay); i >= 0 && cutOrUnread(v.base) {
		v.deep = v.tries[i] // what the server reads is not what was sent
		return nil
	}
	if v.runsDry() != nil { // it was read, in small segments
		v.stuck = true
		return nil
	}
	cur := v.base
	for range 3 {
		if !v.unexplained(cur) || v.spokePlain() != nil {
			return nil
		}
		best, ask := v.better(cur)
		if len(ask) > 0 {
			return ask
		}
		if best == nil {
			v.giveUp()
			return nil
		}
		f, ask := v.shrink(cur, best)
		if len(ask) > 0 {
			return ask
		}
		if f.chance() {
			v.flaky = true
			v.giveUp()
			return nil
		}
		v.flips = append(v.flips, *f)
		cur, v.deep = f.to, f.to
	}
	return nil
}

// giveUp says that experiments lead no further. Where all of them only moved
// the same end a little, they explain nothing.
func (v *view) giveUp() {
	v.stuck = true
	if v.deep.End.Kind == v.base.End.Kind && v.deep.End.Alert == v.base.End.Alert {
		v.flips, v.deep = nil, v.base
	}
}

// better returns the attempt that gets further than cur with the fewest
// changes, or what to try to find one.
func (v *view) better(cur *facts.Attempt) (*facts.Attempt, []facts.Experiment) {
	from := cur.Of.Changes
	if cur == v.base {
		if ask, settled := v.askControls(cur); settled || len(ask) > 0 {
			return nil, ask
		}
	}
	var best *facts.Attempt
	if cur != v.base { // the alert of the fault behind the first one names it
		if ask := v.untried(v.named(cur)...); len(ask) > 0 {
			return nil, ask
		}
	}
	for _, a := range v.tries {
		if a.Of.Kind != facts.Handshake || a.Of.Direct || a.Of.Changes == from || !v.helps(cur, a) || cur.End.Kind == facts.EndAlert && !v.honest(cur, a) {
			continue
		}
		if best == nil || closer(a, best, from) {
			best = a
		}
	}
	if best != nil {
		return best, nil
	}
	blocked := v.allBlocked(cur)
	rounds := v.rounds(cur)
	if blocked {
		rounds = v.forms(cur) // the path ends it, whatever the server might want
		if slices.ContainsFunc(v.small(cur), heardBack) {
			rounds = append([][]facts.Changes{v.clamped(cur)}, rounds...)
		}
	}
	for _, round := range append(v.telling(cur), rounds...) {
		if ask := v.untried(round...); len(ask) > 0 {
			if v.mute() && !blocked && v.plain(facts.PlainHTTP) == nil && v.plain(facts.PlainOwn) == nil {
				what := facts.PlainHTTP
				if v.c.Want.SpeaksFirst {
					what = facts.PlainOwn
				}
				ask = append(ask, v.ask(facts.Experiment{Kind: facts.Plain, What: what, Address: v.addrs[0]})...)
			}
			if cur == v.base && snapped(cur) && len(v.dials()) < 2 && !blocked {
				switch {
				case hesitates(cur): // whoever has a dead machine behind it hangs up late
					ask = append(v.again(2), ask...)
				case len(ask) > 1:
					ask = append(ask, v.again(1)...) // perhaps it was chance
				}
			}
			return nil, ask
		}
	}
	return nil, nil
}

// closer prefers fewer changed properties, then the lower version, then more
// progress.
func closer(a, b *facts.Attempt, from facts.Changes) bool {
	da, db := distance(from, a.Of.Changes), distance(from, b.Of.Changes)
	if da != db {
		return da < db
	}
	if ma, mb := offered(a).MaxVersion(), offered(b).MaxVersion(); ma != mb {
		return ma < mb
	}
	return progress(a) > progress(b)
}

// distance weighs the properties that differ. A shape that changes many things
// at once counts for several; the small hello does so once less would do. The
// size of the packets and the way are no properties of the hello and count for half.
func distance(from, to facts.Changes) int {
	n := 2 * len(from.Diff(to))
	for _, p := range []facts.Property{facts.PropMSS, facts.PropPath} {
		if to.Get(p) != from.Get(p) {
			n--
		}
	}
	if to.Shape != from.Shape && (to.Shape == "ssl2" || to.Shape == "compact" && from != (facts.Changes{})) {
		n += 4
	}
	return n
}

// named is the one change that the alert of an attempt calls for.
func (v *view) named(cur *facts.Attempt) []facts.Changes {
	if cur.End.Kind != facts.EndAlert {
		return nil
	}
	switch from := cur.Of.Changes; cur.End.Alert.Description {
	case tlswire.AlertUnrecognizedName:
		return []facts.Changes{v.flipSNI(from)}
	case tlswire.AlertNoApplicationProtocol:
		return []facts.Changes{v.flipALPN(from)}
	}
	return nil
}

// rounds lists what to try from a failed attempt: a round at a time, the most
// telling first. How it ended decides only the order.
func (v *view) rounds(cur *facts.Attempt) [][]facts.Changes {
	from := cur.Of.Changes
	var around []facts.Changes
	if way := v.detour(from); way != "" {
		around = []facts.Changes{from.With(facts.PropPath, way)}
	}
	if v.onTheWay(cur) {
		return [][]facts.Changes{around}
	}
	if cur.End.Kind == facts.EndPreamble { // the hello was never sent
		return [][]facts.Changes{{proxied(from)}}
	}
	wide := widen(from, "ssl3-1.3")
	wides := []facts.Changes{wide}
	if top := v.highest(cur); top < tlswire.TLS13 {
		// What an old client lacks may be a suite rather than a version: the own
		// versions first, then a step at a time.
		wides = []facts.Changes{widen(from, from.Version)}
		for newest := top + 1; newest <= tlswire.TLS13; newest++ {
			if newest != tlswire.TLS11 {
				wides = append(wides, widen(from, versionRange(tlswire.SSL3, newest)))
			}
		}
	}
	clamped, sni := v.clamped(cur), v.flipSNI(from)
	if cur.ServerHello != nil { // the protocol is settled, and the name with the certificate
		switch {
		case len(clamped) > 0:
			return [][]facts.Changes{clamped}
		case len(cur.Chain) == 0 && cur.End.Kind == facts.EndAlert:
			wides = append(wides, sni) // Java says hello before it looks for a certificate
		}
		return [][]facts.Changes{wides}
	}
	alpn := v.flipALPN(from)
	compact := from.With(facts.PropShape, "compact")
	everything := widen(alpn, "ssl3-1.3").With(facts.PropSNI, sni.SNI).With(facts.PropSuites, "any")
	more := v.moreExtensions(cur)
	everything.Extensions = more.Extensions
	smallest := widen(alpn, "ssl3-1.2").With(facts.PropSNI, sni.SNI).With(facts.PropShape, "compact").With(facts.PropSuites, "any")
	if cur.End.Kind == facts.EndAlert {
		switch cur.End.Alert.Description {
		case tlswire.AlertUnrecognizedName:
			return [][]facts.Changes{{sni}, wides, {everything, smallest}}
		case tlswire.AlertNoApplicationProtocol:
			return [][]facts.Changes{{alpn}, wides, {everything}}
		case tlswire.AlertProtocolVersion:
			return [][]facts.Changes{wides, {sni, compact, everything}}
		}
		return [][]facts.Changes{append(append(wides, sni, more), around...), {compact, everything}, {alpn, smallest}}
	}
	// Silence costs a deadline for each round; a close or reset is often a
	// matter of the name or of the size.
	rounds := [][]facts.Changes{append(append(append(wides, sni, compact), clamped...), around...), {everything, more, alpn, smallest, from.With(facts.PropShape, "ssl2")}}
	switch {
	case cur.BytesReceived > 0:
	case cur.End.Kind == facts.EndTimeout:
		rounds[1] = append(rounds[1], proxied(from))
	default:
		// The name is the likeliest reason of a cut: alone, it needs no other
		// experiment, and tells which machine in turn it met.
		rounds = append([][]facts.Changes{{sni}}, append(rounds, []facts.Changes{proxied(from)})...)
	}
	return rounds
}

// widen offers all that any client ever offered in the negotiation, of these
// versions.
func widen(c facts.Changes, versions string) facts.Changes {
	return c.With(facts.PropVersion, versions).With(facts.PropSuites, "all").
		With(facts.PropGroups, "all").With(facts.PropSchemes, "all")
}

// flipSNI takes the server_name away, or adds the target's; unchanged when
// there is no name to send.
func (v *view) flipSNI(c facts.Changes) facts.Changes {
	switch sent := offered(v.base).ServerName(); {
	case c.SNI != "":
		return c.With(facts.PropSNI, "")
	case sent != "":
		return c.With(facts.PropSNI, "none")
	case !v.isIP() && v.c.Want.Name != "":
		return c.With(facts.PropSNI, v.c.Want.Name)
	}
	return c
}

func (v *view) flipALPN(c facts.Changes) facts.Changes {
	switch {
	case c.ALPN != "":
		return c.With(facts.PropALPN, "")
	case len(offered(v.base).ALPN()) > 0:
		return c.With(facts.PropALPN, "none")
	}
	return c.With(facts.PropALPN, "h2,http/1.1")
}

// untried turns changes into experiments and leaves out those that were made.
func (v *view) untried(changes ...facts.Changes) []facts.Experiment {
	var ask []facts.Experiment
	for _, ch := range changes {
		e := facts.Experiment{Address: v.addrs[0], Changes: ch}
		if len(v.at(ch)) == 0 && !slices.Contains(ask, e) {
			ask = append(ask, e)
		}
	}
	return v.ask(ask...)
}

// ask passes experiments on while there is budget.
func (v *view) ask(es ...facts.Experiment) []facts.Experiment {
	if v.c.Spent {
		return nil
	}
	return es
}
