package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// endpointList is a page of endpoints with what narrows it.
type endpointList struct {
	monitor.Page[monitor.EndpointRow]
	Query   url.Values // without the cursor
	Columns []column
	Next    string // address of the next page
	First   string // address of the first, "" on it
	Any     bool   // something narrows the list
	Empty   bool   // there is no endpoint at all
	Total   int
}

// column is a column that can be sorted by.
type column struct {
	Name string
	URL  string
	Sort string // ascending, descending, none: for aria-sort
	Text bool   // cannot be sorted by
}

// listSize is how many rows a page has.
const listSize = 50

// within are the times of the filter by the end of certificates.
var within = []struct {
	Value, Name string
	For         time.Duration
}{{"0d", "already ended", 0}, {"7d", "7 days", 7 * 24 * time.Hour}, {"14d", "14 days", 14 * 24 * time.Hour}, {"30d", "30 days", 30 * 24 * time.Hour}, {"90d", "90 days", 90 * 24 * time.Hour}}

// filters are the parameters that narrow the list.
var filters = []string{"q", "state", "severity", "owner", "source", "tag", "issuer", "ends"}

// endpointQuery reads what narrows the list.
func endpointQuery(v url.Values, now time.Time) monitor.EndpointQuery {
	q := monitor.EndpointQuery{Text: v.Get("q"), Owner: v.Get("owner"), Source: v.Get("source"), State: monitor.Standing(v.Get("state")),
		Severity: monitor.Severity(v.Get("severity")), Issuer: v.Get("issuer"), Tags: map[string]string{}}
	if q.State != "" && q.State.Rank() < 0 {
		q.State = ""
	}
	if q.Severity.Rank() == 0 {
		q.Severity = ""
	}
	for _, t := range v["tag"] {
		if k, val, _ := strings.Cut(strings.TrimSpace(t), "="); k != "" {
			q.Tags[k] = val
		}
	}
	for _, x := range within {
		if v.Get("ends") == x.Value {
			q.ExpiresBefore = now.Add(x.For)
		}
	}
	return q
}

func (s *Web) endpoints(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	q := endpointQuery(v, time.Now())
	q.List = monitor.List{Sort: v.Get("sort"), Cursor: v.Get("cursor"), Limit: listSize, Count: true}
	p, err := s.Service.Endpoints(r.Context(), q)
	if err != nil {
		return err
	}
	l := &endpointList{Page: p, Query: url.Values{}, Total: p.Total}
	for _, f := range filters {
		for _, x := range v[f] {
			if x != "" {
				l.Query.Add(f, x)
				l.Any = true
			}
		}
	}
	l.Empty = !l.Any && p.Total == 0
	address := func(set ...string) string {
		u := url.Values{}
		for k, x := range l.Query {
			u[k] = x
		}
		for i := 0; i+1 < len(set); i += 2 {
			if set[i+1] != "" {
				u.Set(set[i], set[i+1])
			}
		}
		return s.path("/endpoints") + "?" + u.Encode()
	}
	for _, name := range []string{"state", "target", "owner", "issuer", "expires"} {
		c := column{Name: name, Sort: "none", URL: address("sort", name)}
		switch {
		case v.Get("sort") == name || name == "target" && v.Get("sort") == "":
			c.Sort, c.URL = "ascending", address("sort", "-"+name)
		case v.Get("sort") == "-"+name:
			c.Sort = "descending"
		}
		l.Columns = append(l.Columns, c)
	}
	if p.Next != "" {
		l.Next = address("sort", v.Get("sort"), "cursor", p.Next)
	}
	if v.Get("cursor") != "" {
		l.First = address("sort", v.Get("sort"))
	}
	if s := v.Get("sort"); s != "" {
		l.Query.Set("sort", s)
	}
	return s.render(w, r, "endpoints", l)
}

// Get is the first value of a parameter.
func (l *endpointList) Get(name string) string { return l.Query.Get(name) }

// Tags are the tags that are asked for, in a line.
func (l *endpointList) Tags() string { return strings.Join(l.Query["tag"], " ") }

// More tells whether a filter is in use that is folded away.
func (l *endpointList) More() bool {
	return slices.ContainsFunc([]string{"owner", "source", "tag", "issuer"}, l.Query.Has)
}

// Within are the choices of the filter by the end of certificates.
func (l *endpointList) Within() any { return within }

// Standings are the choices of the filter by state.
func (l *endpointList) Standings() []monitor.Standing { return monitor.Standings }

// heading is what a column is called.
func heading(column string) string {
	return map[string]string{"state": "State", "target": "Endpoint", "owner": "Owner", "issuer": "Issuer", "expires": "Certificate ends"}[column]
}

// safeNext is the list that a form came from, with what narrowed it.
func backTo(r *http.Request) string {
	if back := local(r.PostForm.Get("back")); strings.HasPrefix(back, "/endpoints") {
		return back
	}
	return "/endpoints"
}
