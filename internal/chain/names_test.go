package chain

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// named is a certificate with these SAN entries; an entry that is an address
// becomes an IP SAN, "dns:" forces a DNS name.
func named(cn string, entries ...string) *Certificate {
	c := &Certificate{HasSAN: len(entries) > 0}
	if cn != "" {
		c.Subject.Attributes = []Attribute{{OID: oidCommonName, Value: cn}}
	}
	for _, e := range entries {
		if ip, err := netip.ParseAddr(e); err == nil {
			c.IPs = append(c.IPs, ip)
			continue
		}
		c.DNSNames = append(c.DNSNames, strings.TrimPrefix(e, "dns:"))
	}
	return c
}

func TestMatchName(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		cn      string
		entries []string
		host    string
		ok      bool
		why     Why
		near    string
	}{
		{"exact", "", []string{"a.example.com"}, "a.example.com", true, "", ""},
		{"letter case", "", []string{"A.Example.com"}, "a.eXample.COM", true, "", ""},
		{"trailing dot asked", "", []string{"a.example.com"}, "a.example.com.", true, "", ""},
		{"wildcard", "", []string{"*.example.com"}, "a.example.com", true, "", ""},
		{"underscore", "", []string{"*.example.com"}, "_dmarc.example.com", true, "", ""},
		{"second entry", "", []string{"b.example.com", "a.example.com"}, "a.example.com", true, "", ""},
		{"A-label for U-label", "", []string{"xn--mller-kva.de"}, "müller.de", true, "", ""},
		{"upper case U-label", "", []string{"xn--mller-kva.de"}, "MÜLLER.de", true, "", ""},
		{"IPv4", "", []string{"10.0.0.1"}, "10.0.0.1", true, "", ""},
		{"IPv6 in brackets", "", []string{"2001:db8::1"}, "[2001:DB8:0::1]", true, "", ""},
		{"IPv6 with zone", "", []string{"fe80::1"}, "fe80::1%eth0", true, "", ""},
		{"mapped IPv4", "", []string{"10.0.0.1"}, "::ffff:10.0.0.1", true, "", ""},

		{"wildcard depth", "", []string{"*.example.com"}, "a.b.example.com", false, WhyWildcardDepth, "*.example.com"},
		{"wildcard apex", "", []string{"*.example.com"}, "example.com", false, WhyWildcardApex, "*.example.com"},
		{"www asked", "", []string{"example.com"}, "www.example.com", false, WhyWWWApex, "example.com"},
		{"www covered", "", []string{"www.example.com"}, "example.com", false, WhyApexWWW, "www.example.com"},
		{"sibling", "", []string{"mail.example.com"}, "shop.example.com", false, WhySibling, "mail.example.com"},
		{"numbered sibling", "", []string{"web1.example.com"}, "web2.example.com", false, WhySibling, "web1.example.com"},
		{"sibling below co.uk", "", []string{"mail.example.co.uk"}, "shop.example.co.uk", false, WhySibling, "mail.example.co.uk"},
		{"strangers below co.uk", "", []string{"mail.other.co.uk"}, "shop.example.co.uk", false, WhyOther, ""},
		{"typo", "", []string{"shop.exmaple.com"}, "shop.example.com", false, WhyTypo, "shop.exmaple.com"},
		{"typo below a wildcard", "", []string{"*.exampel.com"}, "shop.example.com", false, WhyTypo, "*.exampel.com"},
		{"another name", "", []string{"other.org"}, "shop.example.com", false, WhyOther, ""},
		{"short name asked", "", []string{"server1.corp.example"}, "server1", false, WhyUnqualified, "server1.corp.example"},
		{"short name covered", "", []string{"server1"}, "server1.corp.example", false, WhyUnqualified, "server1"},
		{"top level wildcard", "", []string{"*.com"}, "example.com", false, WhyPublicSuffix, "*.com"},
		{"partial wildcard", "", []string{"w*.example.com"}, "www.example.com", false, WhyBadWildcard, "w*.example.com"},
		{"inner wildcard", "", []string{"www.*.com"}, "www.example.com", false, WhyBadWildcard, "www.*.com"},
		{"double wildcard", "", []string{"*.*.example.com"}, "a.b.example.com", false, WhyBadWildcard, "*.*.example.com"},
		{"bare star", "", []string{"*"}, "localhost", false, WhyBadWildcard, "*"},
		{"dot in the entry", "", []string{"example.com."}, "example.com", false, WhyTrailingDot, "example.com."},
		{"raw U-label", "", []string{"müller.de"}, "xn--mller-kva.de", false, WhyIDN, "müller.de"},
		{"CN only", "a.example.com", nil, "a.example.com", false, WhyCNOnly, ""},
		{"CN beside other names", "a.example.com", []string{"b.example.com"}, "a.example.com", false, WhyCNOnly, "b.example.com"},
		{"no names", "My server", nil, "a.example.com", false, WhyNoNames, ""},
		{"IP without IP SAN", "", []string{"a.example.com"}, "10.0.0.1", false, WhyIPWithoutSAN, ""},
		{"IP as DNS name", "", []string{"dns:10.0.0.1"}, "10.0.0.1", false, WhyIPAsDNS, "10.0.0.1"},
		{"other IP", "", []string{"10.0.0.2"}, "10.0.0.1", false, WhyOtherIP, "10.0.0.2"},
		{"IP in the CN", "10.0.0.1", nil, "10.0.0.1", false, WhyCNOnly, ""},
		{"nothing for an IP", "", nil, "10.0.0.1", false, WhyNoNames, ""},
		{"DNS asked, IP covered", "", []string{"10.0.0.1"}, "a.example.com", false, WhyOther, ""},
		{"not a name", "", []string{"a.example.com"}, "a..example.com", false, WhyBadName, ""},
		{"URL", "", []string{"a.example.com"}, "https://a.example.com/", false, WhyBadName, ""},
		{"wildcard asked", "", []string{"*.example.com"}, "*.example.com", false, WhyBadName, ""},
		{"empty label", "", []string{"*.example.com"}, ".example.com", false, WhyBadName, ""},
		{"empty entry", "", []string{"dns:"}, "a.example.com", false, WhyOther, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := named(tc.cn, tc.entries...)
			r := MatchName(c, tc.host)
			if r.OK != tc.ok || r.Why != tc.why {
				t.Fatalf("got %+v, want %v %q", r, tc.ok, tc.why)
			}
			if tc.ok && r.By == "" {
				t.Error("By is empty")
			}
			if near := strings.Join(r.Near, " "); near != tc.near {
				t.Errorf("near: got %q, want %q", near, tc.near)
			}
			if want := tc.why == WhyCNOnly && len(c.DNSNames) == 0 && !strings.Contains(tc.host, "10.0"); r.ByCN != want {
				t.Errorf("by CN: got %v, want %v", r.ByCN, want)
			}
		})
	}
}

