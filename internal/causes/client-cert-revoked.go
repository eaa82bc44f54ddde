package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "client-cert-revoked", rank: rankClientAuth, match: func(v *view) *match {
	r := v.presented()
	if r == nil || r.none() {
		return nil
	}
	m := &match{summary: "your client certificate is revoked", hides: []string{"client-cert-untrusted", "access-denied"}}
	m.params = func(p *FixParams) { p.certificate(v.identity()) }
	for _, st := range v.ownStatements() {
		if st.revokes() {
			m.confidence = diag.Strong
			m.seeRevoked(&st, "your certificate "+v.identity().Title())
			m.params = func(p *FixParams) { p.revocation(&st) }
			break
		}
	}
	said := r.alert == tlswire.AlertCertificateRevoked
	switch {
	case said && m.confidence != "":
		m.confidence = diag.Proven
	case said:
		m.confidence, m.summary = diag.Strong, "the server says that your client certificate is revoked"
	case m.confidence == "":
		return nil
	}
	m.see(attempts(r.a), "%s", r.text)
	return m.seeAuthorities(r)
}})
