package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "access-denied", rank: rankNegotiation, match: func(v *view) *match {
	if v.deep == nil || v.unexplained(v.deep) && !v.stuck || v.deep.End.Kind != facts.EndAlert || v.deep.End.Alert.Description != tlswire.AlertAccessDenied {
		return nil
	}
	m := &match{confidence: diag.Likely, summary: "the server refuses this client by policy"}
	return m.see(v.everyTry(), "%s%s", endText(v.deep), behind(v.deep))
}})
