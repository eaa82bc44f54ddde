package web

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/server"
)

// The bounds of who listens for news.
const (
	maxListeners = 256 // in all
	maxOwn       = 24  // of one user: windows and tabs
	// gap is the least time between two pieces of news, for one listener.
	gap = 2 * time.Second
	// heartbeat keeps proxies from ending a quiet connection, and ends it when its
	// session has ended.
	heartbeat = 20 * time.Second
	// patience is how long a listener may take to read.
	patience = 15 * time.Second
)

// hub wakes those who listen for news. What the news are each finds out itself:
// one that was asleep for a while needs only the last.
type hub struct {
	mu        sync.Mutex
	listeners map[chan struct{}]string // to the user
	nudged    time.Time
	ended     chan struct{}
	end       sync.Once
}

func newHub() *hub {
	return &hub{listeners: map[chan struct{}]string{}, ended: make(chan struct{})}
}

func (h *hub) close() { h.end.Do(func() { close(h.ended) }) }

// nudge wakes everybody; it never waits.
func (h *hub) nudge() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.nudged = time.Now()
	for c := range h.listeners {
		select {
		case c <- struct{}{}:
		default: // is awake already
		}
	}
}

// lastNudge is when checks last came in; zero since the start.
func (h *hub) lastNudge() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.nudged
}

// listen returns what wakes a listener, or nil where there is no room.
func (h *hub) listen(user string) chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	own := 0
	for _, u := range h.listeners {
		if u == user {
			own++
		}
	}
	if len(h.listeners) >= maxListeners || own >= maxOwn {
		return nil
	}
	c := make(chan struct{}, 1)
	h.listeners[c] = user
	return c
}

func (h *hub) leave(c chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, c)
}

// events is a stream of news (server-sent events): "checked" when checks came in,
// "happened" when they changed something. It says what to fetch again, never what
// is in it.
func (s *Web) events(w http.ResponseWriter, r *http.Request) error {
	awake := s.hub.listen(access.From(r.Context()).User)
	if awake == nil {
		retryAfter(w, time.Minute)
		s.problem(w, r, http.StatusServiceUnavailable, "Too many pages are open", "This page shows what was so when it was opened: load it again to see more.")
		return nil
	}
	defer s.hub.leave(awake)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep it to itself
	out := http.NewResponseController(w)
	say := func(text string) bool {
		if err := out.SetWriteDeadline(time.Now().Add(patience)); err != nil {
			return false
		}
		if _, err := fmt.Fprint(w, text); err != nil {
			return false
		}
		return out.Flush() == nil
	}
	last := s.lastEvent(r.Context())
	if !say("retry: 3000\nevent: hello\ndata: {}\n\n") {
		return nil
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-s.hub.ended:
			return nil
		case <-beat.C:
			again, err := server.Authenticate(s.Keeper, r.WithContext(access.With(r.Context(), nil)))
			if err == nil && access.From(again.Context()) == nil {
				say("event: ended\ndata: {}\n\n")
				return nil
			}
			if !say(": alive\n\n") {
				return nil
			}
		case <-awake:
			news := "event: checked\ndata: {}\n\n"
			if now := s.lastEvent(r.Context()); now != last {
				last = now
				news += "event: happened\ndata: {}\n\n"
			}
			if !say(news) || !pause(r.Context(), s.hub.ended) {
				return nil
			}
		}
	}
}

// pause lets a moment pass; false when nobody waits for its end.
func pause(ctx context.Context, ended <-chan struct{}) bool {
	t := time.NewTimer(gap)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-ended:
	}
	return false
}

// lastEvent is the last thing that happened.
func (s *Web) lastEvent(ctx context.Context) int64 {
	p, err := s.Service.Events(ctx, monitor.EventQuery{List: monitor.List{Limit: 1}})
	if err != nil || len(p.Items) == 0 {
		return 0
	}
	return p.Items[0].ID
}
