package causes

import (
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "client-cert-bad-purpose", rank: rankClientAuth, match: func(v *view) *match {
	r := v.presented()
	if r == nil {
		return nil
	}
	own := v.identity()
	m := &match{confidence: diag.Strong, summary: "the server refuses your client certificate: wrong purpose", hides: []string{"client-cert-untrusted", "access-denied"}}
	m.params = func(p *FixParams) { p.certificate(own) }
	switch eku := own.ExtKeyUsage; {
	case eku != nil && !slices.Contains(eku, chain.EKUClientAuth) && !slices.Contains(eku, chain.EKUAny):
		var names []string
		for _, oid := range eku {
			names = append(names, chain.EKUName(oid))
		}
		m.see(v.c.Want.IdentityCertFile, "its extended key usage is %s, without clientAuth", join(names))
	case own.HasKeyUsage && own.KeyUsage&chain.KeyUsageDigitalSignature == 0:
		m.see(v.c.Want.IdentityCertFile, "its key usage is %s, without digitalSignature", own.KeyUsage)
	default:
		return nil
	}
	return m.see(attempts(r.a), "%s", r.text)
}})
