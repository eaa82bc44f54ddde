package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "weak-key-or-digest", rank: rankStrength, match: func(v *view) *match {
	ps := v.problems(chain.KindWeakKey, chain.KindWeakDigest)
	if len(ps) == 0 {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: fmt.Sprintf("a key or a signature in the chain is too weak for your client: %s", ps[0].Detail), affects: []string{"OpenSSL at security level 2 and more, browsers; Go and Java 17 accept RSA-1024"}}
	for _, p := range ps {
		m.see(v.where(p.Element), "%s: %s", v.element(p.Element), p.Detail)
	}
	m.params = func(fp *FixParams) { fp.certificate(ps[0].Cert) }
	return m
}})
