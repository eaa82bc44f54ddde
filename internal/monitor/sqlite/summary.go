package sqlite

import (
	"context"
	"database/sql"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// tooMany tells whether a channel has had so many messages lately that one more,
// which does not join another, is to be part of a summary.
func tooMany(ctx context.Context, tx *sql.Tx, with *monitor.Message, m *monitor.Message) (bool, error) {
	if m.Rate <= 0 || with != nil && with.Tries == 0 && len(with.Items) < monitor.MaxItems {
		return false, nil
	}
	var n int
	err := tx.QueryRowContext(ctx, `SELECT count(*) FROM outbox INDEXED BY outbox_written WHERE written > ?1 AND channel = ?2`, micros(m.At.Add(-monitor.RateWindow)), m.Channel).Scan(&n)
	return n >= m.Rate, err
}

// summarize puts a message into the summary of its channel.
func summarize(ctx context.Context, tx *sql.Tx, m monitor.Message) (monitor.Message, error) {
	open, err := bodies[monitor.Message](ctx, tx, `SELECT body FROM outbox WHERE channel = ?1 AND grp = ?2 AND state = 'waiting' ORDER BY due DESC LIMIT 1`, m.Channel, monitor.GroupSummary)
	if err != nil {
		return m, err
	}
	if len(open) > 0 {
		return monitor.Summarize(&open[0], open[0].Due, m), nil
	}
	var last sql.NullInt64
	err = tx.QueryRowContext(ctx, `SELECT max(due) FROM outbox WHERE channel = ?1 AND grp = ?2`, m.Channel, monitor.GroupSummary).Scan(&last)
	return monitor.Summarize(nil, moment(last.Int64), m), err
}
