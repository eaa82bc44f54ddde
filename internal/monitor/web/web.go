package web

import (
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/server"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

// Options are what the pages need. Service and Keeper are required.
type Options struct {
	Service *service.Service
	Keeper  *access.Keeper
	// Prefix is the path under which people reach the monitor, "" for the root. The
	// requests come without it (server.Wrap).
	Prefix  string
	Version string
	// File is the configuration file, as people are told where something is said.
	File string
	// Servers are the server programs for which there are fixes.
	Servers []string
	// Sources are where endpoints come from beside the file; nil has none.
	Sources func() []Source
	Log     *slog.Logger
}

// Web answers requests. They must carry an access.Origin.
type Web struct {
	Options
	mux    *http.ServeMux
	scopes map[string]monitor.Scope // by pattern
	pages  map[string]*template.Template
	assets map[string]*asset // by the name in the address
	hashed map[string]string // name of the file to name in the address
	hub    *hub
}

// New makes the pages.
func New(o Options) *Web {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Prefix = strings.TrimRight(o.Prefix, "/")
	s := &Web{Options: o, mux: http.NewServeMux(), scopes: map[string]monitor.Scope{}, hub: newHub()}
	s.assets, s.hashed = loadAssets()
	s.pages = s.loadPages()
	for _, rt := range routes {
		s.scopes[rt.pattern] = rt.scope
		s.mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := rt.handler(s, w, r); err != nil {
				s.fail(w, r, err)
			}
		})
	}
	return s
}

// Close ends what waits for news. It may be called more than once.
func (s *Web) Close() { s.hub.close() }

// Nudge says that checks came in: who looks at a page that shows them is told.
func (s *Web) Nudge() { s.hub.nudge() }

// policy is the content security policy of the pages: everything is ours, in
// files of its own.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// maxForm bounds what a form sends. A handler that takes files says so in its
// route.
const maxForm = 4 << 20

// ServeHTTP implements http.Handler. Who is nobody sees the pages that are open
// to everybody, and is led to the login from whatever else they ask for, whether
// it is there or not.
func (s *Web) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	_, pattern := s.mux.Handler(r)
	scope, known := s.scopes[pattern]
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/") {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	}
	if known && scope == "" {
		if a, err := server.Authenticate(s.Keeper, r); err == nil {
			r = a
		}
		s.mux.ServeHTTP(w, r)
		return
	}
	r, err := server.Authenticate(s.Keeper, r)
	switch {
	case errors.Is(err, access.ErrNobody), err == nil && access.From(r.Context()) == nil:
		s.askIn(w, r)
		return
	case err != nil:
		s.fail(w, r, err)
		return
	case !known:
		s.nothing(w, r)
		return
	case scope != anybody:
		if _, err := access.Require(r.Context(), scope); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	s.mux.ServeHTTP(w, r)
}

// nothing answers for paths and methods that are not there.
func (s *Web) nothing(w http.ResponseWriter, r *http.Request) {
	for _, m := range []string{http.MethodGet, http.MethodPost} {
		other := r.Clone(r.Context())
		other.Method = m
		if _, pattern := s.mux.Handler(other); s.scopes[pattern] != "" {
			s.problem(w, r, http.StatusMethodNotAllowed, "This page does not take that", "The address is right, but the request was of a kind that it does not answer.")
			return
		}
	}
	s.problem(w, r, http.StatusNotFound, "There is nothing here", "The address leads nowhere: it may be mistyped, or what it led to was removed.")
}

// path is the address of a page: a path of ours, then parts that are escaped.
func (s *Web) path(base string, parts ...string) string {
	p := s.Prefix + base
	for _, x := range parts {
		p += "/" + url.PathEscape(x)
	}
	return p
}
