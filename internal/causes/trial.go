package causes

import (
	"math"
	"slices"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// trial weighs what two hellos differ in: one fails, the other works. Machines
// that are served in turn, or at random, look the same to one connection each,
// so both hellos are made again, one after the other, until neither explains
// what happened.
type trial struct {
	v         *view
	bad, good []*facts.Attempt // with the one hello and with the other, in order
	// failed and worked count the attempts, these and others, that ended as they
	// would if the difference decided, against those that should have failed.
	failed, worked, against int
	// failedAgain and workedAgain count what came after the good hello was found:
	// the search for it picked what worked.
	failedAgain, workedAgain int
	need                     proof
	chance                   bool // one of the two hellos ended in both ways
	silent                   bool // the good one met silence once, which may be ours
}

// proof is what rules chance out: bits of evidence, those of repetitions
// counted twice; how many of them at least; and how many machines in turn.
type proof struct{ bits, again, turns int }

// A cut without a word may be anybody's; silence is dear. An alert that names
// its reason is a decision.
var (
	ofCut     = proof{bits: 18, again: 4, turns: 6}
	ofSilence = proof{bits: 14, again: 3, turns: 6}
	ofRefusal = proof{bits: 15, again: 4, turns: 6}
	ofReason  = proof{turns: 2}
)

const (
	contraryBits = 3  // what one attempt to the contrary takes away
	longest      = 18 // attempts with the two hellos
)

// trial collects what was tried of two hellos.
func (v *view) trial(bad, good *facts.Attempt) *trial {
	t := &trial{v: v, need: v.needs(bad, good)}
	from, props := bad.Of.Changes, bad.Of.Changes.Diff(good.Of.Changes)
	for _, a := range v.tries {
		isBad, isGood := alike(a, bad), alike(a, good)
		if a.Of.Kind == facts.Plain && hesitates(a) && hesitates(bad) {
			t.against++ // that had nothing of the hello
		}
		if !isBad && !isGood && (len(props) == 0 || a.Of.Kind != facts.Handshake || a.Of.Direct || a.Of.What != "") || a.End.Kind == facts.EndCanceled {
			continue
		}
		works, again := v.helps(bad, a) && (bad.End.Kind != facts.EndAlert || v.honest(bad, a)), a.N > good.N && a.N > bad.N
		switch {
		case isBad:
			t.bad = append(t.bad, a)
			t.chance = t.chance || works
			t.failedAgain += btoi(again)
		case isGood && !works && a.End.Kind == facts.EndTimeout && !t.silent:
			t.silent = true
			continue
		case isGood:
			t.good, t.silent = append(t.good, a), false
			t.chance = t.chance || !works
			t.workedAgain += btoi(again)
		}
		switch n := touched(from, a.Of.Changes, props); {
		case !keeps(from, a.Of.Changes, props):
		case n == 0 && !works:
			t.failed++
		case n == len(props) && works:
			t.worked++
		case n == 0:
			t.against++
		}
	}
	return t
}

// alike tells whether two attempts are repetitions of one experiment.
func alike(a, b *facts.Attempt) bool {
	x, y := a.Of, b.Of
	x.Repeat, y.Repeat = 0, 0
	return x == y || own(a) && own(b)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// needs is what it takes to believe that two hellos meet different ends.
func (v *view) needs(bad, good *facts.Attempt) proof {
	alert := bad.End.Alert.Description
	switch {
	case v.rare(bad): // nothing worse than a server with one certificate
		return ofReason
	case packetsVanish(bad, good): // the kernel saw it, and no machine does that
		return ofReason
	case another(bad, good) && !cutOff(bad): // the proxy itself, or TCP, said so
		return ofReason
	case v.corroborated(bad, good): // at two servers at once it is no chance
		return ofReason
	case len(v.flips) > 0: // a first flip showed the server to be steady
		return ofReason
	case bad.End.Kind == facts.EndTimeout && bad.BytesReceived == 0:
		return ofSilence
	case snapped(bad) && bad.BytesReceived == 0, bad.End.Kind == facts.EndAlert && alert == tlswire.AlertInternalError:
		return ofCut
	case bad.End.Kind == facts.EndAlert && alert == tlswire.AlertHandshakeFailure && v.deficit(bad, good, false) == bad.Of.Changes:
		return ofRefusal // nor does the answer to the other hello say what this one lacks
	}
	return ofReason
}

// form are the properties of which each changes the size and the order of a
// hello.
var form = []facts.Property{facts.PropShape, facts.PropExtensions, facts.PropSize, facts.PropVersion, facts.PropShares}

// apart are those that no shape changes.
var apart = []facts.Property{facts.PropSNI, facts.PropIdentity, facts.PropProxy, facts.PropMSS, facts.PropPath}

// touched counts the properties that another hello has otherwise.
func touched(from, other facts.Changes, props []facts.Property) int {
	n, differs := 0, from.Diff(other)
	reshaped := slices.ContainsFunc(differs, func(p facts.Property) bool { return slices.Contains(form, p) })
	for _, p := range props {
		switch {
		case slices.Contains(differs, p), reshaped && slices.Contains(form, p):
			n++
		case other.Shape != from.Shape && !slices.Contains(apart, p): // which changes many
			n++
		}
	}
	return n
}

// keeps tells whether another hello has all the changes that two have in common:
// the faults before are no matter then.
func keeps(from, other facts.Changes, props []facts.Property) bool {
	return !slices.ContainsFunc(facts.Properties, func(p facts.Property) bool {
		return !slices.Contains(props, p) && from.Get(p) != "" && other.Get(p) == ""
	})
}

// turns are the numbers of machines in turn that would explain the attempts.
func (t *trial) turns() []int {
	var out []int
	for k := 2; k <= t.need.turns; k++ {
		if bad, good := t.met(k); !slices.ContainsFunc(bad, func(at int) bool { return slices.Contains(good, at) }) {
			out = append(out, k)
		}
	}
	return out
}

// met lists which of k machines in turn the hellos would have met. Of attempts
// made side by side nobody knows who came first.
func (t *trial) met(k int) (bad, good []int) {
	for i, a := range t.v.tries {
		switch {
		case !a.Alone:
		case slices.Contains(t.bad, a):
			bad = append(bad, i%k)
		case slices.Contains(t.good, a):
			good = append(good, i%k)
		}
	}
	return bad, good
}

// void tells whether one of the two hellos never met an end: our time was up
// before, and that says nothing of the server.
func (t *trial) void() bool { return len(t.bad) == 0 || len(t.good) == 0 }

// holds tells whether the difference decides.
func (t *trial) holds() bool {
	if t.void() {
		return false
	}
	again := bits(t.failedAgain, t.workedAgain)
	if t.good[0].N < t.bad[0].N && t.workedAgain == 0 {
		return false // the server may have had enough of us
	}
	return !t.chance && !t.silent && t.failedAgain > 0 && len(t.turns()) == 0 &&
		again >= float64(t.need.again) && bits(t.failed, t.worked)+again >= float64(t.need.bits+contraryBits*t.against)
}

// bits is how unlikely it is that machines which fail at random would have
// ended so many attempts so: whatever their share, its likelihood is at most
// two to the power of minus this.
func bits(failed, worked int) float64 {
	n, sum := float64(failed+worked), 0.0
	for _, k := range []int{failed, worked} {
		if k > 0 {
			sum += float64(k) * math.Log2(n/float64(k))
		}
	}
	return sum
}

// next is the attempt that tells most; nil when enough is known, or when more
// would not tell. That hello comes next which machines in turn would not treat
// as it was treated before.
func (t *trial) next() []facts.Experiment {
	if t.void() || t.chance || t.holds() || len(t.bad)+len(t.good) >= longest {
		return nil
	}
	lead := t.failedAgain - t.workedAgain
	for _, k := range t.turns() {
		bad, good := t.met(k)
		at := len(t.v.tries) % k
		lead += btoi(slices.Contains(bad, at)) - btoi(slices.Contains(good, at))
	}
	made := t.bad
	if t.silent || t.need == ofSilence && t.failedAgain > 0 || lead > 0 {
		made = t.good
	}
	e := made[0].Of
	for _, a := range t.v.tries {
		if alike(a, made[0]) {
			e.Repeat = max(e.Repeat, a.Of.Repeat+1)
		}
	}
	return t.v.ask(e)
}
