package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// BrowseIncidents implements monitor.Browser.
func (s *Store) BrowseIncidents(ctx context.Context, q monitor.IncidentQuery) (monitor.Page[monitor.Incident], error) {
	if q.Sort == "" {
		q.Sort = "-opened"
	}
	x := &question{List: q.List, from: "incidents", id: "id", columns: map[string]string{"opened": "l.opened", "resolved": "l.resolved", "severity": "json_extract(l.body, '$.severity')"}, rest: `l.body FROM page l`}
	x.equal("l.endpoint", q.Endpoint)
	switch q.State {
	case "open":
		x.add("l.resolved = 0")
	case "acknowledged":
		x.add("l.resolved = 0 AND json_extract(l.body, '$.acknowledged') IS NOT NULL")
	case "resolved":
		x.add("l.resolved <> 0")
	}
	x.equal("json_extract(l.body, '$.severity')", string(q.Severity))
	x.equal("coalesce(json_extract(l.body, '$.owner'), '')", q.Owner)
	x.equal("json_extract(l.body, '$.finding.cause')", q.Cause)
	x.text(`lower(json_extract(l.body, '$.target') || ' ' || coalesce(json_extract(l.body, '$.owner'), '') || ' ' || json_extract(l.body, '$.finding.cause') || ' ' || json_extract(l.body, '$.finding.summary'))`, q.Text)
	return page(ctx, s, x, scanBody[monitor.Incident])
}

func scanBody[T any](scan func(...any) error) (v T, err error) {
	var body []byte
	if err := scan(&body); err != nil {
		return v, err
	}
	return v, json.Unmarshal(body, &v)
}

// Incident implements monitor.Browser.
func (s *Store) Incident(ctx context.Context, id string) (monitor.Incident, error) {
	is, err := bodies[monitor.Incident](ctx, s.read, `SELECT body FROM incidents WHERE id = ?1`, id)
	switch {
	case err != nil:
		return monitor.Incident{}, clear(err, "reading an incident", s.path)
	case len(is) == 0:
		return monitor.Incident{}, monitor.ErrNotFound
	}
	return is[0], nil
}

// BrowseEvents implements monitor.Browser.
func (s *Store) BrowseEvents(ctx context.Context, q monitor.EventQuery) (monitor.Page[monitor.Event], error) {
	if q.Sort == "" {
		q.Sort = "-id"
	}
	x := &question{List: q.List, from: "events", id: "id", columns: map[string]string{"id": "l.id"}, rest: `json_set(l.body, '$.id', l.id) FROM page l`}
	x.equal("l.endpoint", q.Endpoint)
	x.equal("json_extract(l.body, '$.incident')", q.Incident)
	x.equal("json_extract(l.body, '$.kind')", q.Kind)
	within(x, "l.at", q.After, q.Before)
	return page(ctx, s, x, scanBody[monitor.Event])
}

// Deliveries implements monitor.Browser.
func (s *Store) Deliveries(ctx context.Context, incident string) ([]monitor.MessageStatus, error) {
	// It may be an item of another's message, which was written before it opened
	// and waited: the bound only keeps what is long over from being looked through.
	return s.messages(ctx, `SELECT state, body FROM outbox WHERE written >= (SELECT opened FROM incidents WHERE id = ?1) - ?3 AND instr(body, ?2) > 0 ORDER BY written LIMIT 200`,
		incident, `"id":"`+incident+`"`, (24 * time.Hour).Microseconds())
}

// Messages implements monitor.Browser.
func (s *Store) Messages(ctx context.Context, channel, key string, n int) ([]monitor.MessageStatus, error) {
	return s.messages(ctx, `SELECT state, body FROM outbox WHERE (?1 = '' OR channel = ?1) AND (?2 = '' OR key = ?2) ORDER BY written DESC LIMIT ?3`, channel, key, limit(n))
}

func (s *Store) messages(ctx context.Context, query string, args ...any) ([]monitor.MessageStatus, error) {
	rows, err := s.read.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, clear(err, "reading messages", s.path)
	}
	defer rows.Close()
	out := []monitor.MessageStatus{}
	for rows.Next() {
		var m monitor.MessageStatus
		var body []byte
		if err := rows.Scan(&m.State, &body); err != nil {
			return nil, clear(err, "reading messages", s.path)
		}
		if err := json.Unmarshal(body, &m.Message); err != nil {
			return nil, clear(err, "reading messages", s.path)
		}
		out = append(out, m)
	}
	if err := rows.Err(); err != nil {
		return nil, clear(err, "reading messages", s.path)
	}
	return out, nil
}
