package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "self-signed", rank: rankTrust, match: func(v *view) *match {
	p := v.problem(chain.KindSelfSigned)
	if p == nil {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: "the certificate is self-signed, and your client does not trust it", affects: []string{"every client to which it was not given as trusted"}}
	m.see(v.where(0), "%s signed itself (signature checked)", p.Cert.Title())
	m.params = func(fp *FixParams) { fp.certificate(p.Cert) }
	return v.inStores(m.see(v.c.Want.AnchorsFrom, "it is not among the trust anchors"), false)
}})
