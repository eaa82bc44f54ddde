package monitor

import (
	"slices"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// State is what is known of one address of an endpoint, seen from one vantage
// point with one SNI. Nodes of a rolling deploy thus neither flap nor hide each
// other.
type State struct {
	Address string `json:"address"`
	SNI     string `json:"sni"`

	First   time.Time    `json:"first"`
	Checked time.Time    `json:"checked"`
	Good    time.Time    `json:"good,omitzero"` // last check without a critical finding
	Verdict diag.Verdict `json:"verdict"`
	Note    string       `json:"note,omitempty"` // why it is untested
	// Missing counts the checks in a row in which the DNS no longer had the
	// address, MissingSince is the first of them.
	Missing      int       `json:"missing,omitempty"`
	MissingSince time.Time `json:"missing_since,omitzero"`

	Now     Snapshot `json:"now"`             // of the last handshake that showed one
	Healthy Snapshot `json:"healthy"`         // of the last good check
	Known   []string `json:"known,omitempty"` // leaves seen here, newest first

	// Swapped is when a leaf came back that another had taken the place of: several
	// machines answer here.
	Swapped time.Time `json:"swapped,omitzero"`

	Renewal *Renewal `json:"renewal,omitempty"` // of the leaf, where its CA says
	Offered *Offer   `json:"offered,omitempty"` // by its last inventory

	// Signature and Diagnosed keep the full diagnosis that was made for an outcome.
	Signature string    `json:"signature,omitempty"`
	Diagnosed []Finding `json:"diagnosed,omitempty"`

	Sightings []Sighting `json:"sightings,omitempty"` // by key

	// Digest stands for all that the last check saw and judged; a check that sees
	// the same before Calm changes nothing but times (see Unchanged).
	Digest string    `json:"digest,omitempty"`
	Calm   time.Time `json:"calm,omitzero"`
}

// maxKnown bounds the leaves that are remembered of one address.
const maxKnown = 8

// swaps tells whether leaves take turns here.
func (s *State) swaps(now time.Time) bool {
	return !s.Swapped.IsZero() && now.Sub(s.Swapped) < day
}

// Sighting is a finding with its history at one address.
type Sighting struct {
	Finding Finding   `json:"finding"`
	First   time.Time `json:"first"`
	Last    time.Time `json:"last"`
	Seen    int       `json:"seen"`
	Missed  int       `json:"missed,omitempty"` // checks in a row without it
	// AtFirstSight says that the very first check had it: the owner knows, or has
	// lived with it.
	AtFirstSight bool `json:"at_first_sight,omitempty"`
}

func (s *State) sighting(key string) *Sighting {
	i := slices.IndexFunc(s.Sightings, func(x Sighting) bool { return x.Finding.Key == key })
	if i < 0 {
		return nil
	}
	return &s.Sightings[i]
}

// Watch is what is known of an endpoint as a whole, at one vantage point.
type Watch struct {
	Checks   int       `json:"checks,omitempty"`
	Baseline *Baseline `json:"baseline,omitempty"`
}

// Reach is what one scope of a vantage point can reach: the evidence by which a
// cut uplink is told from servers that are down.
type Reach struct {
	Scope    string               `json:"scope"`
	LastGood time.Time            `json:"last_good,omitzero"`
	Failing  map[string]time.Time `json:"failing,omitempty"` // sites that were silent since LastGood
	Offline  bool                 `json:"offline,omitempty"`
	Since    time.Time            `json:"since,omitzero"` // of Offline, and then of its end
}

// Event is something that happened, kept for ever.
type Event struct {
	ID       int64     `json:"id"` // given by the store, ascending
	At       time.Time `json:"at"`
	Endpoint string    `json:"endpoint,omitempty"`
	Vantage  string    `json:"vantage,omitempty"`
	Address  string    `json:"address,omitempty"`
	Kind     string    `json:"kind"`
	Incident string    `json:"incident,omitempty"`
	Text     string    `json:"text"`
}

// The kinds of events.
const (
	EventFirstSeen    = "first-seen"
	EventGone         = "address-gone"
	EventDrift        = "drift" // expected: a renewal, something better
	EventPending      = "pending"
	EventCleared      = "cleared" // pending, and not confirmed
	EventOpened       = "opened"
	EventChanged      = "changed"
	EventResolved     = "resolved"
	EventReopened     = "reopened"
	EventAcknowledged = "acknowledged"
	EventNotified     = "notified"
	EventMuted        = "muted" // would have been notified, with the reason why not
	EventAccepted     = "baseline-accepted"
	EventPolicy       = "policy-ahead" // a dated rule will concern the renewal
)

// Incident is one trouble of one endpoint, however many addresses have it and
// however often it is seen.
type Incident struct {
	ID       string   `json:"id"`
	Endpoint string   `json:"endpoint"` // "" for the vantage point's own
	Vantage  string   `json:"vantage"`
	Key      string   `json:"key"`
	Finding  Finding  `json:"finding"` // the worst now
	Severity Severity `json:"severity"`
	Target   string   `json:"target"`
	Owner    string   `json:"owner,omitempty"`
	// Tags are the endpoint's when it opened: what receivers know the incident by
	// stays for as long as it lasts.
	Tags    map[string]string `json:"tags,omitempty"`
	Runbook string            `json:"runbook,omitempty"`

	Opened       time.Time `json:"opened"`
	Updated      time.Time `json:"updated"`
	Resolved     time.Time `json:"resolved,omitzero"`
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	By           string    `json:"by,omitempty"`
	Note         string    `json:"note,omitempty"`

	Addresses    []string  `json:"addresses"`
	LastGood     time.Time `json:"last_good,omitzero"`
	Changed      []string  `json:"changed,omitempty"` // since the last good check
	Flaps        int       `json:"flaps,omitempty"`
	AtFirstSight bool      `json:"at_first_sight,omitempty"`
	Why          string    `json:"why,omitempty"` // it was closed: address-gone ...

	// Notified is the severity that was last told, "" before the first message;
	// ToldCause the cause. Messages follow from the difference, so that a message
	// that a silence held back leaves when the silence ends.
	Notified  Severity `json:"notified,omitempty"`
	ToldCause string   `json:"told_cause,omitempty"`
	Told      []string `json:"told,omitempty"` // the channels that heard of it
	Revision  int      `json:"revision"`       // of messages, part of their keys
	Muted     string   `json:"muted,omitempty"`
}

// Open tells whether the incident is not over.
func (i *Incident) Open() bool { return i.Resolved.IsZero() }

// Silence keeps matching incidents from being told. They open all the same.
type Silence struct {
	ID    string    `json:"id"`
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Match are endpoint, target, owner, cause, severity or a tag; all must be
	// equal.
	Match map[string]string `json:"match"`
	// Weekly has it hold at that time of the week only, between From and Until.
	Weekly *Weekly `json:"weekly,omitempty"`
	By     string  `json:"by,omitempty"`
	Note   string  `json:"note,omitempty"`
}

// Covers tells whether the silence holds at the moment for the incident. A
// silence that matches nothing in particular covers nothing.
func (s *Silence) Covers(now time.Time, e *Endpoint, i *Incident) bool {
	if now.Before(s.From) || !now.Before(s.Until) || len(s.Match) == 0 {
		return false
	}
	if s.Weekly != nil {
		if _, ok := s.Weekly.holds(now); !ok {
			return false
		}
	}
	for k, v := range s.Match {
		if v != "*" && label(e, i, k) != v {
			return false
		}
	}
	return true
}

// label is what silences and routes match on.
func label(e *Endpoint, i *Incident, key string) string {
	switch key {
	case "endpoint":
		return i.Endpoint
	case "target":
		return i.Target
	case "owner":
		return i.Owner
	case "cause":
		return i.Finding.Cause
	case "severity":
		return string(i.Severity)
	}
	return e.Tags[key]
}
