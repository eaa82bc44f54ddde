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
