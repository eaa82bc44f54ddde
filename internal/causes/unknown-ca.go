package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "unknown-ca", rank: rankTrust, match: func(v *view) *match {
	p := v.problem(chain.KindUnknownIssuer)
	if p == nil || v.missing() != nil {
		return nil
	}
	m := &match{confidence: diag.Proven, affects: []string{"every client that does not have this CA in its store"}}
	issuer := p.Cert.Issuer
	m.summary = fmt.Sprintf("the certificate comes from a CA that your client does not trust: %s", orElse(issuer.CN(), issuer.String()))
	if p.RootSent {
		m.see(v.where(p.Element), "the chain ends in the root %s, which the server sent itself", p.Cert.Title())
	} else {
		m.confidence = diag.Strong
		m.not = []string{"an intermediate of a known CA that the server does not send: nothing in the certificate says where to fetch it"}
		m.see(v.where(p.Element), "issued by %s, which was not sent", issuer)
		for _, f := range v.c.Fetches {
			if f.Err != "" {
				m.see(f.URL, "fetching the issuer failed: %s", f.Err)
			}
		}
	}
	m.params = func(fp *FixParams) { fp.certificate(p.Cert) }
	return v.inStores(m.see(v.c.Want.AnchorsFrom, "no trust anchor of that name and key"), true)
}})

// missing is the intermediate that would complete the chain to an anchor, nil
// when nothing says that there is one.
func (v *view) missing() *chain.Missing {
	if p := v.problem(chain.KindIncomplete); p != nil && p.Missing != nil {
		return p.Missing
	}
	if p := v.problem(chain.KindUnknownIssuer); p != nil && p.Missing != nil && p.Missing.Likely >= chain.LikelihoodLikely {
		return p.Missing
	}
	return nil
}

func orElse(s, other string) string {
	if s != "" {
		return s
	}
	return other
}
