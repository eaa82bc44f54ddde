package causes

import (
	"fmt"
	"strconv"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// smallMSS is a segment that every path carries: IPv4 asks for 576 bytes a
// packet, IPv6 for 1280, and tunnels take their share of either.
const smallMSS = 700

var _ = register(rule{id: "pmtu-blackhole", rank: rankTransport, match: func(v *view) *match {
	f := v.flipOf(facts.PropMSS)
	if f == nil || len(f.again) > 0 && !f.steady() {
		return nil // packets get lost, large or small
	}
	if len(f.again) == 0 && !packetsVanish(f.from, f.to) {
		return nil // it was silent once: a server that wakes up is, too
	}
	m := v.flipped(f, facts.PropMSS)
	if lost(f.to) {
		m.confidence = atBest(m.confidence, diag.Likely)
		m.not = append(m.not, "a bad link that loses packets of all sizes: small ones were sent again too")
	}
	m.stage = f.from.End.Stage
	m.summary = "large packets vanish on the path: the same handshake works with small ones"
	m.affects = []string{"every client on this path, as soon as a message fills a packet"}
	if t := f.from.TCP; t != nil && t.SndMSS > 0 {
		sent, lost := len(f.from.Messages) > 0 && f.from.Messages[0].Size > t.SndMSS, t.Unacked > 0 && t.Retransmits > 0
		switch {
		case lost && sent:
			m.see(attempts(f.from)+", TCP_INFO", "%s; the largest segment was %d bytes and the ClientHello did not fit into one: the way to the server is too narrow", sentAgain(t), t.SndMSS)
		case t.OutOfOrder > 0:
			m.see(attempts(f.from)+", TCP_INFO", "the ClientHello was acknowledged, and %s of the answer came without what goes before: the way back is too narrow", count(t.OutOfOrder, "packet"))
		}
	}
	if t := f.to.TCP; t != nil && t.SndMSS > 0 {
		m.see(attempts(f.to)+", TCP_INFO", "segments of at most %d bytes", t.SndMSS)
	}
	m.not = append(m.not, "which device drops them: traceroute --mtu tells, where routers answer")
	return m
}})

func sentAgain(t *facts.TCPInfo) string {
	if t.Retransmits == 1 {
		return "one packet was sent again and never acknowledged"
	}
	return fmt.Sprintf("packets were sent again %d times and never acknowledged", t.Retransmits)
}

// clamped is the change that tells packets that are too large from everything
// else that ends in silence: nothing in the hello differs.
func (v *view) clamped(cur *facts.Attempt) []facts.Changes {
	if !v.c.Want.CanClamp || cur.End.Kind != facts.EndTimeout || cur.Of.Changes.MSS != "" {
		return nil
	}
	if t := cur.TCP; t != nil && t.SndMSS > 0 && t.SndMSS <= smallMSS {
		return nil // small segments were the rule already
	}
	return []facts.Changes{cur.Of.Changes.With(facts.PropMSS, strconv.Itoa(smallMSS))}
}
