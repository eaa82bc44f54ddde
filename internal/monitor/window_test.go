package monitor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestWindow judges a certificate of 90 days by what its CA wants.
func TestWindow(t *testing.T) {
	t.Parallel()
	mid := start.Add(60 * day) // where a CA puts the window
	usual := monitor.Window{From: mid.Add(-day), Until: mid.Add(day)}
	early := monitor.Window{From: start.Add(20 * day), Until: start.Add(21 * day), Explanation: "https://ca.example/incident"}
	for _, c := range []struct {
		name   string
		window func(now time.Time) monitor.Window
		until  time.Duration
		want   []string
	}{
		{"before the window", func(time.Time) monitor.Window { return usual }, 59 * day, nil},
		{"in the window", func(time.Time) monitor.Window { return usual }, 61 * day, nil},
		{"a little late", func(time.Time) monitor.Window { return usual }, 65 * day, nil},
		{"overdue", func(time.Time) monitor.Window { return usual }, 66 * day, []string{"opened renewal-overdue warning"}},
		{"overdue, and then its end is near", func(time.Time) monitor.Window { return usual }, 84 * day, []string{"opened renewal-overdue warning", "escalated expires-soon critical"}},
		{"moved early", func(now time.Time) monitor.Window {
			if now.Before(start.Add(20 * day)) {
				return usual
			}
			return early
		}, 21 * day, []string{"opened renewal-overdue warning"}},
		{"moved early and not heeded", func(now time.Time) monitor.Window {
			if now.Before(start.Add(20 * day)) {
				return usual
			}
			return early
		}, 30 * day, []string{"opened renewal-overdue warning", "escalated renewal-overdue critical"}},
		{"moved later", func(now time.Time) monitor.Window {
			if now.Before(start.Add(20 * day)) {
				return usual
			}
			return monitor.Window{From: mid.Add(3 * day), Until: mid.Add(4 * day)}
		}, 66 * day, nil},
		{"early at first sight", func(time.Time) monitor.Window { return early }, 2 * hour, []string{"digest renewal-overdue warning"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			w.endpoints[0].Interval = hour
			w.answer = func(*monitor.Endpoint) monitor.Report {
				w.rules.Windows = map[string]monitor.Window{"leaf-1": c.window(w.now)}
				return at(one, healthy(cert{serial: 1, from: start, life: 90 * day}))
			}
			w.run(start.Add(c.until))
			w.wantTold(c.want...)
			if len(c.want) == 0 {
				return
			}
			i := w.messages[0].Items[0].Incident
			if len(i.Finding.Fixes) == 0 || i.Finding.Verify == "" || strings.Contains(c.name, "early") != strings.Contains(i.Finding.Evidence[len(i.Finding.Evidence)-1].Text, "ca.example") {
				t.Errorf("got %+v", i.Finding)
			}
			// It is renewed, and that is that.
			renewed := w.now
			w.answer = func(*monitor.Endpoint) monitor.Report {
				return at(one, healthy(cert{serial: 2, from: renewed, life: 90 * day}))
			}
			w.run(w.now.Add(6 * hour))
			if w.open() != 0 {
				t.Error("renewed, and the incident is still open")
			}
		})
	}
}
