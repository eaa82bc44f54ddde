package source

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Manager joins the monitor's own endpoints with those of the sources. Fill in
// the fields, then Set; Set again after a reload.
type Manager struct {
	// Store makes these the endpoints. It is called again when it fails.
	Store func(ctx context.Context, es []monitor.Endpoint) error
	// Kept are the endpoints of before the start: those of a source stay until
	// it answers.
	Kept func(ctx context.Context) ([]monitor.Endpoint, error)
	// Confirmed tells whether somebody has acknowledged the incident of the
	// endpoint that stands for a source: then its loss is believed. nil is nobody.
	Confirmed func(ctx context.Context, endpoint string) bool
	// Every is how often files are looked at; 0 is 2 s.
	Every time.Duration
	Log   *slog.Logger

	mu      sync.Mutex
	own     []monitor.Endpoint
	sources []*state
	dirty   bool
	stop    context.CancelFunc
	loops   sync.WaitGroup
}

// state is what is known of one source.
type state struct {
	spec  Spec
	kept  []monitor.Endpoint
	held  []monitor.Endpoint // fewer of them, not confirmed
	since time.Time          // of held, or of err
	good  time.Time
	err   error
	again chan struct{}
}

// Status is what a source says of itself.
type Status struct {
	Name      string    `json:"name"`
	Endpoints int       `json:"endpoints"`
	Loaded    time.Time `json:"loaded,omitzero"` // the last success
	Error     string    `json:"error,omitempty"`
	// Held says that so many endpoints were named last, which is believed when
	// somebody confirms it.
	Held  *int      `json:"held,omitempty"`
	Since time.Time `json:"since,omitzero"` // of Error or Held
}

// Set makes these the monitor's own endpoints and the sources. What a source of
// the same name had is kept until it is read again.
func (m *Manager) Set(ctx context.Context, own []monitor.Endpoint, specs []Spec) error {
	m.mu.Lock()
	first := m.stop == nil
	if !first {
		m.stop()
	}
	m.mu.Unlock()
	m.loops.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	kept := map[string][]monitor.Endpoint{}
	if first {
		all, err := m.Kept(ctx)
		if err != nil {
			return err
		}
		for _, e := range all {
			if e.Source != "" && e.Kind != monitor.KindSource {
				kept[e.Source] = append(kept[e.Source], e)
			}
		}
	}
	for _, s := range m.sources {
		kept[s.spec.Name] = s.kept
	}
	m.own, m.sources, m.dirty = own, nil, true
	for _, spec := range specs {
		m.sources = append(m.sources, &state{spec: spec, kept: kept[spec.Name], again: make(chan struct{}, 1)})
	}
	if err := m.store(ctx); err != nil {
		return err
	}
	ctx, m.stop = context.WithCancel(ctx)
	for _, s := range m.sources {
		m.loops.Go(func() { m.watch(ctx, s) })
	}
	return nil
}

// Wait returns when the loops have ended, after ctx has.
func (m *Manager) Wait() { m.loops.Wait() }

// Reload has all sources read now.
func (m *Manager) Reload() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sources {
		select {
		case s.again <- struct{}{}:
		default:
		}
	}
}

// fullLook is how often files are read although they look unchanged.
const fullLook = 5 * time.Minute

// watch reads a source when it is time, when its files change, or when asked.
func (m *Manager) watch(ctx context.Context, s *state) {
	every := cmp.Or(m.Every, 2*time.Second)
	for ctx.Err() == nil {
		seen := ""
		if s.spec.URL == "" {
			seen = s.spec.prints() // before reading: what changes in between is read again
		}
		es, err := s.spec.Load(ctx)
		if ctx.Err() != nil {
			return
		}
		m.take(ctx, s, es, err)
		wait, began := s.spec.Refresh, time.Now()
		for more := true; more; {
			pause := min(wait, every)
			if s.spec.URL == "" {
				wait, pause = fullLook, every
			}
			t := time.NewTimer(pause)
			select {
			case <-ctx.Done():
				t.Stop()
				return
			case <-s.again:
				more = false
			case <-t.C:
				more = time.Since(began) < wait && (s.spec.URL != "" || s.spec.prints() == seen)
			}
			t.Stop()
			m.flush(ctx)
		}
	}
}

