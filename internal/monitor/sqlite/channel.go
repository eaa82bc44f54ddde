package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// KeptChannels implements monitor.ChannelEditor.
func (s *Store) KeptChannels(ctx context.Context) ([]monitor.KeptChannel, error) {
	out, err := keptChannels(ctx, s.read, `SELECT name, type, changed, sealed FROM channels ORDER BY name`)
	return out, clear(err, "reading the channels", s.path)
}

func keptChannels(ctx context.Context, q queryer, query string, args ...any) ([]monitor.KeptChannel, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []monitor.KeptChannel{}
	for rows.Next() {
		var c monitor.KeptChannel
		var changed int64
		if err := rows.Scan(&c.Name, &c.Type, &changed, &c.Sealed); err != nil {
			return nil, err
		}
		c.Changed = moment(changed)
		out = append(out, c)
	}
	return out, rows.Err()
}

// AddChannel implements monitor.ChannelEditor.
func (s *Store) AddChannel(ctx context.Context, c monitor.KeptChannel) error {
	return s.edit(ctx, "adding a channel", func(tx *sql.Tx) error {
		err := one(tx.ExecContext(ctx, `INSERT INTO channels (name, type, changed, sealed) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING`, c.Name, c.Type, micros(c.Changed), c.Sealed))
		if errors.Is(err, monitor.ErrNotFound) {
			return monitor.ErrExists
		}
		return err
	})
}

// ChangeChannel implements monitor.ChannelEditor.
func (s *Store) ChangeChannel(ctx context.Context, revision string, c monitor.KeptChannel) error {
	return s.edit(ctx, "changing a channel", func(tx *sql.Tx) error {
		if err := sameChannel(ctx, tx, c.Name, revision); err != nil {
			return err
		}
		return one(tx.ExecContext(ctx, `UPDATE channels SET type = ?2, changed = ?3, sealed = ?4 WHERE name = ?1`, c.Name, c.Type, micros(c.Changed), c.Sealed))
	})
}

// RemoveChannel implements monitor.ChannelEditor.
func (s *Store) RemoveChannel(ctx context.Context, name, revision string) error {
	return s.edit(ctx, "removing a channel", func(tx *sql.Tx) error {
		if err := sameChannel(ctx, tx, name, revision); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM channels WHERE name = ?1`, name); err != nil {
			return err
		}
		// It hears of no end either: nothing would ever take that message away.
		open, err := bodies[monitor.Incident](ctx, tx, `SELECT body FROM incidents WHERE resolved = 0`)
		if err != nil {
			return err
		}
		for i := range open {
			at := slices.Index(open[i].Told, name)
			if at < 0 {
				continue
			}
			open[i].Told = slices.Delete(open[i].Told, at, at+1)
			if err := putIncident(ctx, tx, &open[i]); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, `UPDATE outbox SET state = 'failed', body = json_set(body, '$.last', 'given up: the channel was removed') WHERE channel = ?1 AND state IN ('waiting', 'trying')`, name)
		return err
	})
}

// sameChannel tells whether the channel is as it was when it was read.
func sameChannel(ctx context.Context, tx *sql.Tx, name, revision string) error {
	cs, err := keptChannels(ctx, tx, `SELECT name, type, changed, sealed FROM channels WHERE name = ?1`, name)
	switch {
	case err != nil:
		return err
	case len(cs) == 0:
		return monitor.ErrNotFound
	case revision != "" && revision != cs[0].Revision():
		return monitor.ErrChanged
	}
	return nil
}
