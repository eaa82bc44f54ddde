package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// AddEndpoint implements monitor.Editor.
func (s *Store) AddEndpoint(ctx context.Context, now time.Time, vantage string, e monitor.Endpoint) error {
	return s.edit(ctx, "adding an endpoint", func(tx *sql.Tx) error {
		var n int
		if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM endpoints WHERE id = ?1`, e.ID).Scan(&n); err != nil {
			return err
		}
		if n > 0 {
			return monitor.ErrExists
		}
		return putEndpoint(ctx, tx, now, monitor.SourceAPI, vantage, &e)
	})
}

// ChangeEndpoint implements monitor.Editor.
func (s *Store) ChangeEndpoint(ctx context.Context, now time.Time, vantage, revision string, e monitor.Endpoint) error {
	return s.edit(ctx, "changing an endpoint", func(tx *sql.Tx) error {
		if _, err := owned(ctx, tx, e.ID, revision); err != nil {
			return err
		}
		return putEndpoint(ctx, tx, now, monitor.SourceAPI, vantage, &e)
	})
}

// RemoveEndpoint implements monitor.Editor.
func (s *Store) RemoveEndpoint(ctx context.Context, now time.Time, id, revision string) error {
	return s.edit(ctx, "removing an endpoint", func(tx *sql.Tx) error {
		e, err := owned(ctx, tx, id, revision)
		if err != nil {
			return err
		}
		return retire(ctx, tx, now, e)
	})
}

// owned reads an endpoint that may be edited here.
func owned(ctx context.Context, tx *sql.Tx, id, revision string) (*monitor.Endpoint, error) {
	var source string
	var body []byte
	var e monitor.Endpoint
	err := tx.QueryRowContext(ctx, `SELECT source, body FROM endpoints WHERE id = ?1`, id).Scan(&source, &body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, monitor.ErrNotFound
	}
	if err == nil {
		err = json.Unmarshal(body, &e)
	}
	switch {
	case err != nil:
		return nil, err
	case source != monitor.SourceAPI:
		return nil, monitor.ErrReadOnly
	case revision != "" && revision != e.Revision():
		return nil, monitor.ErrChanged
	}
	return &e, nil
}

// putEndpoint writes an endpoint that is due now, or after its interval at the
// latest when it is checked already.
func putEndpoint(ctx context.Context, tx *sql.Tx, now time.Time, source, vantage string, e *monitor.Endpoint) error {
	if err := put(ctx, tx, `INSERT INTO endpoints (id, source, body) VALUES (?2, ?3, ?1) ON CONFLICT (id) DO UPDATE SET source = ?3, body = ?1`, e, e.ID, source); err != nil {
		return err
	}
	if err := watchFrom(ctx, tx, now, vantage, e); err != nil {
		return err
	}
	return list(ctx, tx, source, e)
}

// CheckSoon implements monitor.Editor.
func (s *Store) CheckSoon(ctx context.Context, now time.Time, id string) error {
	return s.edit(ctx, "asking for a check", func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `UPDATE watches SET next_due = min(next_due, ?2), ready = iif(token = '', min(ready, ?2), ready) WHERE endpoint = ?1`, id, micros(now)))
	})
}

// Comment implements monitor.Editor.
func (s *Store) Comment(ctx context.Context, now time.Time, incident, by, text string) error {
	return s.edit(ctx, "commenting an incident", func(tx *sql.Tx) error {
		is, err := bodies[monitor.Incident](ctx, tx, `SELECT body FROM incidents WHERE id = ?1`, incident)
		if err != nil {
			return err
		}
		if len(is) == 0 {
			return monitor.ErrNotFound
		}
		return putEvent(ctx, tx, &monitor.Event{At: now, Endpoint: is[0].Endpoint, Vantage: is[0].Vantage, Kind: monitor.EventComment, Incident: incident, Text: "by " + by + ": " + text})
	})
}

// RemoveSilence implements monitor.Editor.
func (s *Store) RemoveSilence(ctx context.Context, id string) error {
	return s.edit(ctx, "removing a silence", func(tx *sql.Tx) error {
		return one(tx.ExecContext(ctx, `DELETE FROM silences WHERE id = ?1`, id))
	})
}

// one is ErrNotFound where a statement changed nothing.
func one(res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = monitor.ErrNotFound
	}
	return err
}

// edit is a transaction whose expected refusals come back as they are, without
// the file's name and without advice for operators.
func (s *Store) edit(ctx context.Context, doing string, f func(*sql.Tx) error) error {
	s.sites.forget()
	err := s.transaction(ctx, doing, f)
	for _, known := range []error{monitor.ErrNotFound, monitor.ErrExists, monitor.ErrReadOnly, monitor.ErrChanged, monitor.ErrLastAdmin} {
		if errors.Is(err, known) {
			return known
		}
	}
	return err
}