// take believes what a source said, or not.
func (m *Manager) take(ctx context.Context, s *state, es []monitor.Endpoint, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now().UTC()
	if err != nil {
		if s.err == nil || s.err.Error() != err.Error() {
			s.since = now
			m.log().Error("a source of endpoints fails; what it named stays", "source", s.spec.Name, "endpoints", len(s.kept), "err", err)
		}
		s.err, s.held = err, nil
		return
	}
	s.err, s.good = nil, now
	if lost := len(s.kept) - len(es); lost > 0 && lost*100 > len(s.kept)*s.spec.MaxShrink && !(s.held != nil && m.Confirmed != nil && m.Confirmed(ctx, s.itself().ID)) {
		if s.held == nil {
			s.since = now
			m.log().Error("a source of endpoints has lost many; they stay until that is confirmed", "source", s.spec.Name, "had", len(s.kept), "has", len(es))
		}
		s.held = append([]monitor.Endpoint{}, es...)
		return
	}
	s.held, s.since = nil, time.Time{}
	m.believe(ctx, s, es)
}

func (m *Manager) believe(ctx context.Context, s *state, es []monitor.Endpoint) {
	if !slices.EqualFunc(s.kept, es, same) {
		m.log().Info("a source of endpoints was read", "source", s.spec.Name, "endpoints", len(es), "before", len(s.kept))
		s.kept, m.dirty = es, true
	}
	if err := m.store(ctx); err != nil {
		m.log().Error("endpoints could not be stored; it is tried again", "err", err)
	}
}

// same tells whether nothing about an endpoint changed.
func same(a, b monitor.Endpoint) bool { return reflect.DeepEqual(a, b) }

// flush stores what could not be stored before.
func (m *Manager) flush(ctx context.Context) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.store(ctx); err != nil && ctx.Err() == nil {
		m.log().Error("endpoints could not be stored; it is tried again", "err", err)
	}
}

// store hands the union on: of an endpoint that several sources name, the
// monitor's own file decides, then the source that the file names first.
func (m *Manager) store(ctx context.Context) error {
	if !m.dirty {
		return nil
	}
	all, seen := slices.Clone(m.own), map[string]bool{}
	for _, e := range all {
		seen[e.ID] = true
	}
	for _, s := range m.sources {
		for _, e := range append(slices.Clone(s.kept), s.itself()) {
			if !seen[e.ID] {
				seen[e.ID] = true
				all = append(all, e)
			}
		}
	}
	err := m.Store(ctx, all)
	m.dirty = err != nil
	return err
}

// Confirm believes the loss that is held of a source. The error is
// monitor.ErrNotFound when nothing is held.
func (m *Manager) Confirm(ctx context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sources {
		if s.spec.Name == name && s.held != nil {
			es := s.held
			s.held, s.since = nil, time.Time{}
			m.believe(ctx, s, es)
			return nil
		}
	}
	return fmt.Errorf("source %q holds nothing back: %w", name, monitor.ErrNotFound)
}

// Sources says how they are, in the order of the configuration.
func (m *Manager) Sources() []Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []Status{}
	for _, s := range m.sources {
		out = append(out, s.status())
	}
	return out
}

func (s *state) status() Status {
	st := Status{Name: s.spec.Name, Endpoints: len(s.kept), Loaded: s.good, Since: s.since}
	if s.err != nil {
		st.Error = s.err.Error()
	}
	if s.held != nil {
		n := len(s.held)
		st.Held = &n
	}
	return st
}

func (m *Manager) log() *slog.Logger {
	if m.Log != nil {
		return m.Log
	}
	return slog.New(slog.DiscardHandler)
}
