package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// predicted names the lines of a configuration that decide how attempts end
// which nobody made; "" where they were made.
func predicted(as []*facts.Attempt) string {
	var at []string
	for _, a := range as {
		if a == nil || a.Site == nil {
			return ""
		}
		if place := a.Because.String(); place != "" && !slices.Contains(at, place) {
			at = append(at, place)
		}
	}
	return strings.Join(at, ", ")
}

// misconfigured is what is wrong with a configuration by itself: the server
// does not start, or does something else than its lines say.
func (v *view) misconfigured() *match {
	found := v.c.Faults
	if v.c.Site != nil {
		found = append(slices.Clone(found), v.c.Site.Faults...)
	}
	rank := func(f facts.Fault) int {
		switch {
		case f.Stops:
			return 0
		case f.Remark:
			return 2
		}
		return 1
	}
	found = slices.Clone(found)
	slices.SortStableFunc(found, func(a, b facts.Fault) int { return rank(a) - rank(b) })
	if len(found) == 0 {
		return nil
	}
	m := &match{confidence: diag.Proven, stage: diag.StageConnect, summary: found[0].Text, affects: []string{},
		severity: []diag.Severity{diag.SeverityFailure, diag.SeverityWarning, diag.SeverityInfo}[rank(found[0])]}
	if found[0].Stops {
		m.affects = []string{"every client"}
	}
	for _, f := range found {
		m.see(f.At.String(), "%s", f.Text)
	}
	m.fixes = []FixRef{{"server", "fix-config"}}
	m.params = func(p *FixParams) {
		p.Words = found[0].Text
	}
	return m
}

// configured is the mismatch of a key that a configuration names.
func (m *match) configured(a *facts.Attempt) *match {
	for _, p := range a.Site.Pairs {
		if !p.Mismatch() {
			continue
		}
		m.summary = fmt.Sprintf("the private key %s does not belong to the certificate %s", p.KeyFile, p.CertFile)
		m.params = func(fp *FixParams) { fp.certificate(p.Chain[0]) }
		m.see(p.Cert.String(), "the certificate: %s, %s", p.Chain[0].Title(), p.Chain[0].Key)
		return m.see(p.KeyAt.String(), "the public key of this file is another one: the server does not start with both, or refuses every handshake")
	}
	return nil
}

// staleOwnLists finds a server whose own revocation list is out of date, by its
// configuration.
func (v *view) staleOwnLists() *match {
	s := v.c.Site
	if s == nil || s.Verify == "" {
		return nil
	}
	for _, l := range s.Revocations {
		if next := l.List.NextUpdate; !next.IsZero() && v.c.At.After(next) {
			m := &match{confidence: diag.Proven, summary: fmt.Sprintf("the revocation list %s is out of date: the server refuses every client certificate", l.From),
				affects: []string{"every client with a certificate of this CA"}}
			m.params = func(p *FixParams) { p.Issuer = l.List.Issuer.String() }
			return m.see(s.Line(facts.SetClientCRL).String(), "the next list was due %s, %s before the judged moment", day(next), ago(v.c.At.Sub(next)))
		}
	}
	return nil
}

// uselessSuites finds a site none of whose cipher suites goes with its
// certificates, its versions and its Diffie-Hellman parameters.
func (v *view) uselessSuites() *match {
	s := v.c.Site
	if s == nil || !s.Server.SuitesComplete || len(s.Server.Keys) == 0 || v.base == nil || completed(v.base) {
		return nil
	}
	for _, suite := range s.Server.Suites {
		auth := suite.Info().Auth
		for version, on := range s.Server.Versions {
			if on && suite.AllowedIn(version) && (auth == tlswire.AuthAny || slices.Contains(s.Server.Keys, auth)) {
				return nil
			}
		}
	}
	l := s.Line(facts.SetSuites)
	var keys []string
	for _, k := range s.Server.Keys {
		keys = append(keys, k.String())
	}
	m := &match{confidence: diag.Proven, summary: "no cipher suite of the configuration can be used with the site's certificate", hides: []string{"server-no-certificate"}, affects: []string{"every client"}}
	m.params = func(p *FixParams) {
		for _, suite := range offered(v.base).CipherSuites {
			if i := suite.Info(); i.AEAD && i.Kex == tlswire.KexECDHE && slices.Contains(s.Server.Keys, i.Auth) && len(p.Suites) < 2 {
				p.Suites, p.SuitesIANA = append(p.Suites, suite.OpenSSLName()), append(p.SuitesIANA, suite.String())
			}
		}
	}
	if len(s.Server.Suites) == 0 {
		return m.see(l.String(), "%s leaves nothing that the server can use", l.Name)
	}
	return m.see(l.String(), "the list has %s for other kinds of keys; the certificate's key is %s", count(len(s.Server.Suites), "suite"), strings.Join(keys, ", "))
}
