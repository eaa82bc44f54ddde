package causes

import "github.com/tlswhy/tlswhy/internal/facts"

// Where packets get lost, silence may be chance, and so may be that a changed
// hello was answered. The kernel says when it had to send packets again.

// lost tells whether packets of an attempt had to be sent again, more than once:
// a single one may only have been late.
func lost(a *facts.Attempt) bool { return a.TCP != nil && a.TCP.Retransmits > 1 }

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

// unheard tells whether the kernel sent a silent attempt's packets again and
// again and nobody acknowledged them. A machine that is broken or overloaded
// does not do that: its kernel, which has just taken the connection, would.
func unheard(a *facts.Attempt) bool {
	return a.End.Kind == facts.EndTimeout && lost(a) && a.TCP.Unacked > 0
}

// byLoss tells whether the silence may be loss, which needs no second machine.
func (v *view) byLoss() bool {
	return v.base.End.Kind == facts.EndTimeout && (v.lossy() || unheard(v.base))
}

// runsDry is the attempt in which the user's own hello, which met silence, was
// answered in small segments, and then met silence: what ends there is the
// connection, after so many bytes or packets, and no property of the hello.
func (v *view) runsDry() *facts.Attempt {
	if !cutOff(v.base) {
		return nil
	}
	for _, ch := range v.clamped(v.base) {
		for _, a := range v.at(ch) {
			if a.End.Kind == facts.EndTimeout && a.ServerHello != nil && !works(a) {
				return a
			}
		}
	}
	return nil
}

// packetsVanish tells whether the kernel saw large packets vanish with one hello
// and none with the other, which differs in the size of the packets only.
func packetsVanish(bad, good *facts.Attempt) bool {
	t := bad.TCP
	return t != nil && bad.Of.Changes.With(facts.PropMSS, good.Of.Changes.MSS) == good.Of.Changes && bad.Of.Changes.MSS == "" && !lost(good) &&
		(t.Retransmits > 1 && t.Unacked > 0 || t.OutOfOrder > 0)
}
