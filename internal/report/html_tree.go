package report

import (
	"slices"
	"strconv"

	"github.com/tlswhy/tlswhy/diag"
)

func point(x, y int) string { return strconv.Itoa(x) + "," + strconv.Itoa(y) }

// tree is the drawing of a chain: leaf at the bottom, above it whoever issued
// it, up to the anchors; what is missing as a dashed box.
type tree struct {
	Width, Height int
	Boxes         []treeBox
	Lines         []treeEdge
	Title         string
}

type treeBox struct {
	X, Y, W, H int
	Class      string // leaf, missing, anchor ...
	Dashed     bool
	Bad        bool
	TX         int
	Lines      []svgLine
	Problems   []svgLine
}

type treeEdge struct {
	X1, Y1, X2, Y2 int
	Dashed         bool
}

const (
	boxWidth  = 340
	boxGap    = 24
	boxChars  = 44
	treeLimit = 24 // certificates that are drawn; a table lists all
)

// newTree draws the server's certificates, nil when there are none.
func newTree(d *diag.Diagnosis) *tree {
	levels := chainLevels(d)
	if len(levels) == 0 {
		return nil
	}
	t := &tree{Title: "The certificate chain of " + safeLine(label(d.Target))}
	widest := 0
	for _, l := range levels {
		widest = max(widest, len(l))
	}
	t.Width = widest*(boxWidth+boxGap) + boxGap
	y := 12
	type placed struct {
		c   *diag.Certificate
		box treeBox
	}
	var below, here []placed
	rows := make([][]placed, len(levels))
	for i := len(levels) - 1; i >= 0; i-- { // anchors first, at the top
		here = nil
		x := (t.Width-len(levels[i])*(boxWidth+boxGap)+boxGap)/2 + 0
		height := 0
		for _, c := range levels[i] {
			b := newBox(c, x, y)
			height = max(height, b.H)
			x += boxWidth + boxGap
			here = append(here, placed{c, b})
		}
		for k := range here {
			here[k].box.H = height
			t.Boxes = append(t.Boxes, here[k].box)
		}
		rows[i] = here
		y += height + 34
	}
	for i := 0; i+1 < len(rows); i++ {
		below = rows[i]
		for _, child := range below {
			for _, parent := range rows[i+1] {
				if child.c.Issuer == parent.c.Subject && child.c.Issuer != child.c.Subject {
					t.Lines = append(t.Lines, treeEdge{X1: child.box.X + boxWidth/2, Y1: child.box.Y, X2: parent.box.X + boxWidth/2,
						Y2: parent.box.Y + parent.box.H, Dashed: parent.box.Dashed})
				}
			}
		}
	}
	t.Height = y - 22
	return t
}

// chainLevels orders the server's certificates by their distance from the
// leaf. Certificates that belong to no path stand beside the leaf.
func chainLevels(d *diag.Diagnosis) [][]*diag.Certificate {
	var all []*diag.Certificate
	for i := range d.Certificates {
		if c := &d.Certificates[i]; c.Role != "client" && len(all) < treeLimit {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil
	}
	start := slices.IndexFunc(all, func(c *diag.Certificate) bool { return c.Role == "leaf" })
	start = max(start, 0)
	used := map[*diag.Certificate]bool{all[start]: true}
	levels := [][]*diag.Certificate{{all[start]}}
	for {
		var next []*diag.Certificate
		for _, child := range levels[len(levels)-1] {
			if child.Issuer == child.Subject {
				continue
			}
			found := false
			for _, c := range all {
				if c.Subject != child.Issuer {
					continue
				}
				found = true
				if !used[c] {
					used[c] = true
					next = append(next, c)
				}
			}
			if !found && child.Issuer != "" && child.Role != "root" && child.Role != "missing" {
				next = append(next, &diag.Certificate{Role: "missing", Subject: child.Issuer, Problems: []string{"neither sent nor at hand"}})
			}
		}
		if len(next) == 0 {
			break
		}
		levels = append(levels, next)
	}
	for _, c := range all {
		if !used[c] {
			levels[0] = append(levels[0], c)
		}
	}
	return levels
}

func newBox(c *diag.Certificate, x, y int) treeBox {
	b := treeBox{X: x, Y: y, W: boxWidth, TX: x + 12, Class: "box", Bad: len(c.Problems) > 0,
		Dashed: c.Role == "missing" || c.Source == "fetched"}
	at := y + 6
	add := func(s string, most int) {
		for i, l := range wrap(safeLine(s), boxChars, boxChars, true) {
			if l == "" || i == most {
				break
			}
			at += lineHeight
			b.Lines = append(b.Lines, svgLine{Y: at, Text: l})
		}
	}
	what := c.Role
	switch {
	case c.Role == "missing":
		what = "missing: would have to be"
	case c.Source != "":
		what += ", " + c.Source
	}
	add(what, 1)
	add(c.Subject, 3)
	if !c.NotAfter.IsZero() {
		add(day(c.NotBefore)+" … "+day(c.NotAfter)+"  "+c.Key, 2)
	}
	for i, p := range c.Problems {
		if i == 4 {
			break
		}
		for k, l := range wrap(safeLine(p), boxChars-2, boxChars-2, true) {
			if k == 3 {
				break
			}
			at += lineHeight
			if k == 0 {
				l = "✗ " + l
			}
			b.Problems = append(b.Problems, svgLine{Y: at, Text: l})
		}
	}
	b.H = at - y + 12
	return b
}
