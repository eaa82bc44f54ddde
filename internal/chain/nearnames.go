package chain

import (
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/spell"
)

const maxCompared = 2000 // names that are measured by edit distance

// whyRank orders the reasons: the smaller, the better it explains.
var whyRank = map[Why]int{
	WhyIDN: 0, WhyTrailingDot: 1, WhyBadWildcard: 2, WhyPublicSuffix: 3, WhyWWWApex: 4, WhyApexWWW: 5,
	WhyWildcardDepth: 6, WhyWildcardApex: 7, WhyUnqualified: 8, WhyTypo: 9, WhySibling: 10,
}

// explain fills Why, Near and ByCN of a DNS name that no SAN entry covers.
func (r *NameResult) explain(c *Certificate) {
	type near struct {
		name string
		why  Why
	}
	var found []near
	for i, pattern := range c.DNSNames {
		why := relate(strings.ToLower(pattern), r.Name, i < maxCompared)
		if why != WhyNone {
			found = append(found, near{Printable(pattern), why})
		}
	}
	for _, bad := range c.BadNames {
		if text := string(bad.Value); bad.Type == "dns" && matchDNS(toASCII(text), r.Name) {
			found = append(found, near{Printable(text), WhyIDN})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int { return whyRank[a.why] - whyRank[b.why] })
	for _, n := range found[:min(3, len(found))] {
		if !slices.Contains(r.Near, n.name) {
			r.Near = append(r.Near, n.name)
		}
	}
	r.Why = WhyOther
	if len(found) > 0 {
		r.Why = found[0].why
	}
	for _, cn := range c.Subject.RawCNs() {
		if matchDNS(toASCII(cn), r.Name) {
			r.ByCN = len(c.DNSNames) == 0
			r.Why = WhyCNOnly
			return
		}
	}
	if r.Why == WhyOther && len(r.Covered) == 0 {
		r.Why = WhyNoNames
	}
}

// relate says how a SAN entry misses a name; WhyNone when they have nothing in common.
func relate(pattern, name string, measure bool) Why {
	rest, wild := strings.CutPrefix(pattern, "*.")
	switch {
	case strings.HasSuffix(pattern, ".") && matchDNS(strings.TrimSuffix(pattern, "."), name):
		return WhyTrailingDot
	case !isASCII(pattern) && matchDNS(toASCII(pattern), name):
		return WhyIDN
	case wild && !strings.Contains(rest, ".") && strings.HasSuffix(name, "."+rest):
		return WhyPublicSuffix
	case wild && !strings.Contains(rest, "*") && strings.Contains(rest, "."):
		if name == rest {
			return WhyWildcardApex
		}
		if strings.HasSuffix(name, "."+rest) {
			return WhyWildcardDepth
		}
	case strings.Contains(pattern, "*"):
		if globMatch(pattern, name) {
			return WhyBadWildcard
		}
	case name == "www."+pattern:
		return WhyWWWApex
	case pattern == "www."+name:
		return WhyApexWWW
	}
	if !strings.Contains(name, ".") && strings.HasPrefix(pattern, name+".") ||
		!strings.Contains(pattern, ".") && pattern != "" && strings.HasPrefix(name, pattern+".") {
		return WhyUnqualified
	}
	if measure && nearlyEqual(rest, name, wild) {
		return WhyTypo
	}
	if domain := domainOf(name); domain != "" && domain == domainOf(rest) {
		return WhySibling
	}
	return WhyNone
}

// globMatch takes each star for any run of characters without dots.
func globMatch(pattern, name string) bool {
	if len(pattern) > 300 || strings.Count(pattern, "*") > 4 {
		return false
	}
	head, tail, ok := strings.Cut(pattern, "*")
	if !ok {
		return pattern == name
	}
	rest, ok := strings.CutPrefix(name, head)
	if !ok {
		return false
	}
	for i := 0; i <= len(rest); i++ {
		if globMatch(tail, rest[i:]) {
			return true
		}
		if i < len(rest) && rest[i] == '.' {
			return false
		}
	}
	return false
}

// domainOf guesses the registrable domain: two labels, or three below suffixes
// such as co.uk. Without the public suffix list it can be wrong for others; it
// is used only to say which names look related.
func domainOf(name string) string {
	labels := strings.Split(name, ".")
	n := 2
	if len(labels) >= 3 && len(labels[len(labels)-1]) == 2 && isSecondLevel(labels[len(labels)-2]) {
		n = 3
	}
	if len(labels) < n || len(labels) == 2 && isSecondLevel(labels[0]) && len(labels[1]) == 2 {
		return ""
	}
	return strings.Join(labels[len(labels)-n:], ".")
}

func isSecondLevel(label string) bool {
	return slices.Contains([]string{"co", "com", "net", "org", "gov", "gob", "edu", "ac", "or", "ne", "go", "ltd", "plc", "asn", "id"}, label)
}

// nearlyEqual reports an edit distance of one or two (one for short names). Of a
// wildcard, the parent is compared.
func nearlyEqual(entry, name string, wild bool) bool {
	if wild {
		var ok bool
		if _, name, ok = strings.Cut(name, "."); !ok {
			return false
		}
	}
	limit := 2
	if min(len(entry), len(name)) < 8 {
		limit = 1
	}
	if entry == name || len(entry) > 253 || len(entry)-len(name) > limit || len(name)-len(entry) > limit {
		return false
	}
	// Names of one domain that differ in a digit (web1, web2) are siblings, not typos.
	if stripDigits(entry) == stripDigits(name) {
		return false
	}
	return spell.Distance(entry, name, limit) <= limit
}

func stripDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return -1
		}
		return r
	}, s)
}
