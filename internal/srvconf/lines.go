package srvconf

import (
	"strings"
)

// textLine is one logical line with the number of its first physical one.
type textLine struct {
	text string
	line int
}

// joined splits a text into lines. Where backslash is set, one at the end of a
// line continues it on the next.
func joined(text string, backslash bool) []textLine {
	var out []textLine
	open := false
	n := 0
	for raw := range strings.Lines(text) {
		n++
		raw = strings.TrimRight(raw, "\r\n")
		body, more := raw, false
		if backslash {
			body, more = strings.CutSuffix(raw, `\`)
		}
		if open {
			out[len(out)-1].text += " " + strings.TrimLeft(body, " \t")
		} else {
			out = append(out, textLine{body, n})
		}
		open = more
	}
	return out
}

// quotedWords splits a line at blanks outside of quotes.
func quotedWords(s string) []string {
	var out []string
	var b strings.Builder
	in := byte(0)
	any := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case in != 0 && c == '\\' && i+1 < len(s) && (s[i+1] == in || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		case in != 0 && c == in:
			in = 0
		case in == 0 && (c == '"' || c == '\''):
			in, any = c, true
		case in == 0 && (c == ' ' || c == '\t'):
			if any || b.Len() > 0 {
				out = append(out, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteByte(c)
		}
	}
	if any || b.Len() > 0 {
		out = append(out, b.String())
	}
	return out
}
