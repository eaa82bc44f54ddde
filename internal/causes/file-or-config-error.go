package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "file-or-config-error", rank: rankLocal, match: func(v *view) *match {
	if m := v.misconfigured(); m != nil {
		return m
	}
	l := v.c.Want.Local
	if l != nil && v.deep != nil && v.deep.Of.Kind == facts.OnFile {
		m := &match{confidence: diag.Proven, severity: diag.SeverityWarning, affects: []string{"servers and programs that use OpenSSL: nginx, Apache, HAProxy, Postfix and others"},
			summary: "OpenSSL cannot read the file as it is: " + l.Problem}
		m.params = func(p *FixParams) {
			p.Words, p.CertFile = l.Problem, l.File
			p.Mend, p.MendCommand, _ = strings.Cut(l.Mend, ": ")
		}
		return m.see(l.File, "%s", l.Problem)
	}
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
