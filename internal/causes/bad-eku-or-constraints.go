package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "bad-eku-or-constraints", rank: rankConstraints, match: func(v *view) *match {
	ps := v.problems(chain.KindBadEKU, chain.KindBadKeyUsage, chain.KindNotCA, chain.KindPathLength, chain.KindLeafIsCA)
	if len(ps) == 0 {
		return v.caAsLeaf()
	}
	m := &match{confidence: diag.Proven, summary: ps[0].Detail, affects: []string{"clients that enforce it (see the page)"}}
	for _, p := range ps {
		m.see(v.where(p.Element), "%s", p.Detail)
	}
	switch {
	case ps[0].Kind == chain.KindBadKeyUsage && ps[0].Element == 0:
		m.judged("ku")
		if ps[0].Cert.KeyUsage&(chain.KeyUsageDigitalSignature|chain.KeyUsageKeyEncipherment|chain.KeyUsageKeyAgreement) == 0 {
			m.judged("ku-none")
		}
	case ps[0].Kind == chain.KindBadEKU && ps[0].Element == 0:
		m.judged("eku")
	}
	if ps[0].Element > 0 {
		m.fixes = []FixRef{{"server", "reissue-ca"}}
	}
	m.params = func(fp *FixParams) { fp.certificate(ps[0].Cert) }
	return m
}})

// caAsLeaf warns of a server certificate that is marked as a CA.
func (v *view) caAsLeaf() *match {
	if v.analysis == nil || !v.analysis.Valid {
		return nil
	}
	for _, n := range v.path().Notes {
		if n.Kind == chain.KindLeafIsCA {
			m := &match{severity: diag.SeverityWarning, confidence: diag.Proven, summary: "the server's certificate is marked as a CA (CA:true)"}
			return m.judged("leaf-is-ca").see(v.where(0), "%s", n.Detail)
		}
	}
	return nil
}
