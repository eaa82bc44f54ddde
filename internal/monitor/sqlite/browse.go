package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// question is a query that is being put together: a narrow table that is
// filtered and sorted, and what is then read for the rows of one page only.
type question struct {
	monitor.List
	from    string            // narrow table, called l
	id      string            // its key
	columns map[string]string // that may be sorted by
	first   string            // the default of them
	rest    string            // columns and joins of the page's rows: "e.body FROM page l JOIN ..."
	where   []string
	args    []any
}

func (q *question) add(condition string, args ...any) {
	q.where = append(q.where, condition)
	q.args = append(q.args, args...)
}

// text adds a search for a part of a column of small letters.
func (q *question) text(column, s string) {
	if s = strings.TrimSpace(s); s != "" {
		q.add("instr("+column+", ?) > 0", strings.ToLower(s))
	}
}

// equal adds a comparison, unless there is nothing to compare with.
func (q *question) equal(column, s string) {
	if s != "" {
		q.add(column+" = ?", s)
	}
}

// page asks and reads a page. scan reads the columns of rest.
func page[T any](ctx context.Context, s *Store, q *question, scan func(func(...any) error) (T, error)) (p monitor.Page[T], err error) {
	p.Items = []T{}
	name, down := strings.CutPrefix(q.Sort, "-")
	if name == "" {
		name = q.first
	}
	column, ok := q.columns[name]
	if !ok {
		return p, fmt.Errorf("sorting by %q: %w", name, monitor.ErrSort)
	}
	if q.Count {
		if err := s.read.QueryRowContext(ctx, "SELECT count(*) FROM "+q.from+" l"+q.condition(), q.args...).Scan(&p.Total); err != nil {
			return p, clear(err, "counting", s.path)
		}
	}
	order, than := "", ">"
	if down {
		order, than = " DESC", "<"
	}
	if q.Cursor != "" {
		c, err := readCursor(q.Cursor)
		if err != nil || c.Sort != q.Sort || c.From != q.from {
			return p, monitor.ErrCursor
		}
		q.add("("+column+", l."+q.id+") "+than+" (?, ?)", c.At.value(), c.ID.value())
	}
	n := q.Size()
	by := " ORDER BY k" + order + ", l." + q.id + order
	rows, err := s.read.QueryContext(ctx, "WITH page AS MATERIALIZED (SELECT "+column+" AS k, l.* FROM "+q.from+" l"+q.condition()+by+fmt.Sprintf(" LIMIT %d", n+1)+
		") SELECT l.k, l."+q.id+", "+q.rest+by, q.args...)
	if err != nil {
		return p, clear(err, "reading a list", s.path)
	}
	defer rows.Close()
	var last cursor
	for rows.Next() {
		if len(p.Items) == n {
			p.Next = last.String()
			break
		}
		var at, id any
		item, err := scan(func(dest ...any) error { return rows.Scan(append([]any{&at, &id}, dest...)...) })
		if err != nil {
			return p, clear(err, "reading a list", s.path)
		}
		p.Items = append(p.Items, item)
		last = cursor{From: q.from, Sort: q.Sort, At: keyOf(at), ID: keyOf(id)}
	}
	if err := rows.Err(); err != nil {
		return p, clear(err, "reading a list", s.path)
	}
	return p, nil
}

func (q *question) condition() string {
	if len(q.where) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(q.where, " AND ")
}

// cursor is the last row of a page.
type cursor struct {
	From, Sort string
	At, ID     key
}

// key is a number or a text.
type key struct {
	N *int64  `json:",omitempty"`
	S *string `json:",omitempty"`
}

func keyOf(v any) key {
	switch v := v.(type) {
	case int64:
		return key{N: &v}
	case []byte:
		s := string(v)
		return key{S: &s}
	}
	s := fmt.Sprint(v)
	return key{S: &s}
}

func (k key) value() any {
	switch {
	case k.N != nil:
		return *k.N
	case k.S != nil:
		return *k.S
	}
	return ""
}

// String is the cursor as a caller holds it.
func (c cursor) String() string {
	raw, err := json.Marshal(c)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

func readCursor(s string) (c cursor, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(raw, &c)
	}
	return c, err
}

const rowColumns = `e.body, l.source, l.state, l.severity, l.issuer, l.expires, coalesce((SELECT min(next_due) FROM watches WHERE endpoint = l.endpoint), 0)`

// standing and severity read the ranks of the listing.
func standing(rank int64) monitor.Standing {
	return monitor.Standings[min(max(rank, 0), int64(len(monitor.Standings)-1))]
}

func severity(rank int64) monitor.Severity {
	return []monitor.Severity{monitor.Critical, monitor.Warning, ""}[min(max(rank, 0), 2)]
}

func scanEndpoint(scan func(...any) error) (r monitor.EndpointRow, err error) {
	var body []byte
	var state, worst, expires, due int64
	if err := scan(&body, &r.Source, &state, &worst, &r.Issuer, &expires, &due); err != nil {
		return r, err
	}
	if err := json.Unmarshal(body, &r.Endpoint); err != nil {
		return r, err
	}
	r.State, r.Severity = standing(state), severity(worst)
	if expires != unknown {
		r.Expires = moment(expires)
	}
	r.NextDue, r.Revision = moment(due), r.Endpoint.Revision()
	return r, nil
}

