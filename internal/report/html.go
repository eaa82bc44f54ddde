package report

import (
	_ "embed"
	"html/template"
	"io"
	"reflect"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

//go:embed report.html.tmpl
var pageSource string

//go:embed report.css
var reportStyle string

//go:embed page.css
var pageStyle string

var page = template.Must(template.New("report").Funcs(template.FuncMap{
	// line and lines escape what html/template lets pass: control characters
	// and bidirectional overrides.
	"line":       func(s any) string { return safeLine(text(s)) },
	"lines":      func(s string) string { return strings.Trim(safeBlock(s), "\n") },
	"label":      func(d *diag.Diagnosis) string { return safeLine(label(d.Target)) },
	"headline":   func(d *diag.Diagnosis) string { return safeLine(headline(d)) },
	"sign":       func(d *diag.Diagnosis) string { s, _ := headSign(d); return s },
	"severity":   severitySign,
	"lead":       leading,
	"others":     func(d *diag.Diagnosis) []*diag.Cause { return others(d, true) },
	"agreed":     func(d *diag.Diagnosis) string { return safeLine(agreed(d)) },
	"groups":     groupFixes,
	"ms":         milliseconds,
	"count":      counted,
	"day":        day,
	"date":       date,
	"join":       func(s []string) string { return safeLine(strings.Join(s, ", ")) },
	"names":      func(s []string) string { return safeLine(namesLine(s)) },
	"ladder":     newLadder,
	"tree":       newTree,
	"clientTree": clientTree,
	"limit":      func(s []string, n int) []string { return s[:min(len(s), n)] },
	"breaks":     breaks,
	"whole": func(d *diag.Diagnosis) any {
		return struct {
			*diag.Diagnosis
			Headless bool
		}{d, false}
	},
	"differ":     addressesDiffer,
	"upperFirst": upperFirst,
	"fault":      func(c *diag.Compared) string { return safeLine(faultText(c)) },
	"cell":       func(v diag.Vantage) string { return safeLine(verdictCell(v)) },
}).Parse(pageSource))

func text(s any) string {
	switch s := s.(type) {
	case string:
		return s
	case diag.Verdict:
		return string(s)
	case diag.Confidence:
		return string(s)
	case diag.Severity:
		return string(s)
	case diag.Stage:
		return string(s)
	}
	return ""
}

// breaks lets a long name be broken behind its underscores.
func breaks(s string) template.HTML {
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(s), "_", "_<wbr>")) // #nosec G203 -- escaped
}

// counted is "1 attempt", "2 attempts".
func counted(list any, noun string) string { return plural(reflect.ValueOf(list).Len(), noun) }

// writeHTML writes one self-contained page: no script, no font, no image, no
// request to anywhere.
func writeHTML(w io.Writer, ds []*diag.Diagnosis) error {
	title := "tlswhy"
	if len(ds) == 1 {
		title = label(ds[0].Target) + ": " + headline(ds[0])
	}
	var b strings.Builder
	err := page.Execute(&b, struct {
		Title     string
		Style     template.CSS // our own file
		Diagnoses []*diag.Diagnosis
		Summary   []summaryRow
	}{safeLine(title), template.CSS(pageStyle + reportStyle), ds, summaryRows(ds)})
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, b.String())
	return err
}

// summaryRow is a line of the table above several reports.
type summaryRow struct {
	N                          int
	Sign, Class, Label, ID, Is string
}

func summaryRows(ds []*diag.Diagnosis) []summaryRow {
	if len(ds) < 2 {
		return nil
	}
	var rows []summaryRow
	for i, d := range ds {
		l := summarize(d)
		sign, _ := verdictSign(l.verdict)
		if l.verdict == diag.Warning {
			sign = "!"
		}
		rows = append(rows, summaryRow{N: i, Sign: sign, Class: safeLine(string(l.verdict)), Label: safeLine(l.label), ID: safeLine(l.id), Is: safeLine(l.text)})
	}
	return rows
}
