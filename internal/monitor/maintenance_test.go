package monitor_test

import (
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

func TestWeekly(t *testing.T) {
	t.Parallel()
	night := monitor.Weekly{Days: []time.Weekday{time.Saturday}, From: 22 * 60, To: 2 * 60, Zone: "Europe/Berlin"}
	for _, c := range []struct {
		name   string
		weekly monitor.Weekly
		at     string
		want   bool
	}{
		{"before it", night, "2026-11-21T20:59:00Z", false}, // a Saturday, 21:59 in Berlin
		{"it begins", night, "2026-11-21T21:00:00Z", true},
		{"after midnight", night, "2026-11-22T00:59:00Z", true},
		{"it is over", night, "2026-11-22T01:00:00Z", false},
		{"the night after", night, "2026-11-22T22:00:00Z", false},
		{"in summer", night, "2026-07-04T20:00:00Z", true},
		{"in summer, an hour later", night, "2026-07-05T00:30:00Z", false},
		{"every day", monitor.Weekly{From: 60, To: 120}, "2026-11-24T01:30:00Z", true},
		{"until midnight", monitor.Weekly{From: 23 * 60, To: 24 * 60}, "2026-11-24T23:59:00Z", true},
		{"an unknown zone", monitor.Weekly{From: 0, To: 24 * 60, Zone: "Nowhere"}, "2026-11-24T23:59:00Z", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			s := monitor.Silence{From: now.Add(-hour), Until: now.Add(hour), Match: map[string]string{"endpoint": "*"}, Weekly: &c.weekly}
			if got := s.Covers(now, &monitor.Endpoint{}, &monitor.Incident{}); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// TestMaintenance keeps planned work quiet, and tells what is still wrong after
// it.
func TestMaintenance(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "shop.example.com")
	w.rules.Maintenance = []monitor.Silence{{ID: "sunday", Until: start.Add(900 * day), Match: map[string]string{"owner": "web"}, Weekly: &monitor.Weekly{Days: []time.Weekday{time.Sunday}, From: 12 * 60, To: 13 * 60}}}
	bad := false
	w.answer = func(*monitor.Endpoint) monitor.Report {
		d := healthy(cert{from: start, life: 90 * day})
		if bad {
			failing(d, "hostname-mismatch", "certificate")
		}
		return at(one, d)
	}
	w.run(start.Add(2*hour + 5*time.Minute)) // it is Sunday, 12:05
	bad = true
	w.run(start.Add(2*hour + 40*time.Minute))
	bad = false
	w.run(start.Add(2*hour + 50*time.Minute)) // undone within the window: nobody hears
	w.wantTold()
	bad = true
	w.run(start.Add(2*hour + 59*time.Minute))
	w.wantTold()
	w.run(start.Add(3*hour + 10*time.Minute))
	w.wantTold("opened hostname-mismatch critical")
}
