package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "legacy-renegotiation", rank: rankNegotiation, match: func(v *view) *match {
	a := v.deep
	if a == nil || a.ServerHello == nil || a.Version >= tlswire.TLS13 || a.Version == 0 || a.ServerHello.SecureRenegotiation() ||
		!offered(a).RenegotiationInfo() {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: "the server lacks secure renegotiation (RFC 5746), and your client insists on it"}
	if v.c.Want.Client.NoRFC5746 {
		m.severity = diag.SeverityWarning
		m.summary = "the server lacks secure renegotiation (RFC 5746): OpenSSL 3 and all that use it refuse it"
	}
	m.judged("no-rfc5746")
	return m.see(attempts(a)+", ServerHello", "no renegotiation_info extension in the answer, although the ClientHello asked for it")
}})
