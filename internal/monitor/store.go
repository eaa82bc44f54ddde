package monitor

import (
	"context"
	"errors"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// Errors of stores that callers tell apart.
var (
	ErrNotFound = errors.New("not found")
	// ErrStale is a batch whose claim has run out: somebody else may have it.
	ErrStale = errors.New("the claim has run out")
)

// Work is one endpoint to check, with what the check needs to know.
type Work struct {
	Endpoint Endpoint `json:"endpoint"`
	// Token proves the claim; it is used up by Ingest.
	Token string `json:"token"`
	// Due is when the check was due.
	Due time.Time `json:"due"`
	// Known are the addresses with the time of their last check and the signature
	// whose full diagnosis is known.
	Known map[string]KnownAddress `json:"known"`
}

// KnownAddress is what a check knows of an address beforehand.
type KnownAddress struct {
	Checked   time.Time `json:"checked"`
	Signature string    `json:"signature"` // "" where there is no full diagnosis
	Verdict   diag.Verdict
	// Digest is what a check sees that changes nothing, with SNI; "" where every
	// check is to be judged.
	Digest string `json:"digest,omitempty"`
	SNI    string `json:"sni,omitempty"`
	// Inventoried is when its last inventory was tried; zero for never.
	Inventoried time.Time `json:"inventoried,omitzero"`
}

// Batch is what was claimed.
type Batch struct {
	Vantage string `json:"vantage"`
	Works   []Work `json:"works"`
}

// ClaimFor is how long a claim holds. A check ends well before it.
const ClaimFor = 2 * time.Minute

// Filter narrows a query. The zero value asks for everything, the newest first,
// 100 at most.
type Filter struct {
	Endpoint string
	OpenOnly bool  // incidents
	Before   int64 // events with a smaller id
	Limit    int   // 0 is 100
}

// EndpointStatus is an endpoint as a list shows it.
type EndpointStatus struct {
	Endpoint Endpoint  `json:"endpoint"`
	NextDue  time.Time `json:"next_due"`
	Checks   int       `json:"checks"`
	States   []State   `json:"states"`
}

// Health is what the monitor says of itself.
type Health struct {
	Endpoints int       `json:"endpoints"`
	Overdue   int       `json:"overdue"` // by more than a minute
	Open      int       `json:"open_incidents"`
	Outbox    int       `json:"outbox"`                 // messages that wait
	Oldest    time.Time `json:"outbox_oldest,omitzero"` // when the oldest of them was written
}

// Rollup is what is left of the checks of one hour at one address, or of a day.
type Rollup struct {
	Vantage  string        `json:"vantage"`
	Address  string        `json:"address"`
	From     time.Time     `json:"from"`
	For      time.Duration `json:"for"`
	Checks   int           `json:"checks"`
	Answered int           `json:"answered"` // with a handshake
	// Of those: how long they took.
	MinMS float64 `json:"min_ms"`
	AvgMS float64 `json:"avg_ms"`
	P95MS float64 `json:"p95_ms"` // of a day: the highest of its hours
}

// Retention is how long what is not a change is kept. Events, incidents and
// states are changes, and kept for ever.
type Retention struct {
	Hours    time.Duration // hourly rollups; 0 is 35 days
	Days     time.Duration // daily rollups; 0 is 800 days
	Messages time.Duration // what was delivered or given up; 0 is 90 days
}

// WithDefaults fills the zero values in.
func (r Retention) WithDefaults() Retention {
	for _, x := range []struct {
		d    *time.Duration
		days int
	}{{&r.Hours, 35}, {&r.Days, 800}, {&r.Messages, 90}} {
		if *x.d <= 0 {
			*x.d = time.Duration(x.days) * day
		}
	}
	return r
}

// Delivery is what came of one try.
type Delivery struct {
	OK        bool
	Retry     bool // worth trying again
	Ambiguous bool // it may have arrived
	After     time.Duration
	Text      string
}

// Store keeps everything. Its methods may be called from several goroutines.
// All times are those of the caller's clock, which may jump. A method that
// returns an error has changed nothing.
type Store interface {
	// SetEndpoints makes es the endpoints of a source: new ones are due within
	// spread, those that are no longer named are retired with their states, and
	// their open incidents closed; the rest keeps its history. Idempotent.
	SetEndpoints(ctx context.Context, now time.Time, source, vantage string, spread time.Duration, es []Endpoint) error
	// Claim hands out at most n endpoints that are due, the longest overdue
	// first, each to one caller until ClaimFor has passed. What is due
	// impossibly far ahead, after the clock went back, is due. An empty batch and
	// no error means that nothing is due.
	Claim(ctx context.Context, now time.Time, vantage string, n int) (Batch, error)
	// Ingest applies the rules to the reports and keeps what follows (states,
	// events, incidents, outbox, next due), all of the batch or nothing. A report
	// without a valid claim in the batch, because it was ingested before or the
	// claim ran out and another has it, is left out; ErrStale when that leaves
	// nothing. Ingesting a batch twice is thus the same as once.
	Ingest(ctx context.Context, now time.Time, rules *Rules, b Batch, reports []Report) error
	// NextDue is when the next endpoint is due; the zero time when none is.
	NextDue(ctx context.Context, vantage string) (time.Time, error)

	// Acknowledge notes who looks after an incident; Accept makes what is seen of
	// an endpoint now its baseline. Both return ErrNotFound.
	Acknowledge(ctx context.Context, now time.Time, incident, by, note string) error
	Accept(ctx context.Context, now time.Time, endpoint, by string) error
	// SetSilence creates or replaces the silence of that ID.
	SetSilence(ctx context.Context, s Silence) error
	Silences(ctx context.Context) ([]Silence, error)

	// Outbox returns messages of a channel that are due, oldest first; they stay
	// due until Delivered says otherwise.
	Outbox(ctx context.Context, now time.Time, channel string, n int) ([]Message, error)
	// Begin marks the message as being tried: it is never joined or changed
	// afterwards, so that every try says the same under the same key.
	Begin(ctx context.Context, now time.Time, key string) (Message, error)
	// Delivered records a try. A message that was delivered or given up leaves
	// the outbox and stays in the history.
	Delivered(ctx context.Context, now time.Time, key string, d Delivery) error
	// NextMessage is when the channel's next message is due; the zero time when
	// nothing waits.
	NextMessage(ctx context.Context, channel string) (time.Time, error)
	// Enqueue writes a message by itself: the test of a channel.
	Enqueue(ctx context.Context, m Message) error

	Endpoints(ctx context.Context) ([]EndpointStatus, error)
	Incidents(ctx context.Context, f Filter) ([]Incident, error)
	Events(ctx context.Context, f Filter) ([]Event, error)
	Health(ctx context.Context, now time.Time) (Health, error)

	// Rollups are the hours of an endpoint's addresses between two moments, and
	// whole days where the hours are forgotten. The hour under way is not there.
	Rollups(ctx context.Context, endpoint string, from, to time.Time) ([]Rollup, error)
	// Prune forgets what is older than the retention, a bounded part at a time;
	// more says that there is more of it.
	Prune(ctx context.Context, now time.Time, r Retention) (more bool, err error)

	// Backup writes a whole, consistent copy while everything goes on.
	Backup(ctx context.Context, path string) error
	Close() error
}

// Checker makes the diagnosis of one address ("" lets it look the name up
// itself). A light check makes one connection; a deep one finds out why. The
// error is about ourselves: an unreadable key file, not the peer.
type Checker interface {
	Check(ctx context.Context, e *Endpoint, address string, deep bool) (*diag.Diagnosis, error)
}

// Glancer is a Checker that can tell that a light check sees what the one before
// saw.
type Glancer interface {
	// Glance is a light check. known is the digest of one whose judgement still
	// holds, or "".
	Glance(ctx context.Context, e *Endpoint, address, known string) (Sight, error)
}

// Surveyor is a Checker that can make the inventory of an address.
type Surveyor interface {
	Survey(ctx context.Context, e *Endpoint, address string) (*Offer, error)
}

// Sight is what a glance saw: the known digest again (Same), or a diagnosis with
// its digest, which is "" when the next check is to be judged as well.
type Sight struct {
	Same      bool
	Digest    string
	Until     time.Time // when the same may be judged otherwise
	MS        float64
	Diagnosis *diag.Diagnosis // nil when Same
}

// Dispatcher carries out works and hands their reports on. It returns when the
// work is taken on, and waits while it has no room for more.
type Dispatcher interface {
	Dispatch(ctx context.Context, vantage string, w Work) error
}

// Channel tells somebody. Notify returns nil when the receiver has accepted the
// message; retry says that trying again may help. A *DeliveryError says more.
// It may be called again with a message that was delivered: receivers are given
// its Key to tell. An incident that a channel was never told of may be resolved.
type Channel interface {
	Notify(ctx context.Context, m Message) (retry bool, err error)
}

// Repeater is a channel whose receiver forgets: what is open is sent again so
// often.
type Repeater interface{ Every() time.Duration }

// DeliveryError is a try that did not succeed, or of which that is not known.
type DeliveryError struct {
	Err       error
	After     time.Duration // the receiver asks to wait so long; 0 is no wish
	Ambiguous bool          // it may have arrived: everything was sent, no answer came
}

// Error implements error.
func (e *DeliveryError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *DeliveryError) Unwrap() error { return e.Err }
