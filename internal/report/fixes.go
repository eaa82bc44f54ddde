package report

import (
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// fixGroup is one way out: steps for one side and one software, to be taken
// one after the other.
type fixGroup struct {
	Where string // "on the server (nginx)"
	Fixes []diag.Fix
}

// groupFixes puts consecutive fixes for the same side and software together. A
// fix for any software joins the steps around it.
func groupFixes(fixes []diag.Fix) []fixGroup {
	var groups []fixGroup
	side, software := "", ""
	for i, f := range fixes {
		same := i > 0 && f.Side == side && (f.For == software || f.For == "" || software == "")
		if !same {
			groups = append(groups, fixGroup{})
			side, software = f.Side, ""
		}
		if f.For != "" {
			software = f.For
		}
		g := &groups[len(groups)-1]
		g.Fixes = append(g.Fixes, f)
		g.Where = sideOf(diag.Fix{Side: side, For: software})
	}
	return groups
}

// shownWays is how many ways out the short report prints.
const shownWays = 3

// fixes writes the ways out. What is to be pasted is neither wrapped nor cut.
func (p *printer) fixes(fixes []diag.Fix, o Options) {
	groups := groupFixes(fixes)
	shown := groups
	if o.Verbose == 0 && len(groups) > shownWays {
		shown = groups[:shownWays]
	}
	left := 2 + labelWidth
	for i, g := range shown {
		where := p.line(g.Where)
		if i > 0 && where != "" {
			where = "or " + where
		}
		lead := pad(first(i, "Fix"), labelWidth)
		if len(g.Fixes) == 1 {
			text := g.Fixes[0].Text
			if where != "" {
				text = where + ": " + text
			}
			p.fix(item{indent: 2, lead: lead, leadWidth: labelWidth, leadStyle: bold, text: text}, g.Fixes[0], left+2)
			continue
		}
		if where != "" {
			p.item(item{indent: 2, lead: lead, leadWidth: labelWidth, leadStyle: bold, text: where + ":"})
			lead = strings.Repeat(" ", labelWidth)
		}
		for n, f := range g.Fixes {
			number := strconv.Itoa(n+1) + ". "
			p.fix(item{indent: 2, lead: lead + number, leadStyle: bold, text: f.Text}, f, left+5)
			lead = strings.Repeat(" ", labelWidth)
		}
	}
	if n := len(groups) - len(shown); n > 0 {
		p.item(item{indent: left, text: plural(n, "other way") + " out with -v; --server NAME prints only your software's", style: dim})
	}
}

// fix writes one step: its text, paragraph by paragraph, then what to paste.
func (p *printer) fix(it item, f diag.Fix, blockIndent int) {
	it.paste = true
	width := max(it.leadWidth, columns(it.lead))
	for n, par := range strings.Split(strings.Trim(strings.ReplaceAll(it.text, "\r\n", "\n"), "\n"), "\n") {
		if n > 0 {
			it.lead = ""
		}
		it.leadWidth, it.text = width, par
		p.item(it)
	}
	if f.Config != "" {
		p.block(blockIndent, f.Config, cyan)
	}
	if f.Command != "" {
		p.block(blockIndent, f.Command, cyan)
	}
}
