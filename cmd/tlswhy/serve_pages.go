package main

import (
	"context"
	"errors"
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
	if err := s.well(r.Context()); err != nil {
		s.log.Warn("not ready", "err", err)
		answer(w, http.StatusServiceUnavailable, err.Error()+"\n")
		return
	}
	answer(w, http.StatusOK, "ready\n")
}

// The reasons for which the monitor is not well.
var (
	errDatabase = errors.New("the database cannot be read")
	errRefused  = errors.New("the database cannot be written; the log says why")
	errOverdue  = errors.New("checks are overdue")
)

// well tells whether the monitor does its work.
func (s *service) well(ctx context.Context) error {
	h, err := s.store.Health(ctx, time.Now())
	switch {
	case err != nil:
		s.log.Error("the database cannot be read", "err", err)
		return errDatabase
	case s.watcher != nil && s.watcher.Refused():
		return errRefused
	case h.Overdue > 10 && h.Overdue > h.Endpoints/lateFor:
		return errOverdue
	}
	return nil
}
