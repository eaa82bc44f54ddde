package monitor

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
)

// Alert is what a webhook of tlswhy brings, as far as a reader needs it.
type Alert struct {
	Kind, Text string
	Items      []struct {
		Page     string
		Incident struct {
			ID, Target, Severity string
			Finding              struct {
				Cause, Verify string
				Fixes         []struct{ Text, Config, Command string }
				Evidence      []struct{ Text string }
			}
		}
	}
}

// Inbox keeps what a webhook was sent.
type Inbox struct {
	*httptest.Server
	mu  sync.Mutex
	got []Alert
}

// NewInbox listens until the test ends.
func NewInbox(t testing.TB) *Inbox {
	b := &Inbox{}
	b.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		var a Alert
		if err := json.Unmarshal(raw, &a); err != nil {
			t.Errorf("a webhook brought no JSON: %v: %.200s", err, raw)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.got = append(b.got, a)
	}))
	t.Cleanup(b.Close)
	return b
}

// Alerts are those of a kind; of every kind for "".
func (b *Inbox) Alerts(kind string) []Alert {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(b.got), func(a Alert) bool { return kind != "" && a.Kind != kind })
}

// Causes lists "target cause severity" of all incidents that came, sorted.
func (b *Inbox) Causes() []string {
	var out []string
	for _, a := range b.Alerts("") {
		for _, i := range a.Items {
			out = append(out, i.Incident.Target+" "+i.Incident.Finding.Cause+" "+i.Incident.Severity)
		}
	}
	slices.Sort(out)
	return out
}
