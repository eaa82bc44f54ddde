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

// wordSyntax says how a line is split at its blanks, beyond quotes.
type wordSyntax struct {
	// shell: # begins a comment, and a backslash keeps every character, except in
	// single quotes. Otherwise it keeps a quote or a backslash, within quotes.
	shell bool
	// variable gives the value of a name behind $ in double quotes; nil = none.
	variable func(name string) string
}

// words splits a line.
func (w wordSyntax) words(s string) []string {
	var out []string
	var b strings.Builder
	in, any := byte(0), false
	end := func() {
		if any || b.Len() > 0 {
			out = append(out, b.String())
		}
		b.Reset()
		any = false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		escapes := w.shell && in != '\'' || in != 0 && i+1 < len(s) && (s[i+1] == in || s[i+1] == '\\')
		switch {
		case c == '\\' && escapes && i+1 < len(s):
			i++
			b.WriteByte(s[i])
			any = true
		case in != 0 && c == in:
			in = 0
		case in == 0 && (c == '"' || c == '\''):
			in, any = c, true
		case in == '"' && c == '$' && w.variable != nil:
			name, length := variableAt(s[i+1:])
			b.WriteString(w.variable(name))
			i += length
		case in == 0 && c == '#' && w.shell:
			end()
			return out
		case in == 0 && (c == ' ' || c == '\t'):
			end()
		default:
			b.WriteByte(c)
		}
	}
	end()
	return out
}

// variableAt reads NAME or {NAME} and says how long it is.
func variableAt(s string) (name string, length int) {
	if strings.HasPrefix(s, "{") {
		if i := strings.IndexByte(s, '}'); i > 0 {
			return s[1:i], i + 1
		}
	}
	n := 0
	for n < len(s) && (s[n] == '_' || s[n]|0x20 >= 'a' && s[n]|0x20 <= 'z' || n > 0 && s[n] >= '0' && s[n] <= '9') {
		n++
	}
	return s[:n], n
}
