package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// brokenBrowser is a browser's hello that fails at a server which suits the
// user's own client, although what the server chose is in it too.
type brokenBrowser struct {
	a *facts.Attempt
	// culprit is what a browser's hello has to lose for the handshake to go on:
	// "no-grease", "classic" (no post-quantum share), "ech"; "" when nothing
	// alone helps. cured is the attempt that shows it.
	culprit string
	cured   *facts.Attempt
}

// browserCures are the changes of a browser's hello that are tried once it
// fails.
func browserCures() map[string]facts.Changes {
	return map[string]facts.Changes{
		"no-grease": {Shape: "browser,no-grease"},
		"classic":   {Shape: "browser,classic"},
		"ech":       {Shape: "browser", Extensions: "-" + tlswire.ExtEncryptedClientHello.String()},
	}
}

// failedBrowser is the attempt with a browser's hello where it was refused for
// another reason than a lack of something in common; nil elsewhere.
func (v *view) failedBrowser() *facts.Attempt {
	if v.base == nil || !completed(v.base) {
		return nil
	}
	for _, a := range v.at(facts.Changes{Shape: "browser"}) {
		if p, _ := v.browserLacks(a); p != "" && a.End.Kind == facts.EndAlert {
			continue // negotiation: browserWarning
		}
		if a.ServerHello == nil && a.End.Kind != facts.EndCanceled && a.End.Stage == diag.StageClientHello {
			return a
		}
	}
	return nil
}

// brokenBrowser says what of a browser's hello breaks the server, nil when it
// does not or when the server may have had enough of us.
func (v *view) brokenBrowser() *brokenBrowser {
	a := v.failedBrowser()
	if a == nil || !v.control(a) {
		return nil
	}
	b := &brokenBrowser{a: a}
	for _, name := range []string{"ech", "no-grease", "classic"} {
		for _, cured := range v.at(browserCures()[name]) {
			if cured.ServerHello == nil || b.culprit != "" {
				continue
			}
			b.culprit, b.cured = name, cured
		}
	}
	return b
}

// browserLacks says which property of a browser's hello lacks what the server
// chose for the user's own: then the server did not dislike the hello, it had
// nothing in common with it.
func (v *view) browserLacks(browser *facts.Attempt) (p facts.Property, what string) {
	h := offered(browser)
	if g := agreedGroup(v.base); g != 0 && !slices.Contains(h.Groups(), g) {
		return facts.PropGroups, g.String()
	}
	if curve := v.leafGroup(); curve != 0 && !slices.Contains(h.Groups(), curve) {
		return facts.PropGroups, curve.String() // RFC 8422, Section 5.1.1
	}
	if s := v.base.KeyProof.Scheme; s != 0 && v.base.Version >= tlswire.TLS12 && !slices.Contains(h.SignatureSchemes(), s) {
		return facts.PropSchemes, s.String()
	}
	if v.base.ServerHello != nil && !slices.Contains(h.CipherSuites, v.base.ServerHello.CipherSuite) {
		return facts.PropSuites, v.base.ServerHello.CipherSuite.String()
	}
	if v.base.Version != 0 && !h.Offers(v.base.Version) {
		return facts.PropVersion, v.base.Version.String()
	}
	if v.base.ServerHello != nil && v.base.ServerHello.EncryptThenMAC() && !h.EncryptThenMAC() {
		return facts.PropExtensions, tlswire.ExtEncryptThenMAC.String()
	}
	return "", ""
}

// browserWarning is the warning of a cause of negotiation that a browser meets
// at a server which suits the user's own client.
func (v *view) browserWarning(p facts.Property) *match {
	if v.base == nil || !completed(v.base) {
		return nil
	}
	for _, a := range v.at(facts.Changes{Shape: "browser"}) {
		lacks, what := v.browserLacks(a)
		if lacks != p || a.End.Kind != facts.EndAlert || a.End.Stage != diag.StageClientHello || !v.control(a) {
			continue
		}
		if proof := v.at(v.asBrowser(a)); len(proof) > 0 && proof[0].ServerHello == nil {
			m := &match{severity: diag.SeverityWarning, confidence: diag.Strong,
				summary: fmt.Sprintf("Chrome and its kin cannot connect: the server chooses %s, which they do not offer", what)}
			switch refused := offered(a); p {
			case facts.PropGroups:
				m.fixes = []FixRef{{"server", "common-groups"}}
				if curve := v.leafGroup(); curve != 0 && what == curve.String() {
					m.fixes = []FixRef{{"server", "ecdsa-or-rsa-certificate"}}
					m.summary = fmt.Sprintf("Chrome and its kin cannot connect: they do not list the curve of the server's certificate, %s", curve)
					m.hits(v.base, func(p *client.Profile) bool {
						mine := p.Offer().Groups()
						return len(mine) > 0 && !slices.Contains(mine, curve)
					})
					break
				}
				lacking(m, v.base, agreedGroup(v.base), refused.Groups(), (*tlswire.ClientHello).Groups, groupKind(agreedGroup(v.base)))
			case facts.PropSchemes:
				m.fixes = []FixRef{{"server", "ecdsa-or-rsa-certificate"}}
				if l := v.leaf(); l != nil && l.Key.Algorithm == chain.KeyRSA {
					m.fixes = []FixRef{{"server", "common-schemes"}}
				}
				lacking(m, v.base, v.base.KeyProof.Scheme, refused.SignatureSchemes(), (*tlswire.ClientHello).SignatureSchemes, schemeKind(v.base.Version, v.base.KeyProof.Scheme))
			case facts.PropSuites:
				m.fixes = []FixRef{{"server", "common-suites"}}
				lacking(m, v.base, v.base.ServerHello.CipherSuite, refused.CipherSuites, suitesOf, suiteKind)
			}
			m.see(attempts(a), "a hello like Chrome's ends with: %s", endText(a))
			return m.see(attempts(v.base), "%s completes the handshake with %s", v.client(), what)
		}
	}
	return nil
}

// asBrowser is the experiment that proves what a browser lacks: the user's own
// hello with the browser's values of that one property.
func (v *view) asBrowser(browser *facts.Attempt) facts.Changes {
	h := offered(browser)
	p, what := v.browserLacks(browser)
	if p == facts.PropExtensions {
		return facts.Changes{Extensions: "-" + what}
	}
	var names []string
	switch p {
	case facts.PropGroups:
		names = known(h.Groups())
	case facts.PropSchemes:
		names = known(h.SignatureSchemes())
	case facts.PropSuites:
		names = known(h.CipherSuites)
	}
	if len(names) == 0 {
		return facts.Changes{}
	}
	return facts.Changes{}.With(p, "="+strings.Join(names, ","))
}

// known are the names of values that have one.
func known[T interface {
	fmt.Stringer
	IsGREASE() bool
}](values []T) []string {
	var out []string
	for _, x := range values {
		if name := x.String(); !x.IsGREASE() && !strings.HasPrefix(name, "0x") {
			out = append(out, name)
		}
	}
	return out
}
