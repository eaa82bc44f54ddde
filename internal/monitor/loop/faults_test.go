package loop

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

const day = 24 * time.Hour

// with is a healthy handshake that shows a certificate.
func with(from time.Time, life time.Duration) *diag.Diagnosis {
	d := fine()
	d.Certificates = []diag.Certificate{{Role: "leaf", Source: "sent", Subject: "CN=a.example.com", Issuer: "CN=CA", Serial: from.Format("0102"), NotBefore: from, NotAfter: from.Add(life),
		Names: []string{"a.example.com"}, Key: "ECDSA P-256", Fingerprint: "leaf-" + from.Format("0102")}}
	return d
}

// TestDayWithoutChannel has a receiver down for a day while things break and
// get well: it hears of all of it, once each, and another channel never waits.
func TestDayWithoutChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "a.example.com")
		other, start := &mailbox{}, time.Now()
		b.channels = map[string]monitor.Channel{"chat": other}
		late := map[string]time.Duration{}
		other.fail = func(n int) (bool, error) {
			late[other.got[n-1].Key] = time.Since(other.got[n-1].At)
			return false, nil
		}
		accepted := map[string]int{}
		b.mail.fail = func(n int) (bool, error) {
			if time.Since(start) < day+2*time.Hour {
				return true, errors.New("down")
			}
			accepted[b.mail.got[n-1].Key]++
			return false, nil
		}
		// Broken for two hours.
		b.answer = func(*monitor.Endpoint, string, bool) (*diag.Diagnosis, error) {
			if h := int(time.Since(start).Hours()); h == 2 || h == 3 {
				return broken("internal-error"), nil
			}
			return fine(), nil
		}
		b.start()
		time.Sleep(day + 4*time.Hour)
		b.stop()
		if len(late) != 2 || len(accepted) != 2 {
			t.Errorf("%d messages by chat, %d by mail; want the beginning and the end by each", len(late), len(accepted))
		}
		for key, after := range late {
			if after > 35*time.Second {
				t.Errorf("%s waited %v for a channel that is dead", key, after)
			}
		}
		for key, n := range accepted {
			if n != 1 {
				t.Errorf("%s was accepted %d times", key, n)
			}
		}
	})
}

// TestFlappingDNS has a name come and go, and lead elsewhere each time.
func TestFlappingDNS(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "a.example.com")
		n, steady := 0, false
		b.resolve = func() []string {
			if n++; steady {
				return []string{"192.0.2.1"}
			}
			return [][]string{{"192.0.2.1"}, nil, {"192.0.2.2"}, {"192.0.2.1", "192.0.2.2"}}[n%4]
		}
		b.answer = func(_ *monitor.Endpoint, address string, _ bool) (*diag.Diagnosis, error) {
			if address == "" {
				d := broken("dns-failure")
				d.Attempts = nil
				return d, nil
			}
			return fine(), nil
		}
		b.start()
		time.Sleep(4 * time.Hour)
		if got := b.kinds(); len(got) > 4 {
			t.Errorf("%d messages in hours of flapping: %q", len(got), got)
		}
		b.locked(func() { steady = true })
		time.Sleep(3 * time.Hour)
		open, err := b.store.Incidents(t.Context(), monitor.Filter{OpenOnly: true})
		if err != nil || len(open) != 0 {
			t.Errorf("got %+v, %v; want nothing open in the end", open, err)
		}
		es, err := b.store.Endpoints(t.Context())
		if err != nil || len(es[0].States) != 1 {
			t.Errorf("got %+v, %v; want the one address that is left", es[0].States, err)
		}
		b.stop()
	})
}

