// Package loop holds the loops of the monitor: it claims what is due, has it
// checked, hands the reports to the store and delivers the outbox. It keeps
// nothing that a restart would miss: all of that is in the store.
//
//	w := &loop.Watcher{Store: store, Rules: rules, Checker: checker, Vantage: "local"}
//	err := w.Run(ctx)
package loop

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Watcher checks endpoints in this process. Fill in the fields, then Run once.
type Watcher struct {
	Store   monitor.Store
	Rules   func() *monitor.Rules // asked at each ingest, so that a reload counts
	Checker monitor.Checker
	Vantage string
	// Resolve finds the addresses of a name.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Parallel is how many endpoints are checked at a time; 0 is 64.
	Parallel int
	// Gap is the least time between two connections to one address; 0 is 10 ms.
	Gap time.Duration
	// Tick is the longest that a new or changed endpoint waits to be noticed; 0 is
	// a second.
	Tick time.Duration
	// Ingested is called after reports were stored; nil for nobody.
	Ingested func()
	Log      *slog.Logger

	room    chan struct{}
	surveys chan struct{} // under way
	results chan result
	workers sync.WaitGroup
	pace    pace
	refused atomic.Bool
}

// Refused tells whether the store has refused a change, and stored no check
// since then. It is safe for concurrent use.
func (w *Watcher) Refused() bool { return w.refused.Load() }

type result struct {
	work   monitor.Work
	report monitor.Report
}

// The waits of the loop.
const (
	tick        = time.Second           // of Watcher.Tick
	trouble     = 5 * time.Second       // after the store could not be used
	ingestBatch = 128                   // reports in one transaction
	ingestWait  = 20 * time.Millisecond // for more of them
	maxCheck    = 75 * time.Second      // of one endpoint; well below monitor.ClaimFor
	lookup      = 5 * time.Second       // of a name
	lightCheck  = 8 * time.Second       // of one address
	firstDeep   = 4 * time.Second       // of a full diagnosis that the first report waits for
	deepCheck   = 30 * time.Second      // of a full diagnosis later
	surveyFor   = 40 * time.Second      // of an inventory
	maxSurveys  = 2                     // at a time
)

func (w *Watcher) log() *slog.Logger {
	if w.Log != nil {
		return w.Log
	}
	return slog.New(slog.DiscardHandler)
}

// Run works until ctx ends, waits for the checks under way and returns nil.
func (w *Watcher) Run(ctx context.Context) error {
	n := w.Parallel
	if n <= 0 {
		n = 64
	}
	w.room, w.results, w.surveys = make(chan struct{}, n), make(chan result, ingestBatch), make(chan struct{}, maxSurveys)
	if w.Tick <= 0 {
		w.Tick = tick
	}
	w.pace.gap = w.Gap
	if w.pace.gap <= 0 {
		w.pace.gap = 10 * time.Millisecond
	}
	var ingesting sync.WaitGroup
	ingesting.Go(w.ingest)
	var d monitor.Dispatcher = w
	for ctx.Err() == nil {
		if wait := w.round(ctx, d, n); wait > 0 {
			sleep(ctx, wait)
		}
	}
	w.workers.Wait()
	close(w.results)
	ingesting.Wait()
	return nil
}

// round claims and dispatches once, and returns how long to wait then.
func (w *Watcher) round(ctx context.Context, d monitor.Dispatcher, n int) time.Duration {
	free := n - len(w.room)
	if free == 0 {
		return 10 * time.Millisecond
	}
	now := time.Now()
	batch, err := w.Store.Claim(ctx, now, w.Vantage, free)
	if err != nil {
		if ctx.Err() == nil {
			w.log().Error("nothing can be checked", "err", err)
			w.refused.Store(true)
		}
		return trouble
	}
	for _, work := range batch.Works {
		if err := d.Dispatch(ctx, w.Vantage, work); err != nil {
			return 0 // the claim runs out by itself
		}
	}
	if len(batch.Works) > 0 {
		return 0
	}
	due, err := w.Store.NextDue(ctx, w.Vantage)
	if err != nil || due.IsZero() {
		return w.Tick
	}
	return min(max(due.Sub(now), 10*time.Millisecond), w.Tick)
}

// Dispatch implements monitor.Dispatcher in this process.
func (w *Watcher) Dispatch(ctx context.Context, vantage string, work monitor.Work) error {
	select {
	case w.room <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	w.workers.Go(func() {
		defer func() { <-w.room }()
		checking, cancel := context.WithTimeout(ctx, maxCheck)
		defer cancel()
		rep := w.check(checking, work)
		rep.Vantage = vantage
		if ctx.Err() == nil { // cut short by the end of the program: it says nothing
			w.results <- result{work, rep}
		}
	})
	return nil
}

// ingest stores reports, several in a transaction. What cannot be stored is
// checked again when its claim runs out.
func (w *Watcher) ingest() {
	for first := range w.results {
		b := monitor.Batch{Vantage: w.Vantage, Works: []monitor.Work{first.work}}
		reports := []monitor.Report{first.report}
		more := time.After(ingestWait)
	collect:
		for len(reports) < ingestBatch {
			select {
			case r, ok := <-w.results:
				if !ok {
					break collect
				}
				b.Works, reports = append(b.Works, r.work), append(reports, r.report)
			case <-more:
				break collect
			}
		}
		// The end of the program does not throw away what was found out.
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		err := w.Store.Ingest(ctx, time.Now(), w.Rules(), b, reports)
		cancel()
		switch {
		case errors.Is(err, monitor.ErrStale):
			w.log().Warn("checks took longer than their claim and are made again", "checks", len(reports))
		case err != nil:
			w.log().Error("checks could not be stored and are made again", "checks", len(reports), "err", err)
			w.refused.Store(true)
		default:
			w.refused.Store(false)
			if w.Ingested != nil {
				w.Ingested()
			}
		}
	}
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// pace keeps connections to one address apart.
type pace struct {
	gap  time.Duration
	mu   sync.Mutex
	next map[netip.Addr]time.Time
}

// maxPaced bounds the addresses that are remembered.
const maxPaced = 10_000

func (p *pace) wait(ctx context.Context, addr netip.Addr) {
	p.mu.Lock()
	now := time.Now()
	if p.next == nil || len(p.next) > maxPaced {
		p.next = map[netip.Addr]time.Time{}
	}
	at := p.next[addr]
	if at.Before(now) || at.Sub(now) > maxCheck { // the clock went back
		at = now
	}
	p.next[addr] = at.Add(p.gap)
	p.mu.Unlock()
	if d := at.Sub(now); d > 0 {
		sleep(ctx, d)
	}
}
