package client

import (
	"cmp"
	"embed"
	"slices"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Profile is one named client. It is shared and not to be changed.
type Profile struct {
	Name     string   // "Java 8u31"
	Also     []string // names under which collections list the same hello
	Family   string   // Java, OpenSSL, IE, Chrome ...
	Platform string   // where the TLS stack is the system's and differs by it: XP, iOS ...
	Version  string   // "8u31"; for crawlers the month of the capture
	Released string   // "2015-01", or "unknown"
	Current  bool     // in use, as far as the collection knows
	Captured string   // the day on which the hello was seen, "" where it is not known
	Note     string
	Source   string
	Client   facts.Client

	hex   string
	parse func() (*tlswire.ClientHello, error) // of hex, once; shared
}

//go:embed data/*.hello
var data embed.FS

// index holds the profiles of data, read once. Their hellos stay text until
// one is asked for.
var index = sync.OnceValue(func() []*Profile {
	entries, err := data.ReadDir("data")
	if err != nil {
		return nil
	}
	var out []*Profile
	for _, e := range entries {
		text, err := data.ReadFile("data/" + e.Name())
		if err != nil {
			continue
		}
		p, err := parseProfile(string(text))
		if err != nil {
			continue // a test reads every file and fails here
		}
		p.Client.Rules, p.Client.Stack = rulesOf(p), stackOf(p)
		out = append(out, p)
	}
	slices.SortStableFunc(out, inOrder)
	return out
})

// inOrder compares as Profiles sorts.
func inOrder(a, b *Profile) int {
	return cmp.Or(
		cmp.Compare(bit(b.Current), bit(a.Current)),
		cmp.Compare(familyRank(a.Family), familyRank(b.Family)),
		cmp.Compare(a.Family, b.Family),
		compareVersions(b.Version, a.Version),
		cmp.Compare(a.Name, b.Name))
}

// Profiles returns all profiles: those in use first, then by family, the
// newest of a family first.
func Profiles() []*Profile { return slices.Clone(index()) }

// Hello returns a fresh copy of the captured ClientHello, with the name, random
// and key shares of its capture; Build makes one that can be sent.
func (p *Profile) Hello() *tlswire.ClientHello {
	h, err := p.parse()
	if err != nil {
		return &tlswire.ClientHello{Version: p.Client.MaxVersion} // a test parses every profile
	}
	c := h.Clone()
	c.Raw = h.Raw
	return c
}

// Offer returns the captured ClientHello itself, which must not be changed.
func (p *Profile) Offer() *tlswire.ClientHello {
	if h, err := p.parse(); err == nil {
		return h
	}
	return &tlswire.ClientHello{} // a test parses every profile
}

// crawler reports that the client is a search engine's and no user's.
func (p *Profile) crawler() bool { return slices.Contains(crawlers, p.Family) }

var crawlers = []string{"Baidu", "BingBot", "BingPreview", "Googlebot", "Yahoo Slurp", "YandexBot"}

// families in the order in which people ask for them.
var families = []string{"OpenSSL", "Java", "Go", "Chrome", "Edge", "Firefox", "Safari", "Android", "IE"}

func familyRank(family string) int {
	if i := slices.Index(families, family); i >= 0 {
		return i
	}
	if slices.Contains(crawlers, family) {
		return len(families) + 1
	}
	return len(families)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compareVersions compares by the numbers and letters in both: 8u31 < 8u111,
// 1.0.1h < 1.0.2e, 8b132 < 8u31.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a = versionPart(a)
		y, b = versionPart(b)
		if c := cmp.Or(comparePart(x, y)); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func comparePart(x, y string) int {
	if isDigit(x[0]) && isDigit(y[0]) {
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		return cmp.Or(cmp.Compare(len(x), len(y)), cmp.Compare(x, y))
	}
	return cmp.Compare(x, y)
}

// versionPart cuts the first run of digits or of other characters.
func versionPart(s string) (part, rest string) {
	digit := isDigit(s[0])
	for i := range len(s) {
		if isDigit(s[i]) != digit {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
