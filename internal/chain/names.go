package chain

import (
	"net/netip"
	"strings"
)

// Why says why a name does not match, in one word.
type Why string

// The reasons, most specific first.
const (
	WhyNone          Why = ""
	WhyIDN           Why = "idn"            // the same name, but as a U-label instead of an A-label
	WhyTrailingDot   Why = "trailing-dot"   // the SAN entry ends with a dot
	WhyBadWildcard   Why = "bad-wildcard"   // a wildcard in a form that clients refuse
	WhyPublicSuffix  Why = "wildcard-tld"   // the wildcard would cover a whole top level domain
	WhyWWWApex       Why = "www-apex"       // asked for www.example.com, covered is example.com
	WhyApexWWW       Why = "apex-www"       // asked for example.com, covered is www.example.com
	WhyWildcardDepth Why = "wildcard-depth" // *.example.com does not cover a.b.example.com
	WhyWildcardApex  Why = "wildcard-apex"  // *.example.com does not cover example.com
	WhyCNOnly        Why = "cn-only"        // only the common name matches
	WhyUnqualified   Why = "unqualified"    // asked for a short name, covered is the full one, or the reverse
	WhyTypo          Why = "typo"           // one or two letters away
	WhySibling       Why = "sibling"        // other names of the same domain
	WhyIPWithoutSAN  Why = "ip-without-ip"  // asked for an address, no IP SAN at all
	WhyIPAsDNS       Why = "ip-as-dns"      // the address is in the SAN, but as a DNS name
	WhyOtherIP       Why = "other-ip"       // IP SANs, but others
	WhyNoNames       Why = "no-names"       // the certificate names nothing at all
	WhyBadName       Why = "bad-name"       // what was asked for is no DNS name
	WhyOther         Why = "other"
)

// NameResult is the outcome of MatchName.
type NameResult struct {
	OK      bool
	Name    string   // what was asked for, normalised
	By      string   // the SAN entry that matches, when OK
	ByCN    bool     // not OK, but a client that falls back to the common name would accept
	Why     Why      // when not OK
	Near    []string // the entries that come closest, best first, at most three
	Covered []string // all names of the certificate, for printing
}

// MatchName compares the certificate's subjectAltName with a DNS name or an IP
// literal (RFC 9525, Section 6): a wildcard stands for one whole left-most label.
// U-labels of the name are compared as A-labels; a trailing dot is dropped.
func MatchName(c *Certificate, name string) NameResult {
	if addr, ok := parseIP(name); ok {
		return matchIP(c, addr)
	}
	r := NameResult{Name: toASCII(strings.TrimSuffix(name, ".")), Covered: covered(c)}
	if !validHost(r.Name) {
		r.Why = WhyBadName
		return r
	}
	for _, pattern := range c.DNSNames {
		if matchDNS(strings.ToLower(pattern), r.Name) {
			r.OK, r.By = true, pattern
			return r
		}
	}
	r.explain(c)
	return r
}

// parseIP reads an address as users type it: in brackets, with a zone.
func parseIP(name string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(name, "["); ok {
		name, _ = strings.CutSuffix(inner, "]")
	}
	addr, err := netip.ParseAddr(name)
	return addr.WithZone("").Unmap(), err == nil
}

func matchIP(c *Certificate, addr netip.Addr) NameResult {
	r := NameResult{Name: addr.String(), Covered: covered(c)}
	for _, ip := range c.IPs {
		if ip == addr {
			r.OK, r.By = true, ip.String()
			return r
		}
	}
	for _, name := range c.DNSNames {
		if other, ok := parseIP(name); ok && other == addr {
			r.Why, r.Near = WhyIPAsDNS, []string{name}
			return r
		}
	}
	r.Why = WhyIPWithoutSAN
	switch {
	case len(c.IPs) > 0:
		r.Why = WhyOtherIP
		for _, ip := range c.IPs[:min(3, len(c.IPs))] {
			r.Near = append(r.Near, ip.String())
		}
	case len(r.Covered) == 0 && c.Subject.CN() == "":
		r.Why = WhyNoNames
	}
	for _, cn := range c.Subject.RawCNs() {
		if other, ok := parseIP(cn); ok && other == addr && r.Why == WhyIPWithoutSAN {
			r.Why = WhyCNOnly
		}
	}
	return r
}

// covered lists the names of a certificate for printing.
func covered(c *Certificate) []string {
	names := make([]string, 0, len(c.DNSNames)+len(c.IPs))
	for _, name := range c.DNSNames {
		names = append(names, Printable(name))
	}
	for _, ip := range c.IPs {
		names = append(names, ip.String())
	}
	return names
}

// matchDNS compares two lower-case names, of which the first may begin with a
// wildcard. "*.com" is refused, as OpenSSL and browsers do.
func matchDNS(pattern, name string) bool {
	if pattern == "" || name == "" {
		return false
	}
	rest, wild := strings.CutPrefix(pattern, "*.")
	if !wild {
		return pattern == name && !strings.Contains(pattern, "*")
	}
	label, parent, ok := strings.Cut(name, ".")
	// A wildcard never stands for an empty label (RFC 9525, Section 6.3).
	return ok && label != "" && rest == parent && strings.Contains(rest, ".") && !strings.Contains(rest, "*")
}

// validHost reports whether the text can be a host name at all.
func validHost(name string) bool {
	if name == "" || len(name) > 253 || strings.Contains(name, "..") || strings.HasPrefix(name, ".") {
		return false
	}
	for i := range len(name) {
		b := name[i]
		if b <= ' ' || b == 0x7f || strings.IndexByte(`/\:@?#[]*"'<>`, b) >= 0 {
			return false
		}
	}
	return true
}
