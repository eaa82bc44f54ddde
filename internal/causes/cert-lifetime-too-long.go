package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "cert-lifetime-too-long", rank: rankStrength, match: func(v *view) *match {
	ps := v.problems(chain.KindLifetime)
	if len(ps) == 0 {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: ps[0].Detail, affects: []string{"Apple and Chromium clients"}}
	for _, p := range ps {
		m.see(v.where(p.Element), "%s", p.Detail)
	}
	m.params = func(fp *FixParams) { fp.certificate(ps[0].Cert) }
	return m
}})
