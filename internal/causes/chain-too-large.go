package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "chain-too-large", rank: rankStrength, match: func(v *view) *match {
	ps := v.problems(chain.KindTooManyCerts)
	if len(ps) == 0 {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: fmt.Sprintf("the server sends more certificates than clients accept: %s", ps[0].Detail), affects: []string{"OpenSSL, Java"}}
	for _, p := range ps {
		m.see(v.where(p.Element), "%s: %s", v.element(p.Element), p.Detail)
	}
	m.params = func(fp *FixParams) { fp.certificate(ps[0].Cert) }
	return m
}})
