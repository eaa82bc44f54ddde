package report

import (
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// ladder is the drawing of a handshake: client at the left, server at the
// right, between them something on the path where a middlebox or proxy is
// suspected, time downwards.
type ladder struct {
	Width, Height int
	Client        int // x of the client's line
	Server        int
	Box           int // x of what stands between them, 0 when nothing does
	BoxName       string
	Bottom        int
	Middle        int // x of the arrows' texts
	Rungs         []rung
	Title         string
}

// rung is one step.
type rung struct {
	Y        int
	X1, X2   int  // the arrow, from its sender; equal for a step without sender
	Arrow    bool // else a line of text between the two
	Class    string
	Name     string
	Sign     string
	Lines    []svgLine // under the arrow
	At       string
	Head     string // points of the arrow's head
	CrossX   int    // where the break is drawn, 0 for none
	Boundary bool   // the break: a line across the page
}

type svgLine struct {
	Y    int
	Text string
}

// Figures of the drawing, in user units of the SVG.
const (
	ladderWidth  = 760
	ladderLeft   = 70
	ladderRight  = 590
	ladderTop    = 44
	lineHeight   = 17
	ladderColumn = 62 // characters of 13 px that fit between the two lines
)

func newLadder(d *diag.Diagnosis) *ladder {
	if len(d.Handshake.Steps) == 0 {
		return nil
	}
	l := &ladder{Width: ladderWidth, Client: ladderLeft, Server: ladderRight, Middle: (ladderLeft + ladderRight) / 2,
		Title: "The handshake with " + safeLine(label(d.Target))}
	if c := leading(d); c != nil && c.Family == "middlebox" {
		l.Box, l.BoxName = ladderLeft+(ladderRight-ladderLeft)*2/5, "on the path"
	}
	y := ladderTop + 16
	broken := false
	for i, s := range d.Handshake.Steps {
		r := rung{Y: y + lineHeight, Name: shorten(safeLine(s.Name), 40), Class: stepClass(s.Status)}
		if s.AtMS != nil {
			r.At = milliseconds(*s.AtMS)
		}
		r.Sign, _ = statusSign(s.Status)
		switch s.From {
		case "client":
			r.Arrow, r.X1, r.X2 = true, l.Client, l.Server
		case "server":
			r.Arrow, r.X1, r.X2 = true, l.Server, l.Client
		}
		if s.Status == diag.StatusBad && !broken {
			broken = true
			r.CrossX = r.X2
			if r.Arrow && l.Box != 0 && s.From == "client" {
				r.X2, r.CrossX = l.Box, l.Box
			}
			if r.Arrow && l.Box != 0 && s.From == "server" {
				r.X1, r.CrossX = l.Box, l.Box
			}
		}
		if i+1 < len(d.Handshake.Steps) && l.Box != 0 && s.From == "client" && d.Handshake.Steps[i+1].Status == diag.StatusBad {
			r.X2 = l.Box // as far as it is known to have come
		}
		r.Head = arrowHead(r.X1, r.X2, r.Y)
		text := stepText(s)
		if text == "" && s.Status == diag.StatusNever {
			text = "never happened"
		}
		at := r.Y
		for _, t := range wrap(safeLine(text), ladderColumn, ladderColumn, true) {
			if t != "" {
				at += lineHeight
				r.Lines = append(r.Lines, svgLine{Y: at, Text: t})
			}
		}
		for _, n := range s.Notes {
			sign := ""
			if (s.Status == diag.StatusBad || s.Status == diag.StatusWarn) && !dialogue(n) {
				sign = r.Sign + " "
			}
			for i, t := range wrap(shorten(safeLine(n), 400), ladderColumn-2, ladderColumn-2, true) {
				at += lineHeight
				if i == 0 {
					t = sign + t
				}
				r.Lines = append(r.Lines, svgLine{Y: at, Text: t})
			}
		}
		l.Rungs = append(l.Rungs, r)
		y = at + 14
	}
	l.Bottom = y + 8
	l.Height = l.Bottom + 8
	return l
}

func stepClass(s diag.Status) string {
	switch s {
	case diag.StatusOK, diag.StatusBad, diag.StatusWarn, diag.StatusNever:
		return string(s)
	}
	return "inform"
}

// arrowHead is a triangle whose tip is at x2.
func arrowHead(x1, x2, y int) string {
	back := x2 - 9
	if x2 < x1 {
		back = x2 + 9
	}
	return strings.Join([]string{point(x2, y), point(back, y-4), point(back, y+4)}, " ")
}
