package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestSummary says what lasts before what is over, and how much there is beyond.
func TestSummary(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	item := func(target string, over bool) monitor.Item {
		i := monitor.Incident{ID: target, Target: target, Severity: monitor.Critical, Opened: at, Finding: monitor.Finding{Cause: "cert-expired", Summary: "it expired"}}
		if over {
			i.Resolved = at.Add(time.Hour)
		}
		return monitor.Item{Incident: i}
	}
	m := &monitor.Message{Kind: monitor.KindSummary, At: at, Items: []monitor.Item{item("a.example", true), item("b.example", false)}, More: 7}
	if got, want := Subject(m), "[tlswhy] many alerts: 9 incidents, 1 of them over"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	text := Text(m)
	b, a := strings.Index(text, "CRITICAL: b.example: it expired (cert-expired)"), strings.Index(text, "RESOLVED: a.example")
	if b < 0 || a < b || !strings.Contains(text, "... and 7 more.") {
		t.Errorf("got %s", text)
	}
}

// TestRate gives people a bound, programs none, and those none that keep an
// incident each.
func TestRate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind       string
		said, want int
		bad        bool
	}{{"email", 0, rate, false}, {"slack", 5, 5, false}, {"webhook", 0, 0, false}, {"exec", 9, 9, false}, {"pagerduty", 0, 0, false}, {"pagerduty", 3, 0, true}, {"alertmanager", 3, 0, true}} {
		if got, err := Rate(c.kind, c.said); got != c.want || (err != nil) != c.bad {
			t.Errorf("%s %d: got %d, %v", c.kind, c.said, got, err)
		}
	}
}
