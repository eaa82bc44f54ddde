package web

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// news opens the stream and returns its lines.
func (w *world) news() (*bufio.Scanner, func()) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), "GET", w.url+"/events", nil)
	if err != nil {
		w.Fatal(err)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		w.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	return bufio.NewScanner(resp.Body), func() { _ = resp.Body.Close() }
}

// until reads lines until one is what is wanted.
func until(lines *bufio.Scanner, want string) bool {
	for lines.Scan() {
		if lines.Text() == want {
			return true
		}
	}
	return false
}

func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Viewer)
	lines, done := w.news()
	defer done()
	if !until(lines, "event: hello") {
		t.Fatal("no greeting")
	}
	w.watch("a.example", monitor.Finding{Cause: "cert-expired", Severity: monitor.Critical, Summary: "expired"})
	w.web.Nudge()
	if !until(lines, "event: checked") || !until(lines, "event: happened") {
		t.Error("no news")
	}
	w.web.Close()
	if until(lines, "event: never") || lines.Err() != nil {
		t.Error(lines.Err())
	}
}

func TestEventsAreBounded(t *testing.T) {
	t.Parallel()
	h := newHub()
	var all []chan struct{}
	for range maxOwn {
		c := h.listen("ann")
		if c == nil {
			t.Fatal("no room for one's own pages")
		}
		all = append(all, c)
	}
	if h.listen("ann") != nil {
		t.Error("one user may listen without end")
	}
	for _, u := range strings.Split("b c d e f g h i j k l m", " ") {
		for range maxOwn {
			h.listen(u)
		}
	}
	if n := len(h.listeners); n != maxListeners {
		t.Errorf("%d listen", n)
	}
	for range 3 {
		h.nudge() // never waits
	}
	for _, c := range all {
		h.leave(c)
	}
	if h.listen("ann") == nil {
		t.Error("no room after others have left")
	}
}
