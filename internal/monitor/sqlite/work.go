package sqlite

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// SetEndpoints implements monitor.Store. What is there already is not written
// again.
func (s *Store) SetEndpoints(ctx context.Context, now time.Time, source, vantage string, spread time.Duration, es []monitor.Endpoint) error {
	return s.transaction(ctx, "storing the endpoints", func(tx *sql.Tx) error {
		gone, err := stored(ctx, tx, source, vantage)
		if err != nil {
			return err
		}
		s.sites.forget()
		for i := range es {
			e := &es[i]
			raw, err := json.Marshal(e)
			if err != nil {
				return err
			}
			old, known := gone[e.ID]
			delete(gone, e.ID)
			if known && old == sha256.Sum256(raw) {
				continue
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO endpoints (id, source, body) VALUES (?2, ?3, ?1)
				ON CONFLICT (id) DO UPDATE SET source = ?3, body = ?1`, string(raw), e.ID, source); err != nil {
				return err
			}
			if err := list(ctx, tx, source, e); err != nil {
				return err
			}
			if err := watchFrom(ctx, tx, now.Add(spread*time.Duration(i)/time.Duration(len(es))), vantage, e); err != nil {
				return err
			}
		}
		for id := range gone {
			old, err := bodies[monitor.Endpoint](ctx, tx, `SELECT body FROM endpoints WHERE id = ?1`, id)
			if err != nil {
				return err
			}
			for i := range old {
				if err := retire(ctx, tx, now, &old[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// watchFrom has an endpoint checked from a moment on; one that is watched
// already, an interval after it at the latest. What is asked of it may have
// changed, so the next check is judged anew.
func watchFrom(ctx context.Context, tx *sql.Tx, due time.Time, vantage string, e *monitor.Endpoint) error {
	if _, err := tx.ExecContext(ctx, `INSERT INTO watches (endpoint, vantage, next_due, ready, interval) VALUES (?1, ?2, ?3, ?3, ?4)
		ON CONFLICT (endpoint, vantage) DO UPDATE SET interval = ?4, next_due = min(next_due, ?3 + ?4), ready = iif(token = '', min(ready, ?3 + ?4), ready)`,
		e.ID, vantage, micros(due), e.Every().Microseconds()); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `UPDATE states SET calm = 0 WHERE endpoint = ?1`, e.ID)
	return err
}

// stored are the digests of what a source has now, by id. What this vantage
// point does not watch yet is as good as new.
func stored(ctx context.Context, tx *sql.Tx, source, vantage string) (map[string][32]byte, error) {
	rows, err := tx.QueryContext(ctx, `SELECT e.id, iif(w.endpoint IS NULL, '', e.body) FROM endpoints e LEFT JOIN watches w ON w.endpoint = e.id AND w.vantage = ?2 WHERE e.source = ?1`, source, vantage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string][32]byte{}
	for rows.Next() {
		var id string
		var raw sql.RawBytes
		if err := rows.Scan(&id, &raw); err != nil {
			return nil, err
		}
		out[id] = sha256.Sum256(raw)
	}
	return out, rows.Err()
}

// retire forgets an endpoint and closes its incidents.
func retire(ctx context.Context, tx *sql.Tx, now time.Time, e *monitor.Endpoint) error {
	open, err := bodies[monitor.Incident](ctx, tx, `SELECT body FROM incidents WHERE endpoint = ?1 AND resolved = 0`, e.ID)
	if err != nil {
		return err
	}
	for i := range open {
		inc := &open[i]
		if err := enqueue(ctx, tx, inc.Retire(now)); err != nil {
			return err
		}
		if err := putIncident(ctx, tx, inc); err != nil {
			return err
		}
		if err := putEvent(ctx, tx, &monitor.Event{At: now, Endpoint: e.ID, Vantage: inc.Vantage, Kind: monitor.EventResolved, Incident: inc.ID, Text: inc.Why}); err != nil {
			return err
		}
	}
	served, err := fingerprints(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM endpoints WHERE id = ?1`, e.ID); err != nil {
		return err
	}
	return sweep(ctx, tx, served)
}

// farAhead is how many intervals ahead a check can be due only if the clock
// went back.
const farAhead = 2

// Claim implements monitor.Store.
func (s *Store) Claim(ctx context.Context, now time.Time, vantage string, n int) (monitor.Batch, error) {
	b := monitor.Batch{Vantage: vantage}
	err := s.quick(ctx, "claiming endpoints", func(tx *sql.Tx) error {
		if err := s.clockBack(ctx, tx, now, vantage); err != nil {
			return err
		}
		if err := s.readDue(ctx, tx, now, n, &b); err != nil {
			return err
		}
		for _, w := range b.Works {
			if _, err := s.hot.claim.in(tx).ExecContext(ctx, micros(now.Add(monitor.ClaimFor)), w.Token, w.Endpoint.ID, vantage); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return monitor.Batch{Vantage: vantage}, err
	}
	return b, nil
}

// clockBack has what is due impossibly far ahead due now, and claims that end
// further ahead than any lasts ended, whenever the clock was seen to go back.
func (s *Store) clockBack(ctx context.Context, tx *sql.Tx, now time.Time, vantage string) error {
	last, known := s.claimed[vantage]
	s.claimed[vantage] = now
	if known && !now.Before(last) {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE watches SET next_due = min(next_due, ?2), ready = ?2 WHERE vantage = ?1 AND ready > ?2
		AND (next_due > ?2 + ?3 * interval OR token <> '' AND ready > ?4)`, vantage, micros(now), farAhead, micros(now.Add(monitor.ClaimFor)))
	return err
}

// readDue reads what is due, with what is known of its addresses.
func (s *Store) readDue(ctx context.Context, tx *sql.Tx, now time.Time, n int, b *monitor.Batch) error {
	rows, err := s.hot.due.in(tx).QueryContext(ctx, b.Vantage, micros(now), n)
	if err != nil {
		return err
	}
	defer rows.Close()
	last := ""
	for rows.Next() {
		var due, checked, inventoried int64
		var id, address string
		var known bool
		var raw sql.RawBytes
		var k monitor.KnownAddress
		if err := rows.Scan(&due, &id, &raw, &address, &known, &checked, &k.Verdict, &k.Signature, &k.Digest, &k.SNI, &inventoried); err != nil {
			return err
		}
		if len(b.Works) == 0 || id != last {
			w := monitor.Work{Token: rand.Text(), Due: moment(due), Known: map[string]monitor.KnownAddress{}}
			if err := json.Unmarshal(raw, &w.Endpoint); err != nil {
				return err
			}
			b.Works, last = append(b.Works, w), id
		}
		if known {
			k.Checked, k.Inventoried = moment(checked), moment(inventoried)
			b.Works[len(b.Works)-1].Known[address] = k
		}
	}
	return rows.Err()
}

// NextDue implements monitor.Store.
func (s *Store) NextDue(ctx context.Context, vantage string) (time.Time, error) {
	var due sql.NullInt64
	if err := s.read.QueryRowContext(ctx, `SELECT min(ready) FROM watches WHERE vantage = ?1`, vantage).Scan(&due); err != nil {
		return time.Time{}, clear(err, "reading when to check next", s.path)
	}
	return moment(due.Int64), nil
}
