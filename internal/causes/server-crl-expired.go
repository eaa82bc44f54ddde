package causes

import (
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "server-crl-expired", rank: rankClientAuth, wants: func(v *view) []facts.Experiment { return v.askOwn() },
	match: func(v *view) *match {
		if m := v.staleOwnLists(); m != nil {
			return m
		}
		r := v.presented()
		if r == nil || r.none() || v.ownFault() || r.alert == tlswire.AlertCertificateRevoked || r.alert == tlswire.AlertAccessDenied {
			return nil
		}
		yes, known := accepts(r.a.Request, v.c.Want.Identity)
		if known && !yes {
			return nil
		}
		m := &match{summary: "the server refuses your client certificate, which is in order: the server's own revocation list is out of date or missing",
			hides: []string{"client-cert-untrusted", "client-cert-expired"}, affects: []string{"every client with a certificate of this CA"}}
		m.params = func(p *FixParams) { p.certificate(v.identity()) }
		good, stale := false, false
		for _, st := range v.ownStatements() {
			switch {
			case st.revokes():
				return nil
			case st.err == "" && st.Flaw == chain.FlawStale:
				stale = true
				m.see(st.where, "%s, by which servers judge your certificate, is itself out of date since %s", st.source, day(st.NextUpdate))
			case st.answers():
				good = true
				m.see(st.where, "%s does not revoke your certificate", st.source)
			}
		}
		expired := r.alert == tlswire.AlertCertificateExpired
		switch {
		case expired && stale:
			m.confidence = diag.Strong
		case expired, stale:
			m.confidence = diag.Likely
			m.not = []string{caExpired, "the server's clock is wrong"}
			if !stale {
				m.summary = "the server refuses your client certificate, which is in order: its own revocation list, or the CA certificate that it trusts, is out of date"
			}
		case r.http == sslError && yes && good:
			m.confidence = diag.Likely
			m.not = []string{"the server trusts another CA of the same name"}
		case r.http == sslError && yes:
			m.confidence, m.summary = diag.Possible, faultless
			m.not = []string{"your certificate is revoked (client-cert-revoked)", "the server trusts another CA of the same name", caExpired}
		case r.alert == tlswire.AlertCertificateUnknown && yes: // Apache
			m.confidence, m.summary = diag.Possible, faultless
			m.not = []string{"a policy of the server that allows only certain certificates of this CA"}
		default:
			return nil
		}
		own := v.identity()
		m.see(v.c.Want.IdentityCertFile, "%s is valid %s to %s, for clients, and issued by %s", own.Title(), day(own.NotBefore), day(own.NotAfter), own.Issuer)
		m.see(attempts(r.a), "%s", r.text)
		return m.seeAuthorities(r)
	}})

// caExpired looks like a stale list from outside.
const caExpired = "the CA certificate that the server trusts has expired: openssl x509 -noout -enddate shows it"

// faultless is the summary where nothing says why.
const faultless = "the server refuses your client certificate, in which no fault is to be seen: the server's own revocation list may be out of date or missing"

// sslError is nginx's answer to every client certificate that does not verify,
// for whatever reason.
const sslError = "the ssl certificate error"

// ownFault tells whether the client's own chain shows why it would be refused:
// dates, purpose, weak digests or keys, a chain that is longer than servers
// follow by default.
func (v *view) ownFault() bool {
	own := v.c.Want.Identity
	leaf := v.identity()
	if eku := leaf.ExtKeyUsage; eku != nil && !slices.Contains(eku, chain.EKUClientAuth) && !slices.Contains(eku, chain.EKUAny) ||
		leaf.HasKeyUsage && leaf.KeyUsage&chain.KeyUsageDigitalSignature == 0 || len(leaf.Malformed) > 0 || len(leaf.UnknownCritical) > 0 {
		return true
	}
	intermediates := 0
	for i, c := range own {
		if i > 0 && !c.SelfIssued() {
			intermediates++
		}
		weak := c.SignatureAlgorithm.Hash == "SHA1" || c.SignatureAlgorithm.Hash == "MD5"
		if v.c.At.After(c.NotAfter) || v.c.At.Before(c.NotBefore) || weak && !c.SelfIssued() || c.Key.Algorithm == chain.KeyRSA && c.Key.Bits < 2048 {
			return true
		}
		if i > 0 && (!own[i-1].Issuer.Equal(c.Subject) || chain.CheckSignature(own[i-1], c).Outcome == chain.Invalid) {
			return true
		}
	}
	return intermediates > 1
}
