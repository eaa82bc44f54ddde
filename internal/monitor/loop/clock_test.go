package loop

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// skewed is a store that is told the time of a clock which somebody sets: what
// the loops wait for by their timers goes on as it does when that happens.
type skewed struct {
	monitor.Store
	by atomic.Int64
}

func (s *skewed) skew() time.Duration { return time.Duration(s.by.Load()) }

func (s *skewed) Claim(ctx context.Context, now time.Time, vantage string, n int) (monitor.Batch, error) {
	return s.Store.Claim(ctx, now.Add(s.skew()), vantage, n)
}

func (s *skewed) Ingest(ctx context.Context, now time.Time, rules *monitor.Rules, b monitor.Batch, reports []monitor.Report) error {
	return s.Store.Ingest(ctx, now.Add(s.skew()), rules, b, reports)
}

func (s *skewed) NextDue(ctx context.Context, vantage string) (time.Time, error) {
	due, err := s.Store.NextDue(ctx, vantage)
	if due.IsZero() {
		return due, err
	}
	return due.Add(-s.skew()), err
}

func (s *skewed) Outbox(ctx context.Context, now time.Time, channel string, n int) ([]monitor.Message, error) {
	return s.Store.Outbox(ctx, now.Add(s.skew()), channel, n)
}

func (s *skewed) Begin(ctx context.Context, now time.Time, key string) (monitor.Message, error) {
	return s.Store.Begin(ctx, now.Add(s.skew()), key)
}

func (s *skewed) Delivered(ctx context.Context, now time.Time, key string, d monitor.Delivery) error {
	return s.Store.Delivered(ctx, now.Add(s.skew()), key, d)
}

func (s *skewed) NextMessage(ctx context.Context, channel string) (time.Time, error) {
	due, err := s.Store.NextMessage(ctx, channel)
	if due.IsZero() {
		return due, err
	}
	return due.Add(-s.skew()), err
}

// TestClockJumps sets the clock a day forward and an hour back, several times:
// no check is made much more often than it should, none stops, nobody is told of
// anything, and what breaks afterwards is told as soon as ever.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hosts []string
		for i := range 20 {
			hosts = append(hosts, fmt.Sprintf("a.site%d.example", i))
		}
		b := newBench(t, hosts...)
		clock := &skewed{Store: b.store}
		b.wrap = func(monitor.Store) monitor.Store { return clock }
		bad := false
		b.answer = func(e *monitor.Endpoint, _ string, _ bool) (*diag.Diagnosis, error) {
			if bad && e.ID == hosts[0] {
				return broken("internal-error"), nil
			}
			return fine(), nil
		}
		b.start()
		count := func() int {
			n := 0
			b.locked(func() { n = b.light["192.0.2.1:443"] })
			return n
		}
		time.Sleep(time.Hour)
		for _, jump := range []time.Duration{day, -time.Hour, -30 * time.Minute, day, -3 * time.Minute, -2 * day} {
			before := count()
			clock.by.Add(int64(jump))
			time.Sleep(30 * time.Minute)
			// Six of each in half an hour, and at most one more for the jump itself.
			if n := count() - before; n < 20*4 || n > 20*8 {
				t.Errorf("after %v: %d checks of 20 endpoints in half an hour at 5 minutes", jump, n)
			}
		}
		if got := b.kinds(); len(got) != 0 {
			t.Errorf("got messages %q from healthy servers", got)
		}
		b.locked(func() { bad = true })
		clock.by.Add(int64(-time.Hour))
		time.Sleep(12 * time.Minute)
		if got := b.kinds(); len(got) != 1 {
			t.Errorf("got messages %q after the clock went back, want that it broke", got)
		}
		clock.by.Add(int64(2 * time.Hour))
		b.locked(func() { bad = false })
		time.Sleep(30 * time.Minute)
		if got := b.kinds(); len(got) != 2 {
			t.Errorf("got messages %q, want its end as well", got)
		}
		b.stop()
	})
}
