package monitor_test

import (
	"testing"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestJoin puts what is critical first: subjects, colours and what is cut off
// follow the order.
func TestJoin(t *testing.T) {
	t.Parallel()
	of := func(id string, s monitor.Severity) monitor.Message {
		return monitor.Message{Channel: "mail", At: start, Due: start, Items: []monitor.Item{{Incident: monitor.Incident{ID: id, Severity: s}}}}
	}
	m := of("a", monitor.Warning)
	for _, next := range []monitor.Message{of("b", monitor.Critical), of("c", monitor.Warning), of("d", monitor.Critical)} {
		waiting := m
		m = monitor.Join(&waiting, start, next)
	}
	got := ""
	for _, it := range m.Items {
		got += it.Incident.ID
	}
	if got != "bdac" {
		t.Errorf("got %s", got)
	}
	waiting := m
	waiting.Tries = 1
	if m := monitor.Join(&waiting, start, of("e", monitor.Critical)); len(m.Items) != 1 || !m.Due.Equal(start.Add(monitor.GroupWait)) {
		t.Errorf("a message that was tried: got %+v", m)
	}
}
