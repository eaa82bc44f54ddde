package causes

import (
	"fmt"
	"net/http"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// The order in time is what tells a limit from a broken machine among several:
// first all connections work, then none. No property of a hello is to blame for
// what failed meanwhile.
var _ = register(rule{id: "rate-limited", rank: rankApplication, wants: func(v *view) []facts.Experiment {
	l := v.shut()
	switch {
	case l == nil:
		return nil
	case len(l.failed) < 2:
		return v.again(1)
	}
	return []facts.Experiment{{Address: v.addrs[0], What: facts.Later}}
}, match: func(v *view) *match {
	m := &match{severity: diag.SeverityWarning, stage: diag.StageConnect, affects: []string{"whoever makes several connections in a short time: monitors, scanners, many users behind one address"}}
	if a := v.tooMany(); a != nil {
		m.confidence, m.stage, m.summary = diag.Proven, diag.StageApplication, "the handshake works; the server answers HTTP 429 Too Many Requests"
		if after := a.HTTP.Header.Get("Retry-After"); after != "" {
			m.see(attempts(a), "Retry-After: %s", quoted([]byte(after)))
		}
		return m.see(attempts(a), "HTTP 429")
	}
	l := v.shut()
	if l == nil || len(l.failed) < 2 {
		return nil
	}
	m.summary = fmt.Sprintf("after %s the server stops: %s", count(l.worked, "connection"), endText(l.failed[0]))
	m.not = []string{"the server broke down or was restarted at this moment", "one of several servers behind the address is broken"}
	m.see(attempts(l.first), "your own hello: %s", endText(l.first))
	m.see(attempts(l.failed...), "the same later: %s", endText(l.failed[0]))
	switch {
	case l.later == nil:
		m.confidence = diag.Possible
	case snapped(l.later):
		m.confidence = diag.Likely
		m.see(attempts(l.later), "and after a pause: %s", endText(l.later))
	default:
		m.confidence = diag.Strong
		m.see(attempts(l.later), "after a pause it is as at first: %s", endText(l.later))
	}
	return m
}})

// limit is an address that answered and then no longer did.
type limit struct {
	first  *facts.Attempt
	failed []*facts.Attempt // the user's own hello, later
	later  *facts.Attempt   // after a pause, nil before it was tried
	worked int              // connections of all kinds that were answered
}

// shut reads that from the order of the connections with the user's own hello:
// the first ones all answered alike, the later ones all cut, and so was what was
// tried in between.
func (v *view) shut() *limit {
	l := &limit{}
	for _, a := range v.dials() {
		switch {
		case a.Of.What == facts.Later:
			l.later = a
		case snapped(a):
			l.failed = append(l.failed, a)
		case l.first == nil:
			l.first = a
		case len(l.failed) > 0 || fate(a) != fate(l.first):
			return nil
		}
	}
	if l.first == nil || len(l.failed) == 0 || l.failed[0].N < l.first.N {
		return nil
	}
	for _, a := range v.tries {
		if a.Alone && !snapped(a) && a.N > l.failed[0].N && a != l.later {
			return nil // it was answered in between
		}
		if !snapped(a) && (l.later == nil || a.N < l.later.N) {
			l.worked++
		}
	}
	return l
}

// again asks for the user's own hello n times more, whatever was asked before.
func (v *view) again(n int) (ask []facts.Experiment) {
	e := v.own()
	for _, a := range v.dials() {
		e.Repeat = max(e.Repeat, a.Of.Repeat)
	}
	for range n {
		e.Repeat++
		ask = append(ask, e)
	}
	return v.ask(ask...)
}

// tooMany is an answer that says so in HTTP.
func (v *view) tooMany() *facts.Attempt {
	for _, a := range v.tries {
		if a.HTTP != nil && a.HTTP.Status == http.StatusTooManyRequests {
			return a
		}
	}
	return nil
}

// silenced tells whether a server that answered the first hello by an alert cut
// the latest experiments: then they prove nothing until the first is made again.
func (v *view) silenced() bool {
	const enough = 3
	if !v.stuck || v.base.End.Kind != facts.EndAlert || len(v.tries) <= enough {
		return false
	}
	for _, a := range v.tries[len(v.tries)-enough:] {
		if !snapped(a) {
			return false
		}
	}
	return true
}
