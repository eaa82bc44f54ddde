package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// queryer is a database or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// bodies reads the JSON of the rows of a query.
func bodies[T any](ctx context.Context, q queryer, query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return collect[T](rows)
}

// collect reads the JSON of rows, and closes them.
func collect[T any](rows *sql.Rows) ([]T, error) {
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		var raw sql.RawBytes
		var v T
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// put runs a statement whose ?1 is the body.
func put(ctx context.Context, tx *sql.Tx, query string, body any, args ...any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, query, append([]any{string(raw)}, args...)...)
	return err
}

func putIncident(ctx context.Context, tx *sql.Tx, i *monitor.Incident) error {
	return put(ctx, tx, `INSERT INTO incidents (id, endpoint, vantage, opened, resolved, body) VALUES (?2, ?3, ?4, ?5, ?6, ?1)
		ON CONFLICT (id) DO UPDATE SET resolved = ?6, body = ?1`, i, i.ID, i.Endpoint, i.Vantage, micros(i.Opened), micros(i.Resolved))
}

func putEvent(ctx context.Context, tx *sql.Tx, e *monitor.Event) error {
	return put(ctx, tx, `INSERT INTO events (at, endpoint, body) VALUES (?2, ?3, ?1)`, e, micros(e.At), e.Endpoint)
}

// The states of a message.
const (
	waiting = "waiting"
	trying  = "trying"
	sent    = "sent"
	failed  = "failed"
)

// enqueue writes messages, joined with those of their group that still wait.
func enqueue(ctx context.Context, tx *sql.Tx, ms []monitor.Message) error {
	for _, m := range ms {
		open, err := bodies[monitor.Message](ctx, tx, `SELECT body FROM outbox WHERE channel = ?1 AND grp = ?2 AND state = 'waiting' ORDER BY due DESC LIMIT 1`, m.Channel, m.Group)
		if err != nil {
			return err
		}
		var with *monitor.Message
		if len(open) > 0 {
			with = &open[0]
		}
		var last sql.NullInt64
		if err := tx.QueryRowContext(ctx, `SELECT max(due) FROM outbox WHERE channel = ?1 AND grp = ?2`, m.Channel, m.Group).Scan(&last); err != nil {
			return err
		}
		many, err := tooMany(ctx, tx, with, &m)
		if err != nil {
			return err
		}
		if many {
			m, err = summarize(ctx, tx, m)
		} else {
			m = monitor.Join(with, moment(last.Int64), m)
		}
		if err != nil {
			return err
		}
		if err := putMessage(ctx, tx, m, waiting); err != nil {
			return err
		}
	}
	return nil
}

func putMessage(ctx context.Context, tx *sql.Tx, m monitor.Message, state string) error {
	return put(ctx, tx, `INSERT INTO outbox (key, channel, grp, written, due, state, body) VALUES (?2, ?3, ?4, ?5, ?6, ?7, ?1)
		ON CONFLICT (key) DO UPDATE SET due = ?6, state = ?7, body = ?1`, m, m.Key, m.Channel, m.Group, micros(m.At), micros(m.Due), state)
}

// Enqueue implements monitor.Store.
func (s *Store) Enqueue(ctx context.Context, m monitor.Message) error {
	return s.transaction(ctx, "storing a message", func(tx *sql.Tx) error { return enqueue(ctx, tx, []monitor.Message{m}) })
}

// Outbox implements monitor.Store.
func (s *Store) Outbox(ctx context.Context, now time.Time, channel string, n int) ([]monitor.Message, error) {
	// What is due further ahead than any retry waits is of before the clock went back.
	ms, err := bodies[monitor.Message](ctx, s.read, `SELECT body FROM outbox WHERE channel = ?1 AND state IN ('waiting', 'trying') AND (due <= ?2 OR due > ?3) ORDER BY due LIMIT ?4`,
		channel, micros(now), micros(now.Add(25*time.Hour)), n)
	if err != nil {
		return nil, clear(err, "reading the outbox", s.path)
	}
	return ms, nil
}

// NextMessage implements monitor.Store.
func (s *Store) NextMessage(ctx context.Context, channel string) (time.Time, error) {
	var due sql.NullInt64
	if err := s.read.QueryRowContext(ctx, `SELECT min(due) FROM outbox WHERE channel = ?1 AND state IN ('waiting', 'trying')`, channel).Scan(&due); err != nil {
		return time.Time{}, clear(err, "reading the outbox", s.path)
	}
	return moment(due.Int64), nil
}