// TestRestartAcrossThreshold sleeps over the moment at which a certificate is
// worth a warning, and is started again and again after it: one notice.
func TestRestartAcrossThreshold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "a.example.com")
		issued := time.Now().Add(-60 * day)
		b.answer = func(*monitor.Endpoint, string, bool) (*diag.Diagnosis, error) { return with(issued, 90*day), nil }
		b.start()
		time.Sleep(time.Hour)
		b.stop()
		if got := b.kinds(); len(got) != 0 {
			t.Fatalf("got %q with a third of the lifetime left", got)
		}
		time.Sleep(8 * day) // the warning is due after seven and a half
		for range 2 {
			b.open()
			b.start()
			time.Sleep(20 * time.Minute)
			b.stop()
			time.Sleep(time.Hour)
		}
		if got := b.kinds(); !slices.Equal(got, []string{"opened expires-soon"}) {
			t.Errorf("got %q, want one warning", got)
		}
	})
}

// TestStoreInTrouble has the store refuse for a while: what was found out in the
// meantime is found out again, and told.
func TestStoreInTrouble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "a.example.com")
		from := time.Now().Add(time.Hour)
		b.wrap = func(s monitor.Store) monitor.Store { return &refusing{s, from, from.Add(2 * time.Hour)} }
		b.answer = func(*monitor.Endpoint, string, bool) (*diag.Diagnosis, error) {
			if time.Now().After(from.Add(time.Minute)) {
				return broken("internal-error"), nil
			}
			return fine(), nil
		}
		b.start()
		for _, x := range []struct {
			after time.Duration
			want  bool
		}{{50 * time.Minute, false}, {time.Hour, true}, {130 * time.Minute, false}} {
			time.Sleep(x.after)
			if got := b.watcher.Refused(); got != x.want {
				t.Errorf("at %v: refused is %v", time.Since(from.Add(-time.Hour)), got)
			}
		}
		b.stop()
		if got := b.kinds(); !slices.Equal(got, []string{"opened internal-error"}) {
			t.Errorf("got %q", got)
		}
	})
}

// refusing is a store on a full disk for a while.
type refusing struct {
	monitor.Store
	from, until time.Time
}

func (r *refusing) refuses() error {
	if now := time.Now(); now.After(r.from) && now.Before(r.until) {
		return errors.New("the disk is full")
	}
	return nil
}

func (r *refusing) Claim(ctx context.Context, now time.Time, vantage string, n int) (monitor.Batch, error) {
	// Every other minute there is room for a claim, and none for what follows.
	if err := r.refuses(); err != nil && now.Minute()%2 == 0 {
		return monitor.Batch{}, err
	}
	return r.Store.Claim(ctx, now, vantage, n)
}

func (r *refusing) Ingest(ctx context.Context, now time.Time, rules *monitor.Rules, b monitor.Batch, reports []monitor.Report) error {
	if err := r.refuses(); err != nil {
		return err
	}
	return r.Store.Ingest(ctx, now, rules, b, reports)
}

// TestTidy forgets each hour what is old.
func TestTidy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "a.example.com")
		rare := []monitor.Endpoint{{ID: "a.example.com", Target: "a.example.com", Host: "a.example.com", Port: 443, Interval: 30 * time.Minute}}
		if err := b.store.SetEndpoints(t.Context(), time.Now(), "file", "here", 0, rare); err != nil {
			t.Fatal(err)
		}
		b.start()
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() {
			defer close(done)
			Tidy(ctx, b.store, monitor.Retention{Hours: day, Days: 2 * day}, (&Watcher{}).log())
		}()
		start := time.Now()
		time.Sleep(3*day + 12*time.Hour + 30*time.Minute)
		cancel()
		<-done
		got, err := b.store.Rollups(t.Context(), "a.example.com", start, time.Now())
		hours := 0
		for _, r := range got {
			if r.For == time.Hour {
				hours++
			}
		}
		if err != nil || hours < 20 || hours > 49 || len(got)-hours > 2 || len(got) == hours {
			t.Errorf("%d rollups, %d of them of hours, %v; want a day or two of each", len(got), hours, err)
		}
		b.stop()
	})
}
