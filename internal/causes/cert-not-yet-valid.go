package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "cert-not-yet-valid", rank: rankDates, match: func(v *view) *match {
	p := v.problem(chain.KindNotYetValid)
	if p == nil {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: fmt.Sprintf("%s becomes valid only in %s", v.element(p.Element), ago(p.Cert.NotBefore.Sub(v.c.At)))}
	m.not = []string{"the clock of this machine is wrong"}
	m.affects = []string{"every client that checks certificates"}
	m.params = func(fp *FixParams) { fp.certificate(p.Cert) }
	return m.see(v.where(p.Element), "notBefore is %s, the judged time is %s", day(p.Cert.NotBefore), day(v.c.At))
}})