// message reads one that was not delivered yet.
func message(ctx context.Context, tx *sql.Tx, key string) (m monitor.Message, err error) {
	ms, err := bodies[monitor.Message](ctx, tx, `SELECT body FROM outbox WHERE key = ?1 AND state IN ('waiting', 'trying')`, key)
	if err != nil {
		return m, err
	}
	if len(ms) == 0 {
		return m, monitor.ErrNotFound
	}
	return ms[0], nil
}

// Begin implements monitor.Store.
func (s *Store) Begin(ctx context.Context, now time.Time, key string) (m monitor.Message, err error) {
	// Not quick: nobody is told what the disk does not have.
	err = s.transaction(ctx, "reading the outbox", func(tx *sql.Tx) error {
		if m, err = message(ctx, tx, key); err != nil {
			return err
		}
		m.Tries++
		m.Due = monitor.Retry(now, m.Tries, 0)
		return putMessage(ctx, tx, m, trying)
	})
	return m, err
}

// Delivered implements monitor.Store.
func (s *Store) Delivered(ctx context.Context, now time.Time, key string, d monitor.Delivery) error {
	return s.quick(ctx, "storing a delivery", func(tx *sql.Tx) error {
		m, err := message(ctx, tx, key)
		if err != nil {
			return err
		}
		m.Note(now, d)
		state := trying
		switch {
		case d.OK:
			state = sent
		case !d.Retry:
			state = failed
		default:
			m.Due = monitor.Retry(now, m.Tries, d.After)
		}
		return putMessage(ctx, tx, m, state)
	})
}

// Acknowledge implements monitor.Store.
func (s *Store) Acknowledge(ctx context.Context, now time.Time, incident, by, note string) error {
	return s.transaction(ctx, "acknowledging an incident", func(tx *sql.Tx) error {
		is, err := bodies[monitor.Incident](ctx, tx, `SELECT body FROM incidents WHERE id = ?1`, incident)
		if err != nil {
			return err
		}
		if len(is) == 0 {
			return monitor.ErrNotFound
		}
		is[0].Acknowledged, is[0].By, is[0].Note = now, by, note
		if err := putIncident(ctx, tx, &is[0]); err != nil {
			return err
		}
		return putEvent(ctx, tx, &monitor.Event{At: now, Endpoint: is[0].Endpoint, Vantage: is[0].Vantage, Kind: monitor.EventAcknowledged, Incident: incident, Text: "by " + by + ": " + note})
	})
}

// Accept implements monitor.Store.
func (s *Store) Accept(ctx context.Context, now time.Time, endpoint, by string) error {
	return s.transaction(ctx, "accepting a baseline", func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT vantage, body FROM watches WHERE endpoint = ?1`, endpoint)
		if err != nil {
			return err
		}
		defer rows.Close()
		watches := map[string]monitor.Watch{}
		for rows.Next() {
			var vantage string
			var raw []byte
			var w monitor.Watch
			if err := errors.Join(rows.Scan(&vantage, &raw), json.Unmarshal(raw, &w)); err != nil {
				return err
			}
			watches[vantage] = w
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if len(watches) == 0 {
			return monitor.ErrNotFound
		}
		for vantage, w := range watches {
			states, err := statesOf(ctx, tx, endpoint, vantage)
			if err != nil {
				return err
			}
			w.Baseline = monitor.Learn(states)
			if err := put(ctx, tx, `UPDATE watches SET body = ?1, next_due = ?2, ready = iif(token = '', ?2, ready) WHERE endpoint = ?3 AND vantage = ?4`, w, micros(now), endpoint, vantage); err != nil {
				return err
			}
		}
		return putEvent(ctx, tx, &monitor.Event{At: now, Endpoint: endpoint, Kind: monitor.EventAccepted, Text: "by " + by})
	})
}

// SetSilence implements monitor.Store.
func (s *Store) SetSilence(ctx context.Context, x monitor.Silence) error {
	return s.transaction(ctx, "storing a silence", func(tx *sql.Tx) error {
		return put(ctx, tx, `INSERT INTO silences (id, until, body) VALUES (?2, ?3, ?1) ON CONFLICT (id) DO UPDATE SET until = ?3, body = ?1`, x, x.ID, micros(x.Until))
	})
}

// Silences implements monitor.Store.
func (s *Store) Silences(ctx context.Context) ([]monitor.Silence, error) {
	out, err := bodies[monitor.Silence](ctx, s.read, `SELECT body FROM silences ORDER BY until`)
	if err != nil {
		return nil, clear(err, "reading the silences", s.path)
	}
	return out, nil
}
