package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// pages are what serve answers with: whether it lives, whether it works, and,
// on this machine only, what it knows.
func (s *service) pages(at net.Addr) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive\n") })
	mux.HandleFunc("GET /readyz", s.ready)
	ap, err := netip.ParseAddrPort(at.String())
	if err == nil && ap.Addr().Unmap().IsLoopback() {
		mux.HandleFunc("GET /status", s.status)
	} else {
		s.log.Warn("the status page is only there on loopback, for it asks for no password", "listen", at.String())
	}
	return mux
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

// statusSchema is the value of "schema" in the status; it is additive.
const statusSchema = "tlswhy.status/1"

func (s *service) status(w http.ResponseWriter, r *http.Request) {
	// A page of somebody else's that a browser here has open must not read it
	// by a name of its own that leads to loopback.
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if a, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !a.IsLoopback()) {
		answer(w, http.StatusMisdirectedRequest, "ask for it by localhost or its address\n")
		return
	}
	now := time.Now().UTC()
	health, err := s.store.Health(r.Context(), now)
	var endpoints []monitor.EndpointStatus
	var incidents []monitor.Incident
	var events []monitor.Event
	if err == nil {
		endpoints, err = s.store.Endpoints(r.Context())
	}
	if err == nil {
		incidents, err = s.store.Incidents(r.Context(), monitor.Filter{})
	}
	if err == nil {
		events, err = s.store.Events(r.Context(), monitor.Filter{})
	}
	if err != nil {
		s.log.Error("no status", "err", err)
		answer(w, http.StatusServiceUnavailable, "the database cannot be read\n")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	// Whoever asked may have left.
	_ = e.Encode(map[string]any{"schema": statusSchema, "at": now, "version": programVersion(), "health": health, "endpoints": endpoints, "incidents": incidents, "events": events})
}
