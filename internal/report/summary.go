package report

import (
	"io"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// summaryLine is what the table at the end keeps of a diagnosis.
type summaryLine struct {
	label   string
	verdict diag.Verdict
	id      string
	text    string
}

func summarize(d *diag.Diagnosis) summaryLine {
	l := summaryLine{label: label(d.Target), verdict: d.Verdict}
	switch c := leading(d); {
	case c != nil:
		l.id, l.text = c.ID, c.Summary
	case d.Verdict == diag.OK || d.Verdict == diag.Warning:
		l.text = agreedShort(d)
		if list := others(d, false); len(list) > 0 {
			l.id, l.text = list[0].ID, list[0].Summary
			if n := len(list) - 1; n > 0 {
				l.text += " (and " + strconv.Itoa(n) + " more)"
			}
		}
	default:
		l.text = headline(d)
	}
	return l
}

// agreedShort is the version and how long the certificate is valid.
func agreedShort(d *diag.Diagnosis) string {
	var parts []string
	if a := base(d); a != nil && a.Version != "" {
		parts = append(parts, a.Version)
	}
	if c := leaf(d); c != nil && !c.NotAfter.IsZero() {
		parts = append(parts, "valid until "+day(c.NotAfter))
	}
	return strings.Join(parts, ", ")
}

// writeSummary writes one line per target and the totals.
func writeSummary(w io.Writer, lines []summaryLine, o Options) error {
	p := newPrinter(o)
	p.blank()
	var totals []string
	for _, v := range []struct {
		verdict diag.Verdict
		words   string
	}{{diag.Failure, "failed"}, {diag.Untested, "not tested"}, {diag.Warning, "with warnings"}, {diag.OK, "healthy"}} {
		n := 0
		for _, l := range lines {
			if l.verdict == v.verdict {
				n++
			}
		}
		if n > 0 {
			totals = append(totals, strconv.Itoa(n)+" "+v.words)
		}
	}
	p.put(p.paint(bold, plural(len(lines), "target")+": "+strings.Join(totals, ", ")))
	name, id := 0, 0
	for _, l := range lines {
		name = max(name, columns(p.line(l.label)))
		id = max(id, columns(p.line(l.id)))
	}
	name, id = min(name, p.width*2/5), min(id, 24)
	for _, l := range lines {
		sign, st := verdictSign(l.verdict)
		if l.verdict == diag.Warning {
			sign, st = "!", yellow
		}
		row := "  " + p.paint(st, p.glyph(sign)) + " " + pad(p.shorten(p.line(l.label), name), name) + "  "
		if id > 0 {
			row += pad(p.shorten(p.line(l.id), id), id) + "  "
		}
		free := p.width - 4 - name - 2
		if id > 0 {
			free -= id + 2
		}
		p.put(row + p.shorten(p.line(l.text), free))
	}
	return p.flush(w)
}

// shorten cuts with the sign that the terminal can draw.
func (p *printer) shorten(s string, n int) string {
	if !p.ascii || columns(s) <= n {
		return shorten(s, n)
	}
	return cutColumns(s, max(1, n-3)) + "..."
}
