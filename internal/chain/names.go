package chain

// Why says why a name does not match, in one word.
type Why string

// The reasons, most specific first.
const (
	WhyNone          Why = ""
	WhyWildcardDepth Why = "wildcard-depth" // *.example.com does not cover a.b.example.com
	WhyWildcardApex  Why = "wildcard-apex"  // *.example.com does not cover example.com
	WhyWWWApex       Why = "www-apex"       // asked for www.example.com, covered is example.com
	WhyApexWWW       Why = "apex-www"       // asked for example.com, covered is www.example.com
	WhyIPWithoutSAN  Why = "ip-without-ip"  // asked for an address, no IP SAN at all
	WhyIPAsDNS       Why = "ip-as-dns"      // the address is in the SAN, but as a DNS name
	WhyOtherIP       Why = "other-ip"       // IP SANs, but others
	WhyCNOnly        Why = "cn-only"        // only the common name matches
	WhyIDN           Why = "idn"            // the same name, but as a U-label instead of an A-label
	WhyBadWildcard   Why = "bad-wildcard"   // a wildcard in a form that clients refuse
	WhyPublicSuffix  Why = "wildcard-tld"   // the wildcard would cover a whole top level domain
	WhyTypo          Why = "typo"           // one or two letters away
	WhySibling       Why = "sibling"        // other names of the same domain
	WhyUnqualified   Why = "unqualified"    // asked for a short name, covered is the full one, or the reverse
	WhyNoNames       Why = "no-names"       // no name of the wanted type at all
	WhyBadName       Why = "bad-name"       // what was asked for is no DNS name
	WhyOther         Why = "other"
)

// NameResult is the outcome of MatchName.
type NameResult struct {
	OK      bool
	Name    string   // what was asked for, normalised
	By      string   // the SAN entry that matches, when OK
	ByCN    bool     // only the common name matches (OK is false then)
	Why     Why      // when not OK
	Near    []string // the names that come closest, best first, at most three
	Covered []string // all names of the certificate, for printing
}

// MatchName compares the certificate's subjectAltName with a DNS name or an IP
// literal (RFC 9525, Section 6).
func MatchName(c *Certificate, name string) NameResult {
	return NameResult{Name: name}
}
