package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// unsafe says whether a terminal, a browser or an editor may do something else
// with the rune than draw it: control characters, bidirectional controls,
// invisible and private ones, line separators.
func unsafe(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7F && r < 0xA0:
		return true
	case r < 0x300:
		return r == 0xAD // soft hyphen
	case r == utf8.RuneError, unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Cs, r):
		return true
	case r == 0x2028, r == 0x2029, r == 0x115F, r == 0x1160, r == 0x3164, r == 0xFFA0:
		return true
	case r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0000:
		return true
	}
	return !unicode.IsPrint(r) && !unicode.Is(unicode.Zs, r)
}

// safeLine returns s with everything escaped that is not to be drawn; the
// result is one line.
func safeLine(s string) string { return escape(s, "") }

// safeBlock is safeLine for something of several lines: line feeds and tabs
// stay, a carriage return before a line feed goes.
func safeBlock(s string) string {
	return escape(strings.ReplaceAll(s, "\r\n", "\n"), "\n\t")
}

// maxMarks bounds how many combining marks may pile up on one character.
const maxMarks = 4

func escape(s, keep string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	marks := 0
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if mark := unicode.In(r, unicode.Mn, unicode.Me); mark {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02X`, s[i])
		case strings.ContainsRune(keep, r):
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case unsafe(r) && r < 0x100:
			fmt.Fprintf(&b, `\x%02X`, r)
		case unsafe(r) || marks > maxMarks:
			fmt.Fprintf(&b, `\u{%04X}`, r)
		default:
			b.WriteRune(r)
		}
		i += n
	}
	return b.String()
}

// plain says that s consists of printable ASCII only.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < 0x20 || s[i] >= 0x7F {
			return false
		}
	}
	return true
}

// transliterations are what ASCII makes of the characters that our own texts
// use; all others are escaped.
var transliterations = map[rune]string{
	'✓': "+", '✗': "x", '→': "->", '←': "<-", '·': "-", '…': "...", '–': "-", '—': "-", '≥': ">=", '≤': "<=",
	'“': `"`, '”': `"`, '‘': "'", '’': "'", '×': "x", '\u00A0': " ",
}

// toASCII replaces what a terminal without UTF-8 cannot draw.
func toASCII(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch t, ok := transliterations[r]; {
		case r < 0x80:
			b.WriteRune(r)
		case ok:
			b.WriteString(t)
		case r < 0x100:
			fmt.Fprintf(&b, `\x%02X`, r)
		default:
			fmt.Fprintf(&b, `\u{%04X}`, r)
		}
	}
	return b.String()
}
