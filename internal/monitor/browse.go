package monitor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// Errors of Browser and Editor, beside ErrNotFound.
var (
	// ErrCursor is a cursor that was not made for this query.
	ErrCursor = errors.New("the cursor does not belong to this list")
	// ErrSort is a list that cannot be sorted in that way.
	ErrSort = errors.New("the list has no such column to sort by")
	// ErrChanged is an edit of something that has changed since it was read.
	ErrChanged = errors.New("it was changed by somebody else")
	// ErrExists is something new that is there already.
	ErrExists = errors.New("it exists already")
	// ErrReadOnly is an edit of what another source decides on.
	ErrReadOnly = errors.New("it belongs to another source and can only be changed there")
	// ErrTooLarge is something that is too large to be kept.
	ErrTooLarge = errors.New("it is too large to be kept")
	// ErrLastAdmin is an edit that would leave nobody who may do everything.
	ErrLastAdmin = errors.New("there must be one admin")
)

// EventComment is somebody's remark on an incident.
const EventComment = "comment"

// SourceAPI is the source of the endpoints that were made by people and
// programs; those of the file are SourceFile's.
const (
	SourceAPI  = "api"
	SourceFile = "file"
)

// Standing is an endpoint's state in one word: the worst that its last checks
// saw.
type Standing string

// The standings, in the order in which a list sorts them: the worst first.
const (
	StandCritical  Standing = "critical"
	StandWarning   Standing = "warning"
	StandUntested  Standing = "untested"
	StandUnchecked Standing = "unchecked"
	StandOK        Standing = "ok"
)

// Standings are all of them, the worst first.
var Standings = []Standing{StandCritical, StandWarning, StandUntested, StandUnchecked, StandOK}

// Rank is the position in Standings.
func (s Standing) Rank() int { return slices.Index(Standings, s) }

// Stand sums the states of an endpoint up.
func Stand(states []State) Standing {
	if len(states) == 0 {
		return StandUnchecked
	}
	worst, tested := StandOK, false
	for i := range states {
		st := &states[i]
		tested = tested || st.Verdict != "untested"
		for _, x := range st.Sightings {
			if s := Standing(x.Finding.Severity); x.Missed == 0 && s.Rank() < worst.Rank() {
				worst = s
			}
		}
	}
	if !tested && worst == StandOK {
		return StandUntested
	}
	return worst
}

// FirstEnd is the certificate that ends first on what the addresses of an
// endpoint serve, trust anchors left out; nil when none was seen.
func FirstEnd(states []State) *Element {
	var first *Element
	for i := range states {
		path := states[i].Now.Path
		for j := range path {
			if e := &path[j]; !e.Anchor && (first == nil || e.NotAfter.Before(first.NotAfter)) {
				first = e
			}
		}
	}
	return first
}

// IssuerName is the organisation that issued a certificate, or its issuer's
// whole name.
func IssuerName(e *Element) string { return issuerOf(e) }

// List says which part of a list is wanted. Cursor is "" for the beginning, then
// what the page before named as its Next; Limit is 100 when 0, and at most MaxPage.
type List struct {
	Sort   string // a column; "-" before it turns the order round
	Cursor string
	Limit  int
	Count  bool // Total is wanted
}

// The sizes of a page: MaxPage bounds what is asked for.
const (
	defaultPage = 100
	MaxPage     = 1000
)

// Size is Limit within its bounds.
func (l *List) Size() int {
	if l.Limit <= 0 {
		return defaultPage
	}
	return min(l.Limit, MaxPage)
}

// Page is a part of a list.
type Page[T any] struct {
	Items []T
	Next  string // cursor of the next page, "" at the end
	Total int    // of all pages, where List.Count asks for it
}

// EndpointQuery narrows a list of endpoints. Zero values ask for everything.
// The columns to sort by are target (the default), owner, state, severity,
// issuer and expires.
type EndpointQuery struct {
	List
	Text          string            // in target, owner or tags, whatever the case
	Tags          map[string]string // all of them; "" as a value means any
	Owner, Source string
	State         Standing
	Severity      Severity // of the worst open incident
	Issuer        string   // in the name of the issuer of the certificate that ends first, whatever the case
	ExpiresBefore time.Time
}

// EndpointRow is an endpoint as a list shows it.
type EndpointRow struct {
	Endpoint Endpoint
	Source   string
	Revision string // of the endpoint's own values
	State    Standing
	Severity Severity // of the worst open incident, "" without one
	Issuer   string
	Expires  time.Time // when the first certificate that it serves ends; zero when none was seen
	NextDue  time.Time
}

