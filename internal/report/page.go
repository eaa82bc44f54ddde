package report

import (
	"io"
	"regexp"
	"strings"
)

// Clean returns s as text that a terminal can only draw: control characters,
// bidirectional controls and the like are escaped.
func Clean(s string) string { return safeLine(s) }

// Heading writes one line that stands out.
func Heading(w io.Writer, s string, o Options) error {
	p := newPrinter(o)
	p.put(p.paint(bold, p.line(s)))
	return p.flush(w)
}

// Entry writes lead and text with a hanging indent behind the lead.
func Entry(w io.Writer, lead, text string, o Options) error {
	p := newPrinter(o)
	indent := len(lead) - len(strings.TrimLeft(lead, " "))
	p.item(item{indent: indent, lead: pad(p.line(lead), columns(lead)-indent), text: text})
	return p.flush(w)
}

var (
	listItem = regexp.MustCompile(`^( *)([-*]|\d+\.) +(.*)$`)
	codeSpan = regexp.MustCompile("``?([^`]+)``?")
	mdLink   = regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`)
	emphasis = regexp.MustCompile(`\*\*([^*]+)\*\*`)
)

// Page writes a page of Markdown (headings, paragraphs, lists, tables, code)
// for reading on a terminal.
func Page(w io.Writer, markdown string, o Options) error {
	p := newPrinter(o)
	lines := strings.Split(strings.ReplaceAll(strings.TrimSpace(markdown), "\r\n", "\n"), "\n")
	for i := 0; i < len(lines); {
		i += p.element(lines[i:])
	}
	return p.flush(w)
}

// pageIndent is where the text under a heading begins.
const pageIndent = 2

// element writes what begins at the first line and returns how many lines it
// took.
func (p *printer) element(lines []string) int {
	line := lines[0]
	switch {
	case strings.TrimSpace(line) == "":
		p.blank()
		return 1
	case strings.HasPrefix(line, "#"):
		text := strings.TrimSpace(strings.TrimLeft(line, "#"))
		p.put(p.paint(bold, p.inline(text)))
		if len(lines) > 1 && strings.TrimSpace(lines[1]) == "" {
			return 2
		}
		return 1
	case strings.HasPrefix(strings.TrimSpace(line), "```"):
		n := 1
		for n < len(lines) && !strings.HasPrefix(strings.TrimSpace(lines[n]), "```") {
			p.block(4, lines[n], cyan)
			n++
		}
		return min(n+1, len(lines))
	case strings.HasPrefix(line, "|") && len(lines) > 1 && strings.HasPrefix(lines[1], "|") && strings.Trim(lines[1], "|-: ") == "":
		return p.table(lines)
	}
	if m := listItem.FindStringSubmatch(line); m != nil {
		text, n := m[3], 1
		for n < len(lines) && continues(lines[n]) {
			text += " " + strings.TrimSpace(lines[n])
			n++
		}
		mark := m[2]
		if mark == "-" || mark == "*" {
			mark = p.glyph("·")
		}
		p.prose(pageIndent+len(m[1]), mark+" ", text)
		return n
	}
	text, n := strings.TrimSpace(line), 1
	for n < len(lines) && continues(lines[n]) {
		text += " " + strings.TrimSpace(lines[n])
		n++
	}
	p.prose(pageIndent, "", text)
	return n
}

// continues says whether a line goes on with the paragraph above it.
func continues(line string) bool {
	t := strings.TrimSpace(line)
	return t != "" && !strings.HasPrefix(t, "#") && !strings.HasPrefix(t, "```") && !listItem.MatchString(line)
}

// inline resolves links and takes the marks of code and emphasis away.
func (p *printer) inline(s string) string {
	s = mdLink.ReplaceAllString(s, "$1 ($2)")
	s = emphasis.ReplaceAllString(s, "$1")
	return p.whole(codeSpan.ReplaceAllString(s, "$1"))
}

// prose writes a paragraph. Its code spans are coloured where there is colour,
// else they keep their backticks.
func (p *printer) prose(indent int, lead, text string) {
	text = emphasis.ReplaceAllString(mdLink.ReplaceAllString(text, "$1 ($2)"), "$1")
	limit := p.width - indent - columns(lead)
	code := false // a span may go on in the next line
	for i, l := range wrap(p.whole(text), limit, limit, false) {
		out := strings.Repeat(" ", indent) + lead
		if i > 0 {
			out = strings.Repeat(" ", indent+columns(lead))
		}
		if p.color {
			l, code = p.spans(l, code)
		}
		p.put(out + l)
	}
}

// spans colours what stands between backticks and says whether a span is open
// at the end.
func (p *printer) spans(line string, code bool) (string, bool) {
	var b strings.Builder
	for i, part := range strings.Split(line, "`") {
		if i > 0 {
			code = !code
		}
		if code {
			part = p.paint(cyan, part)
		}
		b.WriteString(part)
	}
	return b.String(), code
}

// table writes the rows of a table in columns and returns how many lines it
// took. The last column wraps.
func (p *printer) table(lines []string) int {
	var rows [][]string
	n := 0
	for ; n < len(lines) && strings.HasPrefix(lines[n], "|"); n++ {
		cells := strings.Split(strings.Trim(strings.TrimSpace(lines[n]), "|"), "|")
		if strings.Trim(strings.Join(cells, ""), " -:") == "" {
			continue
		}
		for i := range cells {
			cells[i] = p.inline(strings.TrimSpace(cells[i]))
		}
		rows = append(rows, cells)
	}
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = min(max(widths[i], columns(c)), p.width/2)
		}
	}
	for _, r := range rows {
		lead := ""
		for i := range max(0, len(r)-1) {
			lead += pad(r[i], widths[i]) + "  "
		}
		if len(r) > 0 {
			p.item(item{indent: 2, lead: lead, text: r[len(r)-1]})
		}
	}
	return n
}
