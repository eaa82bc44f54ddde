package causes

import (
	"fmt"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "expires-soon", rank: rankDates, match: func(v *view) *match {
	if v.analysis == nil || !v.analysis.Valid {
		return nil
	}
	for i, e := range v.path().Elements {
		life, left := e.Cert.Lifetime(), e.Cert.NotAfter.Sub(v.c.At)
		if e.Source == chain.SourceAnchor || life == 0 || left > min(life/4, 30*24*time.Hour) {
			continue
		}
		m := &match{severity: diag.SeverityWarning, confidence: diag.Proven, affects: []string{"every client that checks certificates, from then on"}}
		m.summary = fmt.Sprintf("%s expires in %s", v.element(i), ago(left))
		if i == 0 {
			m.see("dates", "a third of its life was left on %s: check the renewal", renewalDue(e.Cert).Format("2006-01-02"))
		}
		m.params = func(fp *FixParams) { fp.certificate(e.Cert); fp.ACME = acme(e.Cert); fp.DueSince = renewalDue(e.Cert) }
		return m.see(v.where(i), "notAfter is %s", day(e.Cert.NotAfter))
	}
	return nil
}})
