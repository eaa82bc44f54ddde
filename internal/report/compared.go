package report

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// faultWords say whose it is.
var faultWords = map[diag.Fault]string{
	diag.FaultNone:    "it works from each",
	diag.FaultNetwork: "the network of %s",
	diag.FaultDNS:     "where the name leads to: the DNS of %s",
	diag.FaultServer:  "the server, or what stands right before it: the same from each",
	diag.FaultMachine: "one of the machines behind the name, which %s reached",
	diag.FaultClient:  "the settings of %s",
	diag.FaultTime:    "the time between the runs, no network",
	diag.FaultSeveral: "several faults, see below",
	diag.FaultOpen:    "open: what was tried does not part the explanations",
}

// faultText says whose a failure is.
func faultText(c *diag.Compared) string {
	words, ok := faultWords[c.Fault]
	if !ok {
		return string(c.Fault)
	}
	if strings.Contains(words, "%s") {
		return fmt.Sprintf(words, strings.Join(c.At, ", "))
	}
	return words
}

// comparedRows are the rows worth showing: what differs, and what everybody
// wants to see first.
func comparedRows(c *diag.Compared, all bool) []diag.ComparedRow {
	var out []diag.ComparedRow
	for _, r := range c.Rows {
		if all || r.Differs || r.What == "the client's own hello" || r.What == "addresses" || r.What == "certificate" {
			out = append(out, r)
		}
	}
	return out
}

// verdictCell is the first row of a comparison's table.
func verdictCell(v diag.Vantage) string {
	if v.Cause != "" {
		return "✗ " + v.Cause
	}
	if v.Verdict == diag.OK || v.Verdict == diag.Warning {
		return "✓ works"
	}
	return "? " + v.Summary
}

// compared writes the vantages side by side.
func (p *printer) compared(c *diag.Compared, o Options) {
	p.blank()
	p.section("Fault", faultText(c), "")
	p.blank()
	n := len(c.Vantages)
	if n == 0 {
		return
	}
	rows := comparedRows(c, o.Verbose > 0)
	what := 0
	for _, r := range rows {
		what = max(what, columns(p.line(r.What)))
	}
	what = min(max(what, 8), 28, p.width/3)
	cell := (p.width - 2 - what) / n
	if cell < 16 { // too many for columns
		for i, v := range c.Vantages {
			p.item(item{indent: 2, lead: p.bounded(v.Label, 30), leadWidth: what, leadStyle: bold, text: p.glyphs(verdictCell(v))})
			for _, r := range rows {
				if i < len(r.Cells) && r.Cells[i] != "" {
					p.item(item{indent: 4, lead: p.bounded(r.What, what) + " ", leadWidth: what + 1, text: r.Cells[i]})
				}
			}
		}
		return
	}
	line := func(first string, cells []string, st style) {
		lines := [][]string{wrap(p.line(first), what, what, true)}
		high := len(lines[0])
		for _, s := range cells {
			l := wrap(p.line(s), cell-2, cell-2, true)
			lines, high = append(lines, l), max(high, len(l))
		}
		for i := range high {
			out := "  "
			for k, l := range lines {
				s := ""
				if i < len(l) {
					s = l[i]
				}
				w := cell
				if k == 0 {
					w = what
				}
				if k > 0 {
					out += "  "
					w -= 2
				}
				s = pad(s, w)
				if k > 0 {
					s = p.paint(st, s)
				}
				out += s
			}
			p.put(strings.TrimRight(out, " "))
		}
	}
	var head, verdicts []string
	for _, v := range c.Vantages {
		head, verdicts = append(head, v.Label), append(verdicts, p.glyphs(verdictCell(v)))
	}
	line("", head, bold)
	line("verdict", verdicts, none)
	for _, r := range rows {
		st := none
		if r.Differs {
			st = yellow
		}
		line(r.What, r.Cells, st)
	}
}

// glyphs is glyph for the sign that a text begins with.
func (p *printer) glyphs(s string) string {
	sign, rest, _ := strings.Cut(s, " ")
	return p.glyph(sign) + " " + rest
}

// mdCompared is the same as a table.
func mdCompared(b *strings.Builder, c *diag.Compared, all bool) {
	fmt.Fprintf(b, "**Fault**: %s\n\n", md(faultText(c)))
	row := func(first string, cells []string) {
		fmt.Fprintf(b, "| %s |", md(first))
		for _, s := range cells {
			fmt.Fprintf(b, " %s |", md(s))
		}
		b.WriteString("\n")
	}
	var head, verdicts []string
	for _, v := range c.Vantages {
		head, verdicts = append(head, v.Label), append(verdicts, verdictCell(v))
	}
	row("", head)
	b.WriteString("|---|" + strings.Repeat("---|", len(head)) + "\n")
	row("verdict", verdicts)
	for _, r := range comparedRows(c, all) {
		row(r.What, r.Cells)
	}
	b.WriteString("\n")
}
