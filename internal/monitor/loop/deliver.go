package loop

import (
	"context"
	"errors"
	"log/slog"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Deliverer empties the outbox. Each channel has a loop of its own, so that a
// dead one delays no other.
type Deliverer struct {
	Store monitor.Store
	// Timeout bounds one try; 0 is 15 s.
	Timeout time.Duration
	// Tick is the longest that a message waits which nobody has nudged for; 0 is a
	// second.
	Tick time.Duration
	Log  *slog.Logger

	mu      sync.Mutex
	running map[string]*courier
	loops   sync.WaitGroup
}

// courier is the loop of one channel.
type courier struct {
	channel monitor.Channel
	cancel  context.CancelFunc
	ended   chan struct{}
	wake    chan struct{}
}

const (
	outboxEvery = time.Second // of Deliverer.Tick
	outboxBatch = 20
)

// Set makes these the channels, by name: the loops of the others end, and what
// waits for them waits until they are back. A channel that is the same as before
// goes on undisturbed. Set may be called again after a reload; Wait after the
// last call and the end of ctx.
func (d *Deliverer) Set(ctx context.Context, channels map[string]monitor.Channel) {
	d.mu.Lock()
	defer d.mu.Unlock()
	before := d.running
	d.running = map[string]*courier{}
	for name, c := range before {
		if ch, ok := channels[name]; ok && same(ch, c.channel) {
			d.running[name] = c
			continue
		}
		c.cancel()
	}
	for name, ch := range channels {
		if d.running[name] != nil {
			continue
		}
		if c := before[name]; c != nil {
			<-c.ended // a channel never has two loops
		}
		ctx, cancel := context.WithCancel(ctx)
		c := &courier{channel: ch, cancel: cancel, ended: make(chan struct{}), wake: make(chan struct{}, 1)}
		d.running[name] = c
		d.loops.Go(func() {
			defer close(c.ended)
			defer cancel()
			d.loop(ctx, name, ch, c.wake)
		})
	}
}

// same tells whether two channels are one.
func same(a, b monitor.Channel) bool {
	t := reflect.TypeOf(a)
	return t == reflect.TypeOf(b) && t.Kind() == reflect.Pointer && a == b
}

// Nudge has the outbox looked at now.
func (d *Deliverer) Nudge() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.running {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// Wait returns when all loops have ended.
func (d *Deliverer) Wait() { d.loops.Wait() }

func (d *Deliverer) log() *slog.Logger {
	if d.Log != nil {
		return d.Log
	}
	return slog.New(slog.DiscardHandler)
}

func (d *Deliverer) loop(ctx context.Context, name string, ch monitor.Channel, wake <-chan struct{}) {
	var repeated time.Time
	for ctx.Err() == nil {
		ms, err := d.Store.Outbox(ctx, time.Now(), name, outboxBatch)
		if err != nil && ctx.Err() == nil {
			d.log().Error("nothing can be delivered", "channel", name, "err", err)
			sleep(ctx, trouble)
			continue
		}
		for _, m := range ms {
			if ctx.Err() != nil {
				return
			}
			d.deliver(ctx, ch, m.Key)
		}
		if r, ok := ch.(monitor.Repeater); ok && (repeated.IsZero() || time.Since(repeated) >= r.Every()) {
			repeated = time.Now()
			d.repeat(ctx, name, ch)
		}
		if len(ms) == outboxBatch {
			continue
		}
		t := time.NewTimer(d.untilNext(ctx, name))
		select {
		case <-ctx.Done():
		case <-wake:
		case <-t.C:
		}
		t.Stop()
	}
}

// untilNext is how long to wait for the next message of a channel.
func (d *Deliverer) untilNext(ctx context.Context, name string) time.Duration {
	wait := d.Tick
	if wait <= 0 {
		wait = outboxEvery
	}
	due, err := d.Store.NextMessage(ctx, name)
	if until := time.Until(due); err == nil && until > 0 {
		wait = min(wait, until)
	}
	return wait
}

func (d *Deliverer) timeout() time.Duration {
	if d.Timeout > 0 {
		return d.Timeout
	}
	return 15 * time.Second
}

// deliver makes one try. When the program dies in it, the message is tried
// again with the same key.
func (d *Deliverer) deliver(ctx context.Context, ch monitor.Channel, key string) {
	m, err := d.Store.Begin(ctx, time.Now(), key)
	if err != nil {
		if !errors.Is(err, monitor.ErrNotFound) && ctx.Err() == nil {
			d.log().Error("a message cannot be tried", "key", key, "err", err)
		}
		return
	}
	trying, cancel := context.WithTimeout(ctx, d.timeout())
	retry, err := ch.Notify(trying, m)
	cancel()
	out := monitor.Delivery{OK: err == nil, Retry: retry, Text: "accepted"}
	var more *monitor.DeliveryError
	if errors.As(err, &more) {
		out.After, out.Ambiguous = more.After, more.Ambiguous
	}
	if err != nil {
		out.Text = err.Error()
		out.Retry = retry || ctx.Err() != nil // the end of the program is no answer
		d.log().Warn("a message was not delivered", "channel", m.Channel, "key", key, "try", m.Tries, "again", out.Retry, "ambiguous", out.Ambiguous, "err", err)
	}
	storing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err := d.Store.Delivered(storing, time.Now(), key, out); err != nil {
		d.log().Error("a delivery could not be stored and may be repeated", "key", key, "err", err)
	}
}

// repeat sends what is open again to a channel whose receiver forgets. It is no
// news and needs no outbox.
func (d *Deliverer) repeat(ctx context.Context, name string, ch monitor.Channel) {
	open, err := d.Store.Incidents(ctx, monitor.Filter{OpenOnly: true, Limit: 1000})
	if err != nil {
		return // the outbox has said it
	}
	m := monitor.Message{Key: "repeat", Channel: name, Kind: monitor.KindOpened, At: time.Now().UTC()}
	for _, i := range open {
		if slices.Contains(i.Told, name) {
			m.Items = append(m.Items, monitor.ItemOf(&i))
		}
	}
	if len(m.Items) == 0 {
		return
	}
	trying, cancel := context.WithTimeout(ctx, d.timeout())
	defer cancel()
	if _, err := ch.Notify(trying, m); err != nil && ctx.Err() == nil {
		d.log().Warn("open incidents could not be sent again", "channel", name, "err", err)
	}
}
