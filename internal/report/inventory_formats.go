package report

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"reflect"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// inventoryAsDiagnosis says the weaknesses of an inventory as causes, for the formats
// that know nothing else.
func inventoryAsDiagnosis(inv *diag.Inventory) *diag.Diagnosis {
	d := &diag.Diagnosis{Target: inv.Target, Verdict: inv.Verdict, StartedAt: inv.StartedAt, JudgedAt: inv.StartedAt, DurationMS: inv.DurationMS, Tool: inv.Tool}
	if inv.Verdict == diag.Failure {
		d.Causes = append(d.Causes, diag.Cause{ID: "no-tls", Family: "transport", Severity: diag.SeverityFailure, Confidence: diag.Proven, Summary: inv.Outcome})
	}
	for _, w := range inv.Weak {
		d.Causes = append(d.Causes, diag.Cause{ID: "weak-" + w.ID, Family: "inventory", Severity: w.Severity, Confidence: diag.Proven, Summary: w.Text})
	}
	for _, c := range inv.Certificates {
		d.Certificates = append(d.Certificates, c.Chain...)
	}
	return d
}

// inventory returns a masked copy.
func (r *redactor) inventory(inv *diag.Inventory) *diag.Inventory {
	out := &diag.Inventory{}
	raw, err := json.Marshal(inv)
	if err == nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil {
		return &diag.Inventory{Schema: inv.Schema, Verdict: inv.Verdict, Outcome: "not printed: masking it went wrong"}
	}
	r.learn(inventoryAsDiagnosis(out))
	tool := out.Tool
	r.walk(reflect.ValueOf(out).Elem())
	out.Tool = tool
	return out
}

// inventoryText is the page of one target, for a format that carries text.
func inventoryText(inv *diag.Inventory, width int) string {
	p := newPrinter(Options{Width: width})
	p.inventory(inv, Options{Verbose: 1})
	return strings.Map(xmlRune, p.b.String())
}

func writeInventoryJUnit(w io.Writer, all []*diag.Inventory, o Options) error {
	suite := junitSuite{Name: "tlswhy scan", Tests: len(all)}
	total := 0.0
	for _, inv := range all {
		total += inv.DurationMS / 1000
		text := "\n" + inventoryText(inv, 100)
		c := junitCase{Class: "tlswhy.scan", Name: safeLine(label(inv.Target)), Time: fmt.Sprintf("%.3f", inv.DurationMS/1000)}
		result := &junitResult{Message: safeLine(offers(inv)), Type: string(inv.Verdict), Text: text}
		switch {
		case inv.Verdict == diag.Untested:
			c.Error = result
			suite.Errors++
		case inv.Verdict == diag.Failure, inv.Verdict == diag.Warning && o.Strict:
			c.Failure = result
			suite.Failures++
		default:
			c.Out = &junitOut{Text: text}
		}
		suite.Cases = append(suite.Cases, c)
	}
	suite.Time = fmt.Sprintf("%.3f", total)
	out := junitSuites{Name: "tlswhy", Tests: suite.Tests, Failures: suite.Failures, Errors: suite.Errors, Time: suite.Time, Suites: []junitSuite{suite}}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("encoding JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// writeInventoryNagios writes one line for all, and one for each that is not
// well.
func writeInventoryNagios(w io.Writer, all []*diag.Inventory, strict bool) error {
	code, bad := 0, ""
	for _, inv := range all {
		c := NagiosCode(inv.Verdict, strict)
		code = WorstNagios(code, c)
		if c == 0 {
			continue
		}
		bad += label(inv.Target) + ": " + offers(inv)
		for _, x := range inv.Weak {
			bad += "; " + x.Text
		}
		bad += "\n"
	}
	text := plural(len(all), "target") + ", nothing weak"
	if len(all) == 1 {
		text = label(all[0].Target) + ": " + offers(all[0])
	} else if n := strings.Count(bad, "\n"); n > 0 {
		text = fmt.Sprintf("%d of %s with something to mend", n, plural(len(all), "target"))
	}
	if len(all) == 0 {
		code, text = 3, "no target"
	}
	out := "TLSWHY " + nagiosWords[code] + " - " + safeLine(text) + "\n"
	for _, line := range strings.Split(strings.TrimRight(bad, "\n"), "\n") {
		if line != "" {
			out += strings.ReplaceAll(safeLine(line), "|", "/") + "\n"
		}
	}
	_, err := io.WriteString(w, out)
	return err
}

// inventoryColumns are the columns of the CSV form: a line for each thing that
// was found. New ones are added at the end.
var inventoryColumns = []string{"target", "address", "kind", "version", "position", "name", "value", "weak"}

// writeInventoryCSV writes the lines of one target; nil writes the header.
func writeInventoryCSV(w io.Writer, inv *diag.Inventory) error {
	out := csv.NewWriter(w)
	if inv == nil {
		out.Write(inventoryColumns)
		out.Flush()
		return out.Error()
	}
	line := func(kind, version string, position int, name, value, weak string) {
		at := ""
		if position > 0 {
			at = strconv.Itoa(position)
		}
		row := []string{label(inv.Target), inv.Address, kind, version, at, name, value, weak}
		for i, s := range row {
			row[i] = harmless(safeLine(s))
		}
		out.Write(row) // its error comes with Flush
	}
	line("verdict", "", 0, string(inv.Verdict), inv.Outcome, "")
	for _, v := range inv.Versions {
		line("version", v.Version, 0, v.Offered, v.Order, v.Why)
		for i, s := range v.Suites {
			line("suite", v.Version, i+1, s.Name, s.Code, s.Weak)
		}
	}
	for i, g := range inv.Groups {
		line("group", strings.Join(g.Versions, " "), i+1, g.Name, g.Code, "")
	}
	for _, s := range inv.Schemes {
		line("scheme", strings.Join(s.Versions, " "), 0, s.Name, s.Code, s.Weak)
	}
	for _, d := range inv.DH {
		line("dh", "", 0, d.Name, strconv.Itoa(d.Bits), d.Weak)
	}
	for i, name := range inv.ALPN {
		line("alpn", "", i+1, name, "", "")
	}
	for _, c := range inv.Certificates {
		for i, x := range c.Chain {
			line("certificate", strings.Join(c.Versions, " "), i+1, x.Subject, x.Key+" until "+day(x.NotAfter), c.For)
		}
	}
	for i, name := range inv.Authorities {
		line("client-ca", "", i+1, name, "", "")
	}
	for _, p := range inv.Properties {
		line("property", "", 0, p.ID, p.Value, p.Weak)
	}
	for _, r := range inv.Records {
		line("dns", "", 0, r.Name+" "+r.Type, strings.Join(r.Data, "; "), "")
	}
	for i, w := range inv.Weak {
		line("weak", "", i+1, w.ID, w.Text, "")
	}
	for _, g := range inv.Guidelines {
		line("guideline", g.Edition, 0, g.Name, g.Meets, "")
		for i, d := range g.Deviations {
			line("difference", g.Edition, i+1, g.Name, d.Text, "")
		}
	}
	for _, n := range inv.NotTested {
		line("not-tested", "", 0, n.What, n.Reason, "")
	}
	out.Flush()
	return out.Error()
}

// writeInventoryMarkdown writes a report for an issue or a chat.
func writeInventoryMarkdown(w io.Writer, inv *diag.Inventory) error {
	var b strings.Builder
	fmt.Fprintf(&b, "## %s: %s\n\n", md(label(inv.Target)), md(offers(inv)))
	for _, v := range inv.Versions {
		if v.Offered != diag.Yes {
			fmt.Fprintf(&b, "- %s: %s %s\n", md(v.Version), map[string]string{diag.No: "not offered,", diag.Unknown: "not known,"}[v.Offered], md(v.Why))
		}
	}
	for _, v := range inv.Versions {
		if v.Offered != diag.Yes {
			continue
		}
		fmt.Fprintf(&b, "\n### %s: %s\n\n", md(v.Version), md(versionTitle(v)))
		b.WriteString("| suite | OpenSSL | weak |\n|---|---|---|\n")
		for _, s := range v.Suites {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", mdCode(s.Name), mdCode(s.OpenSSL), md(s.Weak))
		}
	}
	b.WriteString("\n| | |\n|---|---|\n")
	for _, r := range inventoryRows(inv, true) {
		fmt.Fprintf(&b, "| %s | %s |\n", md(r.lead), md(r.text))
	}
	if len(inv.Weak) > 0 {
		b.WriteString("\n### To mend\n\n")
	}
	for _, x := range inv.Weak {
		fmt.Fprintf(&b, "- %s\n", md(x.Text))
	}
	for _, g := range inv.Guidelines {
		fmt.Fprintf(&b, "\n### %s: %s\n\n", md(g.Name+" "+g.Edition), md(meets(g)))
		for _, d := range g.Deviations {
			fmt.Fprintf(&b, "- %s\n", md(d.Text))
			if d.Fix != nil {
				fmt.Fprintf(&b, "  %s\n\n", md(d.Fix.Text))
				mdFence(&b, strings.TrimSpace(d.Fix.Command+"\n"+d.Fix.Config), true)
			}
		}
	}
	for _, n := range inv.NotTested {
		fmt.Fprintf(&b, "- not found out: %s (%s)\n", md(n.What), md(n.Reason))
	}
	for _, n := range inv.Notes {
		fmt.Fprintf(&b, "- note: %s\n", md(n))
	}
	_, err := io.WriteString(w, strings.TrimRight(b.String(), "\n")+"\n")
	return err
}

// inventoryPage is the HTML form: self-contained, without scripts.
var inventoryPage = template.Must(template.New("inventory").Funcs(template.FuncMap{
	"line": safeLine, "label": func(i *diag.Inventory) string { return safeLine(label(i.Target)) }, "offers": func(i *diag.Inventory) string { return safeLine(offers(i)) },
	"title": func(v diag.OfferedVersion) string { return safeLine(versionTitle(v)) }, "meets": meets,
	"rows": func(i *diag.Inventory) [][2]string {
		var out [][2]string
		for _, r := range inventoryRows(i, true) {
			out = append(out, [2]string{safeLine(r.lead), safeLine(r.text)})
		}
		return out
	},
}).Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>tlswhy scan</title><style>{{.Style}}
td,th{text-align:left;vertical-align:top;padding:.15em .8em .15em 0}pre{white-space:pre-wrap;overflow-wrap:anywhere}</style></head><body><main>
{{range .All}}<article><h1>{{label .}}: {{offers .}}</h1>
{{if .Weak}}<h2>To mend</h2><ul>{{range .Weak}}<li>{{line .Text}}</li>{{end}}</ul>{{end}}
{{range .Guidelines}}<h2>{{line .Name}} {{line .Edition}}: {{meets .}}</h2><ul>{{range .Deviations}}<li>{{line .Text}}{{with .Fix}}<br>{{line .Text}}<pre>{{with .Command}}{{.}}
{{end}}{{.Config}}</pre>{{end}}</li>{{end}}</ul>{{end}}
<h2>Found</h2><table>{{range .Versions}}<tr><th>{{line .Version}}<td>{{title .}}{{with .Why}} ({{line .}}){{end}}</tr>
{{end}}{{range rows .}}<tr><th>{{index . 0}}<td>{{index . 1}}</tr>
{{end}}</table>
{{range .Versions}}{{if .Suites}}<h2>{{line .Version}}: {{title .}}</h2><table><tr><th>suite<th>OpenSSL<th>weak</tr>
{{range .Suites}}<tr><td><code>{{line .Name}}</code><td><code>{{line .OpenSSL}}</code><td>{{line .Weak}}</tr>
{{end}}</table>{{end}}{{end}}
{{if .Notes}}<h2>Notes</h2><ul>{{range .Notes}}<li>{{line .}}</li>{{end}}</ul>{{end}}
{{if .NotTested}}<h2>Not found out</h2><ul>{{range .NotTested}}<li>{{line .What}}: {{line .Reason}}</li>{{end}}</ul>{{end}}</article>
{{end}}</main></body></html>
`))

func writeInventoryHTML(w io.Writer, all []*diag.Inventory) error {
	return inventoryPage.Execute(w, struct {
		Style template.CSS // our own file
		All   []*diag.Inventory
	}{template.CSS(pageStyle), all})
}
