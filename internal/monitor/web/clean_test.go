package web

import (
	"strings"

	"golang.org/x/net/html"
)

// clean holds a page to what every page promises: nothing inline that the policy
// forbids, one main heading, headings without gaps, names for all controls, scopes
// for headers of tables, ids that are there once, addresses that are ours.
func (w *world) clean(path string, a reply) {
	w.Helper()
	if p := a.header.Get("Content-Security-Policy"); p != policy {
		w.Errorf("%s: the policy is %q", path, p)
	}
	doc, err := html.Parse(strings.NewReader(a.body))
	if err != nil {
		w.Fatal(err)
	}
	c := &cleaner{world: w, path: path, ids: map[string]bool{}, level: 1, labels: map[string]bool{}, used: map[string]string{}}
	c.walk(doc, false)
	for id, by := range c.used {
		if !c.ids[id] {
			w.Errorf("%s: %s names the id %q, which is not there", path, by, id)
		}
	}
	for _, id := range c.controls {
		if !c.labels[id] {
			w.Errorf("%s: a control %q has no label", path, id)
		}
	}
	if whole := strings.HasPrefix(a.body, "<!doctype"); whole && c.h1 != 1 {
		w.Errorf("%s: %d headings of the first level", path, c.h1)
	}
}

type cleaner struct {
	*world
	path     string
	ids      map[string]bool
	labels   map[string]bool   // ids that labels are for
	used     map[string]string // ids that attributes name
	controls []string          // ids of controls without a label around them
	level    int
	h1       int
}

func (c *cleaner) walk(n *html.Node, labelled bool) {
	c.Helper()
	if n.Type == html.ElementNode {
		labelled = labelled || n.Data == "label"
		c.element(n, labelled)
	}
	for k := n.FirstChild; k != nil; k = k.NextSibling {
		c.walk(k, labelled)
	}
}

func attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func (c *cleaner) element(n *html.Node, labelled bool) {
	c.Helper()
	for _, a := range n.Attr {
		switch {
		case a.Key == "style", strings.HasPrefix(a.Key, "on"), strings.HasPrefix(a.Key, "hx-on"):
			c.Errorf("%s: <%s> has the attribute %s", c.path, n.Data, a.Key)
		case a.Key == "id":
			if c.ids[a.Val] {
				c.Errorf("%s: the id %q is there twice", c.path, a.Val)
			}
			c.ids[a.Val] = true
		case a.Key == "aria-describedby", a.Key == "aria-labelledby", a.Key == "data-copy":
			for _, id := range strings.Fields(a.Val) {
				c.used[id] = a.Key
			}
		case a.Key == "for":
			c.labels[a.Val] = true
		case a.Key == "href", a.Key == "src", a.Key == "action", strings.HasPrefix(a.Key, "hx-") && strings.HasPrefix(a.Val, "http"):
			if !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") && !strings.HasPrefix(a.Val, "?") && attr(n, "rel") == "" {
				c.Errorf("%s: <%s> leads to %q", c.path, n.Data, a.Val)
			}
		}
	}
	switch n.Data {
	case "script":
		if n.FirstChild != nil && attr(n, "type") != "application/json" {
			c.Errorf("%s: an inline script", c.path)
		}
	case "style":
		c.Errorf("%s: an inline style", c.path)
	case "th":
		if attr(n, "scope") == "" {
			c.Errorf("%s: a table's header without a scope", c.path)
		}
	case "img":
		if attr(n, "alt") == "" {
			c.Errorf("%s: an image without words", c.path)
		}
	case "svg":
		if attr(n, "aria-hidden") == "" && (attr(n, "role") != "img" && attr(n, "role") != "group" || attr(n, "aria-label") == "" && attr(n, "aria-labelledby") == "") {
			c.Errorf("%s: a picture without a name", c.path)
		}
	case "input", "select", "textarea":
		if t := attr(n, "type"); t != "hidden" && !labelled && attr(n, "aria-label") == "" && attr(n, "aria-labelledby") == "" {
			c.controls = append(c.controls, attr(n, "id"))
		}
	case "h1", "h2", "h3", "h4":
		level := int(n.Data[1] - '0')
		if level == 1 {
			c.h1++
		}
		if level > c.level+1 {
			c.Errorf("%s: a heading of level %d after one of level %d", c.path, level, c.level)
		}
		c.level = level
	}
}