// EndpointDetail is all that is known of an endpoint at a vantage point.
type EndpointDetail struct {
	EndpointRow
	Watch  Watch
	States []State
}

// Revision tells versions of an endpoint's values apart.
func (e *Endpoint) Revision() string {
	raw, err := json.Marshal(e)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// CertificateQuery narrows the inventory. The columns to sort by are expires
// (the default), subject and issuer.
type CertificateQuery struct {
	List
	Text          string // in subject, names, serial or fingerprint, whatever the case
	Issuer        string
	Endpoint      string
	Role          string // leaf, intermediate, root
	ExpiresBefore time.Time
	Owner         string // of an endpoint that serves it
	// LongerThan and AtMost are days of lifetime, begun ones counted; 0 does not ask.
	LongerThan, AtMost int
	// EndsFrom is when it ends at the earliest; zero does not ask.
	EndsFrom time.Time
}

// CertificateRow is a certificate that some endpoint serves, or is verified by.
type CertificateRow struct {
	Element
	FirstSeen time.Time
	Endpoints int // that serve it
}

// Serving is one place where a certificate is served.
type Serving struct {
	Endpoint string
	Target   string
	Address  string
	Chain    []string // fingerprints of the path there, leaf first
}

// IncidentQuery narrows a list of incidents, the newest first.
type IncidentQuery struct {
	List
	Text                   string // in target, owner, cause and summary
	Endpoint, Owner, Cause string
	Severity               Severity
	State                  string // open, acknowledged (and open), resolved; "" is all
}

// EventQuery narrows a list of events, the newest first.
type EventQuery struct {
	List
	Endpoint, Incident, Kind string
	After, Before            time.Time
}

// Browser answers the questions of people and programs about what a Store
// keeps.
type Browser interface {
	// Ends counts leaf certificates by when they end.
	Ends(ctx context.Context, q EndsQuery) (Ends, error)
	BrowseEndpoints(ctx context.Context, q EndpointQuery) (Page[EndpointRow], error)
	Overview(ctx context.Context) (Overview, error)
	Endpoint(ctx context.Context, id string) (EndpointDetail, error)
	BrowseCertificates(ctx context.Context, q CertificateQuery) (Page[CertificateRow], error)
	Certificate(ctx context.Context, fingerprint string) (CertificateRow, []Serving, error)
	BrowseIncidents(ctx context.Context, q IncidentQuery) (Page[Incident], error)
	Incident(ctx context.Context, id string) (Incident, error)
	// Diagnosis is what was seen when the incident opened or got its cause;
	// ErrNotFound where that was not kept.
	Diagnosis(ctx context.Context, incident string) (*diag.Diagnosis, error)
	BrowseEvents(ctx context.Context, q EventQuery) (Page[Event], error)
	// Deliveries are the messages about an incident, the oldest first.
	Deliveries(ctx context.Context, incident string) ([]MessageStatus, error)
	// Messages are the last ones of all channels, the newest first; those of one
	// channel, or the one of a key, where they are not "".
	Messages(ctx context.Context, channel, key string, n int) ([]MessageStatus, error)
}

// MessageStatus is a message with what became of it: waiting, trying, sent or
// failed.
type MessageStatus struct {
	Message
	State string
}

// Editor changes what people and programs may change one by one. A revision
// that is not "" must be that of what is there, else ErrChanged.
type Editor interface {
	// AddEndpoint returns ErrExists when there is one of that ID.
	AddEndpoint(ctx context.Context, now time.Time, vantage string, e Endpoint) error
	// ChangeEndpoint and RemoveEndpoint return ErrReadOnly for endpoints of other
	// sources.
	ChangeEndpoint(ctx context.Context, now time.Time, vantage, revision string, e Endpoint) error
	RemoveEndpoint(ctx context.Context, now time.Time, id, revision string) error
	// CheckSoon makes an endpoint due now.
	CheckSoon(ctx context.Context, now time.Time, id string) error
	// Comment adds a remark to an incident's history.
	Comment(ctx context.Context, now time.Time, incident, by, text string) error
	RemoveSilence(ctx context.Context, id string) error
}

// Summary is an endpoint in short.
type Summary struct {
	ID, Target, Owner string
	State             Standing
	Severity          Severity
	Expires           time.Time
}
