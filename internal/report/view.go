package report

import (
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// View says how a diagnosis is shown within another page. The zero value is as
// in a report of its own.
type View struct {
	Server   string // of whose software the fixes are shown, where there are some
	Headless bool   // the page has said the target and the verdict
	// Copy puts a button with data-copy before what is to be pasted, and the id that
	// it names on it; Prefix tells the ids of several diagnoses of a page apart.
	Copy   bool
	Prefix string
}

// Style is the style sheet of what View makes; it expects the class report
// around it.
func Style() string { return reportStyle }

// Render draws a diagnosis as in the HTML report: the cause, the ladder, the
// chain, evidence, fixes. What a peer controls is escaped.
func (v View) Render(d *diag.Diagnosis) (template.HTML, error) {
	html, err := part("diagnosis", struct {
		*diag.Diagnosis
		Headless bool
	}{forServer(d, v.Server), v.Headless})
	return v.buttons(html), err
}

// Cause draws one cause alone: evidence, who is affected, fixes.
func (v View) Cause(c *diag.Cause) (template.HTML, error) {
	html, err := part("cause", c)
	return v.buttons(html), err
}

// buttons puts one before each block that is to be pasted.
func (v View) buttons(html template.HTML) template.HTML {
	if !v.Copy {
		return html
	}
	// What a peer controls has no bare tag: each is the template's own.
	parts := strings.Split(string(html), `<pre tabindex="0">`)
	for i := range parts[1:] {
		id := v.Prefix + "paste-" + strconv.Itoa(i+1)
		parts[i+1] = `<button type="button" class="copy small" data-copy="` + id + `">Copy</button><pre tabindex="0" id="` + id + `">` + parts[i+1]
	}
	return template.HTML(strings.Join(parts, "")) // #nosec G203 -- html/template has written it
}

// Ladder draws the handshake alone; "" where there was none.
func Ladder(d *diag.Diagnosis) (template.HTML, error) {
	l := newLadder(d)
	if l == nil {
		return "", nil
	}
	return part("ladder", l)
}

// Tree draws the server's certificates alone, and which stores trust them; ""
// where there are none.
func Tree(d *diag.Diagnosis) (template.HTML, error) {
	t := newTree(d)
	if t == nil {
		return "", nil
	}
	tree, err := part("tree", t)
	if err != nil || len(d.Stores) == 0 {
		return tree, err
	}
	stores, err := part("stores", d.Stores)
	return tree + stores, err
}

func part(name string, data any) (template.HTML, error) {
	var b strings.Builder
	err := page.ExecuteTemplate(&b, name, data)
	return template.HTML(b.String()), err // #nosec G203 -- html/template has written it
}

// Headline is the verdict in one line of plain text: "✗" and what is wrong.
func Headline(d *diag.Diagnosis) (sign, text string) {
	sign, _ = headSign(d)
	return sign, safeLine(upperFirst(headline(d)))
}

// Label is what the target is called: host:port.
func Label(d *diag.Diagnosis) string { return safeLine(label(d.Target)) }

// Servers are the server programs for which the diagnosis has fixes.
func Servers(d *diag.Diagnosis) []string {
	var names []string
	for i := range d.Causes {
		for _, f := range d.Causes[i].Fixes {
			if f.Side == "server" && f.For != "" && !slices.Contains(names, f.For) {
				names = append(names, f.For)
			}
		}
	}
	return names
}

// forServer leaves out of the fixes those for other server programs, where
// there are some for this one.
func forServer(d *diag.Diagnosis, name string) *diag.Diagnosis {
	if !slices.Contains(Servers(d), name) {
		return d
	}
	c := *d
	c.Causes = slices.Clone(d.Causes)
	for i := range c.Causes {
		fixes := c.Causes[i].Fixes
		if slices.ContainsFunc(fixes, func(f diag.Fix) bool { return f.Side == "server" && f.For == name }) {
			c.Causes[i].Fixes = slices.DeleteFunc(slices.Clone(fixes), func(f diag.Fix) bool { return f.Side == "server" && f.For != "" && f.For != name })
		}
	}
	return &c
}
