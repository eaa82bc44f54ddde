package loop

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// surveys counts inventories, by address.
type surveys struct {
	*checks
	made      map[string][]time.Time
	now, most int
	fail      bool
}

func (s *surveys) Survey(ctx context.Context, e *monitor.Endpoint, address string) (*monitor.Offer, error) {
	key := e.ID + " " + address
	s.locked(func() {
		s.made[key] = append(s.made[key], time.Now())
		s.now++
		s.most = max(s.most, s.now)
	})
	sleep(ctx, 10*time.Second)
	s.locked(func() { s.now-- })
	if s.fail {
		return nil, errors.New("the key file is gone")
	}
	return &monitor.Offer{Versions: []monitor.Offering{{Name: "TLS 1.3"}}}, nil
}

// TestSurveys makes an inventory of each address in the time that was asked for,
// few at once, of servers that answer, and goes on where it left after a restart.
func TestSurveys(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var hosts []string
		for i := range 6 {
			hosts = append(hosts, fmt.Sprintf("h%02d.example.com", i))
		}
		b := newBench(t, append(hosts, "plain.example.com", "down.example.com")...)
		b.addrs = []string{"192.0.2.1", "192.0.2.2"}
		b.answer = func(e *monitor.Endpoint, _ string, _ bool) (*diag.Diagnosis, error) {
			if e.ID == "down.example.com" {
				return broken("cipher-mismatch"), nil
			}
			return fine(), nil
		}
		b.surveys = &surveys{checks: b.checks, made: map[string][]time.Time{}, fail: true}
		all, err := b.store.Endpoints(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var es []monitor.Endpoint
		for _, s := range all {
			e := s.Endpoint
			e.Interval = 20 * time.Minute
			if e.ID != "plain.example.com" {
				e.Inventory = 6 * time.Hour
			}
			es = append(es, e)
		}
		if err := b.store.SetEndpoints(t.Context(), time.Now(), "file", "here", time.Second, es); err != nil {
			t.Fatal(err)
		}
		b.start()
		time.Sleep(11 * time.Hour)
		b.stop()
		b.surveys.fail = false
		b.open()
		b.start()
		time.Sleep(13 * time.Hour)
		b.stop()
		if b.surveys.most > maxSurveys {
			t.Errorf("%d inventories at once", b.surveys.most)
		}
		if len(b.surveys.made) != 2*len(hosts) {
			t.Errorf("got inventories of %d addresses, want %d", len(b.surveys.made), 2*len(hosts))
		}
		for address, times := range b.surveys.made {
			if len(times) < 3 || len(times) > 4 {
				t.Errorf("%s: %d inventories in a day at every 6 hours", address, len(times))
			}
			for i := 1; i < len(times); i++ {
				if d := times[i].Sub(times[i-1]); d < 6*time.Hour {
					t.Errorf("%s: two within %v", address, d)
				}
			}
		}
		b.open()
		defer b.store.Close()
		if all, err = b.store.Endpoints(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			for _, st := range s.States {
				if has := st.Offered != nil; has == (s.Endpoint.ID == "plain.example.com" || s.Endpoint.ID == "down.example.com") || has && st.Offered.Missed != "" {
					t.Errorf("%s: got %+v", s.Endpoint.ID, st.Offered)
				}
			}
		}
	})
}
