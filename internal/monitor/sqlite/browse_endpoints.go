package sqlite

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// listed is the listing in memory. SQLite takes half a second to look through
// 100,000 rows; here it takes milliseconds, for 20 MB. It is read when somebody
// browses for the first time, and follows the table by its log.
type listed struct {
	mu    sync.RWMutex
	seq   int64 // of the log up to which it is true; 0 before the first reading
	rows  map[string]*listedRow
	words map[string]string // strings that many rows share
	// held counts, for each owner and leaf certificate, the endpoints that serve it.
	held map[string]map[string]int
}

type listedRow struct {
	id, source, target, owner, issuer string
	search                            string // target, owner and tags in small letters; tags may be a part of it
	tags                              string
	leaves                            string // see leavesIn
	state, severity, expires          int64
}

func (l *listed) word(s string) string {
	if w, ok := l.words[s]; ok {
		return w
	}
	s = strings.Clone(s)
	l.words[s] = s
	return s
}

// keep puts a row in, or takes it out.
func (l *listed) keep(r *listedRow, in bool) {
	n := 1
	if in {
		l.rows[r.id] = r
	} else {
		n = -1
		delete(l.rows, r.id)
	}
	of := l.held[r.owner]
	if of == nil {
		of = map[string]int{}
		l.held[r.owner] = of
	}
	for leaf := range strings.FieldsSeq(r.leaves) {
		if of[leaf] += n; of[leaf] == 0 {
			delete(of, leaf)
		}
	}
	if len(of) == 0 {
		delete(l.held, r.owner)
	}
}

// follow brings the copy up to date.
func (s *Store) follow(ctx context.Context) error {
	l := &s.listed
	l.mu.Lock()
	defer l.mu.Unlock()
	var first, last int64
	// Read before the rows: what changes meanwhile is then read once more.
	if err := s.read.QueryRowContext(ctx, `SELECT coalesce(min(seq), 0), coalesce(max(seq), 0) FROM listing_log`).Scan(&first, &last); err != nil {
		return err
	}
	switch {
	case l.rows != nil && last == l.seq:
		return nil
	case l.rows == nil || first > l.seq+1:
		l.rows, l.words, l.held = map[string]*listedRow{}, map[string]string{}, map[string]map[string]int{}
		if err := s.readListing(ctx, ""); err != nil {
			l.rows = nil
			return err
		}
	default:
		ids, err := texts(ctx, s.read, `SELECT DISTINCT endpoint FROM listing_log WHERE seq > ?1 AND seq <= ?2`, l.seq, last)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if r := l.rows[id]; r != nil {
				l.keep(r, false)
			}
		}
		if err := s.readListing(ctx, ` WHERE endpoint IN (SELECT endpoint FROM listing_log WHERE seq > ?1 AND seq <= ?2)`, l.seq, last); err != nil {
			l.rows = nil
			return err
		}
	}
	l.seq = last
	return nil
}

