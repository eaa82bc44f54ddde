package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "sni-unrecognized", rank: rankVersion, wants: func(v *view) []facts.Experiment {
	f := v.flipOf(facts.PropSNI)
	if f == nil || offered(f.from).ServerName() == "" || f.from.End.Kind == facts.EndAlert {
		return nil
	}
	return []facts.Experiment{{Address: v.addrs[0], Changes: v.otherName(f)}}
}, match: func(v *view) *match {
	if v.base == nil {
		return nil
	}
	name := offered(v.base).ServerName()
	if name == "" {
		return nil
	}
	if f := v.flipOf(facts.PropSNI); f != nil && offered(f.from).ServerName() != "" {
		m := v.flipped(f, facts.PropSNI)
		m.summary = fmt.Sprintf("the server refuses the name %s", offered(f.from).ServerName())
		m.hides = append([]string{"wrong-vhost-cert"}, ofTheWrongOne...) // without the name it is the default's
		if f.from.End.Kind != facts.EndAlert {
			m.not = []string{"a filter on the path that follows the name: one run from another network tells"}
			m.confidence = atBest(m.confidence, diag.Likely)
			if a := v.works(f.from, v.otherName(f)); a != nil {
				m.confidence = atBest(f.confidence(), diag.Strong)
				m.see(attempts(a), "works with the SNI %s, which the certificate names", offered(a).ServerName())
			}
			m.fixes = []FixRef{{"server", "sni-vhost"}, {"network", "allow-through-filter"}}
			if knows(f.to, name) {
				// The server has a certificate for the name; a box that reads names
				// is as good an explanation as a server that refuses its own.
				m.confidence = diag.Possible
				m.summary = fmt.Sprintf("the server, or a filter before it, ends connections that name %s", name)
				m.see(attempts(f.to)+", Certificate", "the certificate that is served without the name covers it: the server knows the name")
				m.not = []string{"a filter on the path that ends connections with this name (middlebox-reset, middlebox-blackhole): one run from another network tells"}
				m.fixes = []FixRef{{"network", "allow-through-filter"}, {"server", "sni-vhost"}}
			}
			v.pathLetsThrough(m, f)
			if hesitates(f.from) {
				m.summary = fmt.Sprintf("what serves the name %s hangs up after %s; without the name all is well", name, short(f.from.End.After))
				m.not = append([]string{"a front that goes by the name and finds no live machine for this one"}, m.not...)
				m.fixes = append([]FixRef{{"server", "revive-backend"}}, m.fixes...)
			}
		} else if f.from.End.Alert.Description != tlswire.AlertUnrecognizedName && knows(f.to, name) {
			// No word of the name, and a certificate for it: a box may say so, too.
			m.confidence = atBest(m.confidence, diag.Likely)
			m.summary = fmt.Sprintf("the server, or a filter before it, refuses the name %s", name)
			m.see(attempts(f.to)+", Certificate", "the certificate that is served without the name covers it: the server knows the name")
			m.not = []string{"a filter on the path that answers in the server's place: one run from another network tells"}
			m.fixes = []FixRef{{"server", "sni-vhost"}, {"network", "allow-through-filter"}}
		}
		return m
	}
	if a := v.deep; a.End.Kind == facts.EndAlert && a.End.Alert.Description == tlswire.AlertUnrecognizedName {
		m := &match{confidence: diag.Strong, summary: fmt.Sprintf("the server does not know the name %s", name),
			not: []string{"no certificate at all: a server in Go without one says the same"}}
		return m.see(attempts(a), "%s", endText(a))
	}
	for _, al := range v.base.Alerts {
		if al.Level == tlswire.LevelWarning && al.Description == tlswire.AlertUnrecognizedName && v.base.ServerHello != nil {
			m := &match{severity: diag.SeverityWarning, confidence: diag.Proven, summary: fmt.Sprintf("the server warns that it does not know the name %s, then goes on", name)}
			return m.judged("alert112-warning").see(attempts(v.base), "warning alert: %s before the ServerHello", al.Description)
		}
	}
	return nil
}})

// knows tells whether a certificate for the name came.
func knows(a *facts.Attempt, name string) bool {
	return len(a.Chain) > 0 && chain.MatchName(a.Chain[0], name).OK
}

// pathLetsThrough adds what the controls say of a name that is cut off at the
// server alone.
func (v *view) pathLetsThrough(m *match, f *flip) {
	for _, x := range v.compared(f.from) {
		if x.passed() {
			m.see(attempts(x.name...), "%s answers the same hello with the same name: the path lets it through", x.Name)
			m.confidence = atBest(f.confidence(), diag.Strong)
			m.summary = fmt.Sprintf("the server, or a filter right before it, ends connections that name %s", offered(f.from).ServerName())
			m.not = []string{"a filter on the path to this address only"}
			m.fixes = []FixRef{{"server", "sni-vhost"}, {"network", "allow-through-filter"}}
			return
		}
	}
	if len(v.c.Controls) == 0 {
		m.not = append(m.not, "--control HOST, an unrelated server, tells a filter on the path from one before the server")
	}
}

// otherName changes the name that a flip found to be refused to another one of
// the server's certificate: the control that tells a refused name from refused
// names. Without one it changes nothing.
func (v *view) otherName(f *flip) facts.Changes {
	refused := offered(f.from).ServerName()
	if len(f.to.Chain) > 0 {
		for _, name := range f.to.Chain[0].DNSNames {
			if rest, wild := strings.CutPrefix(name, "*."); wild {
				name = "www." + rest
			}
			if !strings.EqualFold(name, refused) {
				return f.from.Of.Changes.With(facts.PropSNI, name)
			}
		}
	}
	return f.from.Of.Changes
}

// atBest lowers a confidence to the limit.
func atBest(c, limit diag.Confidence) diag.Confidence {
	if c.Rank() < limit.Rank() {
		return limit
	}
	return c
}
