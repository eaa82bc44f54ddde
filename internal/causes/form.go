package causes

import (
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Where unrelated servers are cut off with their own names too, it is neither
// the name nor what a server wants: it is the form of the hello, or nothing. So
// that is asked directly, in the order of how often it is the reason.

// withoutPQ and below13 are the two forms that most boxes which break on a
// hello let pass; the zero value where the hello has nothing to leave out.
func withoutPQ(cur *facts.Attempt) facts.Changes {
	if !slices.ContainsFunc(offered(cur).Groups(), client.PostQuantum) {
		return cur.Of.Changes
	}
	return cur.Of.Changes.With(facts.PropShape, "classic")
}

func below13(cur *facts.Attempt) facts.Changes {
	if cur.Of.Changes.Version != "" || !offered(cur).Offers(tlswire.TLS13) {
		return cur.Of.Changes
	}
	return cur.Of.Changes.With(facts.PropVersion, "1.2")
}

// forms are the rounds for a hello that every control cuts off, whatever its
// name. Silence costs a deadline for each round.
func (v *view) forms(cur *facts.Attempt) [][]facts.Changes {
	var all []facts.Changes
	for _, ch := range []facts.Changes{withoutPQ(cur), below13(cur), cur.Of.Changes.With(facts.PropShape, "compact"), v.flipSNI(cur.Of.Changes)} {
		if ch != cur.Of.Changes {
			all = append(all, ch)
		}
	}
	if cur.End.Kind == facts.EndTimeout {
		if len(v.small(cur)) == 0 { // else the controls have told
			all = append(all, v.clamped(cur)...)
		}
		return [][]facts.Changes{all}
	}
	var rounds [][]facts.Changes
	for _, ch := range all {
		rounds = append(rounds, []facts.Changes{ch})
	}
	return rounds
}

// weigh finds out which part of such a form is the reason, where leaving one of
// them out helped: the size or the group, the version or an extension that
// leaves with it.
func (v *view) weigh(f *flip, cur, best *facts.Attempt) (*facts.Attempt, []facts.Experiment) {
	from := cur.Of.Changes
	if !v.allBlocked(cur) || best.Of.Changes == from || best.Of.Changes != withoutPQ(cur) && best.Of.Changes != below13(cur) {
		return best, nil
	}
	if small := v.works(cur, withoutPQ(cur)); small != nil {
		padded := small.Of.Changes.With(facts.PropSize, fmt.Sprint(helloSize(cur)))
		split := small.Of.Changes.With(facts.PropSegments, "200")
		next := []facts.Changes{padded}
		if f.padded = v.works(cur, padded) != nil; !f.padded && len(v.at(padded)) > 0 || cur.End.Kind == facts.EndTimeout {
			next = append(next, split)
		}
		if ask := v.untried(next...); len(ask) > 0 {
			return nil, append(ask, v.confirm(cur, small)...)
		}
		if as := v.at(split); len(as) > 0 {
			f.split = as[0]
		}
		f.classic = true
		return small, nil
	}
	var gone []facts.Changes
	if offered(cur).HasGREASE() && !offered(best).HasGREASE() {
		gone = append(gone, from.With(facts.PropShape, "no-grease"))
	}
	if fewer := fewerExtensions(cur); slices.ContainsFunc(offered(cur).Extensions, func(e tlswire.Extension) bool {
		return !slices.Contains(needed, e.Type) && e.Type != tlswire.ExtPSKKeyExchangeModes && !e.Type.IsGREASE() && !offered(best).HasExtension(e.Type)
	}) {
		gone = append(gone, from.With(facts.PropExtensions, fewer))
	}
	ask := v.untried(gone...)
	if len(ask) > 0 || len(v.at(from)) < 2 {
		ask = append(ask, v.confirm(cur, best)...)
	}
	if len(ask) > 0 {
		return nil, ask
	}
	for _, ch := range gone {
		if a := v.works(cur, ch); a != nil {
			return a, nil
		}
	}
	f.capped = true
	return best, nil
}

// confirm asks along, where each round costs a deadline, what a flip will need:
// the failure again, and the cure at the controls.
func (v *view) confirm(cur, good *facts.Attempt) []facts.Experiment {
	if cur.End.Kind != facts.EndTimeout {
		return nil
	}
	return append(v.again(1), v.mirrored(cur, []facts.Changes{good.Of.Changes})...)
}
