package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "hello-retry-failure", rank: rankVersion, match: func(v *view) *match {
	if f := v.flipOf(facts.PropShares); f != nil {
		m := v.flipped(f, facts.PropShares)
		share, _ := f.from.Retry.KeyShare()
		m.summary = fmt.Sprintf("the server asks for a key share of %s by a HelloRetryRequest and breaks on the second ClientHello that brings it", share.Group)
		m.see(attempts(f.from)+", HelloRetryRequest", "the share is asked for, the second ClientHello has it, then: %s", endText(f.from))
		m.affects = []string{"clients that do not send a share of " + share.Group.String() + " at once; those with TLS 1.2 only are not affected"}
		m.params = func(p *FixParams) { p.Groups = []string{share.Group.String()} }
		m.not = []string{"a box on the path that does not know a second ClientHello: the same run from another network tells"}
		return m
	}
	a := v.deep
	if a == nil || a.Retry == nil {
		return nil
	}
	m := &match{confidence: diag.Proven, stage: diag.StageServerHello}
	for _, x := range a.Violations {
		if x.Kind.OfRetry() {
			m.see(fmt.Sprintf("%s, %s", x.Message, attempts(a)), "%s %s (%s)", x.Message, x.Problem, x.Rule)
		}
	}
	if len(m.evidence) == 0 {
		return nil
	}
	m.summary = "the server breaks the rules of the HelloRetryRequest: " + firstClause(m.evidence[0].Text)
	m.affects = []string{"every strict client of TLS 1.3 that meets the retry; those with TLS 1.2 only are not affected"}
	return m
}})
