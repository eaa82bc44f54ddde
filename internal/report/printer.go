package report

import (
	"io"
	"strings"
)

// style is an ANSI "select graphic rendition" sequence.
type style string

const (
	none   style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "1;31"
	green  style = "32"
	yellow style = "33"
	cyan   style = "36"
)

// printer lays out text. Whatever it is given is escaped; layout is done on
// the escaped text, colour comes last and takes no columns.
type printer struct {
	b     strings.Builder
	width int
	color bool
	ascii bool
}

func newPrinter(o Options) *printer {
	w := o.Width
	if w <= 0 {
		w = 80
	}
	return &printer{width: max(w, minWidth), color: o.Color, ascii: o.ASCII}
}

func (p *printer) flush(w io.Writer) error {
	_, err := io.WriteString(w, p.b.String())
	return err
}

// line is text for one line: escaped, and in ASCII where needed.
func (p *printer) line(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > lineBytes {
		s = cutColumns(s[:lineBytes], lineBytes) + "…"
	}
	s = safeLine(s)
	if p.ascii {
		s = toASCII(s)
	}
	return s
}

// lineBytes bounds one statement of the text report; JSON has all of it.
const lineBytes = 2000

// whole is line for something that is never cut.
func (p *printer) whole(s string) string {
	s = safeLine(strings.TrimSpace(s))
	if p.ascii {
		s = toASCII(s)
	}
	return s
}

// bounded is line for a name that stands in a column of its own.
func (p *printer) bounded(s string, n int) string { return p.shorten(p.line(s), n) }

// glyph is one of our own signs.
func (p *printer) glyph(s string) string {
	if !p.ascii {
		return s
	}
	switch s {
	case "→":
		return ">"
	case "←":
		return "<"
	}
	return toASCII(s)
}

func (p *printer) paint(st style, s string) string {
	if !p.color || st == none || s == "" {
		return s
	}
	return "\x1b[" + string(st) + "m" + s + "\x1b[0m"
}

// put writes one finished line.
func (p *printer) put(s string) {
	p.b.WriteString(strings.TrimRight(s, " "))
	p.b.WriteByte('\n')
}

func (p *printer) blank() { p.b.WriteByte('\n') }

// item is one entry with a hanging indent: lead, text, and at the right margin
// a remark.
type item struct {
	indent    int    // columns before the lead
	lead      string // sign or label, already escaped
	leadWidth int    // columns that the lead is padded to
	leadStyle style
	text      string
	style     style
	right     string // at the right margin of the last line
	paste     bool   // never break a word
}

// item writes an entry.
func (p *printer) item(it item) {
	it.leadWidth = max(it.leadWidth, columns(it.lead))
	left := it.indent + it.leadWidth
	limit := p.width - left
	right := p.bounded(it.right, max(limit, 20))
	hang := hanging(it.text)
	text := p.line(it.text)
	if it.paste {
		text = p.whole(it.text)
	}
	lines := wrap(text, limit, limit-hang, !it.paste)
	if right != "" && columns(lines[len(lines)-1])+hang+2+columns(right) > limit {
		// Make room by wrapping a little narrower, but only where that costs no
		// more than the line that the remark would need for itself.
		narrow := limit - 2 - columns(right)
		if narrower := wrap(text, narrow, narrow-hang, !it.paste); narrow >= limit/2 && len(narrower) <= len(lines)+1 {
			lines = narrower
		}
	}
	for i, s := range lines {
		if i > 0 {
			s = strings.Repeat(" ", hang) + s
		}
		out := strings.Repeat(" ", it.indent)
		if i == 0 {
			out += p.paint(it.leadStyle, it.lead) + strings.Repeat(" ", max(0, it.leadWidth-columns(it.lead)))
		} else {
			out += strings.Repeat(" ", it.leadWidth)
		}
		out += p.paint(it.style, s)
		if i == len(lines)-1 && right != "" {
			free := limit - columns(s) - columns(right)
			if free >= 2 {
				out += strings.Repeat(" ", free) + p.paint(dim, right)
			} else {
				p.put(out)
				out = padLeft("", max(left, p.width-columns(right))) + p.paint(dim, right)
			}
		}
		p.put(out)
	}
}

// hanging is the column at which the further lines of a text begin that has
// small columns of its own: "works   with the same hello".
func hanging(s string) int {
	word := strings.IndexByte(s, ' ')
	if word <= 0 || word > 10 || !strings.HasPrefix(s[word:], "  ") {
		return 0
	}
	return min(len(s)-len(strings.TrimLeft(s[word:], " ")), 16)
}

// block writes something to paste, line by line, neither wrapped nor cut.
func (p *printer) block(indent int, s string, st style) {
	for _, l := range strings.Split(strings.Trim(safeBlock(s), "\n"), "\n") {
		if p.ascii {
			l = toASCII(l)
		}
		p.put(strings.Repeat(" ", indent) + p.paint(st, strings.TrimRight(l, " ")))
	}
}
