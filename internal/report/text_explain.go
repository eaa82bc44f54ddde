package report

import (
	"github.com/tlswhy/tlswhy/diag"
)

// explained tells a diagnosis that rests on the words of a text alone.
func explained(d *diag.Diagnosis) bool { return d.Text != nil && len(d.Attempts) == 0 }

// candidates writes what else the words of a text may mean, the most likely
// first, and the check that decides.
func (p *printer) candidates(d *diag.Diagnosis, o Options) {
	list := others(d, o.Verbose > 0)
	if len(list) > 0 {
		p.blank()
		p.put("  " + p.paint(bold, "It may also mean, the most likely first"))
		width := 0
		for _, c := range list {
			width = max(width, columns(p.bounded(c.ID, 28)))
		}
		for _, c := range list {
			p.item(item{indent: 4, lead: pad(p.bounded(c.ID, 28), width) + "  ", leadWidth: width + 2, text: c.Summary})
			if o.Verbose > 0 {
				p.fixes(c.Fixes, o)
				p.blank()
			}
		}
	}
	if d.Next != nil {
		p.next(d.Next)
	}
}

// next writes the check that decides.
func (p *printer) next(n *diag.Next) {
	p.blank()
	p.section("Next", n.Text+":", "")
	p.put("            " + p.paint(cyan, p.whole(n.Command)))
}
