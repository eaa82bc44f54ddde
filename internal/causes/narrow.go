package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// narrowClients are libraries that offer fewer suites than browsers do: no key
// exchange by RSA alone, and Python no CBC either. Services talk by them, so
// that a server which suits every browser may still be out of their reach.
var narrowClients = []string{"go", "python"}

// narrow names the first of them that does not offer what the server chose for
// the user's own hello, and the experiment that proves it: the user's own hello
// with their suites.
func (v *view) narrow() (*client.Profile, facts.Changes) {
	if v.base == nil || !completed(v.base) || v.base.Version >= tlswire.TLS13 || v.base.ServerHello == nil {
		return nil, facts.Changes{}
	}
	for _, name := range narrowClients {
		p, err := client.Lookup(name)
		if err != nil || v.base.Version < p.Client.MinVersion {
			continue
		}
		suites := p.Offer().CipherSuites
		if slices.Contains(suites, v.base.ServerHello.CipherSuite) {
			continue
		}
		suites = slices.DeleteFunc(slices.Clone(suites), func(s tlswire.CipherSuite) bool { return !s.AllowedIn(v.base.Version) })
		return p, facts.Changes{Suites: "=" + strings.Join(known(suites), ",")}
	}
	return nil, facts.Changes{}
}

// narrowWarning warns of such a client.
func (v *view) narrowWarning() *match {
	p, ch := v.narrow()
	if p == nil {
		return nil
	}
	for _, a := range v.at(ch) {
		if a.ServerHello != nil || a.End.Kind != facts.EndAlert || !v.control(a) {
			continue
		}
		suite := v.base.ServerHello.CipherSuite
		m := &match{severity: diag.SeverityWarning, confidence: diag.Strong,
			summary: fmt.Sprintf("%s cannot connect: the server chooses %s, which it does not offer", p.Family, suite),
			fixes:   []FixRef{{"server", "common-suites"}}}
		lacking(m, v.base, suite, p.Offer().CipherSuites, suitesOf, suiteKind)
		m.see(attempts(a), "with the suites of %s: %s", p.Name, endText(a))
		return m.see(attempts(v.base), "%s completes the handshake with %s", v.client(), suite)
	}
	return nil
}
