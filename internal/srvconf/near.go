package srvconf

import (
	"fmt"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/spell"
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
		switch d := spell.Distance(word, k, least); {
		case d < least:
			best, least = k, d
		case d == least:
			best = "" // two are as near
		}
	}
	return best
}
