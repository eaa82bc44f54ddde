package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// A session that the server does not know again is no fault: a full handshake
// follows. Only one that ends the connection is, and only while hellos without
// it still work.
var _ = register(rule{id: "resumption-broken", rank: rankApplication, match: func(v *view) *match {
	failed, again := v.resumed()
	if len(failed) == 0 || again == nil || v.contradicted() {
		return nil
	}
	a := failed[0]
	if t := v.resumptionTrial(a); t.chance || t.need.bits > 0 && !t.holds() {
		return nil // another machine may have answered
	}
	m := &match{severity: diag.SeverityWarning, confidence: diag.Strong, stage: a.End.Stage,
		summary: fmt.Sprintf("the first connection works, one that resumes its session (%s) fails: %s", a.Session.Offered, endText(a)),
		affects: []string{"clients that resume sessions: browsers, Java, .NET, curl and Python within one program"}}
	if resumes(v.c.Want.Client.Name) && !v.c.Want.Client.Reference {
		m.severity = diag.SeverityFailure
		m.summary = fmt.Sprintf("the second connection of %s fails: it resumes the session of the first (%s), and then: %s", v.client(), a.Session.Offered, endText(a))
	}
	if len(failed) > 1 {
		m.confidence = diag.Proven
	}
	m.see(attempts(v.base), "the full handshake completes and leaves a session (%s)", v.base.Session.Left)
	what := "the hello with this session ends with: %s"
	if a.Session.Resumed {
		what = "the server takes the session up, and then: %s"
	}
	if a.Session.Resumed && a.End.Kind == facts.EndLocal {
		m.summary = fmt.Sprintf("the first connection works, one that resumes its session (%s) does not: the server takes it up with other keys than those of the session", a.Session.Offered)
	}
	m.see(attempts(failed...), what, endText(a))
	m.see(attempts(again), "the same hello without a session still works afterwards")
	return m
}})

// resumption asks to resume the session of the first connection: at the same
// address, and at another of the name.
func (v *view) resumption() []facts.Experiment {
	if v.base.Session.Left == "" || v.c.Want.StartTLS != "" && v.base.End.Kind != facts.EndCompleted {
		return nil
	}
	ask := []facts.Experiment{{Address: v.addrs[0], What: facts.Resume, Session: v.addrs[0]}}
	if len(v.addrs) > 1 {
		ask = append(ask, facts.Experiment{Address: v.addrs[1], What: facts.Resume, Session: v.addrs[0]})
	}
	if failed, _ := v.resumed(); len(failed) > 0 {
		return append(ask, v.resumptionTrial(failed[0]).next()...)
	}
	return ask
}

// resumptionTrial weighs a resumption that failed against the hello without a
// session.
func (v *view) resumptionTrial(failed *facts.Attempt) *trial {
	if failed.Address != v.first() {
		v = newView(v.c, []string{failed.Address})
	}
	return v.trial(failed, v.base)
}

// resumed returns the attempts at one address that offered a session and
// failed, and the own hello that worked after the first of them.
func (v *view) resumed() (failed []*facts.Attempt, again *facts.Attempt) {
	for _, a := range v.c.Attempts {
		if a.Of.What != facts.Resume || a.Of.Session != v.first() || a.Session.Offered == "" || works(a) || unreached(a) {
			continue
		}
		if len(failed) == 0 || failed[0].Address == a.Address {
			failed = append(failed, a)
		}
	}
	if len(failed) == 0 {
		return nil, nil
	}
	i := slices.IndexFunc(v.c.Attempts, func(a *facts.Attempt) bool {
		return a.Address == failed[0].Address && own(a) && a.N > failed[0].N && works(a)
	})
	if i >= 0 {
		again = v.c.Attempts[i]
	}
	return failed, again
}

// first is the address at which the group's experiments run, "" without any.
func (v *view) first() string {
	if len(v.addrs) == 0 {
		return ""
	}
	return v.addrs[0]
}

// own tells whether an attempt made the user's own hello and nothing else.
func own(a *facts.Attempt) bool {
	return a.Of.Kind == facts.Handshake && a.Of.Changes == (facts.Changes{}) && !a.Of.Direct && (a.Of.What == "" || a.Of.What == facts.Later)
}

// unreached tells whether an attempt never came to its hello.
func unreached(a *facts.Attempt) bool {
	return a.End.Kind == facts.EndCanceled || a.End.Stage.Rank() < diag.StageClientHello.Rank()
}

// resumes tells whether a client is one that resumes sessions by itself.
func resumes(client string) bool {
	client = strings.ToLower(client)
	return slices.ContainsFunc([]string{"chrome", "edge", "firefox", "safari", "opera", "ie ", "java", "android", "ios"},
		func(word string) bool { return strings.Contains(client, word) })
}