func TestMatchNameNearest(t *testing.T) {
	t.Parallel()
	r := MatchName(named("", "mail.example.com", "example.com", "www2.example.com", "other.org", "exampel.com"), "www.example.com")
	if want := []string{"example.com", "www2.example.com", "mail.example.com"}; r.Why != WhyWWWApex || len(r.Near) != 3 || r.Near[0] != want[0] {
		t.Errorf("got %q %v, want %v", r.Why, r.Near, want)
	}
	if len(r.Covered) != 5 {
		t.Errorf("covered: got %v", r.Covered)
	}
}

func TestMatchNameMany(t *testing.T) {
	t.Parallel()
	var entries []string
	for range maxNames {
		entries = append(entries, strings.Repeat("a", 60)+".example.com")
	}
	start := time.Now()
	r := MatchName(named("", entries...), strings.Repeat("a", 58)+"bb.example.com")
	if r.OK || time.Since(start) > 30*time.Second {
		t.Errorf("got %v after %v", r.OK, time.Since(start))
	}
}

func TestPunycode(t *testing.T) {
	t.Parallel()
	// Names registered under these forms, and samples of RFC 3492, Section 7.1.
	for in, want := range map[string]string{
		"bücher.example": "xn--bcher-kva.example", "münchen.de": "xn--mnchen-3ya.de", "日本語.jp": "xn--wgv71a119e.jp",
		"пример.испытание": "xn--e1afmkfd.xn--80akhbyknj4f", "faß.de": "xn--fa-hia.de", "plain.example": "plain.example",
		"例え。テスト": "xn--r8jz45g.xn--zckzah", "他们为什么不说中文": "xn--ihqwcrb4cv8a8dqg056pqjye",
	} {
		if got := toASCII(in); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func FuzzMatchName(f *testing.F) {
	f.Add("a.example.com", "*.example.com", "x")
	f.Add("10.0.0.1", "10.0.0.1", "")
	f.Add("müller.de", "m*.de", "müller.de")
	f.Fuzz(func(t *testing.T, host, entry, cn string) {
		c := named(cn, "dns:"+entry)
		r := MatchName(c, host)
		if r.OK == (r.Why != "") || r.OK && !slices.Contains(c.DNSNames, r.By) || len(r.Near) > 3 {
			t.Errorf("inconsistent: %+v", r)
		}
		if r.OK && !strings.HasPrefix(entry, "*.") && !strings.EqualFold(entry, r.Name) && isASCII(entry) {
			t.Errorf("%q matches %q", entry, host)
		}
	})
}
