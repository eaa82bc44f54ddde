package report

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// fixGroup is one way out: steps for one side and one software, to be taken
// one after the other.
type fixGroup struct {
	Where    string // "on the server (nginx)"
	Fixes    []diag.Fix
	Side     string
	Software string
	More     []string // other software of this side, left out
}

// groupFixes puts the steps for each side and software together. Where the
// software is not known a diagnosis carries the same actions for several: each
// becomes a group, in which the general text stands in for an action that has
// none of its own.
func groupFixes(fixes []diag.Fix) []fixGroup {
	var sides []string
	for _, f := range fixes {
		if !slices.Contains(sides, f.Side) {
			sides = append(sides, f.Side)
		}
	}
	var groups []fixGroup
	for _, side := range sides {
		var actions, software []string
		byAction := map[string][]diag.Fix{}
		for i, f := range fixes {
			if f.Side != side {
				continue
			}
			if f.For != "" && !slices.Contains(software, f.For) {
				software = append(software, f.For)
			}
			action := f.Action
			if action == "" {
				action = strconv.Itoa(i) // stands for itself
			}
			if byAction[action] == nil {
				actions = append(actions, action)
			}
			byAction[action] = append(byAction[action], f)
		}
		if len(software) == 0 {
			software = []string{""}
		}
		for _, name := range software {
			g := fixGroup{Side: side, Software: name, Where: sideOf(diag.Fix{Side: side, For: name})}
			for _, a := range actions {
				g.Fixes = append(g.Fixes, stepsFor(byAction[a], name)...)
			}
			groups = append(groups, g)
		}
	}
	return groups
}

// stepsFor picks what an action is for one software, else what it is in
// general.
func stepsFor(fixes []diag.Fix, software string) []diag.Fix {
	var own, general []diag.Fix
	for _, f := range fixes {
		switch f.For {
		case software:
			own = append(own, f)
		case "":
			general = append(general, f)
		}
	}
	if len(own) > 0 {
		return own
	}
	return general
}

// examples keeps the first software of each side and says which others there
// are: "on the server (nginx, for example)".
func examples(groups []fixGroup) []fixGroup {
	var shown []fixGroup
	for i, g := range groups {
		if i > 0 && g.Side == groups[i-1].Side {
			last := &shown[len(shown)-1]
			last.More = append(last.More, softwareName(g.Software))
			last.Where = sideOf(diag.Fix{Side: g.Side, For: softwareName(last.Software) + ", for example"})
			continue
		}
		shown = append(shown, g)
	}
	return shown
}

// moreText says how to see the others.
func (g fixGroup) moreText() string {
	if len(g.More) == 0 {
		return ""
	}
	s := "the same for " + strings.Join(g.More, ", ") + ": -v"
	if g.Side == "server" {
		s += ", or --server NAME"
	}
	return s
}

// fixes writes the ways out. What is to be pasted is neither wrapped nor cut.
func (p *printer) fixes(fixes []diag.Fix, o Options) {
	groups := groupFixes(fixes)
	if o.Verbose == 0 {
		groups = examples(groups)
	}
	left := 2 + labelWidth
	for i, g := range groups {
		where := p.line(g.Where)
		if i > 0 && where != "" {
			where = "or " + where
		}
		lead := pad(first(i, "Fix"), labelWidth)
		switch {
		case len(g.Fixes) == 1:
			text := g.Fixes[0].Text
			if where != "" {
				text = where + ": " + text
			}
			p.fix(item{indent: 2, lead: lead, leadWidth: labelWidth, leadStyle: bold, text: text}, g.Fixes[0], left+2)
		default:
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
		if more := g.moreText(); more != "" {
			p.item(item{indent: left, text: more, style: dim})
		}
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
		if f.Config != "" {
			p.item(item{indent: blockIndent - 2, text: "then run:"})
		}
		p.block(blockIndent, f.Command, cyan)
	}
}
