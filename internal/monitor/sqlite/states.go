package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// stateColumns are what scanState reads, of states under the name st.
const stateColumns = `st.body, st.checked, st.good, st.digest, st.calm`

// body is what the column of that name holds: what changes at every check has
// columns of its own, and what was good is mostly what is.
type body struct {
	monitor.State
	HealthyNow bool `json:"healthy_now,omitempty"`
}

// bodyOf is the body of a state, as it is stored.
func bodyOf(st *monitor.State) (string, error) {
	b := body{State: *st}
	b.Checked, b.Good, b.Digest, b.Calm = time.Time{}, time.Time{}, "", time.Time{}
	now, err := json.Marshal(st.Now)
	if err != nil {
		return "", err
	}
	healthy, err := json.Marshal(st.Healthy)
	if err != nil {
		return "", err
	}
	if b.HealthyNow = string(now) == string(healthy); b.HealthyNow {
		b.Healthy = monitor.Snapshot{}
	}
	raw, err := json.Marshal(b)
	return string(raw), err
}

// columns are the parts of a state beside its body.
type columns struct {
	body          []byte
	checked, good int64
	digest        string
	calm          int64
}

func (c *columns) dest() []any { return []any{&c.body, &c.checked, &c.good, &c.digest, &c.calm} }

// state puts the parts together. A row of before the columns has all in its
// body.
func (c *columns) state() (monitor.State, error) {
	var b body
	if err := json.Unmarshal(c.body, &b); err != nil {
		return b.State, err
	}
	st := b.State
	if b.HealthyNow {
		st.Healthy = st.Now
	}
	if c.checked != 0 {
		st.Checked, st.Good = moment(c.checked), moment(c.good)
	}
	st.Digest, st.Calm = c.digest, moment(c.calm)
	return st, nil
}

// statesOf reads the states of an endpoint, of all vantage points for "".
func statesOf(ctx context.Context, q queryer, endpoint, vantage string) ([]monitor.State, error) {
	rows, err := q.QueryContext(ctx, `SELECT `+stateColumns+` FROM states st WHERE st.endpoint = ?1 AND (?2 = '' OR st.vantage = ?2) ORDER BY st.vantage, st.address, st.sni`, endpoint, vantage)
	if err != nil {
		return nil, err
	}
	return scanStates(rows)
}

// scanStates reads states, and closes the rows.
func scanStates(rows *sql.Rows) ([]monitor.State, error) {
	defer rows.Close()
	out := []monitor.State{}
	for rows.Next() {
		var c columns
		if err := rows.Scan(c.dest()...); err != nil {
			return nil, err
		}
		st, err := c.state()
		if err != nil {
			return nil, err
		}
		out = append(out, st)
	}
	return out, rows.Err()
}

// slot is the row of a state, as Ingest knows it before it reads a body.
type slot struct {
	address, sni, digest string
	calm                 int64
	rollup               rollup
}

// watch is the row of a watch with its slots.
type watch struct {
	interval time.Duration
	checks   int
	slots    []slot
}

func (w *watch) slot(address, sni string) *slot {
	for i := range w.slots {
		if w.slots[i].address == address && w.slots[i].sni == sni {
			return &w.slots[i]
		}
	}
	return nil
}

// readWatch reads what a token has claimed; nil when it has claimed nothing.
func (s *Store) readWatch(ctx context.Context, tx *sql.Tx, endpoint, vantage, token string) (*watch, error) {
	rows, err := s.hot.watch.in(tx).QueryContext(ctx, endpoint, vantage, token)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var w *watch
	for rows.Next() {
		if w == nil {
			w = &watch{}
		}
		var x slot
		var interval int64
		if err := rows.Scan(&w.checks, &interval, &x.address, &x.sni, &x.digest, &x.calm, &x.rollup.series, &x.rollup.hour, &x.rollup.samples); err != nil {
			return nil, err
		}
		w.interval = time.Duration(interval) * time.Microsecond
		if x.rollup.hour != noState {
			w.slots = append(w.slots, x)
		}
	}
	return w, rows.Err()
}

// noState is the hour of a watch without states.
const noState = -1

// keepStates writes the states that follow from a report: bodies where they
// changed, and the rest at every check.
func (s *Store) keepStates(ctx context.Context, tx *sql.Tx, now time.Time, vantage string, rep *monitor.Report, w *watch, before, states []monitor.State) error {
	old := map[[2]string]string{}
	for i := range before {
		raw, err := bodyOf(&before[i])
		if err != nil {
			return err
		}
		old[[2]string{before[i].Address, before[i].SNI}] = raw
	}
	for i := range states {
		st := &states[i]
		raw, err := bodyOf(st)
		if err != nil {
			return err
		}
		signature := ""
		if len(st.Diagnosed) > 0 {
			signature = st.Signature
		}
		inventoried := int64(0)
		if st.Offered != nil {
			inventoried = micros(st.Offered.At)
		}
		x := w.slot(st.Address, st.SNI)
		if x == nil {
			x = &slot{address: st.Address, sni: st.SNI, rollup: rollup{samples: []byte{}}}
		}
		if err := s.sample(ctx, tx, now, vantage, rep, x); err != nil {
			return err
		}
		key := [2]string{st.Address, st.SNI}
		was, known := old[key]
		delete(old, key)
		args := []any{rep.Endpoint, vantage, st.Address, st.SNI, micros(st.Checked), micros(st.Good), string(st.Verdict), signature, st.Digest, micros(st.Calm),
			x.rollup.series, x.rollup.hour, x.rollup.samples}
		if known && was == raw {
			_, err = s.hot.touch.in(tx).ExecContext(ctx, args...)
		} else {
			_, err = s.hot.state.in(tx).ExecContext(ctx, append(args, raw, inventoried)...)
		}
		if err != nil {
			return err
		}
	}
	for key := range old { // what is left is gone
		if _, err := tx.ExecContext(ctx, `DELETE FROM states WHERE endpoint = ?1 AND vantage = ?2 AND address = ?3 AND sni = ?4`, rep.Endpoint, vantage, key[0], key[1]); err != nil {
			return err
		}
	}
	return nil
}
