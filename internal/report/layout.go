package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// wide lists the ranges that a terminal draws in two columns (East Asian Width
// W and F of Unicode, UAX #11), coarsely: a block that is mostly wide counts
// as wide.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115F, 1}, {0x231A, 0x231B, 1}, {0x2E80, 0x303E, 1}, {0x3041, 0x33FF, 1}, {0x3400, 0x4DBF, 1},
		{0x4E00, 0x9FFF, 1}, {0xA000, 0xA4CF, 1}, {0xA960, 0xA97C, 1}, {0xAC00, 0xD7A3, 1}, {0xF900, 0xFAFF, 1},
		{0xFE30, 0xFE6F, 1}, {0xFF01, 0xFF60, 1}, {0xFFE0, 0xFFE6, 1},
	},
	R32: []unicode.Range32{{0x16FE0, 0x18CFF, 1}, {0x1B000, 0x1B2FF, 1}, {0x1F200, 0x1F64F, 1}, {0x1F680, 0x1F6FF, 1},
		{0x1F900, 0x1F9FF, 1}, {0x20000, 0x3FFFD, 1}},
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}

// columns is the number of terminal columns that s takes. Our own colour
// sequences take none; there are no others, since all else is escaped.
func columns(s string) int {
	n := 0
	sequence := false
	for _, r := range s {
		switch {
		case r == 0x1B:
			sequence = true
		case sequence:
			sequence = r != 'm'
		default:
			n += runeWidth(r)
		}
	}
	return n
}

// wrap breaks s at spaces into lines of at most first columns (the first line)
// or rest columns (all others). A word that is longer than a line is broken
// when hard is set, else it overflows: what is to be pasted is never broken.
// Runs of spaces inside a line are kept, so that small alignments survive. The
// result has at least one line.
func wrap(s string, first, rest int, hard bool) []string {
	const least = 8
	first, rest = max(first, least), max(rest, least)
	var lines []string
	limit := first
	line, width := "", 0
	push := func() {
		lines = append(lines, strings.TrimRight(line, " "))
		line, width, limit = "", 0, rest
	}
	for s != "" {
		gap := len(s) - len(strings.TrimLeft(s, " "))
		end := strings.IndexByte(s[gap:], ' ')
		if end < 0 {
			end = len(s) - gap
		}
		space, word := s[:gap], s[gap:gap+end]
		s = s[gap+end:]
		w := columns(word)
		if line != "" && width+gap+w > limit {
			push()
		}
		if line == "" && len(lines) > 0 {
			space, gap = "", 0
		}
		for hard && gap+w > limit {
			head := cutColumns(word, limit-gap)
			line, word, space = space+head, word[len(head):], ""
			w, gap = columns(word), 0
			push()
		}
		line += space + word
		width += gap + w
	}
	if line != "" || len(lines) == 0 {
		push()
	}
	return lines
}

// cutColumns returns the longest beginning of s that fits into n columns, at
// least one character.
func cutColumns(s string, n int) string {
	w := 0
	for i, r := range s {
		w += runeWidth(r)
		if w > n && i > 0 {
			return s[:i]
		}
	}
	return s
}

// shorten cuts s to n columns and marks the cut.
func shorten(s string, n int) string {
	if columns(s) <= n || n < 2 {
		return s
	}
	return strings.TrimRight(cutColumns(s, n-1), " ") + "…"
}

// pad fills s with spaces up to n columns.
func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-columns(s)))
}

// padLeft fills s with spaces on the left.
func padLeft(s string, n int) string {
	return strings.Repeat(" ", max(0, n-columns(s))) + s
}

// upperFirst returns s with its first letter in upper case.
func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return s
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
