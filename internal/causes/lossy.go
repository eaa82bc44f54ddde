package causes

import (
	"slices"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// Where packets get lost, silence may be chance, and so may be that a changed
// hello was answered. The kernel says when it had to send packets again.

// lost tells whether packets of an attempt had to be sent again.
func lost(a *facts.Attempt) bool { return a.TCP != nil && a.TCP.Retransmits > 0 }

// lossy tells whether packets were lost on connections that were answered: a
// filter that drops a hello says nothing of those that it lets through. A single
// one may have been sent again because an answer was late.
func (v *view) lossy() bool {
	n := 0
	for _, a := range v.c.Attempts {
		if heardBack(a) && a.TCP != nil {
			n += a.TCP.Retransmits
		}
	}
	return n > 1
}

// lossySteady is how often the unchanged hello must fail again on a lossy path.
const lossySteady = 3

// againWhereLossy asks for both sides of a flip often enough to rule loss out.
func (v *view) againWhereLossy(f *flip) []facts.Experiment {
	if f.from.End.Kind != facts.EndTimeout || !v.lossy() {
		return nil
	}
	var ask []facts.Experiment
	if n := len(v.at(f.to.Of.Changes)); n < 2 {
		again := f.to.Of
		again.Repeat = n
		ask = append(ask, again)
	}
	for n, i := len(v.at(f.from.Of.Changes)), len(f.again); i < lossySteady; i++ {
		again := f.from.Of
		again.Repeat = n
		ask, n = append(ask, again), n+1
	}
	return v.ask(ask...)
}

// lossyFlip tells whether a lossy path may have made a flip.
func (v *view) lossyFlip(f *flip) bool {
	if f.from.End.Kind != facts.EndTimeout || !v.lossy() {
		return false
	}
	to := v.at(f.to.Of.Changes)
	return len(to) < 2 || len(f.again) < lossySteady || slices.ContainsFunc(to, func(a *facts.Attempt) bool { return !further(f.from, a) })
}
