package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "revocation-unavailable", rank: rankStaple, match: func(v *view) *match {
	var m *match
	for _, s := range v.subjects() {
		n := v.unavailable(s)
		switch {
		case n == nil:
		case m == nil, n.severity == diag.SeverityFailure && m.severity != diag.SeverityFailure:
			m = n
		case n.severity == m.severity:
			m.evidence = append(m.evidence, n.evidence...)
		}
	}
	return m
}, wants: func(v *view) []facts.Experiment {
	if v.c.Want.Revocation == "" || v.path() == nil || !v.path().Complete {
		return nil
	}
	var ask []facts.Experiment
	for _, s := range v.subjects() {
		if s.cert.NeedsNoRevocation() == "" && !hasOwnLists(v.given(s)) {
			ask = append(ask, v.questions(s)...)
		}
	}
	return ask
}})

// unavailable says why no answer about a certificate is to be had; nil when
// there is one, or when none is needed or was asked for.
func (v *view) unavailable(s subject) *match {
	hard := v.c.Want.Revocation == facts.RevocationHard
	all := v.statements(s)
	own := hasOwnLists(all)
	if v.c.Want.Revocation == "" && !own || s.cert.NeedsNoRevocation() != "" || s.issuer == nil {
		return nil
	}
	who := v.element(s.element)
	m := &match{severity: diag.SeverityInfo, confidence: diag.Proven, summary: "whether " + who + " is revoked could not be found out"}
	m.params = func(p *FixParams) { p.revocation(&statement{subject: s}) }
	silent, broken := 0, false
	why := ""
	for _, st := range all {
		switch {
		case st.answers() || st.revokes():
			return nil
		case st.source == "the stapled OCSP response":
			continue // has its own cause
		}
		if strings.HasPrefix(st.err, "not asked") {
			silent++
		}
		broken = broken || st.err == "" || strings.HasPrefix(st.err, "the server answers")
		if why == "" {
			why = ": " + st.source + ": " + st.trouble()
		}
		m.see(st.where, "%s: %s", st.source, st.trouble())
	}
	switch {
	case own:
		m.severity = diag.SeverityFailure
		m.summary = fmt.Sprintf("your revocation list cannot judge %s: %s", who, v.given(s)[0].trouble())
		m.fixes = []FixRef{{"client", "refresh-crl"}}
		m.affects = []string{"clients that use this list"}
	case len(m.evidence) == 0 && len(listQuestions(s))+len(ocspQuestions(s)) == 0:
		m.summary = fmt.Sprintf("%s names no revocation list and no responder that can be asked", who)
		m.see(v.where(s.element), "%s %s", who, noSource(s.cert))
		m.fixes = []FixRef{{"client", "give-crl"}}
		m.affects = []string{"clients that insist on an answer and have no list of their own: OpenSSL with -crl_check, Java with revocation checking"}
	case len(m.evidence) == 0:
		return nil // not asked: the time was up
	default:
		if hard && silent < len(m.evidence) {
			m.severity = diag.SeverityFailure
		}
		m.summary += why
		if broken { // the issuer's server was reached
			m.fixes = []FixRef{{"server", "publish-revocation"}, {"network", "reach-revocation"}}
		}
		m.affects = []string{"clients that insist on an answer, from this network: Java with revocation checking, OpenSSL with -crl_check, Windows programs that demand it"}
		m.unaffected = []string{"browsers, curl, Go, Node.js, Python by default"}
	}
	return m
}

func hasOwnLists(all []statement) bool {
	for _, st := range all {
		if st.given {
			return true
		}
	}
	return false
}

// noSource says where a certificate points for its revocation.
func noSource(c *chain.Certificate) string {
	var others []string
	for _, u := range slices.Concat(c.CRLURLs, c.OCSPURLs) {
		others = append(others, chain.Printable(u))
	}
	if len(others) > 0 {
		return "names only addresses that are not http: " + some(others, 2)
	}
	return "has neither cRLDistributionPoints nor an OCSP address"
}
