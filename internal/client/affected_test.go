package client

import (
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

func TestUnable(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		fails func(*Profile) bool
		want  []string // must all be there
		not   []string // families that must not occur
	}{
		{"no sni", lacksSNI, []string{"Java ≤ 6u45", "Android ≤ 2.3.7", "IE 6–8 on XP"}, []string{"Chrome", "OpenSSL", "Go"}},
		{"no 1.2", lacksVersions(tlswire.TLS12, tlswire.TLS13), []string{"Java ≤ 7u25", "Android ≤ 4.3", "OpenSSL ≤ 0.9.8y", "IE 7 on Vista", "Firefox ≤ 26"},
			[]string{"Go", "Edge"}},
		{"no 1.3", lacksVersions(tlswire.TLS13), []string{"Android ≤ 8.1", "IE 8–11 on Windows"}, []string{"Go"}},
		{"no p-521", lacksGroup(tlswire.GroupP521), []string{"Chrome ≥ 42", "Edge (all versions)"}, []string{"OpenSSL"}},
		{"no ed25519", lacksScheme(tlswire.SchemeEd25519), []string{"Chrome (all versions)"}, nil},
		{"big hello", LongerThan(1400), []string{"OpenSSL ≥ 3.5.0", "Chrome ≥ 137", "Firefox ≥ 137", "Go ≥ 1.26"}, []string{"Java", "curl"}},
		{"everything", func(*Profile) bool { return true }, []string{"every known client"}, nil},
		{"nothing", func(*Profile) bool { return false }, nil, []string{"Chrome", "Java"}},
		{"strict dh", func(p *Profile) bool { return p.Client.MinDHBits > 1024 }, []string{"OpenSSL 1.1.1b–1.1.1d", "OpenSSL ≥ 3.0.15"}, []string{"Chrome", "Firefox"}},
		{"no suite", lacksSuite(tlswire.TLS_RSA_WITH_RC4_128_SHA), []string{"OpenSSL ≥ 1.1.0j"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Unable(tt.fails)
			for _, want := range tt.want {
				if !slices.Contains(got, want) {
					t.Errorf("got %q, want %q in it", got, want)
				}
			}
			for _, not := range tt.not {
				if slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, not+" ") }) {
					t.Errorf("got %q, want no %s", got, not)
				}
			}
		})
	}
}

func lacksVersions(versions ...tlswire.Version) func(*Profile) bool {
	return func(p *Profile) bool {
		h := p.Offer()
		return !slices.ContainsFunc(versions, func(v tlswire.Version) bool { return h.Offers(v) && v >= p.Client.Lowest(0) })
	}
}

func lacksSuite(suite tlswire.CipherSuite) func(*Profile) bool {
	return func(p *Profile) bool { return !slices.Contains(p.Offer().CipherSuites, suite) }
}

func lacksGroup(group tlswire.Group) func(*Profile) bool {
	return func(p *Profile) bool {
		offered := p.Offer().Groups()
		return offered != nil && !slices.Contains(offered, group)
	}
}

func lacksScheme(scheme tlswire.SignatureScheme) func(*Profile) bool {
	return func(p *Profile) bool { return !slices.Contains(p.Offer().SignatureSchemes(), scheme) }
}

func lacksSNI(p *Profile) bool { return !p.Client.SendsSNI }

func TestCertFamilies(t *testing.T) {
	t.Parallel()
	for problem, row := range judgements {
		if len(row) != len(stacks) || strings.Trim(row, "+-.") != "" {
			t.Errorf("%s: row %q", problem, row)
		}
		breaks, passes := CertFamilies(problem)
		if len(breaks)+len(passes) == 0 {
			t.Errorf("%s: nobody", problem)
		}
	}
	tests := []struct {
		problem        string
		breaks, passes string
	}{
		{"cn-only", "Go Chrome Firefox", "OpenSSL curl Java Node.js Python wget GnuTLS"},
		{"leaf-is-ca", "Firefox", "OpenSSL curl Go Java Node.js Python wget GnuTLS Chrome"},
		{"alert112-warning", "Java", "OpenSSL curl Go Node.js Python wget GnuTLS Chrome Firefox"},
		{"no-rfc5746", "OpenSSL curl Node.js Python", "Go Java wget GnuTLS Chrome Firefox"},
		{"unheard-of", "", ""},
	}
	for _, tt := range tests {
		breaks, passes := CertFamilies(tt.problem)
		if got := strings.Join(breaks, " "); got != tt.breaks {
			t.Errorf("%s breaks %s, want %s", tt.problem, got, tt.breaks)
		}
		if got := strings.Join(passes, " "); got != tt.passes {
			t.Errorf("%s passes %s, want %s", tt.problem, got, tt.passes)
		}
	}
}
