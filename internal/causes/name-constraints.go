package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "name-constraints", rank: rankConstraints, match: func(v *view) *match {
	ps := v.problems(chain.KindNameConstraints)
	if len(ps) == 0 {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: ps[0].Detail, affects: []string{"every client that checks certificates"}}
	for _, p := range ps {
		m.see(v.where(p.Element), "%s", p.Detail)
	}
	m.fixes = []FixRef{{"server", "reissue-ca"}, {"client", "use-right-name"}}
	m.params = func(fp *FixParams) { fp.certificate(ps[0].Cert) }
	return m
}})
