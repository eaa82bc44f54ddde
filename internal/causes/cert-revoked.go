package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "cert-revoked", rank: rankStaple, match: func(v *view) *match {
	var m *match
	stapled := false
	for _, s := range v.subjects() {
		who := v.element(s.element)
		for _, st := range v.statements(s) {
			if !st.revokes() {
				continue
			}
			if m == nil {
				m = &match{confidence: st.confidence(), summary: fmt.Sprintf("%s was revoked %s", who, v.revokedWhen(&st))}
				if st.Reason == chain.ReasonHold {
					m.summary = who + " is on hold: revoked for the time being"
				}
				m.params = func(p *FixParams) { p.revocation(&st) }
				m.fixes = []FixRef{{"server", "replace-revoked"}, {"server", "reload"}}
				if s.element > 0 {
					m.fixes = []FixRef{{"server", "replace-revoked-ca"}, {"server", "reload"}}
				}
			}
			stapled = stapled || st.source == "the stapled OCSP response" && s.element == 0
			if c := st.confidence(); c.Rank() < m.confidence.Rank() {
				m.confidence = c
			}
			if len(m.evidence) < 4 {
				m.seeRevoked(&st, who)
			}
		}
	}
	if m == nil {
		return nil
	}
	if stapled {
		families := "staple-revoked"
		if m.confidence != diag.Proven {
			families = "staple-revoked-stale"
		}
		m.judged(families)
		m.affects = append(m.affects, "every client that asks the issuer itself")
		return m
	}
	m.affects = []string{"Firefox (CRLite)", "Chrome where its CRLSet has it", "Safari", "Windows", "Java and OpenSSL when told to check"}
	m.unaffected = []string{"curl, OpenSSL, Go, Node.js, Python and Java by default"}
	return m
}})
