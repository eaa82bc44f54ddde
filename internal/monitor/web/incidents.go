package web

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/report"
)

// incidentList is the list of incidents, with what it was narrowed by.
type incidentList struct {
	monitor.IncidentQuery
	Page        monitor.Page[monitor.Incident]
	States      []choice
	Narrowed    bool
	First, Next string
	Total       string
	sort        func(column string) string
}

// SortURL leads to the list sorted by a column; twice turns it round.
func (l *incidentList) SortURL(column string) string { return l.sort(column) }

// choice is one of several links or options.
type choice struct {
	Value, Name, URL string
	On               bool
}

// incidentStates are the states in which somebody looks for incidents, the
// default first.
var incidentStates = []choice{{Value: "open", Name: "Open"}, {Value: "acknowledged", Name: "Acknowledged"}, {Value: "resolved", Name: "Resolved"}, {Value: "all", Name: "All"}}

func (s *Web) incidents(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	l := &incidentList{IncidentQuery: monitor.IncidentQuery{Text: q.Get("q"), Owner: q.Get("owner"), Cause: q.Get("cause"), Endpoint: q.Get("endpoint"),
		Severity: monitor.Severity(q.Get("severity")), State: q.Get("state"), List: monitor.List{Sort: q.Get("sort"), Cursor: q.Get("cursor"), Limit: 50, Count: true}}}
	if !slices.ContainsFunc(incidentStates, func(c choice) bool { return c.Value == l.State }) {
		l.State = incidentStates[0].Value
	}
	with := func(key, value string) string {
		q := copied(q)
		q.Del("cursor")
		q.Set(key, value)
		return s.path("/incidents") + "?" + q.Encode()
	}
	for _, c := range incidentStates {
		c.URL, c.On = with("state", c.Value), c.Value == l.State
		l.States = append(l.States, c)
	}
	l.sort = func(column string) string { return with("sort", turned(l.Sort, column)) }
	l.Narrowed = l.Text != "" || l.Owner != "" || l.Cause != "" || l.Endpoint != "" || l.Severity != ""
	query := l.IncidentQuery
	if query.State == "all" {
		query.State = ""
	}
	var err error
	if l.Page, err = s.Service.Incidents(r.Context(), query); err != nil {
		return err
	}
	l.Total = count(l.Page.Total, "incident")
	if l.Cursor != "" {
		l.First = with("state", l.State)
	}
	if l.Page.Next != "" {
		l.Next = with("cursor", l.Page.Next)
	}
	return s.render(w, r, "incidents", l)
}

// copied copies the values of an address.
func copied(q url.Values) url.Values {
	c := url.Values{}
	for k, v := range q {
		c[k] = slices.Clone(v)
	}
	return c
}

// turned is how to sort after somebody pressed a column.
func turned(now, column string) string {
	if now == "-"+column {
		return column
	}
	return "-" + column
}

// incidentPage is one incident with all that is known of it.
type incidentPage struct {
	monitor.Incident
	Told     []monitor.MessageStatus
	Events   []monitor.Event
	More     bool                 // there are older events
	Why      *monitor.Explanation // nil where the endpoint is gone
	Reason   string               // why this incident did, or did not, alert anybody
	Silence  string               // leads to the form
	Pictures pictures
	Cause    template.HTML // evidence, who is affected, fixes
	Note     string        // what was typed
	Mistake  string
}

// Channels are the channels that heard of it, or were to hear.
func (p *incidentPage) Channels() []string {
	var out []string
	for i := range p.Told {
		if c := p.Told[i].Channel; !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

func (s *Web) incident(w http.ResponseWriter, r *http.Request) error {
	return s.showIncident(w, r, http.StatusOK, "", "")
}

const timeline = 100 // events that a page shows

func (s *Web) showIncident(w http.ResponseWriter, r *http.Request, status int, note, mistake string) error {
	ctx, id := r.Context(), r.PathValue("id")
	inc, err := s.Service.Incident(ctx, id)
	if err != nil {
		return err
	}
	p := &incidentPage{Incident: inc, Note: note, Mistake: mistake}
	if p.Told, err = s.Service.Deliveries(ctx, id); err != nil {
		return err
	}
	events, err := s.Service.Events(ctx, monitor.EventQuery{Endpoint: inc.Endpoint, Incident: id, List: monitor.List{Limit: timeline}})
	if err != nil {
		return err
	}
	p.Events, p.More = events.Items, events.Next != ""
	d, err := s.Service.Diagnosis(ctx, id)
	if err != nil {
		return err
	}
	if p.Pictures, err = picturesOf(d); err != nil {
		return err
	}
	if p.Cause, err = (report.View{Copy: true}).Cause(causeOf(&inc.Finding, d)); err != nil {
		return err
	}
	switch why, err := s.Service.Explain(ctx, inc.Endpoint); {
	case err == nil:
		p.Why = &why
		for i := range why.Incidents {
			if why.Incidents[i].ID == id {
				p.Reason = why.Incidents[i].Why
			}
		}
	case !errors.Is(err, monitor.ErrNotFound):
		return err
	}
	match := url.Values{"match": {"endpoint=" + inc.Endpoint + "\ncause=" + inc.Finding.Cause}, "back": {"/incidents/" + id}}
	if inc.Endpoint == "" {
		match.Set("match", "cause="+inc.Finding.Cause)
	}
	p.Silence = s.path("/settings/silences/new") + "?" + match.Encode()
	return s.renderStatus(w, r, status, "incident", p)
}

func (s *Web) acknowledge(w http.ResponseWriter, r *http.Request) error {
	id, note := r.PathValue("id"), strings.TrimSpace(r.PostFormValue("note"))
	if _, err := s.Service.Acknowledge(r.Context(), id, note); err != nil {
		return s.incidentMistake(w, r, note, err)
	}
	return s.done(w, r, "/incidents/"+id, "You look after this incident now. It is not told again while it stays as it is.")
}

func (s *Web) comment(w http.ResponseWriter, r *http.Request) error {
	id, text := r.PathValue("id"), strings.TrimSpace(r.PostFormValue("note"))
	if err := s.Service.Comment(r.Context(), id, text); err != nil {
		return s.incidentMistake(w, r, text, err)
	}
	return s.done(w, r, "/incidents/"+id, "Your comment was added.")
}

// incidentMistake shows the page again with what was typed.
func (s *Web) incidentMistake(w http.ResponseWriter, r *http.Request, typed string, err error) error {
	field, msg, ok := mistakeOf(err)
	if !ok {
		return err
	}
	if field == "text" {
		msg = "Write something first; at most 4,000 bytes."
	}
	return s.showIncident(w, r, http.StatusUnprocessableEntity, typed, msg)
}

func (s *Web) checkIncident(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	inc, err := s.Service.Incident(r.Context(), id)
	if err == nil {
		err = s.Service.CheckSoon(r.Context(), inc.Endpoint)
	}
	if errors.Is(err, monitor.ErrNotFound) {
		return s.notDone(w, r, "/incidents/"+id, "Its endpoint is no longer watched.")
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/incidents/"+id, fmt.Sprintf("%s is checked now; this page shows what comes of it.", inc.Target))
}
