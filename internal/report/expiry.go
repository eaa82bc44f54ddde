package report

import (
	"io"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// Expiry writes a table of certificates, one line each, in the order given: how
// many days are left, until when, where it is, and what is wrong with it.
func Expiry(w io.Writer, found []*diag.Diagnosis, o Options) error {
	p := newPrinter(o)
	type row struct {
		d                *diag.Diagnosis
		days, name, what string
	}
	rows := make([]row, 0, len(found))
	name, days := 0, 4
	for _, d := range found {
		r := row{d: d, days: "?", name: p.line(label(d.Target))}
		if d.Target.Protocol == "file" {
			r.name = p.line(d.Target.Input)
		}
		if n, ok := daysLeft(d); ok {
			r.days = strconv.Itoa(n)
		}
		var what []string
		for _, c := range d.Causes {
			if c.Severity != diag.SeverityInfo {
				what = append(what, c.ID)
			}
		}
		r.what = p.line(strings.Join(what, ", "))
		name, days = max(name, columns(r.name)), max(days, len(r.days))
		rows = append(rows, r)
	}
	name = min(name, p.width/2)
	p.put(p.paint(bold, padLeft("days", days+2)+"  until       "+pad("certificate", name)))
	for _, r := range rows {
		sign, st := verdictSign(r.d.Verdict)
		if r.d.Verdict == diag.Warning {
			sign, st = "!", yellow
		}
		until := strings.Repeat(" ", 10)
		if c := firstOf(r.d.Certificates); c != nil && !c.NotAfter.IsZero() {
			until = day(c.NotAfter)
		}
		p.item(item{lead: p.paint(st, p.glyph(sign)) + " " + padLeft(r.days, days) + "  " + until + "  " + pad(p.shorten(r.name, name), name) + "  ",
			leadWidth: days + 2 + 2 + 10 + 2 + name + 2, text: r.what})
	}
	return p.flush(w)
}

func firstOf(cs []diag.Certificate) *diag.Certificate {
	if len(cs) == 0 {
		return nil
	}
	return &cs[0]
}
