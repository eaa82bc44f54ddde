package sqlite

import (
	"context"
	"database/sql"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// pruneRows bounds what one transaction of Prune touches.
const pruneRows = 2000

// Prune implements monitor.Store. Pages that become free are used again; what
// stays free goes back to the file system, a few pages a round.
func (s *Store) Prune(ctx context.Context, now time.Time, r monitor.Retention) (more bool, err error) {
	r = r.WithDefaults()
	hours, whole := dayOf(now.Add(-r.Hours)), dayOf(now.Add(-r.Days))
	left := int64(pruneRows)
	err = s.quick(ctx, "forgetting what is old", func(tx *sql.Tx) error {
		n, err := s.foldDays(ctx, tx, hours, left)
		left -= n
		for _, step := range []struct {
			query string
			until int64
		}{
			{`DELETE FROM daily WHERE (day, series) IN (SELECT day, series FROM daily WHERE day < ?1 ORDER BY day LIMIT ?2)`, whole},
			{`DELETE FROM series WHERE id IN (SELECT id FROM series s WHERE last < ?1 AND NOT EXISTS (SELECT 1 FROM endpoints e WHERE e.id = s.endpoint) LIMIT ?2)`, whole},
			{`DELETE FROM kept WHERE id IN (SELECT id FROM kept WHERE at < ?1 ORDER BY at LIMIT ?2)`, micros(now.Add(-monitor.KeepFor))},
			{`DELETE FROM outbox WHERE key IN (SELECT key FROM outbox WHERE written < ?1 AND state IN ('sent', 'failed') LIMIT ?2)`, micros(now.Add(-r.Messages))},
		} {
			if err != nil || left <= 0 {
				break
			}
			var res sql.Result
			if res, err = tx.ExecContext(ctx, step.query, step.until, left); err == nil {
				n, err = res.RowsAffected()
				left -= n
			}
		}
		return err
	})
	if err != nil || left <= 0 {
		return left <= 0, err
	}
	if _, err := s.write.ExecContext(ctx, `PRAGMA incremental_vacuum(2000)`); err != nil {
		return false, clear(err, "giving free pages back", s.path)
	}
	return false, nil
}

// foldDays makes whole days of hours that are old enough.
func (s *Store) foldDays(ctx context.Context, tx *sql.Tx, before, n int64) (int64, error) {
	rows, err := tx.QueryContext(ctx, `SELECT day, series, body FROM rollups WHERE day < ?1 ORDER BY day, series LIMIT ?2`, before, n)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	type row struct {
		day, series int64
		body        []byte
	}
	var all []row
	for rows.Next() {
		var r row
		if err := rows.Scan(&r.day, &r.series, &r.body); err != nil {
			return 0, err
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil {
		return 0, err
	}
	for _, r := range all {
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO daily (day, series, body) VALUES (?1, ?2, ?3)`, r.day, r.series, whole(entries(r.body)).append(nil)); err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, `DELETE FROM rollups WHERE day = ?1 AND series = ?2`, r.day, r.series); err != nil {
			return 0, err
		}
	}
	return int64(len(all)), nil
}
