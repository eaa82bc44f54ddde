package loop

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/sqlite"
)

// checks answers as the test says, and counts.
type checks struct {
	mu     sync.Mutex
	light  map[string]int // by address
	deep   int
	flying map[string]int
	worst  int // checks of one endpoint's address at the same time
	answer func(e *monitor.Endpoint, address string, deep bool) (*diag.Diagnosis, error)
}

func (c *checks) Check(ctx context.Context, e *monitor.Endpoint, address string, deep bool) (*diag.Diagnosis, error) {
	key := e.ID + address
	c.mu.Lock()
	if deep {
		c.deep++
	} else {
		c.light[address]++
	}
	c.flying[key]++
	c.worst = max(c.worst, c.flying[key])
	c.mu.Unlock()
	sleep(ctx, 50*time.Millisecond)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flying[key]--
	return c.answer(e, address, deep)
}

// locked changes or reads what answers and counts depend on.
func (c *checks) locked(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

func fine() *diag.Diagnosis {
	return &diag.Diagnosis{Verdict: diag.OK, Attempts: []diag.Attempt{{EndKind: "completed", Stage: diag.StageApplication, Version: "TLS 1.3", Received: 100}}}
}

func broken(cause string) *diag.Diagnosis {
	return &diag.Diagnosis{Verdict: diag.Failure, Attempts: []diag.Attempt{{EndKind: "alert", Stage: diag.StageServerHello, Received: 7}},
		Causes: []diag.Cause{{ID: cause, Severity: diag.SeverityFailure, Stage: diag.StageServerHello, Summary: cause + " it is"}}}
}

// mailbox is a channel that keeps what it was told.
type mailbox struct {
	mu   sync.Mutex
	got  []monitor.Message
	fail func(n int) (bool, error)
}

func (m *mailbox) Notify(_ context.Context, msg monitor.Message) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.got = append(m.got, msg)
	if m.fail != nil {
		return m.fail(len(m.got))
	}
	return false, nil
}

// bench is a monitor over a real store, in a bubble of its own time.
type bench struct {
	*testing.T
	store *sqlite.Store
	path  string
	*checks
	mail  *mailbox
	addrs []string
	stop  func()

	// For the tests that need them: other channels, other answers of the DNS,
	// another store.
	channels map[string]monitor.Channel
	resolve  func() []string
	wrap     func(monitor.Store) monitor.Store
	deliver  *Deliverer
	watcher  *Watcher
	surveys  *surveys // in place of checks
}

func newBench(t *testing.T, hosts ...string) *bench {
	b := &bench{T: t, path: filepath.Join(t.TempDir(), "m.db"), mail: &mailbox{}, addrs: []string{"192.0.2.1"},
		checks: &checks{light: map[string]int{}, flying: map[string]int{}, answer: func(*monitor.Endpoint, string, bool) (*diag.Diagnosis, error) { return fine(), nil }}}
	b.open()
	var es []monitor.Endpoint
	for _, h := range hosts {
		es = append(es, monitor.Endpoint{ID: h, Target: h, Host: h, Port: 443, Interval: 5 * time.Minute})
	}
	if err := b.store.SetEndpoints(t.Context(), time.Now(), "file", "here", time.Second, es); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) open() {
	s, err := sqlite.Open(context.Background(), b.path)
	if err != nil {
		b.Fatal(err)
	}
	b.store = s
}

// start runs the loops; stop ends them and closes the store.
func (b *bench) start() {
	ctx, cancel := context.WithCancel(context.Background())
	channels, names := map[string]monitor.Channel{"mail": b.mail}, []string{"mail"}
	for name, ch := range b.channels {
		channels[name], names = ch, append(names, name)
	}
	rules := &monitor.Rules{Routes: []monitor.Route{{Channels: names}}}
	var store monitor.Store = b.store
	if b.wrap != nil {
		store = b.wrap(store)
	}
	// Rare ticks, since nothing is changed behind the loops: a simulated hour costs
	// what its checks cost.
	b.deliver = &Deliverer{Store: store, Tick: 10 * time.Minute}
	b.deliver.Set(ctx, channels)
	w := &Watcher{Store: store, Rules: func() *monitor.Rules { return rules }, Checker: b.checks, Vantage: "here", Tick: 10 * time.Minute, Ingested: b.deliver.Nudge,
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			b.mu.Lock()
			defer b.mu.Unlock()
			var out []netip.Addr
			addrs := b.addrs
			if b.resolve != nil {
				addrs = b.resolve()
			}
			for _, a := range addrs {
				out = append(out, netip.MustParseAddr(a))
			}
			if len(out) == 0 {
				return nil, errors.New("no such host")
			}
			return out, nil
		}}
	if b.surveys != nil {
		w.Checker = b.surveys
	}
	done := make(chan error)
	b.watcher = w
	go func() { done <- w.Run(ctx) }()
	b.stop = func() {
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
		b.deliver.Wait()
		if err := b.store.Close(); err != nil {
			b.Error(err)
		}
	}
}

