package diagnose

import (
	"context"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// Answers keeps revocation lists and responses of OCSP responders for many
// diagnoses: each is asked for once, by whoever needs it first, until it is due
// again. The zero value is ready; it is safe for concurrent use.
type Answers struct {
	// PerDay bounds the requests of a day; 0 is 5,000. Beyond it nothing is asked
	// and nothing is known.
	PerDay int

	mu    sync.Mutex
	kept  map[question]*keptAnswer
	since time.Time // when the day began
	asked int
	bytes int // of the lists that are kept
}

// question is what is asked of whom. Where private addresses may be dialled an
// answer is another one.
type question struct {
	url, what, body string
	private         bool
}

type keptAnswer struct {
	ready chan struct{} // closed when the rest is set
	got   *facts.Fetched
	until time.Time
}

// A list holds until its nextUpdate, but a CA puts a revocation into a new one
// within a day (Baseline Requirements, Section 4.9.7): half a day is between
// the freshness and the load. What could not be had is asked for again sooner.
const (
	answerHolds   = 12 * time.Hour
	answerAtLeast = 10 * time.Minute
	failureHolds  = 30 * time.Minute
	mostAnswers   = 4096
	mostBytes     = 96 << 20 // of lists, of which a large CA has a thousand
	mostAsked     = 5000
)

// get returns what is kept, or asks.
func (a *Answers) get(ctx context.Context, e facts.Experiment, private bool, ask func() *facts.Fetched) *facts.Fetched {
	q := question{e.URL, e.What, e.Body, private}
	for {
		a.mu.Lock()
		now := time.Now()
		x, known := a.kept[q]
		if known && !x.until.IsZero() && (now.After(x.until) || x.until.Sub(now) > answerHolds) { // or the clock went back
			known = false
		}
		if !known {
			if !a.allowed(now) {
				a.mu.Unlock()
				return &facts.Fetched{URL: e.URL, What: e.What, Body: e.Body, At: now, Err: "the day's requests are used up"}
			}
			a.forget(q)
			x = &keptAnswer{ready: make(chan struct{})}
			a.kept[q] = x
			a.mu.Unlock()
			return a.fill(ctx, q, x, ask)
		}
		a.mu.Unlock()
		select {
		case <-x.ready:
			if x.got != nil {
				return x.got
			}
			// Whoever asked was cut short: ask again.
		case <-ctx.Done():
			return ask() // which says that the time is up
		}
	}
}

func (a *Answers) fill(ctx context.Context, q question, x *keptAnswer, ask func() *facts.Fetched) *facts.Fetched {
	got := ask()
	a.mu.Lock()
	defer a.mu.Unlock()
	defer close(x.ready)
	if ctx.Err() != nil && got.Err != "" {
		a.forget(q)
		return got
	}
	hold := answerHolds
	next := time.Time{}
	switch {
	case got.Err != "":
		hold = failureHolds
	case got.List != nil:
		next = got.List.NextUpdate
	case got.OCSP != nil && len(got.OCSP.Answers) > 0:
		next = got.OCSP.Answers[0].NextUpdate
	}
	if left := next.Sub(got.At); !next.IsZero() {
		hold = max(min(hold, left), answerAtLeast)
	}
	x.got, x.until = got, got.At.Add(hold)
	a.bytes += size(got)
	a.makeRoom(mostAnswers)
	return got
}

// size is what an answer takes, as far as it can be much.
func size(f *facts.Fetched) int {
	if f == nil || f.List == nil {
		return 0
	}
	return len(f.List.TBS)
}

// makeRoom forgets what ends first until there are at most so many answers, and
// not too many bytes; a.mu is held.
func (a *Answers) makeRoom(most int) {
	for len(a.kept) > most || a.bytes > mostBytes {
		var oldest question
		var at time.Time
		for q, x := range a.kept {
			if !x.until.IsZero() && (at.IsZero() || x.until.Before(at)) {
				oldest, at = q, x.until
			}
		}
		if at.IsZero() {
			return // all of them are being asked for
		}
		a.forget(oldest)
	}
}

func (a *Answers) forget(q question) {
	if x, ok := a.kept[q]; ok {
		a.bytes -= size(x.got)
		delete(a.kept, q)
	}
}

// allowed counts a request, and makes room for its answer; a.mu is held.
func (a *Answers) allowed(now time.Time) bool {
	if a.kept == nil {
		a.kept = map[question]*keptAnswer{}
	}
	if age := now.Sub(a.since); age > 24*time.Hour || age < 0 {
		a.since, a.asked = now, 0
	}
	most := a.PerDay
	if most <= 0 {
		most = mostAsked
	}
	if a.asked >= most {
		return false
	}
	a.asked++
	a.makeRoom(mostAnswers - 1)
	return true
}
