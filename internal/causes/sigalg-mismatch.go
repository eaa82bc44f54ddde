package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "sigalg-mismatch", rank: rankNegotiation, match: func(v *view) *match {
	f := v.flipOf(facts.PropSchemes)
	if f == nil {
		if m := v.unfitKey(); m != nil {
			return m
		}
		if m := v.unfit13(facts.PropSchemes); m != nil {
			return m
		}
		return v.browserWarning(facts.PropSchemes)
	}
	if f.has(facts.PropVersion) && offered(f.from).MaxVersion() < tlswire.TLS12 {
		return nil // before TLS 1.2 a client cannot name schemes: an effect of the version
	}
	if v.unlisted(f) != nil {
		return nil // weak-key-or-digest
	}
	m := v.flipped(f, facts.PropSchemes)
	m.summary = v.client() + " accepts none of the signature schemes that the server is ready to make"
	if s := f.to.KeyProof.Scheme; s != 0 {
		m.see(attempts(f.to), "the server then signs with %s; %s offers %s", s, v.client(), list(offered(f.from).SignatureSchemes(), 6))
		lacking(m, f.to, s, offered(f.from).SignatureSchemes(), (*tlswire.ClientHello).SignatureSchemes, schemeKind(f.to.Version, s))
		m.params = func(p *FixParams) { p.Schemes = []string{s.String()} }
	}
	return m
}})

// unlisted is the certificate that the server holds back because the hello lists
// no scheme for the SHA-1 signature on it: the scheme of the handshake itself
// was offered all along. OpenSSL looks at that (RFC 8446, Section 4.4.2.2).
func (v *view) unlisted(f *flip) *chain.Certificate {
	leaf := v.leaf()
	if f == nil || leaf == nil || !strings.Contains(leaf.SignatureAlgorithm.Name, "SHA1") {
		return nil
	}
	if !slices.Contains(offered(f.from).SignatureSchemes(), f.to.KeyProof.Scheme) {
		return nil
	}
	return leaf
}

// unfitKey finds a client certificate that was not presented because the server
// takes no signature that its key can make.
func (v *view) unfitKey() *match {
	r, own := v.refused(), v.identity()
	if r == nil || own == nil || r.a.IdentitySent || r.a.Request == nil {
		return nil
	}
	m := &match{confidence: diag.Strong, stage: diag.StageClientAuth, summary: fmt.Sprintf("the server takes no signature that the key of your client certificate (%s) can make", own.Key),
		fixes: []FixRef{{"client", "issue-client-cert"}, {"server", "common-schemes"}}}
	m.see(attempts(r.a)+", CertificateRequest", "the server takes %s", list(r.a.Request.Schemes, 6))
	return m.see(attempts(r.a), "%s", r.text)
}
