package service

import (
	"context"
	"crypto/rand"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// Incidents lists incidents.
func (s *Service) Incidents(ctx context.Context, q monitor.IncidentQuery) (monitor.Page[monitor.Incident], error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.Page[monitor.Incident]{}, err
	}
	return s.Store.BrowseIncidents(ctx, q)
}

// Incident is one of them.
func (s *Service) Incident(ctx context.Context, id string) (monitor.Incident, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.Incident{}, err
	}
	return s.Store.Incident(ctx, id)
}

// Diagnosis is what was seen when an incident opened, nil where that was not
// kept.
func (s *Service) Diagnosis(ctx context.Context, incident string) (*diag.Diagnosis, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return nil, err
	}
	d, err := s.Store.Diagnosis(ctx, incident)
	if errors.Is(err, monitor.ErrNotFound) {
		return nil, nil
	}
	return d, err
}

// Acknowledge says who looks after an incident.
func (s *Service) Acknowledge(ctx context.Context, id, note string) (monitor.Incident, error) {
	p, err := access.Require(ctx, monitor.ScopeIncidents)
	if err != nil {
		return monitor.Incident{}, err
	}
	if err := bounded("note", note, 0); err != nil {
		return monitor.Incident{}, err
	}
	if err := s.Store.Acknowledge(ctx, time.Now().UTC(), id, p.Name(), note); err != nil {
		return monitor.Incident{}, notFound(err)
	}
	inc, err := s.Store.Incident(ctx, id)
	return inc, errors.Join(err, s.done(ctx, p, "incident-acknowledged", id, note))
}

// Comment adds a remark to an incident.
func (s *Service) Comment(ctx context.Context, id, text string) error {
	p, err := access.Require(ctx, monitor.ScopeIncidents)
	if err != nil {
		return err
	}
	if err := bounded("text", text, 1); err != nil {
		return err
	}
	if err := s.Store.Comment(ctx, time.Now().UTC(), id, p.Name(), text); err != nil {
		return err
	}
	return s.done(ctx, p, "incident-commented", id, "")
}

const maxNote = 4000

func bounded(field, text string, least int) error {
	if n := len(strings.TrimSpace(text)); n < least || n > maxNote {
		return invalid(field, "at most 4000 bytes, and not empty where something is to be said")
	}
	return nil
}

// notFound takes the operator's words off an expected answer of the store.
func notFound(err error) error {
	if errors.Is(err, monitor.ErrNotFound) {
		return monitor.ErrNotFound
	}
	return err
}

// Events lists what happened.
func (s *Service) Events(ctx context.Context, q monitor.EventQuery) (monitor.Page[monitor.Event], error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return monitor.Page[monitor.Event]{}, err
	}
	return s.Store.BrowseEvents(ctx, q)
}

// Explain answers why somebody was, or was not, told of an endpoint.
func (s *Service) Explain(ctx context.Context, id string) (monitor.Explanation, error) {
	d, err := s.Endpoint(ctx, id)
	if err != nil {
		return monitor.Explanation{}, err
	}
	const recent = 10
	p, err := s.Store.BrowseIncidents(ctx, monitor.IncidentQuery{Endpoint: id, List: monitor.List{Limit: recent}})
	if err != nil {
		return monitor.Explanation{}, err
	}
	own, err := s.Store.BrowseIncidents(ctx, monitor.IncidentQuery{Cause: "vantage-offline", State: "open"})
	if err != nil {
		return monitor.Explanation{}, err
	}
	told := map[string][]monitor.MessageStatus{}
	for _, inc := range p.Items {
		if told[inc.ID], err = s.Store.Deliveries(ctx, inc.ID); err != nil {
			return monitor.Explanation{}, err
		}
	}
	silences, err := s.Store.Silences(ctx)
	if err != nil {
		return monitor.Explanation{}, err
	}
	return s.Rules().Explain(time.Now(), d, append(p.Items, own.Items...), silences, told), nil
}

// Silences lists silences and maintenance windows, those that end first before
// the others; over includes what is past.
func (s *Service) Silences(ctx context.Context, over bool) ([]monitor.Silence, error) {
	if _, err := access.Require(ctx, monitor.ScopeRead); err != nil {
		return nil, err
	}
	all, err := s.Store.Silences(ctx)
	now := time.Now()
	return slices.DeleteFunc(all, func(x monitor.Silence) bool { return !over && !now.Before(x.Until) }), err
}

// Silence is one of them.
func (s *Service) Silence(ctx context.Context, id string) (monitor.Silence, error) {
	all, err := s.Silences(ctx, true)
	if err != nil {
		return monitor.Silence{}, err
	}
	if i := slices.IndexFunc(all, func(x monitor.Silence) bool { return x.ID == id }); i >= 0 {
		return all[i], nil
	}
	return monitor.Silence{}, monitor.ErrNotFound
}

// SetSilence makes a silence (ID "") or replaces one. A zero From is now; one
// ahead makes a maintenance window.
func (s *Service) SetSilence(ctx context.Context, x monitor.Silence) (monitor.Silence, error) {
	p, err := access.Require(ctx, monitor.ScopeSilences)
	if err != nil {
		return x, err
	}
	if x.ID != "" {
		if _, err := s.Silence(ctx, x.ID); err != nil {
			return x, err
		}
	} else {
		x.ID = strings.ToLower(rand.Text()[:10])
	}
	now := time.Now().UTC()
	if x.From.IsZero() {
		x.From = now
	}
	x.From, x.Until, x.By = x.From.UTC(), x.Until.UTC(), p.Name()
	switch {
	case !x.Until.After(x.From) || !x.Until.After(now):
		return x, invalid("until", "a moment ahead, and after from")
	case x.Until.Sub(now) > 2*366*24*time.Hour:
		return x, invalid("until", "within the next two years")
	case len(x.Match) == 0:
		return x, invalid("match", "what it covers: endpoint, target, owner, cause, severity or a tag")
	case len(x.Match) > 20:
		return x, invalid("match", "at most 20")
	}
	if err := bounded("note", x.Note, 0); err != nil {
		return x, err
	}
	if err := s.Store.SetSilence(ctx, x); err != nil {
		return x, err
	}
	var on []string
	for _, k := range slices.Sorted(maps.Keys(x.Match)) {
		on = append(on, k+"="+x.Match[k])
	}
	return x, s.done(ctx, p, "silence-set", x.ID, strings.Join(on, " ")+" until "+x.Until.Format(time.RFC3339))
}

// RemoveSilence ends a silence.
func (s *Service) RemoveSilence(ctx context.Context, id string) error {
	p, err := access.Require(ctx, monitor.ScopeSilences)
	if err != nil {
		return err
	}
	if err := s.Store.RemoveSilence(ctx, id); err != nil {
		return err
	}
	return s.done(ctx, p, "silence-removed", id, "")
}
