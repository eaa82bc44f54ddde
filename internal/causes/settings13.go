package causes

import (
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// unfit13 finds a server that knows TLS 1.3 and whose own settings leave nothing
// for it: it refuses hellos that offer it, takes the same without it, and there
// makes do with what TLS 1.3 does not have. p is the property whose list is to
// blame: groups where it does without elliptic curves, schemes where it signs in
// the old way. That it knows TLS 1.3 it says by the mark in its random (RFC 8446,
// Section 4.1.3), which tells it from servers that break on the version.
func (v *view) unfit13(p facts.Property) *match {
	f := v.flipOf(facts.PropVersion)
	if f == nil || len(f.props) > 1 || f.from.End.Kind != facts.EndAlert || f.from.End.Alert.Description != tlswire.AlertHandshakeFailure ||
		f.to.Version != tlswire.TLS12 || f.to.ServerHello == nil || f.to.ServerHello.DowngradeSentinel() != tlswire.TLS12 {
		return nil
	}
	suite, scheme := f.to.ServerHello.CipherSuite, f.to.KeyProof.Scheme
	m := v.flipped(f, facts.PropVersion)
	m.confidence = atBest(m.confidence, diag.Likely)
	m.affects = []string{"clients that offer TLS 1.3"}
	m.fixes = []FixRef{{"server", "common-groups"}}
	what := "named group (curve)"
	switch kex := suite.Info().Kex; {
	case kex == tlswire.KexDHE || kex == tlswire.KexRSA:
		if p != facts.PropGroups || !slices.ContainsFunc(offered(f.to).CipherSuites, func(s tlswire.CipherSuite) bool { return s.Info().Kex == tlswire.KexECDHE }) {
			return nil
		}
		m.see(attempts(f.to)+", ServerHello", "the server then chooses %s, a suite without elliptic curves, although those with them were offered", suite)
		m.not = []string{"its list of signature schemes or of TLS 1.3 suites: ssl_conf_command SignatureAlgorithms, Ciphersuites"}
	case kex == tlswire.KexECDHE && scheme != 0 && (scheme>>8 <= 3 || scheme&0xFF == 1):
		if p != facts.PropSchemes {
			return nil
		}
		what, m.fixes = "signature scheme", []FixRef{{"server", "common-schemes"}}
		m.see(attempts(f.to)+", ServerKeyExchange", "the server then signs with %s, which TLS 1.3 does not have (RFC 8446, Section 4.2.3)", scheme)
		m.not = []string{"its list of groups or of TLS 1.3 suites"}
	default:
		return nil
	}
	m.not = append(m.not, "a box before the server that breaks on TLS 1.3 (version-intolerance)")
	m.summary = fmt.Sprintf("the server knows TLS 1.3, but its settings leave it no %s for it, and it then refuses every client that offers TLS 1.3", what)
	return m.see(attempts(f.to)+", ServerHello", "its random carries the mark of a server that knows TLS 1.3")
}
