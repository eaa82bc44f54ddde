package causes

import (
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "client-cert-required", rank: rankClientAuth, wants: func(v *view) []facts.Experiment {
	if a := v.deep; a == nil || a != v.base || a.Request == nil || a.End.Stage != diag.StageClientAuth || !abrupt(a) || v.c.Want.Protocol != "https" {
		return nil
	}
	return []facts.Experiment{{Address: v.addrs[0], What: facts.Quiet}}
}, match: func(v *view) *match {
	r := v.refused()
	if a := v.deep; r == nil && renegotiates(a) {
		m := &match{confidence: diag.Likely, stage: diag.StageApplication, summary: "the server asks for a new handshake after the request: this path requires a client certificate",
			not: []string{"a server that renegotiates for another reason"}}
		if v.identity() != nil {
			m.severity, m.summary = diag.SeverityWarning, "the server asks for a new handshake after the request, and tlswhy does not renegotiate: whether your certificate is taken was not tested"
		}
		m.see(attempts(a), "HelloRequest after the HTTP request")
		return m.see(attempts(a), "%s", endText(a))
	}
	if a := v.deep; r == nil && wouldAskLater(a) {
		m := &match{confidence: diag.Strong, stage: diag.StageApplication, summary: "this path requires a client certificate, for which the server may not ask after the handshake"}
		if v.identity() != nil {
			m.severity, m.summary = diag.SeverityWarning, m.summary+": whether yours is taken was not tested"
		}
		m.see(attempts(a), "HTTP 403: Cannot perform Post-Handshake Authentication")
		return m.see(attempts(a), "the ClientHello carries no post_handshake_auth, which the server needs to ask for a certificate in TLS 1.3")
	}
	if a := v.deep; r == nil && a != nil && a.Request != nil && !a.IdentitySent && a.HTTP != nil && a.HTTP.Status == 403 {
		m := &match{severity: diag.SeverityWarning, confidence: diag.Possible, summary: "HTTP 403, and the server had asked for a client certificate that your client did not send"}
		return m.see(attempts(a), "CertificateRequest, an empty list in answer, then HTTP 403")
	}
	if r == nil || r.a.IdentitySent || r.http != "" && !r.none() && !strings.Contains(r.http, "client certificate") {
		return nil
	}
	if v.identity() != nil {
		return nil // sigalg-mismatch: there was one, and it could not be presented
	}
	m := &match{confidence: diag.Proven, summary: "the server requires a client certificate, and your client sends none", affects: []string{"every client without a certificate for this server"}}
	switch {
	case r.isTLS && r.alert != tlswire.AlertCertificateRequired && r.a.Request != nil:
		m.see(attempts(r.a)+", CertificateRequest", "the server asks for a certificate, the client answers with an empty list")
		if !slices.Contains([]tlswire.AlertDescription{tlswire.AlertHandshakeFailure, tlswire.AlertBadCertificate, tlswire.AlertNoCertificate, tlswire.AlertCertificateUnknown}, r.alert) {
			m.confidence = diag.Likely
		}
	case !r.isTLS && r.http == "":
		m.confidence = diag.Strong
		m.see(attempts(r.a)+", CertificateRequest", "the server asks for a certificate, the client answers with an empty list")
	}
	m.see(attempts(r.a), "%s", r.text)
	return m.seeAuthorities(r)
}})
