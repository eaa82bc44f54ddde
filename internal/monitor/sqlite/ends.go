package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Ends implements monitor.Browser.
func (s *Store) Ends(ctx context.Context, q monitor.EndsQuery) (e monitor.Ends, err error) {
	if q.Bins < 1 || q.Bins > monitor.MaxBins || !q.From.Before(q.To) {
		return e, fmt.Errorf("an axis of %d bins from %v to %v: %w", q.Bins, q.From, q.To, monitor.ErrSort)
	}
	from := micros(q.From)
	width := max((micros(q.To)-from)/int64(q.Bins), 1)
	for i := range q.Bins {
		at := q.From.Add(time.Duration(int64(i)*width) * time.Microsecond)
		e.Bins = append(e.Bins, monitor.Bin{From: at, To: at.Add(time.Duration(width) * time.Microsecond)})
	}
	// A division of what is below zero would round towards it.
	rows, err := s.read.QueryContext(ctx, `SELECT CASE WHEN expires < ?1 THEN -1 ELSE min((expires - ?1) / ?2, ?3) END AS bin, count(*), sum(expires - (expires - begins) / (CASE WHEN expires - begins < 864000000000 THEN 2 ELSE 3 END) < ?4)
		FROM certificates WHERE role = 'leaf' GROUP BY bin`, from, width, q.Bins, micros(q.Now))
	if err != nil {
		return e, clear(err, "counting certificates", s.path)
	}
	defer rows.Close()
	for rows.Next() {
		var bin, n, due int
		if err := rows.Scan(&bin, &n, &due); err != nil {
			return e, clear(err, "counting certificates", s.path)
		}
		switch {
		case bin < 0:
			e.Before = n
		case bin >= q.Bins:
			e.After = n
		default:
			e.Bins[bin].Count, e.Bins[bin].Due = n, due
		}
	}
	return e, clear(rows.Err(), "counting certificates", s.path)
}
