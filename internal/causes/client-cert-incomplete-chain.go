package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "client-cert-incomplete-chain", rank: rankClientAuth, match: func(v *view) *match {
	r := v.presented()
	if r == nil || r.a.Request == nil {
		return nil
	}
	own := v.c.Want.Identity
	top := own[len(own)-1]
	if yes, known := accepts(r.a.Request, own); yes || !known {
		return nil
	}
	var issuer *chain.Certificate
	for _, c := range slices.Concat(v.c.Want.AtHand, v.c.Want.Anchors, r.a.Chain) {
		if c.Subject.Equal(top.Issuer) && named(r.a.Request, c.Issuer) && chain.CheckSignature(top, c).Outcome == chain.Valid {
			issuer = c
			break
		}
	}
	m := &match{confidence: diag.Strong}
	switch {
	case issuer != nil, !top.AuthorityIssuer.Empty() && named(r.a.Request, top.AuthorityIssuer):
	case related(r.a.Request, top.Issuer):
		m.confidence = diag.Likely
		m.not = []string{"the server does not trust this CA at all (client-cert-untrusted)"}
	default:
		return nil
	}
	m = &match{confidence: m.confidence, not: m.not, summary: fmt.Sprintf("your client sends its certificate without the intermediate %s", top.Issuer.CN()), hides: []string{"client-cert-untrusted", "access-denied"}}
	m.params = func(p *FixParams) {
		p.certificate(top)
		p.MissingSubject = top.Issuer.String()
		if issuer != nil {
			p.MissingPEM = string(issuer.PEM())
		}
	}
	m.see(v.c.Want.IdentityCertFile, "%s, issued by %s", count(len(own), "certificate"), top.Issuer)
	m.see(attempts(r.a), "%s", r.text)
	return m.seeAuthorities(r)
}})

// related tells whether an issuer that the server does not name looks like an
// intermediate of one that it does: of the same organisation, and called so. A
// heuristic on names, hence never more than likely.
func related(r *tlswire.CertificateRequest, issuer chain.DN) bool {
	if issuer.O() == "" || !chain.CalledIntermediate(issuer) {
		return false
	}
	return slices.ContainsFunc(r.CAs, func(der []byte) bool { return strings.EqualFold(chain.ParseDN(der).O(), issuer.O()) })
}
