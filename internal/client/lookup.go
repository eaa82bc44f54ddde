package client

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/spell"
)

// UnknownError says that no profile has this name.
type UnknownError struct {
	Name string
	Near []string // names of profiles that look alike, best first; may be empty
}

// Error implements error.
func (e *UnknownError) Error() string {
	if len(e.Near) == 0 {
		return fmt.Sprintf("no client is called %q", e.Name)
	}
	return fmt.Sprintf("no client is called %q; near it: %s", e.Name, strings.Join(e.Near, ", "))
}

// aliases are other words for a family.
var aliases = map[string]string{
	"chromium": "chrome", "googlechrome": "chrome", "internetexplorer": "ie", "msie": "ie", "jdk": "java", "openjdk": "java",
	"jre": "java", "golang": "go", "mozilla": "firefox", "microsoftedge": "edge", "msedge": "edge",
}

// Lookup finds a profile by name; case, blanks, dashes and brackets do not
// count. An exact name wins, then a family with the beginning of a version
// ("java 6", "android 2.3"), then words that all occur ("ios safari 9"), then
// the family alone. Where several fit, the newest wins. "reference" is the
// reference client. The error is an *UnknownError.
func Lookup(name string) (*Profile, error) { return LookupIn(index(), name) }

// LookupIn is Lookup among some profiles.
func LookupIn(profiles []*Profile, name string) (*Profile, error) {
	key := squeeze(name)
	if key == "" {
		return nil, &UnknownError{Name: name}
	}
	if key == "reference" || key == squeeze(referenceName) {
		return Reference(), nil
	}
	for alias, family := range aliases {
		if rest, ok := strings.CutPrefix(key, alias); ok && (rest == "" || isDigit(rest[0])) {
			key = family + rest
			break
		}
	}
	words := split(name)
	matches := []func(*Profile) bool{
		func(p *Profile) bool {
			return slices.ContainsFunc(p.names(), func(n string) bool { return squeeze(n) == key })
		},
		func(p *Profile) bool { return key == squeeze(p.Family) },
		func(p *Profile) bool {
			return slices.ContainsFunc(p.spellings(), func(n string) bool { return startsWith(n, key) })
		},
		func(p *Profile) bool { return p.hasWords(words) },
	}
	for _, match := range matches {
		if p := newest(profiles, match); p != nil {
			return p, nil
		}
	}
	return nil, &UnknownError{Name: name, Near: near(key)}
}

func newest(of []*Profile, match func(*Profile) bool) *Profile {
	var best *Profile
	for _, p := range of {
		if match(p) && (best == nil || newer(p, best)) {
			best = p
		}
	}
	return best
}

// newer compares within a family by version, then by date; a phone's or a
// preview's variant and a crawler stand behind. Equal ones keep the order of
// Profiles.
func newer(a, b *Profile) bool {
	if a.Family != b.Family {
		return cmp.Compare(familyRank(a.Family), familyRank(b.Family)) < 0
	}
	return cmp.Or(
		compareVersions(a.Version, b.Version),
		cmp.Compare(bit(!a.variant()), bit(!b.variant())),
		cmp.Compare(bit(a.Released != "unknown"), bit(b.Released != "unknown")),
		cmp.Compare(a.Released, b.Released)) > 0
}

func (p *Profile) variant() bool {
	return p.Platform == "Windows Phone" || strings.Contains(p.Name, "Preview") || strings.Contains(p.Name, "Beta") ||
		p.Platform == "XP" || p.Platform == "iOS" || p.Platform == "Debian"
}

func (p *Profile) names() []string { return append([]string{p.Name}, p.Also...) }

// spellings are the squeezed names, those with alternatives ("Android 15/16")
// once per alternative, each also with the family's name in front.
func (p *Profile) spellings() []string {
	var out []string
	for _, n := range p.names() {
		first, rest, ok := strings.Cut(n, "/")
		out = append(out, squeeze(n))
		if !ok {
			continue
		}
		if family, _, ok := strings.Cut(first, " "); ok && rest != "" && isDigit(rest[0]) {
			out = append(out, squeeze(family+rest))
		}
	}
	return append(out, squeeze(p.Family+p.Version))
}

// startsWith reports a prefix that does not end within a number: "chrome 10"
// does not begin "chrome 101".
func startsWith(s, prefix string) bool {
	rest, ok := strings.CutPrefix(s, prefix)
	if !ok {
		return false
	}
	return rest == "" || !isDigit(rest[0]) || !isDigit(prefix[len(prefix)-1])
}

func (p *Profile) hasWords(words []string) bool {
	if !slices.ContainsFunc(words, func(w string) bool { return len(w) > 1 && isLetters(w) }) {
		return false
	}
	have := append(split(p.Name), split(p.Family)...)
	for _, w := range words {
		if !slices.ContainsFunc(have, func(h string) bool { return startsWith(h, w) }) {
			return false
		}
	}
	return true
}

// squeeze keeps letters, digits and dots, in lower case.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.':
			return r
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return -1
	}, s)
}

// split cuts into words at everything else, and between a word and a number.
func split(s string) []string {
	var out []string
	for _, word := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return squeeze(string(r)) == "" }) {
		if i := strings.IndexAny(word, "0123456789"); i > 1 && isLetters(word[:i]) {
			out = append(out, word[:i])
			word = word[i:]
		}
		out = append(out, word)
	}
	return out
}

func isLetters(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 'a' || r > 'z' }) < 0
}

// near lists up to five names: those of the family that the key begins with,
// the longest common beginning first, else those that differ in the fewest
// letters.
func near(key string) []string {
	type candidate struct {
		name     string
		distance int
	}
	var all []candidate
	for _, p := range index() {
		name, family := squeeze(p.Name), squeeze(p.Family)
		most := 2 * len(key) / 3
		d := spell.Distance(key, name, most)
		if strings.HasPrefix(key, family) {
			d = min(numberGap(key[len(family):], p.Version), 999) - 1000*commonPrefix(key, name)
		} else if d > most {
			if d = spell.Distance(key, family, 2); d > 2 || d >= len(key) {
				continue
			}
		}
		all = append(all, candidate{p.Name, d})
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(a.distance, b.distance) })
	var out []string
	for _, c := range all[:min(5, len(all))] {
		out = append(out, c.name)
	}
	return out
}

// numberGap is how far apart the first numbers are.
func numberGap(a, b string) int {
	first := func(s string) int {
		n := 0
		for i := 0; i < len(s) && isDigit(s[i]) && n < 1000; i++ {
			n = 10*n + int(s[i]-'0')
		}
		return n
	}
	return max(first(a), first(b)) - min(first(a), first(b))
}

func commonPrefix(a, b string) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}
