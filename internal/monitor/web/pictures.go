package web

import (
	"html/template"

	"github.com/tlswhy/tlswhy/diag"
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
