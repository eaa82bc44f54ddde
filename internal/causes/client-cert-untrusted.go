package causes

import (
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "client-cert-untrusted", rank: rankClientAuth, match: func(v *view) *match {
	if m := v.uselessAuthorities(); m != nil {
		return m
	}
	r := v.presented()
	if r == nil || r.none() {
		return nil
	}
	own := v.c.Want.Identity
	m := &match{confidence: diag.Likely, summary: fmt.Sprintf("the server does not trust the issuer of your client certificate, %s", own[len(own)-1].Issuer.CN())}
	m.params = func(p *FixParams) { p.certificate(own[0]); p.ClientCAs = clientCAs(own) }
	yes, known := accepts(r.a.Request, own)
	if r.alert == tlswire.AlertInternalError && r.isTLS {
		return v.tooDeep(r, m)
	}
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
		if !known {
			m.not = []string{"your client does not send an intermediate that the server needs (client-cert-incomplete-chain)", "the server has no revocation list of this CA, and demands one (server-crl-expired)"}
		}
	case r.alert == tlswire.AlertAccessDenied:
		m.not = []string{"a policy of the server that refuses this very certificate (access-denied)"}
	default:
		m.summary = "the server refuses your client certificate"
		m.not = []string{"a policy of the server (access-denied)", "the server allows only certain certificates of this issuer", "the server's own revocation list is out of date", "the certificate is revoked"}
		if n := clientCAs(own); n > 2 {
			m.not = append([]string{fmt.Sprintf("the server follows shorter paths than this one of %s (nginx's ssl_verify_depth is 1 by default)", count(n, "CA"))}, m.not...)
		}
	}
	leads := ""
	if top := own[len(own)-1].Issuer; !top.Equal(own[0].Issuer) {
		leads = fmt.Sprintf("; the file's chain leads to %s", top)
	}
	m.see(v.c.Want.IdentityCertFile, "%s, issued by %s%s", own[0].Title(), own[0].Issuer, leads)
	m.see(attempts(r.a), "%s", r.text)
	return m.seeAuthorities(r)
}})

// tooDeep reads internal_error in answer to a client certificate. OpenSSL sends
// it when the server's own check refuses without a reason; Apache's does for
// paths above SSLVerifyDepth, and counts the root, so that the default, 1, lets
// no intermediate pass.
func (v *view) tooDeep(r *refusal, m *match) *match {
	m.summary = "the server's check of your client certificate breaks off with internal_error: what Apache answers when the path to the root is longer than SSLVerifyDepth"
	m.hides, m.affects = []string{"internal-error"}, []string{"every client with a certificate of this CA"}
	m.not = []string{"another policy or a fault in the server's own check: its log says which", "the server trusts no CA for clients at all (Java: an empty trust store)"}
	m.fixes = []FixRef{{"server", "trust-client-ca"}, {"server", "check-server-log"}}
	own := v.c.Want.Identity
	m.see(v.c.Want.IdentityCertFile, "%s, issued by %s: at least %s up to the root", own[0].Title(), own[0].Issuer, count(clientCAs(own), "CA"))
	m.see(attempts(r.a), "%s", r.text)
	return m.seeAuthorities(r)
}

// clientCAs counts the CAs that are known to stand above a client's
// certificate, the root among them.
func clientCAs(own []*chain.Certificate) int {
	n := 1
	for _, c := range own[1:] {
		if !c.SelfIssued() {
			n++
		}
	}
	return n
}

// gnutls tells whether a CertificateRequest lists its signature schemes in the
// order of GnuTLS, whose servers answer access_denied to every certificate that
// does not verify: a CA of the right name and the wrong key, for one. It is a
// heuristic: a server may set that order by hand.
func gnutls(r *tlswire.CertificateRequest) bool {
	order := []tlswire.SignatureScheme{tlswire.SchemeRSAPKCS1SHA256, tlswire.SchemeRSAPSSPSSSHA256, tlswire.SchemeRSAPSSRSAESHA256, tlswire.SchemeECDSAP256SHA256}
	return r != nil && len(r.Schemes) > len(order) && slices.Equal(r.Schemes[:len(order)], order)
}

// VerifyDepth is a depth that lets the client's path pass, with Apache's way of
// counting, which is the strictest.
func (p *FixParams) VerifyDepth() int { return max(2, p.ClientCAs) }