func (b *bench) kinds() []string {
	b.mail.mu.Lock()
	defer b.mail.mu.Unlock()
	out := []string{}
	for _, m := range b.mail.got {
		out = append(out, fmt.Sprintf("%s %s", m.Kind, m.Items[0].Incident.Finding.Cause))
	}
	return out
}

func TestLoop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "a.example.com", "b.example.net")
		b.addrs = []string{"192.0.2.1", "192.0.2.2"}
		var bad bool
		b.answer = func(e *monitor.Endpoint, address string, deep bool) (*diag.Diagnosis, error) {
			switch {
			case !bad || e.ID != "a.example.com" || address != "192.0.2.2:443":
				return fine(), nil
			case deep:
				return broken("cipher-mismatch"), nil
			}
			return broken("server-no-certificate"), nil // what one connection can say
		}
		b.start()
		time.Sleep(time.Hour)
		n := 0
		b.locked(func() { n = b.light["192.0.2.1:443"] })
		if n < 22 || n > 28 {
			t.Errorf("got %d checks of two endpoints in an hour at 5 minutes", n)
		}
		b.locked(func() { bad = true })
		time.Sleep(6*time.Minute + 35*time.Second)
		if got := b.kinds(); !slices.Equal(got, []string{"opened cipher-mismatch"}) {
			t.Errorf("got messages %q, want the cause of the full diagnosis", got)
		}
		// A restart in between repeats nothing and loses nothing.
		b.stop()
		b.open()
		b.start()
		time.Sleep(time.Hour)
		b.locked(func() { bad = false })
		time.Sleep(20 * time.Minute)
		if got := b.kinds(); !slices.Equal(got, []string{"opened cipher-mismatch", "resolved cipher-mismatch"}) {
			t.Errorf("got messages %q", got)
		}
		b.stop()
		if b.deep != 1 {
			t.Errorf("%d full diagnoses of one trouble", b.deep)
		}
		if b.worst > 1 {
			t.Errorf("%d checks of one address of one endpoint at a time", b.worst)
		}
	})
}

// TestRotation spreads the checks over more addresses than are tried at a time.
func TestRotation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "a.example.com")
		b.addrs = nil
		for i := range 20 {
			b.addrs = append(b.addrs, fmt.Sprintf("192.0.2.%d", i+1))
		}
		b.start()
		time.Sleep(2 * time.Hour)
		b.stop()
		if len(b.light) != 20 {
			t.Errorf("%d of 20 addresses were checked", len(b.light))
		}
		for a, n := range b.light {
			if n < 6 || n > 16 {
				t.Errorf("%s was checked %d times", a, n)
			}
		}
	})
}

// TestDeadChannel has a receiver down for hours: it hears late, and once.
func TestDeadChannel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "a.example.com")
		up := time.Now().Add(4 * time.Hour)
		accepted := map[string]int{}
		b.mail.fail = func(n int) (bool, error) {
			if time.Now().Before(up) {
				return true, errors.New("down")
			}
			accepted[b.mail.got[n-1].Key]++
			return false, nil
		}
		from := time.Now().Add(time.Hour)
		b.answer = func(*monitor.Endpoint, string, bool) (*diag.Diagnosis, error) {
			if time.Now().After(from) && time.Now().Before(from.Add(2*time.Hour)) {
				return broken("internal-error"), nil
			}
			return fine(), nil
		}
		b.start()
		time.Sleep(5 * time.Hour)
		b.stop()
		if len(accepted) != 2 {
			t.Errorf("got %v, want the beginning and the end", accepted)
		}
		for key, n := range accepted {
			if n != 1 {
				t.Errorf("%s was accepted %d times", key, n)
			}
		}
		if n := len(b.mail.got); n > 100 {
			t.Errorf("%d tries in hours: no backoff", n)
		}
	})
}

// TestOwnFault is a checker that cannot work: nothing opens.
func TestOwnFault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, "a.example.com")
		b.answer = func(*monitor.Endpoint, string, bool) (*diag.Diagnosis, error) {
			return nil, errors.New("reading the key: no permission")
		}
		b.start()
		time.Sleep(time.Hour)
		es, err := b.store.Endpoints(t.Context())
		if err != nil || es[0].States[0].Note == "" {
			t.Errorf("got %+v, %v; want the reason", es, err)
		}
		b.stop()
		if got := b.kinds(); len(got) != 0 {
			t.Errorf("got messages %q", got)
		}
	})
}

var _ monitor.Dispatcher = (*Watcher)(nil)