// Endpoint implements monitor.Browser.
func (s *Store) Endpoint(ctx context.Context, id string) (d monitor.EndpointDetail, err error) {
	d.EndpointRow, err = scanEndpoint(s.read.QueryRowContext(ctx, "SELECT "+rowColumns+" FROM listing l JOIN endpoints e ON e.id = l.endpoint WHERE l.endpoint = ?1", id).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return d, monitor.ErrNotFound
	}
	if err == nil {
		var watches []monitor.Watch
		if watches, err = bodies[monitor.Watch](ctx, s.read, `SELECT json_set(body, '$.checks', checks) FROM watches WHERE endpoint = ?1 ORDER BY vantage`, id); len(watches) > 0 {
			d.Watch = watches[0]
		}
	}
	if err == nil {
		d.States, err = statesOf(ctx, s.read, id, "")
	}
	if err != nil {
		return d, clear(err, "reading an endpoint", s.path)
	}
	return d, nil
}

// BrowseCertificates implements monitor.Browser.
func (s *Store) BrowseCertificates(ctx context.Context, q monitor.CertificateQuery) (monitor.Page[monitor.CertificateRow], error) {
	x := &question{List: q.List, from: "certificates", id: "fingerprint", first: "expires",
		columns: map[string]string{"expires": "l.expires", "subject": "l.subject", "issuer": "l.issuer"},
		rest:    certificateColumns + ` FROM page l`}
	x.text("l.search", q.Text)
	x.text("lower(l.issuer)", q.Issuer)
	if q.Role == "" {
		x.add("l.role <> 'root'") // whose end means nothing
	}
	x.equal("l.role", q.Role)
	if q.Endpoint != "" { // all are served somewhere: see sweep
		x.add("l.fingerprint IN (SELECT fingerprint FROM served WHERE endpoint = ?)", q.Endpoint)
	}
	if q.Owner != "" {
		x.add("l.fingerprint IN (SELECT v.fingerprint FROM served v JOIN listing e ON e.endpoint = v.endpoint WHERE e.owner = ?)", q.Owner)
	}
	if q.LongerThan > 0 {
		x.add("(l.expires - l.begins + 86399999999) / 86400000000 > ?", q.LongerThan)
	}
	if q.AtMost > 0 {
		x.add("(l.expires - l.begins + 86399999999) / 86400000000 <= ?", q.AtMost)
	}
	if !q.EndsFrom.IsZero() {
		x.add("l.expires >= ?", micros(q.EndsFrom))
	}
	if !q.ExpiresBefore.IsZero() {
		x.add("l.expires < ?", micros(q.ExpiresBefore))
	}
	return page(ctx, s, x, scanCertificate)
}

const certificateColumns = `l.body, l.first_seen, (SELECT count(DISTINCT endpoint) FROM served WHERE fingerprint = l.fingerprint)`

func scanCertificate(scan func(...any) error) (r monitor.CertificateRow, err error) {
	var body []byte
	var first int64
	if err := scan(&body, &first, &r.Endpoints); err != nil {
		return r, err
	}
	r.FirstSeen = moment(first)
	return r, json.Unmarshal(body, &r.Element)
}

// Certificate implements monitor.Browser.
func (s *Store) Certificate(ctx context.Context, fingerprint string) (r monitor.CertificateRow, where []monitor.Serving, err error) {
	r, err = scanCertificate(s.read.QueryRowContext(ctx, "SELECT "+certificateColumns+" FROM certificates l WHERE l.fingerprint = ?1", fingerprint).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return r, nil, monitor.ErrNotFound
	}
	if err == nil {
		where, err = s.servings(ctx, fingerprint)
	}
	if err != nil {
		return r, nil, clear(err, "reading a certificate", s.path)
	}
	return r, where, nil
}

func (s *Store) servings(ctx context.Context, fingerprint string) ([]monitor.Serving, error) {
	rows, err := s.read.QueryContext(ctx, `SELECT v.endpoint, l.target, v.address, p.fingerprint FROM served v JOIN listing l ON l.endpoint = v.endpoint
		JOIN served p ON p.endpoint = v.endpoint AND p.address = v.address AND p.sni = v.sni
		WHERE v.fingerprint = ?1 ORDER BY l.target, v.endpoint, v.address, p.position LIMIT ?2`, fingerprint, 10*monitor.MaxPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []monitor.Serving{}
	for rows.Next() {
		var v monitor.Serving
		var f string
		if err := rows.Scan(&v.Endpoint, &v.Target, &v.Address, &f); err != nil {
			return nil, err
		}
		if n := len(out); n == 0 || out[n-1].Endpoint != v.Endpoint || out[n-1].Address != v.Address {
			out = append(out, v)
		}
		out[len(out)-1].Chain = append(out[len(out)-1].Chain, f)
	}
	return out, rows.Err()
}

func within(x *question, column string, after, before time.Time) {
	if !after.IsZero() {
		x.add(column+" >= ?", micros(after))
	}
	if !before.IsZero() {
		x.add(column+" < ?", micros(before))
	}
}

var (
	_ monitor.Browser  = (*Store)(nil)
	_ monitor.Editor   = (*Store)(nil)
	_ monitor.Accounts = (*Store)(nil)
)
