package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Ingest implements monitor.Store.
func (s *Store) Ingest(ctx context.Context, now time.Time, rules *monitor.Rules, b monitor.Batch, reports []monitor.Report) error {
	tokens := map[string]string{}
	for _, w := range b.Works {
		tokens[w.Endpoint.ID] = w.Token
	}
	return s.quick(ctx, "storing what the checks found", func(tx *sql.Tx) error {
		shared, err := s.loadShared(ctx, tx, now, b.Vantage)
		if err != nil {
			return err
		}
		done := 0
		for i := range reports {
			ok, err := s.ingest(ctx, tx, now, rules, shared, tokens[reports[i].Endpoint], &reports[i])
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
			raw, err := json.Marshal(r)
			if err != nil {
				return err
			}
			if _, err := s.hot.putReach.in(tx).ExecContext(ctx, b.Vantage, r.Scope, string(raw)); err != nil {
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
	hastened bool
}

func (s *Store) loadShared(ctx context.Context, tx *sql.Tx, now time.Time, vantage string) (*shared, error) {
	sh := &shared{vantage: vantage, reach: map[string]monitor.Reach{}}
	reaches, err := rows[monitor.Reach](ctx, tx, s.hot.reaches, vantage)
	if err != nil {
		return nil, err
	}
	for _, r := range reaches {
		sh.reach[r.Scope] = r
	}
	if sh.silences, err = rows[monitor.Silence](ctx, tx, s.hot.silences, micros(now)); err != nil {
		return nil, err
	}
	sh.sites, err = s.sites.of(ctx, tx, vantage)
	return sh, err
}

// sites remembers how many sites a vantage point watches, out of a hundred
// endpoints: whether they are few is all that the rules ask.
type sites struct {
	mu    sync.Mutex
	known map[string]int
}

func (k *sites) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.known = nil
}

func (k *sites) of(ctx context.Context, tx *sql.Tx, vantage string) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n, ok := k.known[vantage]; ok {
		return n, nil
	}
	few, err := bodies[monitor.Endpoint](ctx, tx, `SELECT e.body FROM watches w JOIN endpoints e ON e.id = w.endpoint WHERE w.vantage = ?1 LIMIT 100`, vantage)
	if err != nil {
		return 0, err
	}
	different := map[string]bool{}
	for i := range few {
		if site := few[i].Site(); site != "" {
			different[site] = true
		}
	}
	if k.known == nil {
		k.known = map[string]int{}
	}
	k.known[vantage] = len(different)
	return len(different), nil
}

// ingest applies the rules to one report; false when its claim does not hold.
func (s *Store) ingest(ctx context.Context, tx *sql.Tx, now time.Time, rules *monitor.Rules, sh *shared, token string, rep *monitor.Report) (bool, error) {
	if token == "" {
		return false, nil
	}
	w, err := s.readWatch(ctx, tx, rep.Endpoint, sh.vantage, token)
	if err != nil || w == nil {
		return false, err
	}
	if done, err := s.unchanged(ctx, tx, now, sh, w, rep); done || err != nil {
		return done, err
	}
	before := monitor.Before{Now: now, Vantage: sh.vantage, Reach: sh.reach, Silences: sh.silences, Sites: sh.sites}
	var endpoint, watch []byte
	err = s.hot.bodies.in(tx).QueryRowContext(ctx, rep.Endpoint, sh.vantage).Scan(&endpoint, &watch)
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(endpoint, &before.Endpoint); err != nil {
		return false, err
	}
	if err := json.Unmarshal(watch, &before.Watch); err != nil {
		return false, err
	}
	before.Watch.Checks = w.checks
	states, err := s.hot.states.in(tx).QueryContext(ctx, rep.Endpoint, sh.vantage)
	if err != nil {
		return false, err
	}
	if before.States, err = scanStates(states); err != nil {
		return false, err
	}
	recent := micros(now.Add(-monitor.ReopenWithin))
	if before.Incidents, err = rows[monitor.Incident](ctx, tx, s.hot.incidents, rep.Endpoint, sh.vantage, recent); err != nil {
		return false, err
	}
	after := rules.Apply(before, *rep)
	sh.reach = after.Reach
	return true, s.keep(ctx, tx, now, sh, rep, w, string(watch), &before, &after)
}

// unchanged keeps a report that changes nothing but times; false when it may
// change more.
func (s *Store) unchanged(ctx context.Context, tx *sql.Tx, now time.Time, sh *shared, w *watch, rep *monitor.Report) (bool, error) {
	q := monitor.Quiet{Now: now.UTC(), Endpoint: rep.Endpoint, Every: w.interval, Checks: w.checks, Known: make([]monitor.Calm, len(w.slots)), Reach: sh.reach}
	for i, x := range w.slots {
		q.Known[i] = monitor.Calm{Address: x.address, SNI: x.sni, Digest: x.digest, Until: moment(x.calm)}
	}
	next, ok := monitor.Unchanged(q, rep)
	if !ok {
		return false, nil
	}
	for i := range rep.Outcomes {
		x := w.slot(rep.Outcomes[i].Address, rep.Outcomes[i].SNI)
		if err := s.sample(ctx, tx, now, sh.vantage, rep, x); err != nil {
			return false, err
		}
		if _, err := s.hot.quiet.in(tx).ExecContext(ctx, rep.Endpoint, sh.vantage, x.address, x.sni, micros(now), x.rollup.series, x.rollup.hour, x.rollup.samples); err != nil {
			return false, err
		}
	}
	_, err := s.hot.next.in(tx).ExecContext(ctx, micros(next), w.checks+1, rep.Endpoint, sh.vantage)
	return true, err
}

// keep writes what follows from a report.
func (s *Store) keep(ctx context.Context, tx *sql.Tx, now time.Time, sh *shared, rep *monitor.Report, w *watch, watch string, before *monitor.Before, a *monitor.After) error {
	if _, err := s.hot.next.in(tx).ExecContext(ctx, micros(a.NextDue), a.Watch.Checks, rep.Endpoint, sh.vantage); err != nil {
		return err
	}
	a.Watch.Checks = 0 // a column
	raw, err := json.Marshal(a.Watch)
	if err != nil {
		return err
	}
	if string(raw) != watch {
		if _, err := tx.ExecContext(ctx, `UPDATE watches SET body = ?1 WHERE endpoint = ?2 AND vantage = ?3`, string(raw), rep.Endpoint, sh.vantage); err != nil {
			return err
		}
	}
	if err := s.keepStates(ctx, tx, now, sh.vantage, rep, w, before.States, a.States); err != nil {
		return err
	}
	if err := relist(ctx, tx, now, rep.Endpoint, a.States, a.Incidents); err != nil {
		return err
	}
	if err := keepDiagnoses(ctx, tx, now, sh.vantage, rep, before.Incidents, a.Incidents); err != nil {
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
	if a.Hasten && !sh.hastened {
		sh.hastened = true
		if err := hasten(ctx, tx, now, sh.vantage, rep.Endpoint); err != nil {
			return err
		}
	}
	return enqueue(ctx, tx, a.Messages)
}

// hasten has a few endpoints checked now, from a place in their order that
// differs from time to time.
func hasten(ctx context.Context, tx *sql.Tx, now time.Time, vantage, endpoint string) error {
	const few = 5
	left := int64(few)
	pivot := sha256.Sum256(strconv.AppendInt([]byte(endpoint), micros(now), 10))
	for _, from := range []string{hex.EncodeToString(pivot[:8]), ""} {
		res, err := tx.ExecContext(ctx, `UPDATE watches SET next_due = ?1, ready = ?1 WHERE vantage = ?2 AND endpoint IN
			(SELECT endpoint FROM watches WHERE endpoint >= ?4 AND vantage = ?2 AND endpoint <> ?3 AND token = '' AND ready > ?1 ORDER BY endpoint LIMIT ?5)`,
			micros(now), vantage, endpoint, from, left)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if left -= n; err != nil || left <= 0 {
			return err
		}
	}
	return nil
}
