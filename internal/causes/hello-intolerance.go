package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "hello-intolerance", rank: rankVersion, match: func(v *view) *match {
	if f := v.flipOf(facts.PropShape); f != nil && f.to.SSL2 == nil && (f.helpsShape("classic,padded") || !f.helpsShape("classic") && !f.helps(facts.PropVersion)) {
		m := v.flipped(f, facts.PropShape)
		m.summary = "the server breaks on something in the ClientHello that it should ignore"
		if f.helpsShape("classic,padded") {
			m.summary = "the server breaks on the post-quantum key share in the ClientHello"
		}
		m.not = []string{"a box on the path: the same run from another network tells"}
		return m
	}
	if v.base == nil || !completed(v.base) {
		return nil
	}
	for _, a := range v.at(facts.Changes{Shape: "browser"}) {
		if progress(a) >= progress(v.base) || a.End.Kind == facts.EndCanceled || a.End.Stage.Rank() > diag.StageClientHello.Rank() {
			continue
		}
		m := &match{severity: diag.SeverityWarning, confidence: diag.Likely, summary: "a browser's ClientHello (GREASE, its own order) fails here", affects: []string{"Chrome, Edge and other browsers that send GREASE"}}
		m.see(attempts(a), "a hello like Chrome's ends with: %s", endText(a))
		return m.see(attempts(v.base), "%s completes the handshake", v.client())
	}
	return nil
}})
