package srvconf

import (
	"fmt"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// mistyped is the fault over a word that is not known, with the nearest one that
// is.
func mistyped(at facts.Place, what, word string, known []string, so string) facts.Fault {
	f := facts.Fault{At: at, Stops: true, Word: word, Meant: nearest(word, known)}
	if f.Meant != "" {
		so = fmt.Sprintf(" (did you mean %s?)%s", f.Meant, so)
	}
	f.Text = fmt.Sprintf("%s %q%s", what, word, so)
	return f
}

// nearest is the known word that differs least, "" where two do or where all
// differ by more than two letters.
func nearest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		switch d := editDistance(word, k, least+1); {
		case d < least:
			best, least = k, d
		case d == least:
			best = "" // two are as near
		}
	}
	return best
}

// editDistance is Levenshtein's, or enough where it is no smaller.
func editDistance(a, b string, enough int) int {
	if len(a)-len(b) >= enough || len(b)-len(a) >= enough || len(a) > 200 {
		return enough
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := last
			if a[i] != b[j] {
				change++
			}
			last = row[j+1]
			row[j+1] = min(change, row[j]+1, last+1)
		}
	}
	return row[len(b)]
}
