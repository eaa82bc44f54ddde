package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

func limit(n int) int {
	if n <= 0 {
		return 100
	}
	return n
}

// Endpoints implements monitor.Store.
func (s *Store) Endpoints(ctx context.Context) ([]monitor.EndpointStatus, error) {
	out, err := s.endpoints(ctx)
	if err != nil {
		return nil, clear(err, "reading the endpoints", s.path)
	}
	return out, nil
}

func (s *Store) endpoints(ctx context.Context) ([]monitor.EndpointStatus, error) {
	// One row for each state, so that no list asks once per endpoint.
	rows, err := s.read.QueryContext(ctx, `SELECT e.body, w.next_due, w.checks, coalesce(st.body, ''), coalesce(st.checked, 0), coalesce(st.good, 0), coalesce(st.digest, ''), coalesce(st.calm, 0) FROM endpoints e
		JOIN watches w ON w.endpoint = e.id LEFT JOIN states st ON st.endpoint = e.id AND st.vantage = w.vantage
		ORDER BY e.id, w.vantage, st.address, st.sni`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []monitor.EndpointStatus{}
	for rows.Next() {
		var endpoint []byte
		var due int64
		var state columns
		x := monitor.EndpointStatus{States: []monitor.State{}}
		if err := rows.Scan(append([]any{&endpoint, &due, &x.Checks}, state.dest()...)...); err != nil {
			return nil, err
		}
		x.NextDue = moment(due)
		if err := json.Unmarshal(endpoint, &x.Endpoint); err != nil {
			return nil, err
		}
		if n := len(out); n == 0 || out[n-1].Endpoint.ID != x.Endpoint.ID {
			out = append(out, x)
		}
		if len(state.body) > 0 {
			st, err := state.state()
			if err != nil {
				return nil, err
			}
			last := &out[len(out)-1]
			last.States = append(last.States, st)
		}
	}
	return out, rows.Err()
}

// Incidents implements monitor.Store.
func (s *Store) Incidents(ctx context.Context, f monitor.Filter) ([]monitor.Incident, error) {
	out, err := bodies[monitor.Incident](ctx, s.read, `SELECT body FROM incidents WHERE (?1 = '' OR endpoint = ?1) AND (NOT ?2 OR resolved = 0) ORDER BY opened DESC, id LIMIT ?3`,
		f.Endpoint, f.OpenOnly, limit(f.Limit))
	if err != nil {
		return nil, clear(err, "reading the incidents", s.path)
	}
	return out, nil
}

// Events implements monitor.Store.
func (s *Store) Events(ctx context.Context, f monitor.Filter) ([]monitor.Event, error) {
	out, err := bodies[monitor.Event](ctx, s.read, `SELECT json_set(body, '$.id', id) FROM events WHERE (?1 = '' OR endpoint = ?1) AND (?2 = 0 OR id < ?2) ORDER BY id DESC LIMIT ?3`,
		f.Endpoint, f.Before, limit(f.Limit))
	if err != nil {
		return nil, clear(err, "reading the events", s.path)
	}
	return out, nil
}

// overdue is how late a check must be for the monitor itself to be unwell.
const overdue = time.Minute

// Health implements monitor.Store.
func (s *Store) Health(ctx context.Context, now time.Time) (h monitor.Health, err error) {
	var oldest int64
	err = s.read.QueryRowContext(ctx, `SELECT (SELECT count(*) FROM endpoints), (SELECT count(*) FROM watches WHERE next_due < ?1 AND ready < ?2),
		(SELECT count(*) FROM incidents WHERE resolved = 0), count(*), coalesce(min(written), 0) FROM outbox WHERE state IN ('waiting', 'trying')`,
		micros(now.Add(-overdue)), micros(now.Add(monitor.ClaimFor))).Scan(&h.Endpoints, &h.Overdue, &h.Open, &h.Outbox, &oldest)
	if err != nil {
		return h, clear(err, "reading the monitor's health", s.path)
	}
	h.Oldest = moment(oldest)
	return h, nil
}
