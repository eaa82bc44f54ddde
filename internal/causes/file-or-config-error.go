package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
)

var _ = register(rule{id: "file-or-config-error", rank: rankLocal, match: func(v *view) *match {
	if m := v.misconfigured(); m != nil {
		return m
	}
	l := v.c.Want.Local
	if l == nil || len(v.addrs) > 0 {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: fmt.Sprintf("the %s %s cannot be used: %s", l.Role, l.File, l.Problem)}
	if l.Ours {
		m.severity = diag.SeverityInfo
	}
	m.params = func(p *FixParams) { p.Words = l.Problem }
	return m.see(l.File, "%s", l.Problem)
}})
