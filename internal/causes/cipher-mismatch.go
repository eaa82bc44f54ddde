package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "cipher-mismatch", rank: rankNegotiation, match: func(v *view) *match {
	if m := v.uselessSuites(); m != nil {
		return m
	}
	if f := v.flipOf(facts.PropSuites); f != nil && !f.psk() && !f.scsv() {
		m := v.flipped(f, facts.PropSuites)
		m.not = append(m.not, v.policyDoubt()...)
		suite := f.to.ServerHello
		// What no client of that version can have comes with the version.
		if suite != nil && v.flipOf(facts.PropVersion) != nil && suite.CipherSuite.Info().MinVersion > offered(v.base).MaxVersion() {
			return nil
		}
		m.summary = v.client() + " and the server share no cipher suite"
		if suite == nil {
			return m
		}
		if suite.CipherSuite.Info().Auth == tlswire.AuthAnon {
			m.summary = "the server offers only cipher suites without a certificate (anonymous ones), which " + v.client() + " does not offer"
			m.fixes = []FixRef{{"server", "install-certificate"}, {"server", "common-suites"}}
		}
		m.see(attempts(f.to)+", ServerHello", "the server then chooses %s, which %s does not offer", suite.CipherSuite, v.client())
		lacking(m, f.to, suite.CipherSuite, offered(f.from).CipherSuites, suitesOf, suiteKind)
		m.params = func(p *FixParams) {
			p.Suites, p.SuitesIANA = []string{suite.CipherSuite.OpenSSLName()}, []string{suite.CipherSuite.String()}
		}
		return m
	}
	if m := v.browserWarning(facts.PropSuites); m != nil {
		return m
	}
	if m := v.narrowWarning(); m != nil {
		return m
	}
	a := v.deep
	if a == nil || !v.stuck || a.End.Kind != facts.EndAlert || a.End.Alert.Description != tlswire.AlertInsufficientSecurity {
		return nil
	}
	m := &match{confidence: diag.Possible, summary: "the server finds every cipher suite and group too weak"}
	return m.seeRefusals(v)
}})
