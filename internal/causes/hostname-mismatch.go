package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "hostname-mismatch", rank: rankName,
	match: func(v *view) *match {
		p := v.problem(chain.KindNameMismatch)
		if p == nil {
			return nil
		}
		name := v.c.Want.Name
		m := &match{confidence: diag.Proven, summary: fmt.Sprintf("the certificate does not cover %s", name)}
		if p.Match != nil && p.Match.ByCN {
			m.see(v.where(0), "%s stands only in the common name, which strict clients no longer read (RFC 9525)", name)
			m.fixes = []FixRef{{"server", "reissue-with-names"}}
		} else if p.Match == nil || p.Match.Why != chain.WhyIPAsDNS {
			m.see(v.where(0), "%s", p.Detail)
		}
		if p.Match != nil {
			if why := whyNot[p.Match.Why]; why != "" {
				m.see(v.where(0), "%s", why)
			}
			if near := p.Match.Near; len(near) > 0 && len(p.Match.Covered) > 3 {
				m.see(v.where(0), "nearest name in it: %s", join(near))
			}
			if n := len(p.Match.Covered); n > 1 {
				m.see(v.where(0), "it covers %s", some(p.Match.Covered, 5))
			}
			if p.Match.ByCN {
				m.judged("cn-only")
			}
		}
		if v.isIP() {
			m.fixes = []FixRef{{"server", "reissue-with-names"}, {"client", "use-right-name"}}
		}
		if none := v.at(v.flipSNI(facts.Changes{})); len(none) > 0 && v.sameLeaf(none[0]) {
			m.see(attempts(none[0]), "the same certificate comes %s: it is the server's default here", v.sniWords(none[0]))
		}
		m.params = func(fp *FixParams) {
			fp.certificate(p.Cert)
			fp.Names = appendName(p.Cert.DNSNames, name)
		}
		return m
	},
	wants: func(v *view) []facts.Experiment {
		if v.problem(chain.KindNameMismatch) == nil || v.deep != v.base {
			return nil
		}
		changes := []facts.Changes{v.flipSNI(facts.Changes{})}
		if sent := offered(v.base).ServerName(); sent != "" && !strings.EqualFold(sent, v.c.Want.Name) && !v.isIP() {
			changes = append(changes, facts.Changes{SNI: v.c.Want.Name})
		}
		var ask []facts.Experiment
		for _, ch := range changes {
			if ch != (facts.Changes{}) {
				ask = append(ask, facts.Experiment{Address: v.addrs[0], Changes: ch})
			}
		}
		return ask
	}})

// sameLeaf tells whether an attempt was shown the leaf that the base was shown.
func (v *view) sameLeaf(a *facts.Attempt) bool {
	return len(a.Chain) > 0 && len(v.base.Chain) > 0 && a.Chain[0].Equal(v.base.Chain[0])
}

func (v *view) sniWords(a *facts.Attempt) string {
	if name := offered(a).ServerName(); name != "" {
		return "for the name " + name
	}
	return "without SNI"
}

func appendName(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(slices.Clone(names), name)
}

// whyNot says of each near miss what a person would want to know.
var whyNot = map[chain.Why]string{
	chain.WhyWildcardDepth: "a wildcard stands for exactly one label: *.example.com does not cover a.b.example.com",
	chain.WhyWildcardApex:  "a wildcard does not cover the bare domain: *.example.com does not cover example.com",
	chain.WhyWWWApex:       "only the name without www is in it",
	chain.WhyApexWWW:       "only the name with www is in it",
	chain.WhyIPWithoutSAN:  "an address must stand in the certificate as an IP address SAN",
	chain.WhyIPAsDNS:       "the address stands there as a DNS name, which clients do not read",
	chain.WhyIDN:           "the name stands there as a U-label; certificates carry A-labels (xn--...)",
	chain.WhyBadWildcard:   "the wildcard is in a form that clients refuse: only a whole leftmost label may be *",
	chain.WhyPublicSuffix:  "clients refuse a wildcard for a whole top-level domain",
	chain.WhyTypo:          "it is a letter or two away: a typing error?",
	chain.WhyUnqualified:   "one is the short name, the other the full one",
	chain.WhyNoNames:       "the certificate names no host at all",
}
