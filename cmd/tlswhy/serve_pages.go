package main

import (
	"io"
	"net/http"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor/api"
)

// health are the pages for everybody: whether the monitor lives, and whether it
// works.
func (s *service) health() []api.Plain {
	return []api.Plain{
		{Method: http.MethodGet, Path: "/healthz", ID: "healthz", Summary: "Whether the process lives", Type: "text/plain",
			Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive\n") })},
		{Method: http.MethodGet, Path: "/readyz", ID: "readyz", Summary: "Whether it works: 503 where it does not", Type: "text/plain", Handler: http.HandlerFunc(s.ready)},
	}
}

func answer(w http.ResponseWriter, code int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, text) // whoever asked has left
}

// lateFor is how many checks may be overdue for the monitor to be ready: more
// than a tenth means that it does not keep up.
const lateFor = 10

func (s *service) ready(w http.ResponseWriter, r *http.Request) {
	h, err := s.store.Health(r.Context(), time.Now())
	switch {
	case err != nil:
		s.log.Error("not ready", "err", err)
		answer(w, http.StatusServiceUnavailable, "the database cannot be read\n")
	case h.Overdue > 10 && h.Overdue > h.Endpoints/lateFor:
		answer(w, http.StatusServiceUnavailable, "checks are overdue\n")
	default:
		answer(w, http.StatusOK, "ready\n")
	}
}
