package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/server"
)

// loginForm is the page of the login.
type loginForm struct {
	Name, Next, Error string
	// Kept is what somebody had typed when their session ended.
	Kept *kept
}

// kept is a form that came too late.
type kept struct {
	Action string // without the prefix
	Fields []field
	Lost   bool // files, or more than is kept
}

type field struct{ Name, Value string }

// maxKept bounds the fields that are kept over a login: a page of a list with all
// its boxes ticked fits.
const maxKept = 2000

func (k *kept) take(name string, values []string) {
	for _, v := range values {
		if len(k.Fields) == maxKept {
			k.Lost = true
			return
		}
		k.Fields = append(k.Fields, field{name, v})
	}
}

// askIn leads who is nobody to the login, or to the first set-up. What a form
// sent is kept in the page, and offered again after the login.
func (s *Web) askIn(w http.ResponseWriter, r *http.Request) {
	if empty, err := s.Keeper.NeedsSetUp(r.Context()); err == nil && empty && s.scopes["GET /setup"] == "" && s.knows("GET /setup") {
		http.Redirect(w, r, s.path("/setup"), http.StatusSeeOther)
		return
	}
	switch {
	case r.Header.Get("HX-Request") != "":
		// The page with what was typed stays as it is.
		w.Header().Set("HX-Retarget", "#notice")
		w.Header().Set("HX-Reswap", "innerHTML")
		w.Header().Set("HX-Reselect", "#ended")
		s.renderLogin(w, r, http.StatusUnauthorized, loginForm{Next: "/"})
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		next := r.URL.RequestURI()
		if next == "/" {
			http.Redirect(w, r, s.path("/login"), http.StatusSeeOther)
			return
		}
		http.Redirect(w, r, s.path("/login")+"?next="+url.QueryEscape(next), http.StatusSeeOther)
	default:
		k := &kept{Action: local(r.URL.RequestURI())}
		if err := r.ParseForm(); err != nil || strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
			k.Lost = true
		}
		for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
			if strings.Contains(strings.ToLower(name), "password") {
				k.Lost = true
				continue
			}
			k.take(name, r.PostForm[name])
		}
		s.renderLogin(w, r, http.StatusUnauthorized, loginForm{Next: k.Action, Kept: k})
	}
}

func (s *Web) knows(pattern string) bool { _, ok := s.scopes[pattern]; return ok }

func (s *Web) renderLogin(w http.ResponseWriter, r *http.Request, status int, f loginForm) {
	if err := s.renderStatus(w, r, status, "login", f); err != nil {
		s.fail(w, r, err)
	}
}

// local is an address to go on to, if it is one of these pages, else "/". What
// browsers read as another host (//host, /\host) is none.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || !strings.HasPrefix(next, "/") ||
		strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

func (s *Web) loginPage(w http.ResponseWriter, r *http.Request) error {
	next := local(r.URL.Query().Get("next"))
	if access.From(r.Context()) != nil {
		http.Redirect(w, r, s.path(next), http.StatusSeeOther)
		return nil
	}
	if empty, err := s.Keeper.NeedsSetUp(r.Context()); err == nil && empty && s.knows("GET /setup") {
		http.Redirect(w, r, s.path("/setup"), http.StatusSeeOther)
		return nil
	}
	return s.render(w, r, "login", loginForm{Next: next})
}

func (s *Web) login(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return err
	}
	f := loginForm{Name: r.PostForm.Get("name"), Next: local(r.PostForm.Get("next"))}
	if action := r.PostForm.Get("kept"); action != "" {
		f.Kept = &kept{Action: local(action), Lost: r.PostForm.Get("kept-lost") != ""}
		for _, name := range slices.Sorted(maps.Keys(r.PostForm)) {
			if own, ok := strings.CutPrefix(name, "kept-field-"); ok {
				f.Kept.take(own, r.PostForm[name])
			}
		}
	}
	from := access.OriginOf(r.Context())
	value, who, err := s.Keeper.Login(r.Context(), f.Name, r.PostForm.Get("password"), from.Address, r.UserAgent())
	var limited *access.LimitedError
	switch {
	case errors.As(err, &limited):
		retryAfter(w, limited.After)
		f.Error = limited.Error()
		return s.renderStatus(w, r, http.StatusTooManyRequests, "login", f)
	case errors.Is(err, access.ErrRefused):
		f.Error = access.ErrRefused.Error()
		return s.renderStatus(w, r, http.StatusUnauthorized, "login", f)
	case err != nil:
		return err
	}
	s.letIn(w, r, value)
	if f.Kept != nil {
		return s.render(w, r.WithContext(access.With(r.Context(), who)), "kept", f.Kept)
	}
	http.Redirect(w, r, s.path(f.Next), http.StatusSeeOther)
	return nil
}

// letIn gives a browser its session.
func (s *Web) letIn(w http.ResponseWriter, r *http.Request, value string) {
	c := server.Cookie(access.OriginOf(r.Context()), value)
	http.SetCookie(w, &c)
}

func (s *Web) logout(w http.ResponseWriter, r *http.Request) error {
	if err := s.Keeper.Logout(r.Context(), access.From(r.Context())); err != nil {
		return err
	}
	s.letIn(w, r, "")
	w.Header().Set("Clear-Site-Data", `"cache"`)
	http.Redirect(w, r, s.path("/login"), http.StatusSeeOther)
	return nil
}
