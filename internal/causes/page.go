// Package causes is the catalogue: what each cause means (pages), how it is
// recognised from the facts (rules) and how it is mended in each software
// (fix/*.md). It has no I/O, no clock and no randomness.
package causes

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/diag"
)

//go:embed *.md fix/*.md
var texts embed.FS

// Page is what the catalogue says about one cause in general. What was seen in
// a particular case comes from the rule, never from the page.
type Page struct {
	ID     string
	Title  string // the cause in plain words, one line
	Family string // one of Families
	Stage  diag.Stage
	// Fixes are the usual ways out, in the order in which to try them. A rule
	// may choose others.
	Fixes []FixRef
	// Affects says who breaks where the rule does not, "" for nothing.
	Affects string
	// Body is the Markdown below the header, beginning with "## What you see".
	Body       string
	References []Ref
}

// FixRef names one action for one side; package files fix/*.md say how it is
// done in each software.
type FixRef struct{ Side, Action string }

// Ref is a source that a page rests on.
type Ref struct{ Text, URL string }

// Families is the order in which the catalogue lists its families.
var Families = []string{"cipher", "version", "certificate", "sni", "middlebox", "client-auth", "transport"}

// sectionNames are the sections that every page has, in this order.
var sectionNames = []string{"What you see", "On the wire", "How we know", "Fix", "Verify", "References"}

// PageOf returns the page of a cause, and false for an unknown ID.
func PageOf(id string) (*Page, bool) {
	c := catalogue()
	i := slices.IndexFunc(c.pages, func(p *Page) bool { return p.ID == id })
	if i < 0 {
		return nil, false
	}
	return c.pages[i], true
}

// Pages returns all pages by family, then by ID. The caller must not change
// what it points to.
func Pages() []*Page { return slices.Clone(catalogue().pages) }

// Section returns the text under one heading of the page, "" when there is no
// such heading.
func (p *Page) Section(name string) string {
	_, rest, ok := strings.Cut("\n"+p.Body, "\n## "+name+"\n")
	if !ok {
		return ""
	}
	text, _, _ := strings.Cut(rest, "\n## ")
	return strings.TrimSpace(text)
}

// book is everything that was read from the embedded files.
type book struct {
	pages  []*Page
	guides []*guide
	errs   []error // a test demands that there are none
}

var catalogue = sync.OnceValue(func() *book { return readBook(texts) })

// readBook reads the pages and guides of a tree. A file that does not parse is
// left out and its error kept.
func readBook(tree fs.FS) *book {
	b := &book{}
	read := func(pattern string, parse func(name, text string) error) {
		names, err := fs.Glob(tree, pattern)
		if err != nil {
			b.errs = append(b.errs, err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(tree, name)
			if err == nil {
				err = parse(strings.TrimSuffix(path.Base(name), ".md"), string(text))
			}
			if err != nil {
				b.errs = append(b.errs, fmt.Errorf("reading %s: %w", name, err))
			}
		}
	}
	read("*.md", func(name, text string) error {
		p, err := parsePage(name, text)
		if err == nil {
			b.pages = append(b.pages, p)
		}
		return err
	})
	read("fix/*.md", func(name, text string) error {
		g, err := parseGuide(name, text)
		if err == nil {
			b.guides = append(b.guides, g)
		}
		return err
	})
	slices.SortFunc(b.pages, func(x, y *Page) int {
		if d := slices.Index(Families, x.Family) - slices.Index(Families, y.Family); d != 0 {
			return d
		}
		return strings.Compare(x.ID, y.ID)
	})
	return b
}

// header reads the title line and the "key: value" lines below it up to the
// first blank line. A key may be repeated.
func header(text string) (title string, keys map[string][]string, body string, err error) {
	head, body, ok := strings.Cut(text, "\n\n")
	if !ok {
		return "", nil, "", fmt.Errorf("no blank line after the header")
	}
	lines := strings.Split(head, "\n")
	title, ok = strings.CutPrefix(lines[0], "# ")
	if !ok {
		return "", nil, "", fmt.Errorf("first line %q is not a title", lines[0])
	}
	keys = map[string][]string{}
	for _, line := range lines[1:] {
		key, value, ok := strings.Cut(line, ":")
		if !ok {
			return "", nil, "", fmt.Errorf("header line %q has no colon", line)
		}
		keys[key] = append(keys[key], strings.TrimSpace(value))
	}
	return strings.TrimSpace(title), keys, strings.TrimSpace(body) + "\n", nil
}

func parsePage(name, text string) (*Page, error) {
	title, keys, body, err := header(text)
	if err != nil {
		return nil, err
	}
	one := func(key string) string {
		if len(keys[key]) != 1 {
			err = fmt.Errorf("want exactly one %q line, got %d", key, len(keys[key]))
			return ""
		}
		return keys[key][0]
	}
	p := &Page{Title: title, ID: one("id"), Family: one("family"), Stage: diag.Stage(one("stage")), Body: body}
	fixes := one("fix")
	if len(keys["affects"]) > 0 {
		p.Affects = one("affects")
	}
	switch {
	case err != nil:
		return nil, err
	case p.ID != name:
		return nil, fmt.Errorf("id %q is not the file name", p.ID)
	case !slices.Contains(Families, p.Family):
		return nil, fmt.Errorf("unknown family %q", p.Family)
	case p.Stage.Rank() < 0:
		return nil, fmt.Errorf("unknown stage %q", p.Stage)
	}
	for _, f := range strings.Split(fixes, ",") {
		words := strings.Fields(f)
		if len(words) != 2 || !slices.Contains([]string{"server", "client", "network"}, words[0]) {
			return nil, fmt.Errorf("fix %q is not a side and an action", f)
		}
		p.Fixes = append(p.Fixes, FixRef{Side: words[0], Action: words[1]})
	}
	at := 0
	for _, s := range sectionNames {
		i := strings.Index("\n"+body, "\n## "+s+"\n")
		if i < at {
			return nil, fmt.Errorf("section %q is missing or out of order", s)
		}
		at = i
	}
	if p.References, err = parseRefs(p.Section("References")); err != nil {
		return nil, err
	}
	return p, nil
}

// parseRefs reads lines of the form "- what it is: https://where".
func parseRefs(text string) ([]Ref, error) {
	var refs []Ref
	for line := range strings.Lines(text) {
		i := strings.LastIndex(line, ": https://")
		if !strings.HasPrefix(line, "- ") || i < 0 {
			return nil, fmt.Errorf("reference %q is not \"- text: https://...\"", strings.TrimSpace(line))
		}
		refs = append(refs, Ref{Text: line[2:i], URL: strings.TrimSpace(line[i+2:])})
	}
	if len(refs) == 0 {
		return nil, fmt.Errorf("no references")
	}
	return refs, nil
}
