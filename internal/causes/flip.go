package causes

import (
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// flip is the smallest change that was found to help: from fails, to gets past
// the stage where it failed, and the two differ in props only.
type flip struct {
	from, to *facts.Attempt
	again    []*facts.Attempt // from repeated after to
	props    []facts.Property
	// without holds, for each of several props, the attempt that failed for the
	// lack of just this one.
	without map[facts.Property]*facts.Attempt
	// What a compact hello owes its success to: whether a hello without
	// post-quantum groups helps too, whether it still does when it is padded to
	// the old size, and whether a hello capped at TLS 1.2 helps.
	classic, padded, capped bool
	// split is the small hello in two segments where that was tried.
	split *facts.Attempt
	trial *trial
}

// has tells whether the flip changes the property.
func (f *flip) has(p facts.Property) bool { return slices.Contains(f.props, p) }

// steady tells whether from failed again in the same way.
func (f *flip) steady() bool {
	return len(f.again) > 0 && !slices.ContainsFunc(f.again, func(a *facts.Attempt) bool {
		return fate(a) != fate(f.from) || a.End.Stage != f.from.End.Stage
	})
}

// hint tells whether the change led to a decision of the server's and no
// further.
func (f *flip) hint() bool { return !further(f.from, f.to) }

// chance tells whether it may be a matter of the machine that was met: one of
// the two hellos ends in both ways, or no property separates what was cut from
// what passed. Where a server hangs up late a dead machine is the likelier, and
// once is nothing.
func (f *flip) chance() bool {
	t := f.trial
	return t.chance || t.need.bits > 0 && !t.holds() && (t.against > 0 || hesitates(f.from) && min(len(t.bad), len(t.good)) < 2)
}

// confidence is proven when the outcome was flipped there and back.
func (f *flip) confidence() diag.Confidence {
	switch {
	case f.steady() && f.trial.holds():
		return diag.Proven
	case len(f.again) == 0 && snapped(f.from):
		return diag.Likely // it may have been chance
	case len(f.again) == 0:
		return diag.Strong
	}
	return diag.Possible // it failed once and worked later: the change may be chance
}

// flipOf returns the flip that changes the property, or nil.
func (v *view) flipOf(p facts.Property) *flip {
	for i := range v.flips {
		if v.flips[i].has(p) {
			return &v.flips[i]
		}
	}
	return nil
}

// works returns an attempt with these changes that gets further than cur.
func (v *view) works(cur *facts.Attempt, ch facts.Changes) *facts.Attempt {
	for _, a := range v.at(ch) {
		if v.helps(cur, a) && v.honest(cur, a) {
			return a
		}
	}
	return nil
}

// honest is false where a server took a version that the changes did not mean
// to offer: a hello without supported_versions cannot say where it begins, so
// such an answer says nothing about the change itself. Where the server had cut
// cur off, an answer to a hello that does say it is the server's own mistake.
func (v *view) honest(cur, a *facts.Attempt) bool {
	if cur.End.Kind != facts.EndAlert && offered(a).HasExtension(tlswire.ExtSupportedVersions) {
		return true
	}
	return a.Version == 0 || v.base.Sent == nil || v.takes(v.base, a.Version) || strings.Contains(a.Of.Changes.Version, "-")
}

// shrink reduces the changes between cur and best to those that are needed,
// and repeats cur once it knows them (A/B/A).
func (v *view) shrink(cur, best *facts.Attempt) (*flip, []facts.Experiment) {
	from := cur.Of.Changes
	if pure := v.deficit(cur, best, false); pure.Suites != from.Suites && pure.Groups != from.Groups {
		// A suite that needs no group may do: the smaller change.
		less := best.Of.Changes.With(facts.PropGroups, from.Groups)
		if ask := v.untried(less); len(ask) > 0 {
			return nil, ask
		}
		if a := v.works(cur, less); a != nil {
			best = a
		}
	}
	if pure := v.deficit(cur, best, false); pure != from && pure != best.Of.Changes {
		if ask := v.untried(pure); len(ask) > 0 {
			return nil, ask
		}
		if a := v.works(cur, pure); a != nil {
			best = a
		}
	}
	if guess := v.deficit(cur, best, true); guess != from && guess != best.Of.Changes && len(from.Diff(best.Of.Changes)) > 1 {
		if ask := v.untried(guess); len(ask) > 0 {
			return nil, ask
		}
		if a := v.works(cur, guess); a != nil {
			best = a
		}
	}
	f := &flip{from: cur, without: map[facts.Property]*facts.Attempt{}}
	for _, step := range []func(*flip, *facts.Attempt, *facts.Attempt) (*facts.Attempt, []facts.Experiment){v.strip, v.refine, v.weigh, v.strip, v.pinpoint} {
		var ask []facts.Experiment
		if best, ask = step(f, cur, best); len(ask) > 0 {
			return nil, ask
		}
	}
	f.to, f.props = best, from.Diff(best.Of.Changes)
	for _, a := range v.at(from) {
		if a.N > best.N && a.End.Kind != facts.EndCanceled {
			f.again = append(f.again, a)
		}
	}
	f.trial = v.trial(cur, best)
	ask := f.trial.next()
	if len(ask) > 0 {
		_, _, more := v.onPath(f)
		if len(more) > 0 && cur.End.Kind != facts.EndTimeout {
			return f, more // what helps at a control, too, is no chance
		}
		ask = append(ask, more...)
	}
	return f, ask
}

// strip takes one property after the other back: what still works without it does
// without it, the others are needed.
func (v *view) strip(f *flip, cur, best *facts.Attempt) (*facts.Attempt, []facts.Experiment) {
	from := cur.Of.Changes
	for _, p := range from.Diff(best.Of.Changes) {
		if len(from.Diff(best.Of.Changes)) < 2 {
			break
		}
		less := best.Of.Changes.With(p, from.Get(p))
		if ask := v.untried(less); len(ask) > 0 {
			return nil, ask
		}
		if a := v.works(cur, less); a != nil {
			best = a
		} else if as := v.at(less); len(as) > 0 {
			f.without[p] = as[0]
		}
	}
	return best, nil
}

// deficit reads from what the server chose in to what the failed hello lacked.
// The server does not say what it needed besides; with says whether to carry
// to's other changes along.
func (v *view) deficit(failed, to *facts.Attempt, with bool) facts.Changes {
	ch, had := failed.Of.Changes, offered(failed)
	if failed.Sent == nil {
		return ch // no hello was read, none is to blame
	}
	for _, p := range []facts.Property{facts.PropSNI, facts.PropALPN, facts.PropShape, facts.PropIdentity, facts.PropProxy, facts.PropExtensions} {
		if with {
			ch = ch.With(p, to.Of.Changes.Get(p))
		}
	}
	if to.Version == 0 {
		return ch
	}
	newVersion := !v.takes(failed, to.Version)
	if newVersion {
		ch.Version = versionRange(min(to.Version, v.lowest(failed)), max(to.Version, had.MaxVersion()))
	}
	if to.ServerHello == nil {
		return ch
	}
	if to.ServerHello.CipherSuite.Info().PSK && had.Offers(tlswire.TLS13) && !newVersion {
		ch.Version = versionWord(to.Version) // in TLS 1.3 the server sees no key of ours at all
	}
	if s := to.ServerHello.CipherSuite; !slices.Contains(had.CipherSuites, s) && !(newVersion && to.Version == tlswire.TLS13) {
		ch.Suites = "+" + s.String()
	}
	if g := agreedGroup(to); g != 0 && !slices.Contains(had.Groups(), g) {
		ch.Groups = "+" + g.String()
	}
	if s := to.KeyProof.Scheme; s != 0 && to.Version >= tlswire.TLS12 && !slices.Contains(had.SignatureSchemes(), s) {
		ch.Schemes = "+" + s.String()
	}
	return ch
}