func (s *Store) readListing(ctx context.Context, where string, args ...any) error {
	rows, err := s.read.QueryContext(ctx, `SELECT endpoint, source, target, owner, tags, state, severity, issuer, expires, leaves FROM listing`+where, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	l := &s.listed
	for rows.Next() {
		r := &listedRow{}
		if err := rows.Scan(&r.id, &r.source, &r.target, &r.owner, &r.tags, &r.state, &r.severity, &r.issuer, &r.expires, &r.leaves); err != nil {
			return err
		}
		r.source, r.owner, r.issuer = l.word(r.source), l.word(r.owner), l.word(r.issuer)
		r.search = strings.ToLower(r.target + "\n" + r.owner + r.tags)
		if tags := r.search[len(r.search)-min(len(r.tags), len(r.search)):]; tags == r.tags {
			r.tags = tags
		}
		l.keep(r, true)
	}
	return rows.Err()
}

// keyOf returns what the row is sorted by: a number and then a text.
func (r *listedRow) keyOf(column string) (int64, string) {
	switch column {
	case "owner":
		return 0, r.owner
	case "issuer":
		return 0, r.issuer
	case "state":
		return r.state, ""
	case "severity":
		return r.severity, ""
	case "expires":
		return r.expires, ""
	}
	return 0, r.target
}

func matches(q *monitor.EndpointQuery) func(*listedRow) bool {
	text, issuer := strings.ToLower(strings.TrimSpace(q.Text)), strings.ToLower(strings.TrimSpace(q.Issuer))
	var tags []string
	for k, v := range q.Tags {
		tag := "\n" + k + "="
		if v != "" {
			tag += v + "\n"
		}
		tags = append(tags, tag)
	}
	return func(r *listedRow) bool {
		for _, tag := range tags {
			if !strings.Contains(r.tags, tag) {
				return false
			}
		}
		return (q.Owner == "" || r.owner == q.Owner) && (q.Source == "" || r.source == q.Source) &&
			(q.State == "" || r.state == int64(q.State.Rank())) && (q.Severity == "" || r.severity == int64(2-q.Severity.Rank())) &&
			(q.ExpiresBefore.IsZero() || r.expires < micros(q.ExpiresBefore)) &&
			(issuer == "" || strings.Contains(strings.ToLower(r.issuer), issuer)) && (text == "" || strings.Contains(r.search, text))
	}
}

// top keeps the first rows of an order: a heap with the last of them on top.
type top struct {
	rows   []*listedRow
	before func(a, b *listedRow) bool
}

func (t *top) Len() int           { return len(t.rows) }
func (t *top) Less(i, j int) bool { return t.before(t.rows[j], t.rows[i]) }
func (t *top) Swap(i, j int)      { t.rows[i], t.rows[j] = t.rows[j], t.rows[i] }
func (t *top) Push(x any)         { t.rows = append(t.rows, x.(*listedRow)) }
func (t *top) Pop() any {
	n := len(t.rows) - 1
	x := t.rows[n]
	t.rows = t.rows[:n]
	return x
}

// BrowseEndpoints implements monitor.Browser.
func (s *Store) BrowseEndpoints(ctx context.Context, q monitor.EndpointQuery) (p monitor.Page[monitor.EndpointRow], err error) {
	p.Items = []monitor.EndpointRow{}
	column, down := strings.CutPrefix(q.Sort, "-")
	switch column {
	case "", "target", "owner", "state", "severity", "issuer", "expires":
	default:
		return p, fmt.Errorf("sorting by %q: %w", column, monitor.ErrSort)
	}
	var after *listedRow
	if q.Cursor != "" {
		c, err := readCursor(q.Cursor)
		if err != nil || c.Sort != q.Sort || c.From != "listing" || c.At.S == nil || c.At.N == nil || c.ID.S == nil {
			return p, monitor.ErrCursor
		}
		after = &listedRow{id: *c.ID.S, target: *c.At.S, owner: *c.At.S, issuer: *c.At.S, state: *c.At.N, severity: *c.At.N, expires: *c.At.N}
	}
	if err := s.follow(ctx); err != nil {
		return p, clear(err, "reading the endpoints", s.path)
	}
	before := func(a, b *listedRow) bool {
		an, as := a.keyOf(column)
		bn, bs := b.keyOf(column)
		c := cmp.Or(cmp.Compare(an, bn), cmp.Compare(as, bs), cmp.Compare(a.id, b.id))
		return c < 0 != down && c != 0
	}
	n := q.Size()
	first := top{before: before}
	fits := matches(&q)
	s.listed.mu.RLock()
	for _, r := range s.listed.rows {
		if !fits(r) {
			continue
		}
		p.Total++
		switch {
		case after != nil && !before(after, r):
		case len(first.rows) <= n:
			heap.Push(&first, r)
		case before(r, first.rows[0]):
			first.rows[0] = r
			heap.Fix(&first, 0)
		}
	}
	s.listed.mu.RUnlock()
	more := len(first.rows) > n
	if more {
		heap.Pop(&first)
	}
	ids := make([]string, len(first.rows))
	for i := len(ids) - 1; i >= 0; i-- {
		r := heap.Pop(&first).(*listedRow)
		if ids[i] = r.id; more && i == len(ids)-1 {
			num, text := r.keyOf(column)
			p.Next = cursor{From: "listing", Sort: q.Sort, At: key{N: &num, S: &text}, ID: key{S: &r.id}}.String()
		}
	}
	if p.Items, err = s.endpointRows(ctx, ids); err != nil {
		return p, clear(err, "reading the endpoints", s.path)
	}
	return p, nil
}

// Summaries returns at most n endpoints in short, sorted by their id, and how
// many there are.
func (s *Store) Summaries(ctx context.Context, n int) ([]monitor.Summary, int, error) {
	if err := s.follow(ctx); err != nil {
		return nil, 0, clear(err, "reading the endpoints", s.path)
	}
	s.listed.mu.RLock()
	defer s.listed.mu.RUnlock()
	ids := slices.Sorted(maps.Keys(s.listed.rows))
	out := make([]monitor.Summary, 0, min(n, len(ids)))
	for _, id := range ids[:min(n, len(ids))] {
		r := s.listed.rows[id]
		x := monitor.Summary{ID: id, Target: r.target, Owner: r.owner, State: standing(r.state), Severity: severity(r.severity)}
		if r.expires != unknown {
			x.Expires = moment(r.expires)
		}
		out = append(out, x)
	}
	return out, len(ids), nil
}

// endpointRows reads the rows of these endpoints, in this order. What is there
// no longer is left out.
func (s *Store) endpointRows(ctx context.Context, ids []string) ([]monitor.EndpointRow, error) {
	raw, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := s.read.QueryContext(ctx, "SELECT "+rowColumns+" FROM listing l JOIN endpoints e ON e.id = l.endpoint WHERE l.endpoint IN (SELECT value FROM json_each(?1))", string(raw))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]monitor.EndpointRow{}
	for rows.Next() {
		r, err := scanEndpoint(rows.Scan)
		if err != nil {
			return nil, err
		}
		found[r.Endpoint.ID] = r
	}
	out := make([]monitor.EndpointRow, 0, len(ids))
	for _, id := range ids {
		if r, ok := found[id]; ok {
			out = append(out, r)
		}
	}
	return out, rows.Err()
}

// texts reads a column of texts.
func texts(ctx context.Context, q queryer, query string, args ...any) ([]string, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}
