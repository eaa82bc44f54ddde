package web

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

//go:embed templates
var templateFiles embed.FS

// view is what a template sees.
type view struct {
	Who      *access.Somebody // nil for strangers
	Sections []section
	Section  string // the path of the section that this is in
	Here     string // path and query of this page, without the prefix
	Flash    *flash
	Version  string
	Data     any
}

// Can tells whether who asks may do something.
func (v *view) Can(scope monitor.Scope) bool {
	return v.Who != nil && slices.Contains(v.Who.Scopes(), scope)
}

// loadPages parses each page together with the layout and the parts. A template
// that cannot be parsed is an error of ours that every test would catch.
func (s *Web) loadPages() map[string]*template.Template {
	base := template.Must(template.New("").Funcs(s.funcs()).ParseFS(templateFiles, "templates/layout.html", "templates/part/*.html"))
	files, _ := fs.Glob(templateFiles, "templates/*.html") // the pattern is good
	pages := map[string]*template.Template{}
	for _, f := range files {
		if name := strings.TrimSuffix(path.Base(f), ".html"); name != "layout" {
			pages[name] = template.Must(template.Must(base.Clone()).ParseFS(templateFiles, f))
		}
	}
	return pages
}

// render answers with a page.
func (s *Web) render(w http.ResponseWriter, r *http.Request, page string, data any) error {
	return s.renderStatus(w, r, http.StatusOK, page, data)
}

// renderStatus answers with a page and another status than 200.
func (s *Web) renderStatus(w http.ResponseWriter, r *http.Request, status int, page string, data any) error {
	v := &view{Who: access.From(r.Context()), Section: sectionOf(r.URL.Path), Here: r.URL.RequestURI(), Version: s.Version, Data: data}
	for _, x := range sections {
		pattern := "GET " + x.Path
		if x.Path == "/" {
			pattern += "{$}"
		}
		if v.Can(s.scopes[pattern]) || v.Who != nil && s.scopes[pattern] == anybody {
			v.Sections = append(v.Sections, x)
		}
	}
	v.Flash = s.takeFlash(w, r)
	return s.write(w, status, page, "layout", v)
}

// fragment answers with one template of a page, for htmx.
func (s *Web) fragment(w http.ResponseWriter, r *http.Request, page, name string, data any) error {
	v := &view{Who: access.From(r.Context()), Section: sectionOf(r.URL.Path), Here: r.URL.RequestURI(), Version: s.Version, Data: data}
	return s.write(w, http.StatusOK, page, name, v)
}

func (s *Web) write(w http.ResponseWriter, status int, page, name string, v *view) error {
	var b bytes.Buffer
	if err := s.pages[page].ExecuteTemplate(&b, name, v); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(bytes.Map(visible, b.Bytes())) // whoever asked has left
	return nil
}

// visible takes the characters out of a page with which a name could make it look
// like another: controls, and overrides of the direction of text. What was no
// UTF-8 becomes U+FFFD on the way.
func visible(c rune) rune {
	switch {
	case c < ' ' && c != '\n' && c != '\t', c >= 0x7f && c < 0xa0,
		c >= 0x202a && c <= 0x202e, c >= 0x2066 && c <= 0x2069, c == 0x200e, c == 0x200f, c == 0x061c, c == 0x2028, c == 0x2029:
		return '\ufffd'
	}
	return c
}

// sectionOf is the path of the navigation's entry that a path is under.
func sectionOf(p string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	return "/" + first
}
