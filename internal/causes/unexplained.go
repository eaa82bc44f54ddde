package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "unexplained", rank: rankResidual + 1, residual: true, match: func(v *view) *match {
	a := v.deep
	if a == nil || v.disliked() || renegotiates(a) {
		return nil
	}
	if m := v.mutism(); m != nil {
		return m
	}
	switch a.End.Kind {
	case facts.EndReset, facts.EndTimeout, facts.EndClosed, facts.EndCanceled, facts.EndStopped, facts.EndUnknown:
		return nil // these have rules of their own
	}
	if completed(a) || closeNotify(a) || cutShort(a) || a.End.Stage == diag.StageApplication && a.End.Kind != facts.EndAlert {
		return nil
	}
	m := &match{confidence: diag.Possible, summary: "the handshake fails, and nothing that was tried explains it: " + endText(a)}
	return m.see(v.everyTry(), "%s%s", endText(a), behind(a))
}})

// disliked tells whether the handshake stands and only our request made the
// server hang up.
func (v *view) disliked() bool {
	q := v.quiet()
	return q != nil && completed(q)
}

// mutism warns of a server whose TLS works and that then closes without any
// answer to HTTP, where the user said that it speaks HTTP.
func (v *view) mutism() *match {
	a := v.base
	if a == nil || a.Of.Kind != facts.Handshake || v.c.Want.Guessed || v.c.Want.Protocol != "https" || !completed(a) && !v.disliked() || a.HTTP != nil {
		return nil
	}
	switch a.End.Kind {
	case facts.EndClosed, facts.EndReset, facts.EndAlert:
	default:
		return nil
	}
	m := &match{severity: diag.SeverityWarning, confidence: diag.Strong, stage: diag.StageApplication,
		summary: "TLS works; what is behind it closes the connection without an answer to the request",
		not:     []string{"a balancer or tunnel without a live backend", "a service that does not speak HTTP"},
		fixes:   []FixRef{{"server", "restart-or-scale"}, {"server", "check-server-log"}}}
	return m.see(attempts(a), "both Finished have passed, then: %s", endText(a))
}
