package monitor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Kind says what a message is about.
type Kind string

// The kinds of messages.
const (
	KindOpened    Kind = "opened"
	KindEscalated Kind = "escalated"
	KindUpdated   Kind = "updated" // the cause has another name now
	KindResolved  Kind = "resolved"
	KindDigest    Kind = "digest"  // what was wrong when it was first looked at
	KindSummary   Kind = "summary" // of a channel that had too many messages
	KindTest      Kind = "test"
)

// Message is one entry of the outbox: for one channel, written in the
// transaction that changed the incident, delivered at least once with the same
// Key.
type Message struct {
	// Key is the idempotency key: receivers drop what they have had.
	Key     string `json:"key"`
	Channel string `json:"channel"`
	Kind    Kind   `json:"kind"`
	// Group joins messages that belong together. What comes while a message of
	// the group waits and was not tried yet becomes an item of it.
	Group string    `json:"group"`
	At    time.Time `json:"at"`
	Due   time.Time `json:"due"`
	Items []Item    `json:"items"`

	// Rate is how many messages the channel takes in RateWindow before they become
	// one summary; 0 is any number. More counts what a summary has no room for.
	Rate int `json:"rate,omitempty"`
	More int `json:"more,omitempty"`

	Tries int    `json:"tries"`
	Last  string `json:"last,omitempty"` // what came of the last try
	// Ambiguous counts tries that may have been delivered: the answer was lost.
	Ambiguous int `json:"ambiguous,omitempty"`
	// Tried are the last tries, at most MaxTried, the oldest first.
	Tried []Try `json:"tried,omitempty"`
}

// Try is what came of one attempt to deliver a message.
type Try struct {
	At   time.Time `json:"at"`
	OK   bool      `json:"ok,omitempty"`
	Text string    `json:"text"`
}

// MaxTried bounds Message.Tried.
const MaxTried = 20

// Note adds a try.
func (m *Message) Note(now time.Time, d Delivery) {
	m.Last = d.Text
	if d.Ambiguous {
		m.Ambiguous++
	}
	m.Tried = append(m.Tried, Try{At: now.UTC(), OK: d.OK, Text: d.Text})
	m.Tried = m.Tried[max(0, len(m.Tried)-MaxTried):]
}

// Item is what a message says of one incident: all that the reader needs, so
// that a channel looks up nothing.
type Item struct {
	Incident Incident          `json:"incident"`
	Tags     map[string]string `json:"tags,omitempty"`
	Runbook  string            `json:"runbook,omitempty"`
	// Page is the address of the incident's page, where the monitor knows how
	// people reach it.
	Page string `json:"page,omitempty"`
}

// ItemOf is what a message says of an incident.
func ItemOf(i *Incident) Item {
	return Item{Incident: *i, Tags: maps.Clone(i.Tags), Runbook: i.Runbook}
}

// Route sends matching incidents to channels.
type Route struct {
	Match       map[string]string `json:"match,omitempty"` // as in Silence; empty matches all
	MinSeverity Severity          `json:"min_severity,omitempty"`
	Channels    []string          `json:"channels"`
	// Continue goes on to the routes below; else the first that matches decides.
	Continue bool `json:"continue,omitempty"`
}

// The waits of grouping.
const (
	// GroupWait is how long after a message of a group the next one waits.
	GroupWait = 30 * time.Second
	// DigestWait collects what is found at first sight; what comes later waits
	// for the next digest, GroupWait after this one.
	DigestWait = 3 * time.Second
	// MaxItems bounds one message.
	MaxItems = 100
)

// Channels are those that hear of an incident, in the order of the routes.
func (r *Rules) Channels(e *Endpoint, i *Incident) []string {
	var out []string
	for _, route := range r.Routes {
		matches := i.Severity.Rank() >= route.MinSeverity.Rank()
		for k, v := range route.Match {
			matches = matches && label(e, i, k) == v
		}
		if !matches {
			continue
		}
		for _, c := range route.Channels {
			if !slices.Contains(out, c) {
				out = append(out, c)
			}
		}
		if !route.Continue {
			break
		}
	}
	return out
}

// tell writes the messages by which what was told differs from what is.
func (a *applied) tell(inc *Incident) {
	kind := Kind("")
	switch {
	case !inc.Open() && inc.Notified != "":
		kind = KindResolved
	case !inc.Open():
		return
	case inc.Notified == "" && inc.AtFirstSight && inc.Revision == 0:
		kind = KindDigest
	case inc.Notified == "":
		kind = KindOpened
	case inc.Severity.Rank() > inc.Notified.Rank():
		kind = KindEscalated
	case inc.ToldCause != inc.Finding.Cause && inc.Severity == inc.Notified && inc.Acknowledged.IsZero():
		kind = KindUpdated
	default:
		return
	}
	endpoint := a.b.Endpoint
	if inc.Endpoint == "" {
		endpoint = Endpoint{} // the vantage point's own has no tags
	}
	channels := a.Channels(&endpoint, inc)
	if kind == KindResolved {
		channels = inc.Told // whoever heard of the beginning hears of the end
	}
	if why := a.muted(&endpoint, inc, kind, channels); why != "" {
		if inc.Muted != why {
			inc.Muted = why
			a.event(EventMuted, "", inc.ID, fmt.Sprintf("%s: not told, because %s", kind, why))
		}
		return
	}
	inc.Muted = ""
	for _, m := range inc.messages(a.now, kind, channels) {
		m.Rate = a.Rates[m.Channel]
		a.out.Messages = append(a.out.Messages, m)
	}
	a.event(EventNotified, "", inc.ID, fmt.Sprintf("%s: told %s", kind, strings.Join(channels, ", ")))
}

