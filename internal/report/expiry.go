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
	if o.Redact {
		mask := newRedactor()
		masked := make([]*diag.Diagnosis, len(found))
		for i, d := range found {
			masked[i] = mask.diagnosis(d)
		}
		found = masked
	}
	p := newPrinter(o)
	type row struct {
		d                *diag.Diagnosis
		days, name, what string
	}
	rows := make([]row, 0, len(found))
	name, days, what := 0, 4, 0
	folder := commonFolder(found)
	for _, d := range found {
		r := row{d: d, days: "?", name: p.line(label(d.Target))}
		if d.Target.Protocol == "file" {
			r.name = p.line(strings.TrimPrefix(d.Target.Input, folder))
		}
		if n, ok := daysLeft(d); ok {
			r.days = strconv.Itoa(n)
		}
		var ids []string
		for _, c := range d.Causes {
			if c.Severity != diag.SeverityInfo {
				ids = append(ids, c.ID)
				what = max(what, len(c.ID))
			}
		}
		r.what = p.line(strings.Join(ids, ", "))
		name, days = max(name, columns(r.name)), max(days, len(r.days))
		rows = append(rows, r)
	}
	name = min(name, p.width-(days+2+2+10+2)-min(what+2+2, p.width/2))
	head := "certificate"
	if folder != "" {
		head += "  (in " + p.line(folder) + ")"
	}
	p.put(p.paint(bold, padLeft("days", days+2)+"  until       "+head))
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

// commonFolder is the folder that all files are in, with its slash; "" = none.
func commonFolder(found []*diag.Diagnosis) string {
	folder := ""
	for i, d := range found {
		path := d.Target.Input
		if d.Target.Protocol != "file" {
			return ""
		}
		if i == 0 {
			folder = path
		}
		for !strings.HasPrefix(path, folder) || !strings.HasSuffix(folder, "/") && folder != "" {
			folder = folder[:strings.LastIndexByte(strings.TrimSuffix(folder, "/"), '/')+1]
		}
	}
	return folder
}

func firstOf(cs []diag.Certificate) *diag.Certificate {
	if len(cs) == 0 {
		return nil
	}
	return &cs[0]
}
