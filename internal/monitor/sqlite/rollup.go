package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// rollup is what a state collects until its hour is over.
type rollup struct {
	series  int64  // 0 before the first hour is over
	hour    int64  // since 1970
	samples []byte // two bytes for each check: tenths of a millisecond, or bad
}

const (
	bad = 0xFFFF // a sample without a handshake
	// maxSamples bounds the checks of one hour that are kept: more than one in
	// ten seconds is the confirmation of something bad.
	maxSamples = 400
	wholeDay   = 24 // in the place of an hour
	hoursADay  = 24
)

// sample takes the outcome of an address into its hour; when a new one has
// begun, the last is written down.
func (s *Store) sample(ctx context.Context, tx *sql.Tx, now time.Time, vantage string, rep *monitor.Report, x *slot) error {
	i := slices.IndexFunc(rep.Outcomes, func(o monitor.Outcome) bool { return o.Address == x.address && o.SNI == x.sni })
	if i < 0 || !rep.Outcomes[i].Tested() {
		return nil
	}
	r, hour := &x.rollup, now.Unix()/3600
	if r.hour != hour && len(r.samples) > 0 {
		if err := s.fold(ctx, tx, rep.Endpoint, vantage, x.address, r); err != nil {
			return err
		}
		r.samples = r.samples[:0]
	}
	r.hour = hour
	v := uint16(bad)
	if rep.Outcomes[i].Answered() {
		v = uint16(min(max(rep.Outcomes[i].MS*10, 0), bad-1))
	}
	if len(r.samples) < 2*maxSamples {
		r.samples = binary.BigEndian.AppendUint16(r.samples, v)
	}
	return nil
}

// fold writes the hour of a state into the row of its day.
func (s *Store) fold(ctx context.Context, tx *sql.Tx, endpoint, vantage, address string, r *rollup) error {
	day := r.hour / hoursADay
	if r.series == 0 {
		if err := s.hot.series.in(tx).QueryRowContext(ctx, endpoint, vantage, address, day).Scan(&r.series); err != nil {
			return err
		}
	}
	res, err := s.hot.moreHours.in(tx).ExecContext(ctx, day, r.series, appendHour(nil, int(r.hour%hoursADay), r.samples))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	if _, err := s.hot.newDay.in(tx).ExecContext(ctx, day, r.series, appendHour(nil, int(r.hour%hoursADay), r.samples)); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `UPDATE series SET last = max(last, ?1) WHERE id = ?2`, day, r.series)
	return err
}

// appendHour packs the samples of an hour: the hour, how many, how many were
// answered, and of those the least, the mean and the 95th percentile.
func appendHour(dst []byte, hour int, samples []byte) []byte {
	var good []uint64
	var sum uint64
	for b := samples; len(b) >= 2; b = b[2:] {
		if v := binary.BigEndian.Uint16(b); v != bad {
			good = append(good, uint64(v))
			sum += uint64(v)
		}
	}
	e := entry{hour: uint64(hour), count: uint64(len(samples) / 2), ok: uint64(len(good))}
	if n := len(good); n > 0 {
		slices.Sort(good)
		e.least, e.mean, e.p95 = good[0], sum/uint64(n), good[(n*95+99)/100-1]
	}
	return e.append(dst)
}

// entry is one hour, or a whole day, as it is packed.
type entry struct{ hour, count, ok, least, mean, p95 uint64 }

func (e entry) append(dst []byte) []byte {
	for _, v := range [...]uint64{e.hour, e.count, e.ok} {
		dst = binary.AppendUvarint(dst, v)
	}
	if e.ok == 0 {
		return dst
	}
	for _, v := range [...]uint64{e.least, e.mean - e.least, e.p95 - e.least} {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

// entries unpacks a row. What cannot be read ends it.
func entries(b []byte) (out []entry) {
	for len(b) > 0 {
		var v [6]uint64
		n := len(v)
		for i := 0; i < n; i++ {
			x, size := binary.Uvarint(b)
			if size <= 0 {
				return out
			}
			v[i], b = x, b[size:]
			if i == 2 && x == 0 {
				n = 3 // no answer, no times
			}
		}
		out = append(out, entry{v[0], v[1], v[2], v[3], v[3] + v[4], v[3] + v[5]})
	}
	return out
}

// whole makes one entry of a day's: its 95th percentile is the highest of the
// hours', for the samples are gone.
func whole(hours []entry) entry {
	d := entry{hour: wholeDay}
	var sum uint64
	for _, h := range hours {
		if h.ok > 0 && (d.ok == 0 || h.least < d.least) {
			d.least = h.least
		}
		d.count, d.ok, d.p95 = d.count+h.count, d.ok+h.ok, max(d.p95, h.p95)
		sum += h.mean * h.ok
	}
	if d.ok > 0 {
		d.mean = sum / d.ok
	}
	return d
}

// Rollups implements monitor.Store.
func (s *Store) Rollups(ctx context.Context, endpoint string, from, to time.Time) ([]monitor.Rollup, error) {
	rows, err := s.read.QueryContext(ctx, `WITH mine AS (SELECT id, vantage, address FROM series WHERE endpoint = ?1)
		SELECT m.vantage, m.address, d.day, d.body FROM mine m CROSS JOIN daily d ON d.series = m.id AND d.day BETWEEN ?2 AND ?3
		UNION ALL SELECT m.vantage, m.address, r.day, r.body FROM mine m CROSS JOIN rollups r ON r.series = m.id AND r.day BETWEEN ?2 AND ?3
		ORDER BY 1, 2, 3`, endpoint, dayOf(from), dayOf(to))
	if err != nil {
		return nil, clear(err, "reading the rollups", s.path)
	}
	defer rows.Close()
	out := []monitor.Rollup{}
	for rows.Next() {
		var vantage, address string
		var day int64
		var packed []byte
		if err := rows.Scan(&vantage, &address, &day, &packed); err != nil {
			return nil, clear(err, "reading the rollups", s.path)
		}
		for _, e := range entries(packed) {
			r := monitor.Rollup{Vantage: vantage, Address: address, From: time.Unix(day*86400, 0).UTC(), For: 24 * time.Hour, Checks: int(e.count), Answered: int(e.ok),
				MinMS: float64(e.least) / 10, AvgMS: float64(e.mean) / 10, P95MS: float64(e.p95) / 10}
			if e.hour != wholeDay {
				r.From, r.For = r.From.Add(time.Duration(e.hour)*time.Hour), time.Hour
			}
			if r.From.Add(r.For).After(from) && r.From.Before(to) {
				out = append(out, r)
			}
		}
	}
	return out, rows.Err()
}

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }
