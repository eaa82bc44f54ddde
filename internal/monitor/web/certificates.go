package web

import (
	"encoding/csv"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// certificateList is a page of the inventory with what narrows it.
type certificateList struct {
	monitor.Page[monitor.CertificateRow]
	Query   url.Values
	Columns []column
	Next    string
	First   string
	Export  string
	Any     bool
	Now     time.Time
}

// certificateFilters are the parameters that narrow the list.
var certificateFilters = []string{"q", "issuer", "owner", "role", "life", "ends", "from", "before"}

// Life are the choices of the filter by lifetime.
func (l *certificateList) Life() []monitor.Lifetime { return monitor.Lifetimes }

// Within are those by the end.
func (l *certificateList) Within() any { return within }

// Get is the first value of a parameter.
func (l *certificateList) Get(name string) string { return l.Query.Get(name) }

func certificateQuery(v url.Values, now time.Time) monitor.CertificateQuery {
	q := monitor.CertificateQuery{Text: v.Get("q"), Issuer: v.Get("issuer"), Owner: v.Get("owner"), Endpoint: v.Get("endpoint")}
	if role := v.Get("role"); slices.Contains([]string{"leaf", "intermediate", "root"}, role) {
		q.Role = role
	}
	for _, x := range within {
		if v.Get("ends") == x.Value {
			q.ExpiresBefore = now.Add(x.For)
		}
	}
	if at, err := time.Parse(time.DateOnly, v.Get("from")); err == nil {
		q.EndsFrom = at
	}
	if at, err := time.Parse(time.DateOnly, v.Get("before")); err == nil {
		q.ExpiresBefore = at
	}
	last := 0
	for _, l := range monitor.Lifetimes {
		if v.Get("life") == l.Name {
			q.LongerThan, q.AtMost = last, l.Days
		}
		last = l.Days
	}
	return q
}

func (s *Web) certificates(w http.ResponseWriter, r *http.Request) error {
	v := r.URL.Query()
	now := time.Now()
	q := certificateQuery(v, now)
	q.List = monitor.List{Sort: v.Get("sort"), Cursor: v.Get("cursor"), Limit: listSize, Count: true}
	p, err := s.Service.Certificates(r.Context(), q)
	if err != nil {
		return err
	}
	l := &certificateList{Page: p, Query: url.Values{}, Now: now}
	for _, f := range certificateFilters {
		if x := v.Get(f); x != "" {
			l.Query.Set(f, x)
			l.Any = true
		}
	}
	address := func(base string, set ...string) string {
		u := url.Values{}
		for k, x := range l.Query {
			u[k] = x
		}
		for i := 0; i+1 < len(set); i += 2 {
			if set[i+1] != "" {
				u.Set(set[i], set[i+1])
			}
		}
		return s.path(base) + "?" + u.Encode()
	}
	for _, c := range []struct{ name, said string }{{"subject", "Certificate"}, {"issuer", "Issuer"}, {"expires", "Ends"}} {
		x := column{Name: c.said, Sort: "none", URL: address("/certificates", "sort", c.name)}
		switch {
		case v.Get("sort") == c.name || c.name == "expires" && v.Get("sort") == "":
			x.Sort, x.URL = "ascending", address("/certificates", "sort", "-"+c.name)
		case v.Get("sort") == "-"+c.name:
			x.Sort = "descending"
		}
		l.Columns = append(l.Columns, x)
	}
	l.Export = address("/certificates/export.csv", "sort", v.Get("sort"))
	if p.Next != "" {
		l.Next = address("/certificates", "sort", v.Get("sort"), "cursor", p.Next)
	}
	if v.Get("cursor") != "" {
		l.First = address("/certificates", "sort", v.Get("sort"))
	}
	if x := v.Get("sort"); x != "" {
		l.Query.Set("sort", x)
	}
	return s.render(w, r, "certificates", l)
}

// maxExport bounds the rows of a file.
const maxExport = 200_000

// exportCertificates writes what the list has, page by page.
func (s *Web) exportCertificates(w http.ResponseWriter, r *http.Request) error {
	q := certificateQuery(r.URL.Query(), time.Now())
	q.List = monitor.List{Sort: r.URL.Query().Get("sort"), Limit: monitor.MaxPage}
	var out *csv.Writer
	for n := 0; n < maxExport; {
		p, err := s.Service.Certificates(r.Context(), q)
		switch {
		case err != nil && out == nil:
			return err
		case err != nil:
			s.Log.Error("an export ended early", "err", err)
			panic(http.ErrAbortHandler) // so that nobody takes it for all
		}
		if out == nil {
			w.Header().Set("Content-Type", "text/csv; charset=utf-8")
			w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": "certificates.csv"}))
			out = csv.NewWriter(w)
			_ = out.Write([]string{"fingerprint_sha256", "role", "subject", "names", "issuer", "serial", "key", "not_before", "not_after", "renewal_due", "endpoints", "first_seen"}) // Flush tells
		}
		for i := range p.Items {
			c := &p.Items[i]
			_ = out.Write([]string{c.Fingerprint, c.Role, plain(c.Subject), plain(strings.Join(c.Names, " ")), plain(c.Issuer), c.Serial, c.Key, c.NotBefore.UTC().Format(time.RFC3339),
				c.NotAfter.UTC().Format(time.RFC3339), monitor.RenewalDue(&c.Element).UTC().Format(time.RFC3339), number(c.Endpoints), c.FirstSeen.UTC().Format(time.RFC3339)})
		}
		n += len(p.Items)
		if out.Flush(); out.Error() != nil || p.Next == "" {
			return nil // whoever asked has left, or has all
		}
		q.Cursor = p.Next
	}
	return nil
}

// plain keeps a spreadsheet from taking a name for a formula, and takes control
// characters out of it.
func plain(s string) string {
	s = strings.Map(visible, s)
	if s != "" && strings.ContainsRune("=+-@\t", rune(s[0])) {
		return "'" + s
	}
	return s
}

// certificatePage is one certificate, where it is served and what took its place.
type certificatePage struct {
	monitor.CertificateRow
	Due     time.Time
	Now     time.Time
	Served  []monitor.Serving
	More    int // places that are not among them
	Chain   []chainLink
	Others  []monitor.CertificateRow // of the same first name
	Changes []monitor.Event          // of certificates, where it is served
}

type chainLink struct {
	Fingerprint, Name string
	Here              bool
}

// The lengths of the lists of a certificate's page.
const (
	shownServings = 100
	shownOthers   = 20
)

func (s *Web) certificate(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	row, served, err := s.Service.Certificate(ctx, r.PathValue("fingerprint"))
	if err != nil {
		return err
	}
	p := &certificatePage{CertificateRow: row, Due: monitor.RenewalDue(&row.Element), Now: time.Now(), Served: served[:min(len(served), shownServings)]}
	p.More = len(served) - len(p.Served)
	if len(served) > 0 {
		for _, f := range served[0].Chain[:min(len(served[0].Chain), 10)] {
			l := chainLink{Fingerprint: f, Name: f, Here: f == row.Fingerprint}
			if c, _, err := s.Service.Certificate(ctx, f); err == nil {
				l.Name = called(c.Element)
			}
			p.Chain = append(p.Chain, l)
		}
	}
	if row.Role == "leaf" && len(row.Names) > 0 {
		others, err := s.Service.Certificates(ctx, monitor.CertificateQuery{Text: row.Names[0], Role: "leaf", List: monitor.List{Sort: "-expires", Limit: shownOthers}})
		if err != nil {
			return err
		}
		p.Others = slices.DeleteFunc(others.Items, func(c monitor.CertificateRow) bool {
			return c.Fingerprint == row.Fingerprint || !slices.Contains(c.Names, row.Names[0])
		})
	}
	return s.render(w, r, "certificate", p)
}

// Newer tells whether another certificate of that name came later.
func (p *certificatePage) Newer(c monitor.CertificateRow) bool { return c.NotBefore.After(p.NotBefore) }

// Life is how long it is valid, in words.
func (p *certificatePage) Life() string { return monitor.Span(p.Lifetime()) }

// Standing is how near the end is.
func (p *certificatePage) Standing() monitor.Standing { return standOf(&p.Element, p.Now) }

// StandOf is the same for a row of the list.
func (l *certificateList) StandOf(c monitor.CertificateRow) monitor.Standing {
	return standOf(&c.Element, l.Now)
}

func standOf(e *monitor.Element, now time.Time) monitor.Standing {
	switch {
	case !now.Before(e.NotAfter):
		return monitor.StandCritical
	case e.Role == "leaf" && now.After(monitor.RenewalDue(e)):
		return monitor.StandWarning
	}
	return monitor.StandOK
}
