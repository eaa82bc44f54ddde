package sqlite

import (
	"context"
	"database/sql"
	"errors"
)

// hot are the statements of every check, prepared once on the connection that
// writes. "+ 0" hides a bound LIMIT from the planner: it would be looked at, and
// the statement planned anew, at every run.
type hot struct {
	due, claim                               statement // Claim
	reaches, silences, watch, next, putReach statement // Ingest of every report
	quiet, series, moreHours, newDay         statement
	bodies, states, incidents, touch, state  statement // of one that is judged
	all                                      []*sql.Stmt
}

// statement is prepared; in lends it to a transaction.
type statement struct{ *sql.Stmt }

func (s statement) in(tx *sql.Tx) *sql.Stmt { return tx.Stmt(s.Stmt) }

func (s *Store) prepare(ctx context.Context) error {
	h := &s.hot
	for _, x := range []struct {
		to    *statement
		query string
	}{
		{&h.due, `WITH due AS MATERIALIZED (SELECT endpoint, ready, next_due FROM watches WHERE vantage = ?1 AND ready <= ?2 ORDER BY ready LIMIT ?3 + 0)
			SELECT w.next_due, e.id, e.body, coalesce(st.address, ''), st.address IS NOT NULL, coalesce(st.checked, 0), coalesce(st.verdict, ''), coalesce(st.signature, ''),
				coalesce(iif(st.calm > ?2, st.digest, ''), ''), coalesce(st.sni, ''), coalesce(st.inventoried, 0)
			FROM due w JOIN endpoints e ON e.id = w.endpoint LEFT JOIN states st ON st.endpoint = w.endpoint AND st.vantage = ?1 ORDER BY w.ready, e.id`},
		{&h.reaches, `SELECT body FROM reaches WHERE vantage = ?1`},
		{&h.silences, `SELECT body FROM silences WHERE until > ?1`},
		{&h.putReach, `INSERT INTO reaches (vantage, scope, body) VALUES (?1, ?2, ?3) ON CONFLICT (vantage, scope) DO UPDATE SET body = ?3`},
		{&h.bodies, `SELECT e.body, w.body FROM watches w JOIN endpoints e ON e.id = w.endpoint WHERE w.endpoint = ?1 AND w.vantage = ?2`},
		{&h.states, `SELECT ` + stateColumns + ` FROM states st WHERE st.endpoint = ?1 AND st.vantage = ?2 ORDER BY st.address, st.sni`},
		{&h.incidents, `SELECT body FROM incidents WHERE endpoint IN (?1, '') AND vantage = ?2 AND (resolved = 0 OR resolved >= ?3)`},
		{&h.claim, `UPDATE watches SET ready = ?1, token = ?2 WHERE endpoint = ?3 AND vantage = ?4`},
		{&h.watch, `SELECT w.checks, w.interval, coalesce(st.address, ''), coalesce(st.sni, ''), coalesce(st.digest, ''), coalesce(st.calm, 0),
				coalesce(st.series, 0), coalesce(st.hour, -1), coalesce(st.samples, x'')
			FROM watches w LEFT JOIN states st ON st.endpoint = w.endpoint AND st.vantage = w.vantage WHERE w.endpoint = ?1 AND w.vantage = ?2 AND w.token = ?3`},
		{&h.next, `UPDATE watches SET next_due = ?1, ready = ?1, token = '', checks = ?2 WHERE endpoint = ?3 AND vantage = ?4`},
		{&h.quiet, `UPDATE states SET checked = ?5, good = ?5, series = ?6, hour = ?7, samples = ?8 WHERE endpoint = ?1 AND vantage = ?2 AND address = ?3 AND sni = ?4`},
		{&h.touch, `UPDATE states SET checked = ?5, good = ?6, verdict = ?7, signature = ?8, digest = ?9, calm = ?10, series = ?11, hour = ?12, samples = ?13
			WHERE endpoint = ?1 AND vantage = ?2 AND address = ?3 AND sni = ?4`},
		{&h.state, `INSERT INTO states (endpoint, vantage, address, sni, checked, good, verdict, signature, digest, calm, series, hour, samples, body, inventoried)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT (endpoint, vantage, address, sni) DO UPDATE SET
			checked = ?5, good = ?6, verdict = ?7, signature = ?8, digest = ?9, calm = ?10, series = ?11, hour = ?12, samples = ?13, body = ?14, inventoried = ?15`},
		{&h.series, `INSERT INTO series (endpoint, vantage, address, last) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (endpoint, vantage, address) DO UPDATE SET last = max(last, ?4) RETURNING id`},
		{&h.moreHours, `UPDATE rollups SET body = CAST(body || ?3 AS BLOB) WHERE day = ?1 AND series = ?2`},
		{&h.newDay, `INSERT INTO rollups (day, series, body) VALUES (?1, ?2, ?3)`},
	} {
		stmt, err := s.write.PrepareContext(ctx, x.query)
		if err != nil {
			return err
		}
		x.to.Stmt = stmt
		h.all = append(h.all, stmt)
	}
	return nil
}

// rows reads the JSON of the rows of a statement.
func rows[T any](ctx context.Context, tx *sql.Tx, s statement, args ...any) ([]T, error) {
	r, err := s.in(tx).QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	return collect[T](r)
}

func (h *hot) close() error {
	var errs []error
	for _, stmt := range h.all {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(errs...)
}
