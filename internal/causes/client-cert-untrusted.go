package causes

import (
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "client-cert-untrusted", rank: rankClientAuth, match: func(v *view) *match {
	if m := v.uselessAuthorities(); m != nil {
		return m
	}
	r := v.presented()
	if r == nil || r.none() || r.alert == tlswire.AlertInternalError {
		return nil
	}
	own := v.c.Want.Identity
	m := &match{confidence: diag.Likely, summary: fmt.Sprintf("the server does not trust the issuer of your client certificate, %s", own[len(own)-1].Issuer.CN())}
	m.params = func(p *FixParams) { p.certificate(own[0]) }
	yes, known := accepts(r.a.Request, own)
	if r.alert == tlswire.AlertAccessDenied {
		if yes && !gnutls(r.a.Request) {
			return nil // access-denied
		}
		m.hides = []string{"access-denied"} // GnuTLS says so of any certificate that does not verify
	}
	switch {
	case known && !yes && r.alert == tlswire.AlertUnknownCA:
		m.confidence = diag.Proven
		if top := own[len(own)-1]; !top.SelfIssued() {
			m.confidence = diag.Strong
			m.not = []string{fmt.Sprintf("%s may be an intermediate below an issuer that the server takes, missing in your file", top.Issuer.CN())}
		}
	case r.alert == tlswire.AlertUnknownCA && yes:
		m.not = []string{"the server has no revocation list of this CA, and demands one (server-crl-expired)", "the server follows shorter chains only"}
	case r.alert == tlswire.AlertUnknownCA, known && !yes:
		m.confidence = diag.Strong
	case r.alert == tlswire.AlertAccessDenied:
		m.not = []string{"a policy of the server that refuses this very certificate (access-denied)"}
	default:
		m.summary = "the server refuses your client certificate"
		m.not = []string{"a policy of the server (access-denied)", "the server allows only certain certificates of this issuer", "the server's own revocation list is out of date", "the certificate is revoked"}
	}
	m.see(v.c.Want.IdentityCertFile, "%s, issued by %s", own[0].Title(), own[len(own)-1].Issuer)
	m.see(attempts(r.a), "%s", r.text)
	return m.seeAuthorities(r)
}})

// gnutls tells whether a CertificateRequest lists its signature schemes in the
// order of GnuTLS, whose servers answer access_denied to every certificate that
// does not verify: a CA of the right name and the wrong key, for one. It is a
// heuristic: a server may set that order by hand.
func gnutls(r *tlswire.CertificateRequest) bool {
	order := []tlswire.SignatureScheme{tlswire.SchemeRSAPKCS1SHA256, tlswire.SchemeRSAPSSPSSSHA256, tlswire.SchemeRSAPSSRSAESHA256, tlswire.SchemeECDSAP256SHA256}
	return r != nil && len(r.Schemes) > len(order) && slices.Equal(r.Schemes[:len(order)], order)
}
