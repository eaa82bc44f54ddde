package diagnose

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
)

func TestAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &Answers{PerDay: 50}
		var asked atomic.Int32
		get := func(url string, valid time.Duration, err string) *facts.Fetched {
			e := facts.Experiment{Kind: facts.Fetch, What: facts.FetchList, URL: url}
			return a.get(t.Context(), e, false, func() *facts.Fetched {
				asked.Add(1)
				time.Sleep(time.Second)
				return &facts.Fetched{URL: url, What: e.What, At: time.Now(), List: &chain.RevocationList{NextUpdate: time.Now().Add(valid)}, Err: err}
			})
		}
		expect := func(what string, want int32) {
			t.Helper()
			if got := asked.Swap(0); got != want {
				t.Errorf("%s: asked %d times, want %d", what, got, want)
			}
		}
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() { get("a", 9*24*time.Hour, "") })
		}
		wg.Wait()
		expect("twenty at once", 1)
		time.Sleep(11 * time.Hour)
		get("a", 9*24*time.Hour, "")
		expect("eleven hours later", 0)
		time.Sleep(2 * time.Hour)
		get("a", 9*24*time.Hour, "")
		expect("thirteen hours later", 1)
		get("short", time.Hour, "")
		time.Sleep(59 * time.Minute)
		get("short", time.Hour, "")
		expect("until nextUpdate", 1)
		time.Sleep(2 * time.Minute)
		get("short", time.Hour, "")
		expect("after nextUpdate", 1)
		get("down", 0, "refused")
		get("down", 0, "refused")
		time.Sleep(31 * time.Minute)
		get("down", 0, "refused")
		expect("a failure holds for half an hour", 2)
		for n := range 100 {
			get(fmt.Sprint(n), 9*24*time.Hour, "")
		}
		if n := asked.Swap(0); n < 40 || n > 50 {
			t.Errorf("asked %d times in a day that allows 50", n)
		}
		if got := get("new", time.Hour, ""); got.Err == "" || got.List != nil {
			t.Errorf("beyond the day's requests got %+v", got)
		}
		time.Sleep(25 * time.Hour)
		if got := get("new", time.Hour, ""); got.Err != "" {
			t.Errorf("on the next day got %+v", got)
		}
	})
}

// TestAnswersCut asks again where whoever asked was cut short.
func TestAnswersCut(t *testing.T) {
	t.Parallel()
	a := &Answers{}
	ctx, cancel := context.WithCancel(t.Context())
	e := facts.Experiment{URL: "a", What: facts.FetchOCSP}
	a.get(ctx, e, false, func() *facts.Fetched { cancel(); return &facts.Fetched{At: time.Now(), Err: "canceled"} })
	if got := a.get(t.Context(), e, false, func() *facts.Fetched { return &facts.Fetched{At: time.Now()} }); got.Err != "" {
		t.Errorf("got %+v: another's end of time was kept", got)
	}
}

// TestAnswersMemory keeps no more bytes of lists than it may, and counts those
// that it forgets or replaces.
func TestAnswersMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := &Answers{PerDay: 100_000}
		list := make([]byte, 3<<20) // the same one, as far as the memory of the test goes
		get := func(url string) {
			e := facts.Experiment{Kind: facts.Fetch, What: facts.FetchList, URL: url}
			a.get(t.Context(), e, false, func() *facts.Fetched {
				return &facts.Fetched{URL: url, At: time.Now(), List: &chain.RevocationList{TBS: list, NextUpdate: time.Now().Add(time.Hour)}}
			})
		}
		for round := range 3 {
			for n := range 100 {
				get(fmt.Sprint(n))
				time.Sleep(time.Second)
			}
			have := 0
			for _, x := range a.kept {
				have += size(x.got)
			}
			if have != a.bytes || have > mostBytes || have < mostBytes/2 {
				t.Errorf("round %d: %d bytes are kept, %d counted, %d allowed", round, have, a.bytes, mostBytes)
			}
			time.Sleep(2 * time.Hour)
		}
	})
}
