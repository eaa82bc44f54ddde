package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "sni-missing", rank: rankVersion, match: func(v *view) *match {
	if v.base == nil {
		return nil
	}
	sends := offered(v.base).ServerName() != ""
	if f := v.flipOf(facts.PropSNI); f != nil && offered(f.from).ServerName() == "" {
		m := v.flipped(f, facts.PropSNI)
		m.summary = v.client() + " sends no SNI, and the server needs it"
		m.affects = noSNI
		return m
	}
	if !sends && v.problem(chain.KindNameMismatch) != nil {
		for _, a := range v.at(facts.Changes{SNI: v.c.Want.Name}) {
			if len(a.Chain) > 0 && chain.MatchName(a.Chain[0], v.c.Want.Name).OK {
				m := &match{confidence: diag.Proven, summary: v.client() + " sends no SNI and gets another name's certificate", affects: noSNI, hides: append([]string{"wrong-vhost-cert"}, ofTheWrongOne...)}
				m.see(v.seen(), "without SNI the server presents %s", v.leaf().Title())
				return m.see(attempts(a), "with SNI %s it presents a certificate that covers it", v.c.Want.Name)
			}
		}
	}
	if !sends || !completed(v.base) {
		return nil
	}
	for _, a := range v.at(facts.Changes{SNI: "none"}) {
		if a.ServerHello == nil && v.control(a) && (a.End.Kind == facts.EndAlert || a.End.Kind == facts.EndReset || a.End.Kind == facts.EndClosed) {
			m := &match{severity: diag.SeverityWarning, confidence: diag.Strong, summary: "clients without SNI cannot connect", affects: noSNI}
			return m.see(attempts(a), "without SNI: %s", endText(a))
		}
	}
	return nil
}})

// noSNI are the clients that send no server_name.
var noSNI = []string{"Java 6", "Android 2.x", "IE 6 to 8 on Windows XP", "Python < 2.7.9", "clients that are given an IP address"}
