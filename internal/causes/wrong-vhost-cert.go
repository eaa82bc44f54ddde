package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "wrong-vhost-cert", rank: rankName, match: func(v *view) *match {
	if v.base == nil || len(v.base.Chain) == 0 {
		return nil
	}
	name, leaf := v.c.Want.Name, v.base.Chain[0]
	sent := offered(v.base).ServerName()
	if p := v.problem(chain.KindNameMismatch); p != nil {
		m := &match{confidence: diag.Proven, hides: ofTheWrongOne, affects: []string{"every client that checks names"}}
		m.params = func(fp *FixParams) { fp.certificate(leaf); fp.Names = []string{name} }
		for _, a := range v.tries {
			if len(a.Chain) == 0 || a == v.base || v.sameLeaf(a) || sent == "" {
				continue
			}
			if chain.MatchName(a.Chain[0], name).OK {
				m.summary = fmt.Sprintf("the server presents the certificate of %s, although it has one for %s", leaf.Title(), name)
				m.see(attempts(v.base), "%s it presents %s", v.sniWords(v.base), leaf.Title())
				return m.see(attempts(a), "%s it presents a certificate that covers %s", v.sniWords(a), name)
			}
			if p.Match == nil || p.Match.Why == chain.WhyOther {
				m.summary = fmt.Sprintf("the server presents the certificate of another virtual host, %s", leaf.Title())
				m.confidence = diag.Strong
				m.see(attempts(v.base), "%s it presents %s", v.sniWords(v.base), leaf.Title())
				return m.see(attempts(a), "%s it presents another one, %s: it chooses by name", v.sniWords(a), a.Chain[0].Title())
			}
		}
		if word := placeholder(leaf); word != "" && sent != "" {
			m.summary, m.confidence = fmt.Sprintf("the server presents its placeholder certificate (%s): it has no virtual host for %s", word, name), diag.Strong
			return m.see(v.where(0), "subject %s", leaf.Subject)
		}
		return nil
	}
	if sent == "" || !completed(v.base) {
		return nil
	}
	for _, a := range v.at(facts.Changes{SNI: "none"}) {
		if len(a.Chain) > 0 && !v.sameLeaf(a) && !chain.MatchName(a.Chain[0], name).OK {
			m := &match{severity: diag.SeverityWarning, confidence: diag.Proven, affects: noSNI,
				summary: fmt.Sprintf("clients without SNI get the certificate of %s", a.Chain[0].Title()),
				fixes:   []FixRef{{"server", "dedicated-ip-or-multi-domain"}}}
			return m.see(attempts(a), "without SNI the server presents %s", a.Chain[0].Title())
		}
	}
	return nil
}})

// ofTheWrongOne are the causes that are effects of presenting the wrong
// certificate: what is wrong with it does not matter.
var ofTheWrongOne = []string{"hostname-mismatch", "self-signed", "unknown-ca", "incomplete-chain", "cert-expired", "cert-not-yet-valid", "misdirected-request"}

// placeholder names the product whose stand-in certificate this is, "" for any
// other. Names only: good enough for the wording, since the name mismatch is
// what fails.
func placeholder(c *chain.Certificate) string {
	for _, row := range []struct{ cn, word string }{
		{"Kubernetes Ingress Controller Fake Certificate", "ingress-nginx"}, {"TRAEFIK DEFAULT CERT", "Traefik"},
		{"ingress.local", "ingress-nginx"}, {"localhost.localdomain", "a fresh installation"}, {"Parallels Panel", "Plesk"}, {"Plesk", "Plesk"},
	} {
		if strings.EqualFold(c.Subject.CN(), row.cn) {
			return row.word
		}
	}
	return ""
}
