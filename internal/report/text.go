package report

import (
	"io"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// labelWidth is the column of the text behind "Evidence", "Fix" and the like.
const labelWidth = 10

func writeText(w io.Writer, d *diag.Diagnosis, o Options) error {
	p := newPrinter(o)
	if o.Quiet {
		p.head(d)
		return p.flush(w)
	}
	p.diagnosis(d, o)
	return p.flush(w)
}

func (p *printer) diagnosis(d *diag.Diagnosis, o Options) {
	p.head(d)
	lead := leading(d)
	healthy := d.Verdict == diag.OK || d.Verdict == diag.Warning
	if d.Compared != nil {
		p.compared(d.Compared, o)
	} else if healthy && o.Verbose == 0 && d.Target.Protocol != "file" {
		if line := agreed(d); line != "" {
			p.item(item{indent: 2, text: line, style: dim})
		}
	} else if len(d.Handshake.Steps) > 0 {
		p.blank()
		p.ladder(d.Handshake, o.Verbose > 0)
	}
	if lead != nil && (len(lead.Evidence) > 0 || len(lead.Fixes) > 0 || lead.Verify != "") {
		p.blank()
		shown := *lead
		if explained(d) && lead.Confidence == diag.Possible && o.Verbose == 0 {
			shown.Fixes, shown.Verify = nil, "" // no fix for a guess: first the check that decides
		}
		p.cause(d, &shown, o)
	}
	if addressesDiffer(d) {
		p.blank()
		p.addresses(d)
	}
	if d.Compared != nil && d.Next != nil {
		p.next(d.Next)
	}
	if explained(d) {
		p.candidates(d, o)
		p.remarks(d)
		return
	}
	p.others(d, o)
	unexplained := lead != nil && lead.ID == "unexplained"
	if o.Certificates && o.Verbose == 0 && !unexplained {
		p.certificates(d, true)
	}
	if o.Verbose > 0 || unexplained {
		p.certificates(d, o.Verbose > 0 || o.Certificates)
		p.attempts(d, o, unexplained)
	}
	p.remarks(d)
}

// headSign is the sign of a diagnosis: words that leave several causes possible
// are a question, not a verdict.
func headSign(d *diag.Diagnosis) (string, style) {
	if c := leading(d); c != nil && explained(d) && d.Verdict == diag.Failure && c.Confidence == diag.Possible {
		return "?", yellow
	}
	return verdictSign(d.Verdict)
}

// verdictSign is the sign of the first line and its style.
func verdictSign(v diag.Verdict) (string, style) {
	switch v {
	case diag.Failure:
		return "✗", red
	case diag.Untested:
		return "?", yellow
	}
	return "✓", green
}

// head writes the first line: the answer, and at the right the cause's id and
// how sure it is.
func (p *printer) head(d *diag.Diagnosis) {
	sign, st := headSign(d)
	tail := ""
	if c := leading(d); c != nil {
		tail = p.bounded(c.ID, 40)
		if c.Confidence != "" {
			tail += p.glyph(" · ") + p.bounded(string(c.Confidence), 20)
		}
	} else if n := count(d, diag.SeverityWarning); n > 0 {
		tail = "(" + plural(n, "warning") + ")"
	}
	name := p.bounded(label(d.Target), 253+6)
	lines := wrap(name+"  "+p.line(headline(d)), p.width-2, p.width-2, true)
	for i, l := range lines {
		out := "  "
		if i == 0 {
			out = p.paint(st, p.glyph(sign)) + " "
			if rest, ok := strings.CutPrefix(l, name); ok {
				out += p.paint(bold, name) + p.paint(headStyle(d), rest)
			} else {
				out += p.paint(bold, l)
			}
		} else {
			out += p.paint(headStyle(d), l)
		}
		if i < len(lines)-1 {
			p.put(out)
			continue
		}
		if free := p.width - 2 - columns(l) - columns(tail); free >= 2 && tail != "" {
			out += strings.Repeat(" ", free) + p.paint(dim, tail)
		} else if tail != "" {
			p.put(out)
			out = padLeft("", p.width-columns(tail)) + p.paint(dim, tail)
		}
		p.put(out)
	}
}

func headStyle(d *diag.Diagnosis) style {
	if d.Verdict == diag.Failure {
		return bold
	}
	return none
}

// section writes a labelled entry; the label stands in front of the first
// line.
func (p *printer) section(name, text, right string) {
	p.item(item{indent: 2, lead: name, leadWidth: labelWidth, leadStyle: bold, text: text, right: right})
}

// shownEvidence is how many statements of evidence the short report prints.
const shownEvidence = 10

// cause writes everything that is known about one cause.
func (p *printer) cause(d *diag.Diagnosis, c *diag.Cause, o Options) {
	for i, e := range c.Evidence {
		if i == shownEvidence && o.Verbose == 0 {
			p.section("", plural(len(c.Evidence)-i, "further statement")+": -v", "")
			break
		}
		p.section(first(i, "Evidence"), e.Text, e.Where)
	}
	if len(c.Addresses) > 0 && len(c.Addresses) < len(d.Addresses) {
		p.section("At", strings.Join(c.Addresses, ", "), "")
	}
	for i, s := range c.NotRuledOut {
		p.item(item{indent: 2, lead: first(i, "Not ruled out"), leadWidth: 15, leadStyle: bold, text: s})
	}
	if who := whom(c, o.Verbose > 0); who != "" {
		p.section("Affected", who, "")
	}
	if len(c.Fixes) > 0 {
		if len(c.Evidence)+len(c.Affects)+len(c.Unaffected) > 0 {
			p.blank()
		}
		p.fixes(c.Fixes, o)
	}
	if c.Verify != "" {
		p.put("  " + p.paint(bold, pad("Verify", labelWidth)) + p.paint(cyan, p.whole(c.Verify)))
	}
}

// shownClients is how many families the short report names of each side.
const shownClients = 6

// whom says in one phrase who breaks and who does not.
func whom(c *diag.Cause, all bool) string {
	some := func(list []string) string {
		if n := len(list) - shownClients; n > 1 && !all {
			return strings.Join(list[:shownClients], ", ") + " and " + strconv.Itoa(n) + " more"
		}
		return strings.Join(list, ", ")
	}
	switch {
	case len(c.Unaffected) == 0:
		return some(c.Affects)
	case len(c.Affects) == 0:
		return "not affected: " + some(c.Unaffected)
	}
	return some(c.Affects) + "; not affected: " + some(c.Unaffected)
}

func first(i int, name string) string {
	if i == 0 {
		return name
	}
	return ""
}

// others writes what else was found: one line each, with -v all of it.
func (p *printer) others(d *diag.Diagnosis, o Options) {
	list := others(d, o.Verbose > 0)
	if len(list) == 0 {
		return
	}
	if leading(d) != nil || o.Verbose > 0 {
		p.blank()
	}
	idWidth := 0
	for _, c := range list {
		idWidth = max(idWidth, columns(p.bounded(c.ID, 28)))
	}
	for i, c := range list {
		sign, st := "!", yellow
		switch c.Severity {
		case diag.SeverityFailure:
			sign, st = "✗", red
		case diag.SeverityInfo:
			sign, st = "·", dim
		}
		lead := p.glyph(sign) + " " + pad(p.bounded(c.ID, 28), idWidth) + "  "
		right := ""
		if c.Confidence != diag.Proven {
			right = string(c.Confidence)
		}
		p.item(item{indent: 2, lead: lead, leadStyle: st, text: c.Summary, right: right})
		if o.Verbose > 0 {
			p.cause(d, c, o)
			if i < len(list)-1 {
				p.blank()
			}
		}
	}
	if o.Verbose == 0 && leading(d) == nil {
		for _, c := range list {
			if len(c.Fixes) > 0 {
				p.item(item{indent: 2, text: "-v shows evidence and fixes", style: dim})
				break
			}
		}
	}
}

func (p *printer) addresses(d *diag.Diagnosis) {
	w := 0
	for _, a := range d.Addresses {
		w = max(w, columns(p.bounded(a.Address, 48)))
	}
	for i, a := range d.Addresses {
		sign, st := p.glyph("✗"), red
		switch a.Outcome {
		case "ok":
			sign, st = p.glyph("✓"), green
		case string(diag.Untested), "":
			sign, st = "?", yellow
		}
		text := a.Outcome
		if a.Text != "" && a.Text != a.Outcome {
			text += ": " + a.Text
		}
		p.item(item{indent: 2, lead: pad(first(i, "Address"), labelWidth) + p.paint(st, sign) + " " + pad(p.bounded(a.Address, 48), w) + "  ",
			leadWidth: labelWidth + 2 + w + 2, text: text})
	}
}

const remarkWidth = 12

// remarks writes what was not tested and what is to be known about the run.
func (p *printer) remarks(d *diag.Diagnosis) {
	if len(d.NotTested) > 0 || len(d.Notes) > 0 {
		p.blank()
	}
	for i, n := range d.NotTested {
		text := n.What
		if n.Reason != "" {
			text += ": " + n.Reason
		}
		p.item(item{indent: 2, lead: first(i, "Not tested"), leadWidth: remarkWidth, leadStyle: dim, text: text, style: dim})
	}
	for i, n := range d.Notes {
		p.item(item{indent: 2, lead: first(i, "Note"), leadWidth: remarkWidth, leadStyle: dim, text: n, style: dim})
	}
}
