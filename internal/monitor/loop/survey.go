package loop

import (
	"context"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// survey makes the inventory of one address, where the endpoint asks for it and
// the last one is the longest ago. It waits for nobody: an endpoint whose turn it
// is while others are at it gets its own at a later check, so that inventories
// spread by themselves. A server in trouble is left alone.
func (w *Watcher) survey(ctx context.Context, work monitor.Work, outcomes []monitor.Outcome) {
	e := &work.Endpoint
	s, ok := w.Checker.(monitor.Surveyor)
	if !ok || e.Inventory <= 0 {
		return
	}
	var next *monitor.Outcome
	for i := range outcomes {
		o := &outcomes[i]
		if !o.Answered() {
			return
		}
		if at := work.Known[o.Address].Inventoried; over(at, e.Inventory) && (next == nil || at.Before(work.Known[next.Address].Inventoried)) {
			next = o
		}
	}
	if next == nil {
		return
	}
	select {
	case w.surveys <- struct{}{}:
		defer func() { <-w.surveys }()
	default:
		return
	}
	ctx, cancel := context.WithTimeout(ctx, surveyFor)
	defer cancel()
	offer, err := s.Survey(ctx, e, next.Address)
	if err != nil {
		w.log().Warn("no inventory can be made", "target", e.Target, "address", next.Address, "err", err)
		offer = &monitor.Offer{Missed: err.Error()}
	}
	offer.At = time.Now()
	next.Offer = offer
}

// over tells whether so much time has passed; what lies ahead is of a clock that
// went back.
func over(at time.Time, every time.Duration) bool {
	d := time.Since(at)
	return d >= max(every, monitor.MinInventory) || d < 0
}
