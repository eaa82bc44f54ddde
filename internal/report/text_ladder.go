package report

import (
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// ladder writes the steps of the handshake, one rung each: name, who sent it
// or whether it went well, what it said, when. Steps that were never reached
// are left out unless all is set.
func (p *printer) ladder(h diag.Handshake, all bool) {
	nameWidth := 12
	for _, s := range h.Steps {
		if s.Status != diag.StatusNever || all {
			nameWidth = max(nameWidth, columns(p.bounded(s.Name, nameLimit)))
		}
	}
	for _, s := range h.Steps {
		if s.Status == diag.StatusNever && !all {
			continue
		}
		p.step(s, nameWidth)
	}
}

// nameLimit bounds the name of a step.
const nameLimit = 24

// statusSign is the sign of a step or of a line under it.
func statusSign(s diag.Status) (string, style) {
	switch s {
	case diag.StatusOK:
		return "✓", green
	case diag.StatusBad:
		return "✗", red
	case diag.StatusWarn:
		return "!", yellow
	}
	return "·", dim
}

// stepText is what a step said. Of an alert it says who sent it: an arrow is
// not enough.
func stepText(s diag.Step) string {
	if s.Name == "Alert" && s.From != "" && !strings.Contains(s.Text, s.From) {
		return s.From + ": " + s.Text
	}
	return s.Text
}

// dialogue says that a line under a step is a line of a plaintext dialogue,
// not a fault.
func dialogue(note string) bool {
	return strings.HasPrefix(note, "→ ") || strings.HasPrefix(note, "← ")
}

func (p *printer) step(s diag.Step, nameWidth int) {
	name := pad(p.bounded(s.Name, nameLimit), nameWidth) + " "
	sign, st := statusSign(s.Status)
	mark, markStyle := sign, st
	text := stepText(s)
	switch s.From {
	case "client":
		mark, markStyle = "→", none
	case "server":
		mark, markStyle = "←", none
	}
	textStyle := none
	bare := !slices.ContainsFunc(s.Notes, func(n string) bool { return !dialogue(n) })
	switch {
	case s.Status == diag.StatusNever:
		mark, markStyle, textStyle = "·", dim, dim
		if text == "" {
			text = "never happened"
		}
	case mark == sign:
	case s.Status == diag.StatusBad && bare:
		// The break itself: an arrow alone would not show it.
		text, textStyle, markStyle = sign+" "+text, red, st
	case s.Status == diag.StatusWarn && bare:
		text, markStyle = sign+" "+text, st
	}
	right := ""
	if s.AtMS != nil {
		right = milliseconds(*s.AtMS)
	}
	nameStyle := none
	if s.Status == diag.StatusNever {
		nameStyle = dim
	}
	lead := p.paint(nameStyle, name) + p.paint(markStyle, p.glyph(mark)) + " "
	p.item(item{indent: 2, lead: lead, leadWidth: nameWidth + 3, text: text, style: textStyle, right: right})
	for _, n := range s.Notes {
		lead, noteStyle := strings.Repeat(" ", nameWidth+3), none
		if (s.Status == diag.StatusBad || s.Status == diag.StatusWarn) && !dialogue(n) {
			lead = strings.Repeat(" ", nameWidth+1) + p.paint(st, p.glyph(sign)) + " "
			if s.Status == diag.StatusBad {
				noteStyle = red
			}
		}
		p.item(item{indent: 2, lead: lead, leadWidth: nameWidth + 3, text: n, style: noteStyle})
	}
}
