package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "connection-reset", rank: rankResidual, residual: true, match: func(v *view) *match {
	if v.deep == nil || v.deep.End.Kind != facts.EndReset {
		return nil
	}
	m := &match{confidence: diag.Likely, summary: "the connection is reset" + behind(v.deep) + ", whatever the hello says",
		not: []string{"a firewall or another box on the path that resets: one run from another network tells"}}
	return m.see(v.everyTry(), "%s, %s after the ClientHello left", endText(v.deep), short(v.deep.End.After))
}})
