package causes

import (
	"fmt"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "middlebox-reset", rank: rankTransport,
	wants: (*view).cutTwice,
	match: func(v *view) *match { return v.cutOnPath(false) }})

// cutTwice repeats the arms that would prove a filter on the path: one reset, or
// one silence, may be chance.
func (v *view) cutTwice() (ask []facts.Experiment) {
	if !cutOff(v.base) {
		return nil
	}
	for _, x := range v.compared(v.base) {
		switch {
		case x.followed(v.base):
			ask = append(ask, x.again()...)
		case x.blocked(v.base) && len(v.flips) == 0:
			x.name = nil // whatever name, so their own is enough
			ask = append(ask, x.again()...)
		}
	}
	for i := range v.flips {
		_, _, more := v.onPath(&v.flips[i])
		ask = append(ask, more...)
	}
	return ask
}

// cutOnPath finds what cuts connections off on the path: silence, or else a
// reset or an end. That takes a control, or a reset that came sooner than the
// server could have sent it.
func (v *view) cutOnPath(silence bool) *match {
	if !cutOff(v.base) || silence != (v.base.End.Kind == facts.EndTimeout) || v.mixed || v.flaky {
		return nil
	}
	name := offered(v.base).ServerName()
	m := &match{confidence: diag.Strong, stage: diag.StageClientHello, hides: []string{"sni-unrecognized", "wrong-vhost-cert", "connection-reset", "eof-during-handshake", "handshake-timeout"},
		affects: []string{"every client on this path"}}
	deed := map[facts.EndKind]string{facts.EndTimeout: "silently drops", facts.EndReset: "resets", facts.EndClosed: "closes"}[v.base.End.Kind]
	followed, blocked, controls := 0, 0, v.compared(v.base)
	for _, x := range controls {
		switch {
		case x.followed(v.base):
			followed++
			m.see(attempts(x.name...), "the name %s meets the same at %s, a server that has nothing to do with it: %s", name, x.Name, endText(x.name[0]))
			m.see(attempts(x.own...), "%s itself answers on the same path", x.Name)
		case x.blocked(v.base):
			blocked++
			m.see(attempts(x.own...), "the same at %s, another server, with its own name: %s", x.Name, endText(x.own[0]))
		}
	}
	f := v.flipOf(facts.PropSNI)
	if f == nil && v.walked().Before() && len(v.flips) > 0 {
		return nil // another property decides, and says so
	}
	switch {
	case v.walked().Before():
		m.summary = fmt.Sprintf("something on the path %s TLS connections", deed)
		if name != "" && f != nil || followed > 0 {
			m.summary = fmt.Sprintf("something on the path %s connections that name %s", deed, name)
		}
		m.see("--locate", "%s", v.whereItEnds())
	case followed > 0:
		m.summary = fmt.Sprintf("something on the path %s connections that name %s", deed, name)
		if f != nil {
			m.see(attempts(f.to), "works at %s with the same hello %s", v.addrs[0], v.describe(f))
		}
	case f != nil && name != "" && tooFast(f):
		m.summary = fmt.Sprintf("something on the path %s connections that name %s", deed, name)
		m.see(attempts(append(f.again, f.from)...), "the reset came %s after the ClientHello, while a round trip to the server takes %s: the server had not seen it", short(f.from.End.After), short(f.from.Connect))
		m.see(attempts(f.to), "works at %s with the same hello %s", v.addrs[0], v.describe(f))
	case blocked > 0 && blocked == len(controls) && len(v.flips) == 0:
		m.summary = fmt.Sprintf("something on the path %s TLS connections, to unrelated servers too", deed)
		if m.confidence = diag.Likely; blocked > 1 {
			m.confidence = diag.Strong
		}
		if a := v.runsDry(); a != nil {
			m.summary = "connections stall on the path after some bytes, to unrelated servers too"
			m.see(attempts(a), "in small segments the same hello is answered, then silence: %d bytes had come", a.BytesReceived)
		}
	default:
		return nil
	}
	m.see(attempts(v.dials()...), "%s, %s after the ClientHello left", endText(v.base), short(v.base.End.After))
	if v.walked().Before() {
		return m
	}
	m.not = []string{"where it stands: on this machine, in this network or further on; a run from another network tells"}
	return m
}

// walked is what --locate found of the group's first address, nil for nothing.
func (v *view) walked() *facts.Walk {
	if w := v.c.Walk; w != nil && len(v.addrs) > 0 && w.Address == v.addrs[0] {
		return w
	}
	return nil
}

// whereItEnds says it in words.
func (v *view) whereItEnds() string {
	w := v.walked()
	s := fmt.Sprintf("with a hop limit of %d the hello meets the same, while the server answers others only from a limit of %d on: it happens before the server", w.Ends, w.Answers)
	if w.Last > 0 {
		s += fmt.Sprintf("; with a limit of %d it expires on the way like any other, so it happens between hop %d and hop %d", w.Last, w.Last, w.Ends)
	}
	return s
}

// farAway is a connect time below which a comparison with it says nothing.
const farAway = 5 * time.Millisecond

// tooFast tells whether the resets of a flip came each time in well under the
// time that a packet takes to the server and back.
func tooFast(f *flip) bool {
	if f.from.End.Kind != facts.EndReset || len(f.again) == 0 {
		return false
	}
	trip := f.to.Connect
	for _, a := range append([]*facts.Attempt{f.from}, f.again...) {
		trip = min(trip, a.Connect)
	}
	for _, a := range append([]*facts.Attempt{f.from}, f.again...) {
		if trip < farAway || a.End.Kind != facts.EndReset || a.End.After > trip/2 {
			return false
		}
	}
	return true
}
