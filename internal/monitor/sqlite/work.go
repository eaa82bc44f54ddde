package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// SetEndpoints implements monitor.Store.
func (s *Store) SetEndpoints(ctx context.Context, now time.Time, source, vantage string, spread time.Duration, es []monitor.Endpoint) error {
	return s.transaction(ctx, "storing the endpoints", func(tx *sql.Tx) error {
		old, err := bodies[monitor.Endpoint](ctx, tx, `SELECT body FROM endpoints WHERE source = ?1`, source)
		if err != nil {
			return err
		}
		keep := map[string]bool{}
		for i := range es {
			e := &es[i]
			keep[e.ID] = true
			if err := put(ctx, tx, `INSERT INTO endpoints (id, source, body) VALUES (?2, ?3, ?1)
				ON CONFLICT (id) DO UPDATE SET source = ?3, body = ?1`, e, e.ID, source); err != nil {
				return err
			}
			if err := list(ctx, tx, source, e); err != nil {
				return err
			}
			due := now.Add(spread * time.Duration(i) / time.Duration(len(es)))
			if _, err := tx.ExecContext(ctx, `INSERT INTO watches (endpoint, vantage, next_due, interval) VALUES (?1, ?2, ?3, ?4)
				ON CONFLICT (endpoint, vantage) DO UPDATE SET interval = ?4, next_due = min(next_due, ?3 + ?4)`,
				e.ID, vantage, micros(due), e.Every().Microseconds()); err != nil {
				return err
			}
		}
		for i := range old {
			if !keep[old[i].ID] {
				if err := retire(ctx, tx, now, &old[i]); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// retire forgets an endpoint and closes its incidents.
func retire(ctx context.Context, tx *sql.Tx, now time.Time, e *monitor.Endpoint) error {
	open, err := bodies[monitor.Incident](ctx, tx, `SELECT body FROM incidents WHERE endpoint = ?1 AND resolved = 0`, e.ID)
	if err != nil {
		return err
	}
	for i := range open {
		inc := &open[i]
		if err := enqueue(ctx, tx, inc.Retire(now, e)); err != nil {
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
	err := s.transaction(ctx, "claiming endpoints", func(tx *sql.Tx) error {
		// A claim that ends further ahead than any claim lasts is of before the
		// clock went back.
		rows, err := tx.QueryContext(ctx, `SELECT w.next_due, e.body FROM watches w JOIN endpoints e ON e.id = w.endpoint
			WHERE w.vantage = ?1 AND (w.next_due <= ?2 OR w.next_due > ?2 + ?3 * w.interval) AND (w.claimed_until <= ?2 OR w.claimed_until > ?4)
			ORDER BY w.next_due LIMIT ?5`, vantage, micros(now), farAhead, micros(now.Add(monitor.ClaimFor)), n)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var due int64
			var body []byte
			w := monitor.Work{Token: rand.Text(), Known: map[string]monitor.KnownAddress{}}
			if err := rows.Scan(&due, &body); err != nil {
				return err
			}
			if err := json.Unmarshal(body, &w.Endpoint); err != nil {
				return err
			}
			w.Due = moment(due)
			b.Works = append(b.Works, w)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for _, w := range b.Works {
			if _, err := tx.ExecContext(ctx, `UPDATE watches SET claimed_until = ?1, token = ?2 WHERE endpoint = ?3 AND vantage = ?4`,
				micros(now.Add(monitor.ClaimFor)), w.Token, w.Endpoint.ID, vantage); err != nil {
				return err
			}
			states, err := statesOf(ctx, tx, w.Endpoint.ID, vantage)
			if err != nil {
				return err
			}
			for _, st := range states {
				k := monitor.KnownAddress{Checked: st.Checked, Verdict: st.Verdict}
				if len(st.Diagnosed) > 0 {
					k.Signature = st.Signature
				}
				w.Known[st.Address] = k
			}
		}
		return nil
	})
	if err != nil {
		return monitor.Batch{Vantage: vantage}, err
	}
	return b, nil
}

// NextDue implements monitor.Store.
func (s *Store) NextDue(ctx context.Context, vantage string) (time.Time, error) {
	var due sql.NullInt64
	if err := s.read.QueryRowContext(ctx, `SELECT min(max(next_due, claimed_until)) FROM watches WHERE vantage = ?1`, vantage).Scan(&due); err != nil {
		return time.Time{}, clear(err, "reading when to check next", s.path)
	}
	return moment(due.Int64), nil
}

// Ingest implements monitor.Store.
func (s *Store) Ingest(ctx context.Context, now time.Time, rules *monitor.Rules, b monitor.Batch, reports []monitor.Report) error {
	tokens := map[string]string{}
	for _, w := range b.Works {
		tokens[w.Endpoint.ID] = w.Token
	}
	return s.transaction(ctx, "storing what the checks found", func(tx *sql.Tx) error {
		shared, err := loadShared(ctx, tx, now, b.Vantage)
		if err != nil {
			return err
		}
		done := 0
		for _, rep := range reports {
			ok, err := ingest(ctx, tx, now, rules, shared, tokens[rep.Endpoint], rep)
			if err != nil {
				return err
			}
			if ok {
				done++
			}
		}
		if done == 0 && len(reports) > 0 {
			return monitor.ErrStale
		}
		for _, r := range shared.reach {
			if err := put(ctx, tx, `INSERT INTO reaches (vantage, scope, body) VALUES (?2, ?3, ?1) ON CONFLICT (vantage, scope) DO UPDATE SET body = ?1`, r, b.Vantage, r.Scope); err != nil {
				return err
			}
		}
		return nil
	})
}

// shared is what the reports of one batch have in common.
type shared struct {
	vantage  string
	reach    map[string]monitor.Reach
	silences []monitor.Silence
	sites    int
}

func loadShared(ctx context.Context, tx *sql.Tx, now time.Time, vantage string) (*shared, error) {
	sh := &shared{vantage: vantage, reach: map[string]monitor.Reach{}}
	reaches, err := bodies[monitor.Reach](ctx, tx, `SELECT body FROM reaches WHERE vantage = ?1`, vantage)
	if err != nil {
		return nil, err
	}
	for _, r := range reaches {
		sh.reach[r.Scope] = r
	}
	if sh.silences, err = bodies[monitor.Silence](ctx, tx, `SELECT body FROM silences WHERE until > ?1`, micros(now)); err != nil {
		return nil, err
	}
	few, err := bodies[monitor.Endpoint](ctx, tx, `SELECT e.body FROM watches w JOIN endpoints e ON e.id = w.endpoint WHERE w.vantage = ?1 LIMIT 100`, vantage)
	if err != nil {
		return nil, err
	}
	sites := map[string]bool{}
	for i := range few {
		if site := few[i].Site(); site != "" {
			sites[site] = true
		}
	}
	sh.sites = len(sites)
	return sh, nil
}

// ingest applies the rules to one report; false when its claim does not hold.
func ingest(ctx context.Context, tx *sql.Tx, now time.Time, rules *monitor.Rules, sh *shared, token string, rep monitor.Report) (bool, error) {
	if token == "" {
		return false, nil
	}
	var endpoint, watch []byte
	err := tx.QueryRowContext(ctx, `SELECT e.body, w.body FROM watches w JOIN endpoints e ON e.id = w.endpoint
		WHERE w.endpoint = ?1 AND w.vantage = ?2 AND w.token = ?3`, rep.Endpoint, sh.vantage, token).Scan(&endpoint, &watch)
	if err == sql.ErrNoRows {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	before := monitor.Before{Now: now, Vantage: sh.vantage, Reach: sh.reach, Silences: sh.silences, Sites: sh.sites}
	if err := json.Unmarshal(endpoint, &before.Endpoint); err != nil {
		return false, err
	}
	if err := json.Unmarshal(watch, &before.Watch); err != nil {
		return false, err
	}
	if before.States, err = statesOf(ctx, tx, rep.Endpoint, sh.vantage); err != nil {
		return false, err
	}
	recent := micros(now.Add(-monitor.ReopenWithin))
	if before.Incidents, err = bodies[monitor.Incident](ctx, tx, `SELECT body FROM incidents WHERE endpoint IN (?1, '') AND vantage = ?2 AND (resolved = 0 OR resolved >= ?3)`, rep.Endpoint, sh.vantage, recent); err != nil {
		return false, err
	}
	after := rules.Apply(before, rep)
	sh.reach = after.Reach
	return true, keep(ctx, tx, now, sh.vantage, rep.Endpoint, &after)
}

// keep writes what follows from a report.
func keep(ctx context.Context, tx *sql.Tx, now time.Time, vantage, endpoint string, a *monitor.After) error {
	if err := put(ctx, tx, `UPDATE watches SET body = ?1, next_due = ?2, claimed_until = 0, token = '' WHERE endpoint = ?3 AND vantage = ?4`,
		a.Watch, micros(a.NextDue), endpoint, vantage); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM states WHERE endpoint = ?1 AND vantage = ?2`, endpoint, vantage); err != nil {
		return err
	}
	for i := range a.States {
		st := &a.States[i]
		if err := put(ctx, tx, `INSERT INTO states (endpoint, vantage, address, sni, body) VALUES (?2, ?3, ?4, ?5, ?1)`, st, endpoint, vantage, st.Address, st.SNI); err != nil {
			return err
		}
	}
	if err := relist(ctx, tx, now, endpoint, a.States, a.Incidents); err != nil {
		return err
	}
	for i := range a.Incidents {
		if err := putIncident(ctx, tx, &a.Incidents[i]); err != nil {
			return err
		}
	}
	for i := range a.Events {
		if err := putEvent(ctx, tx, &a.Events[i]); err != nil {
			return err
		}
	}
	if a.Hasten {
		if _, err := tx.ExecContext(ctx, `UPDATE watches SET next_due = ?1 WHERE vantage = ?2 AND (endpoint) IN
			(SELECT endpoint FROM watches WHERE vantage = ?2 AND endpoint <> ?3 AND claimed_until <= ?1 AND next_due > ?1 ORDER BY random() LIMIT 5)`,
			micros(now), vantage, endpoint); err != nil {
			return err
		}
	}
	return enqueue(ctx, tx, a.Messages)
}
