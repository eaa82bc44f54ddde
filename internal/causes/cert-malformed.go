package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "cert-malformed", rank: rankTrust, match: func(v *view) *match {
	ps := v.problems(chain.KindMalformed, chain.KindUnknownCritical, chain.KindKeyIDMismatch, chain.KindSelfIssued, chain.KindNameEncoding, chain.KindExplicitCurve)
	if len(ps) == 0 {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: fmt.Sprintf("the certificate breaks rules that clients enforce: %s", ps[0].Detail), affects: []string{"every client that enforces it"}}
	for _, p := range ps {
		m.see(v.where(p.Element), "%s: %s", v.element(p.Element), p.Detail)
	}
	m.params = func(fp *FixParams) { fp.certificate(ps[0].Cert) }
	return m
}})
