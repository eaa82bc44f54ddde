package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "hello-intolerance", rank: rankVersion, match: func(v *view) *match {
	if f := v.flipOf(facts.PropShape); f != nil && f.to.SSL2 == nil && (f.padded || !f.classic && !f.capped) {
		m := v.flipped(f, facts.PropShape)
		m.summary = "the server breaks on something in the ClientHello that it should ignore"
		if f.padded {
			m.summary = "the server breaks on the post-quantum key share in the ClientHello"
		}
		m.not = []string{"a box on the path: the same run from another network tells"}
		return m
	}
	if f := v.flipOf(facts.PropALPN); f != nil && (f.from.End.Kind == facts.EndReset || f.from.End.Kind == facts.EndTimeout) {
		m := v.flipped(f, facts.PropALPN)
		m.summary = fmt.Sprintf("the server or a box before it breaks on the ALPN extension (%s)", orNone(offered(f.from).ALPN()))
		m.not = []string{"a filter on the path that follows the protocol: the same run from another network tells"}
		return m
	}
	if v.base == nil || !completed(v.base) {
		return nil
	}
	for _, a := range v.at(facts.Changes{Shape: "browser"}) {
		if !v.control(a) || progress(a) >= progress(v.base) || a.End.Kind == facts.EndCanceled || a.End.Stage.Rank() > diag.StageClientHello.Rank() {
			continue
		}
		if p, _ := v.browserLacks(a); p != "" && a.End.Kind == facts.EndAlert {
			continue // negotiation: see there
		}
		if largerThanOnePacket(a) && !largerThanOnePacket(v.base) {
			continue // hello-too-large
		}
		m := &match{severity: diag.SeverityWarning, confidence: diag.Likely, summary: "a browser's ClientHello (GREASE, its own order) fails here", affects: []string{"Chrome, Edge and other browsers that send GREASE"}}
		m.see(attempts(a), "a hello like Chrome's ends with: %s", endText(a))
		return m.see(attempts(v.base), "%s completes the handshake", v.client())
	}
	return nil
}})

// browserLacks says which property of a browser's hello lacks what the server
// chose for the user's own: then the server did not dislike the hello, it had
// nothing in common with it.
func (v *view) browserLacks(browser *facts.Attempt) (p facts.Property, what string) {
	h := offered(browser)
	if g := agreedGroup(v.base); g != 0 && !slices.Contains(h.Groups(), g) {
		return facts.PropGroups, g.String()
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
				summary: fmt.Sprintf("browsers cannot connect: the server chooses %s, which they do not offer", what)}
			switch refused := offered(a); p {
			case facts.PropGroups:
				lacking(m, v.base, agreedGroup(v.base), refused.Groups(), (*tlswire.ClientHello).Groups, groupKind)
			case facts.PropSchemes:
				lacking(m, v.base, v.base.KeyProof.Scheme, refused.SignatureSchemes(), (*tlswire.ClientHello).SignatureSchemes, schemeKind(v.base.Version))
			case facts.PropSuites:
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
	p, _ := v.browserLacks(browser)
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
