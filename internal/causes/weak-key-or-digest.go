package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "weak-key-or-digest", rank: rankStrength, match: func(v *view) *match {
	if f := v.flipOf(facts.PropSchemes); v.unlisted(f) != nil {
		leaf := v.unlisted(f)
		m := v.flipped(f, facts.PropSchemes)
		m.summary = fmt.Sprintf("the server's certificate is signed with SHA-1 (%s), for which %s lists no scheme: the server does not send it", leaf.SignatureAlgorithm.Name, v.client())
		m.see(attempts(f.to), "then the handshake is signed with %s, which %s offers as well: it is the signature on the certificate that lacks a scheme", f.to.KeyProof.Scheme, v.client())
		m.params = func(p *FixParams) { p.certificate(leaf) }
		return m
	}
	ps := v.problems(chain.KindWeakKey, chain.KindWeakDigest)
	if len(ps) == 0 {
		return v.weakIdentity()
	}
	m := &match{confidence: diag.Proven, summary: ps[0].Detail}
	m.weak(ps[0])
	for _, p := range ps {
		m.see(v.where(p.Element), "%s", p.Detail)
	}
	m.params = func(fp *FixParams) { fp.certificate(ps[0].Cert) }
	return m
}})

// weak says which families refuse it, as measured where it was.
func (m *match) weak(p chain.Problem) {
	switch {
	case p.Kind == chain.KindWeakKey && p.Bits == 1024:
		m.judged("rsa1024")
	case p.Kind == chain.KindWeakDigest && strings.Contains(p.Algorithm, "SHA1"):
		m.judged("sha1")
	default:
		m.affects = []string{"every client of today"}
	}
}

// weakIdentity finds a client certificate whose key a server at OpenSSL's
// security level 2 refuses.
func (v *view) weakIdentity() *match {
	r, own := v.presented(), v.identity()
	if r == nil || own.Key.Algorithm != chain.KeyRSA || own.Key.Bits >= 2048 {
		return nil
	}
	switch r.alert {
	case tlswire.AlertUnknownCA, tlswire.AlertCertificateExpired, tlswire.AlertCertificateRevoked:
		return nil
	}
	m := &match{confidence: diag.Likely, stage: diag.StageClientAuth, summary: fmt.Sprintf("the server refuses your client certificate, whose key has only %d bits", own.Key.Bits),
		hides: []string{"client-cert-untrusted"}, fixes: []FixRef{{"client", "issue-client-cert"}}, not: []string{"the server does not trust its issuer"}}
	m.see(v.c.Want.IdentityCertFile, "%s: %s; OpenSSL's security level 2 wants 2048 bits", own.Title(), own.Key)
	return m.see(attempts(r.a), "%s", r.text)
}
