package causes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
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
		if n := len(slices.DeleteFunc(slices.Clone(found), func(f facts.Fault) bool { return !f.Stops })); n > 1 {
			m.summary = fmt.Sprintf("%s (and %d more like it, see the evidence)", found[0].Text, n-1)
		}
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
			if s.Verify == "optional" {
				m.severity = diag.SeverityWarning
			}
			m.params = func(p *FixParams) { p.Issuer = l.List.Issuer.String() }
			return m.see(s.Line(facts.SetClientCRL).String(), "the next list was due %s, %s before the judged moment", day(next), ago(v.c.At.Sub(next)))
		}
	}
	return nil
}

// uselessAuthorities finds a site that wants client certificates and can accept
// none, since it knows no CA from which a path leads to a root, or follows only
// shorter paths.
func (v *view) uselessAuthorities() *match {
	s := v.c.Site
	if s == nil || s.Verify == "" || s.Unjudged || v.base == nil || !completed(v.base) {
		return nil
	}
	l := s.Line(facts.SetClientCA, facts.SetVerify)
	m := &match{confidence: diag.Proven, stage: diag.StageClientAuth, summary: "the server can accept no client certificate", severity: diag.SeverityWarning, affects: []string{"every client with a certificate"}}
	if s.Verify == "required" {
		m.severity, m.affects = diag.SeverityFailure, []string{"every client"}
	}
	if len(s.Authorities) == 0 {
		if s.Lines[facts.SetClientCA].Name != "" {
			return nil // a file that cannot be read, or a folder
		}
		m.summary += ": it knows no CA of clients"
		return m.see(l.String(), "client certificates are wanted, and no line names the CA that issues them")
	}
	m.params = func(p *FixParams) { p.certificate(s.Authorities[0]) }
	shortest, above, cas := -1, "", 0
	for _, c := range s.Authorities {
		if !c.IsCA() && !(c.SelfIssued() && c.Version < 3) {
			continue
		}
		cas++
		n, missing := rootPath(c, s.Authorities)
		if missing == "" && (shortest < 0 || n < shortest) {
			shortest = n
		}
		if missing != "" {
			above = missing
		}
	}
	switch {
	case cas == 0:
		m.summary += fmt.Sprintf(": %s holds no CA certificate", l.Value)
		return m.see(l.String(), "%s is no CA", s.Authorities[0].Title())
	case shortest < 0 && !s.PartialChains:
		m.summary += fmt.Sprintf(": %s holds no root", l.Value)
		return m.see(l.String(), "the path from %s ends at %s, which is not in the file, and OpenSSL trusts only paths up to a root", s.Authorities[0].Title(), above)
	case s.Depth != nil && shortest > *s.Depth:
		d := s.Line(facts.SetDepth)
		m.summary += fmt.Sprintf(": %s %s is too small", d.Name, d.Value)
		return m.see(d.String(), "above a client's certificate stand %s at least, up to the root", count(shortest, "CA"))
	}
	return nil
}

// rootPath counts the certificates from a CA up to its root, both included;
// missing names the issuer that is not among the known ones.
func rootPath(c *chain.Certificate, known []*chain.Certificate) (n int, missing string) {
	for n = 1; n <= len(known)+1; n++ {
		if c.SelfIssued() {
			return n, ""
		}
		i := slices.IndexFunc(known, func(x *chain.Certificate) bool { return x.Subject.Equal(c.Issuer) && !x.Equal(c) })
		if i < 0 {
			return n, c.Issuer.CN()
		}
		c = known[i]
	}
	return n, c.Issuer.CN()
}

// uselessSuites finds a site none of whose cipher suites goes with its
// certificates, its versions and its Diffie-Hellman parameters.
func (v *view) uselessSuites() *match {
	s := v.c.Site
	if s == nil || !s.Server.SuitesComplete || len(s.Server.Keys) == 0 || v.base == nil || completed(v.base) {
		return nil
	}
	if !slices.Contains(slices.Collect(maps.Values(s.Server.Versions)), true) {
		return nil // protocol-version
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
