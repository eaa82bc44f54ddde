package errtext

import (
	"slices"
	"strings"
)

// bag is a rule over words in any order: of each group one word must stand
// among span neighbouring words of a line.
type bag struct {
	s      *stanza
	groups [][]string
}

// span is how near the words of a bag must stand.
const span = 14

// parseBag reads "a|b c|d": groups apart by spaces, alternatives by bars.
func parseBag(s *stanza, value string) bag {
	b := bag{s: s}
	for _, g := range strings.Fields(value) {
		b.groups = append(b.groups, strings.Split(g, "|"))
	}
	return b
}

// findBags looks for the rules over words, where no phrase said why it failed.
// The first rule of the file that holds in a line counts for that line.
func findBags(text string, words []word) []mark {
	var out []mark
	for from := 0; from < len(words); {
		to := from + 1
		for to < len(words) && strings.IndexByte(text[words[to-1].end:words[to].start], '\n') < 0 {
			to++
		}
		for _, b := range load().bags {
			if at, ok := b.holds(words[from:to]); ok {
				out = append(out, mark{s: b.s, from: from + at[0], to: from + at[1] + 1, gaps: 1, problem: b.s.problem, rank: max(b.s.rank, 0)})
				break
			}
		}
		from = to
	}
	return out
}

// holds tells whether all groups stand near each other, and from where to where.
func (b *bag) holds(words []word) ([2]int, bool) {
	for i := range words {
		if !slices.Contains(b.groups[0], words[i].text) {
			continue
		}
		at, all := [2]int{i, i}, true
		for _, g := range b.groups[1:] {
			found := false
			for k := max(0, i-span); k < min(len(words), i+span+1); k++ {
				if k != i && slices.Contains(g, words[k].text) {
					at[0], at[1], found = min(at[0], k), max(at[1], k), true
					break
				}
			}
			all = all && found
		}
		if all {
			return at, true
		}
	}
	return [2]int{}, false
}