// messages says a change of the incident to the channels, and notes in the
// incident that they were told.
func (i *Incident) messages(now time.Time, kind Kind, channels []string) (out []Message) {
	i.Revision++
	if kind == KindResolved {
		i.Notified, i.ToldCause, i.Told = "", "", nil
	} else {
		i.Notified, i.ToldCause = i.Severity, i.Finding.Cause
		i.Told = append(slices.Clone(i.Told), without(channels, i.Told)...)
	}
	for _, c := range channels {
		m := Message{Key: fmt.Sprintf("%s-%d-%s", i.ID, i.Revision, identity(c)[:6]), Channel: c, Kind: kind, At: now, Due: now,
			Group: group(kind, i), Items: []Item{ItemOf(i)}}
		if kind == KindDigest {
			m.Due = now.Add(DigestWait)
		}
		out = append(out, m)
	}
	return out
}

// Retire ends an incident whose endpoint is no longer watched, with the
// messages that say so to whoever was told of it.
func (i *Incident) Retire(now time.Time) []Message {
	i.Resolved, i.Updated, i.Why = now, now, "endpoint-removed"
	if i.Notified == "" {
		return nil
	}
	return i.messages(now, KindResolved, i.Told)
}

// muted is why an incident is not told now, or "".
func (a *applied) muted(e *Endpoint, inc *Incident, kind Kind, channels []string) string {
	if kind == KindResolved {
		return ""
	}
	if name, until := a.holding(a.now, a.b.Silences, e, inc); name != "" {
		return "silence " + name + " holds until " + until.UTC().Format(time.RFC3339)
	}
	if len(channels) == 0 {
		return "no route matches"
	}
	return ""
}

// group joins by owner what was found at first sight, and else what has one
// reason: the certificate, or the cause.
func group(kind Kind, inc *Incident) string {
	if kind == KindDigest {
		return "first-sight/" + inc.Owner
	}
	reason := inc.Finding.Certificate
	if reason == "" {
		reason = inc.Finding.Cause
	}
	return string(kind) + "/" + inc.Owner + "/" + reason
}

// Join decides how a new message goes beside those of its channel and group:
// waiting is the one that was not tried yet, or nil; lastDue is when the newest
// one before it was due. It returns the message to store: waiting with an item
// more, the worst first, or m itself, which waits where the group has just
// spoken.
func Join(waiting *Message, lastDue time.Time, m Message) Message {
	if waiting != nil && waiting.Tries == 0 && len(waiting.Items) < MaxItems {
		joined := *waiting
		joined.Items = append(slices.Clone(waiting.Items), m.Items...)
		slices.SortStableFunc(joined.Items, func(a, b Item) int { return b.Incident.Severity.Rank() - a.Incident.Severity.Rank() })
		return joined
	}
	if at := lastDue.Add(GroupWait); at.After(m.Due) && lastDue.Sub(m.At) < GroupWait {
		m.Due = at
	}
	return m
}

// The bounds of a channel's rate.
const (
	// RateWindow is the time in which a channel's messages are counted.
	RateWindow = 10 * time.Minute
	// SummaryEvery is the least time between two summaries.
	SummaryEvery = 5 * time.Minute
	// GroupSummary is their group.
	GroupSummary = "summary"
)

// Summarize makes a message that is one too many part of the channel's summary:
// waiting is the one that was not tried yet, or nil; lastDue is when the newest
// one before it was due. Of an incident it keeps the last word.
func Summarize(waiting *Message, lastDue time.Time, m Message) Message {
	if waiting == nil || waiting.Tries > 0 {
		m.Kind, m.Group, m.Due = KindSummary, GroupSummary, m.At.Add(GroupWait)
		if at := lastDue.Add(SummaryEvery); at.After(m.Due) && lastDue.Sub(m.At) < SummaryEvery {
			m.Due = at
		}
		return m
	}
	joined := *waiting
	joined.Items = slices.Clone(waiting.Items)
	for _, it := range m.Items {
		i := slices.IndexFunc(joined.Items, func(x Item) bool { return x.Incident.ID == it.Incident.ID })
		switch {
		case i >= 0:
			joined.Items[i] = it
		case len(joined.Items) < MaxItems:
			joined.Items = append(joined.Items, it)
		default:
			joined.More++
		}
	}
	return joined
}

// KindOf is what the message says of one of its items.
func (m *Message) KindOf(it *Item) Kind {
	if m.Kind == KindSummary && !it.Incident.Open() {
		return KindResolved
	}
	return m.Kind
}

// Retry is when a message is tried again: a second at first, then twice as
// long each time up to ten minutes, or what the receiver asked for.
func Retry(now time.Time, tries int, after time.Duration) time.Time {
	wait := min(time.Second<<min(max(tries-1, 0), 10), 10*time.Minute)
	return now.Add(max(wait, min(after, day)))
}
