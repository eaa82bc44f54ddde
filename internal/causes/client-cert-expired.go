package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "client-cert-expired", rank: rankClientAuth, match: func(v *view) *match {
	r := v.presented()
	if r == nil {
		return nil
	}
	own := v.identity()
	m := &match{confidence: diag.Proven, hides: []string{"client-cert-untrusted", "access-denied"}}
	m.params = func(p *FixParams) { p.certificate(own) }
	switch {
	case own.NotAfter.IsZero(): // it cannot be read
		return nil
	case v.c.At.After(own.NotAfter):
		m.summary = fmt.Sprintf("your client certificate expired %s ago", ago(v.c.At.Sub(own.NotAfter)))
		m.see(v.c.Want.IdentityCertFile, "%s: notAfter %s", own.Title(), day(own.NotAfter))
	case v.c.At.Before(own.NotBefore):
		m.summary = "your client certificate is not valid yet"
		m.fixes = []FixRef{{"client", "start-of-client-cert"}}
		m.see(v.c.Want.IdentityCertFile, "%s: notBefore %s", own.Title(), day(own.NotBefore))
	case v.oldIssuer() != nil:
		c := v.oldIssuer()
		m.summary = fmt.Sprintf("an intermediate in your client certificate's file, %s, is not valid now", c.Title())
		m.see(v.c.Want.IdentityCertFile, "%s: valid %s to %s", c.Title(), day(c.NotBefore), day(c.NotAfter))
		m.params = func(p *FixParams) { p.certificate(c) }
	case r.alert == tlswire.AlertCertificateExpired:
		m.confidence = diag.Likely
		m.summary = "the server says that your client certificate has expired"
		m.not = []string{"the server's clock is wrong", "an intermediate above your certificate has expired"}
	default:
		return nil
	}
	if m.confidence == diag.Proven && r.alert != tlswire.AlertCertificateExpired {
		m.confidence = diag.Strong
	}
	return m.see(attempts(r.a), "%s", r.text)
}})

// oldIssuer is an intermediate of the client's own file that is out of date.
func (v *view) oldIssuer() *chain.Certificate {
	for _, c := range v.c.Want.Identity[1:] {
		if v.c.At.After(c.NotAfter) || v.c.At.Before(c.NotBefore) {
			return c
		}
	}
	return nil
}
