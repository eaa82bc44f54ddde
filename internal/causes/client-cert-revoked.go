package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "client-cert-revoked", rank: rankClientAuth, match: func(v *view) *match {
	r := v.presented()
	if r == nil || r.alert != tlswire.AlertCertificateRevoked {
		return nil
	}
	m := &match{confidence: diag.Strong, summary: "the server says that your client certificate is revoked", hides: []string{"client-cert-untrusted", "access-denied"}}
	m.params = func(p *FixParams) { p.certificate(v.identity()) }
	return m.see(attempts(r.a), "%s", r.text)
}})
