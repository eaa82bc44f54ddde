package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "psk-only", rank: rankNegotiation, match: func(v *view) *match {
	if v.deep == nil || !v.stuck || v.deep.End.Kind != facts.EndAlert || v.deep.End.Alert.Description != tlswire.AlertUnknownPSKIdentity {
		return nil
	}
	m := &match{confidence: diag.Likely, summary: "the server takes only pre-shared keys"}
	return m.see(v.everyTry(), "every hello, the widest included, ends with %s", endText(v.deep))
}})
