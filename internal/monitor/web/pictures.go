package web

import (
	"html/template"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/report"
)

// pictures are what package report draws of a diagnosis.
type pictures struct {
	Diagnosis    *diag.Diagnosis
	Ladder, Tree template.HTML
}

// picturesOf draws a diagnosis; nothing for nil.
func picturesOf(d *diag.Diagnosis) (p pictures, err error) {
	if d == nil {
		return p, nil
	}
	p.Diagnosis = d
	if p.Ladder, err = report.Ladder(d); err != nil {
		return p, err
	}
	p.Tree, err = report.Tree(d)
	return p, err
}

// causeOf is what an incident is about now, with what only its diagnosis says of
// the same cause.
func causeOf(f *monitor.Finding, d *diag.Diagnosis) *diag.Cause {
	c := diag.Cause{ID: f.Cause, Summary: f.Summary}
	if d != nil {
		if i := slices.IndexFunc(d.Causes, func(x diag.Cause) bool { return x.ID == f.Cause }); i >= 0 {
			c = d.Causes[i]
		}
	}
	c.Evidence, c.Fixes, c.Verify = f.Evidence, f.Fixes, f.Verify
	return &c
}
