package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "unexplained", rank: rankResidual + 1, residual: true, match: func(v *view) *match {
	a := v.deep
	if a == nil {
		return nil
	}
	switch a.End.Kind {
	case facts.EndCompleted, facts.EndReset, facts.EndTimeout, facts.EndCanceled:
		if a.End.Kind != facts.EndTimeout || a.End.Stage != diag.StageApplication {
			return nil
		}
		return nil
	case facts.EndClosed, facts.EndStopped, facts.EndUnknown:
		return nil
	}
	if closeNotify(a) || cutShort(a) || a.End.Stage == diag.StageApplication && a.End.Kind != facts.EndAlert {
		return nil
	}
	m := &match{confidence: diag.Possible, summary: "the handshake fails, and nothing that was tried explains it: " + endText(a)}
	return m.see(v.everyTry(), "%s%s", endText(a), behind(a))
}})
