package storetest

import (
	"fmt"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// summary has more incidents than a channel takes messages: the rest comes as
// one message, and every end is told.
func summary(b bench) {
	const n, rate = 150, 5
	es := Endpoints(n)
	for i := range es {
		es[i].Owner = fmt.Sprintf("owner%d", i) // nothing that would join them
	}
	b.ok(b.SetEndpoints(b.Context(), Start, "file", vantage, 0, es))
	rules := *Rules
	rules.Rates = map[string]int{"mail": rate}
	check := func(now time.Time, cause string) {
		b.Helper()
		batch := b.claim(now, n)
		var reps []monitor.Report
		for _, w := range batch.Works {
			reps = append(reps, Report(w.Endpoint.ID, now, cause))
		}
		b.ok(b.Ingest(b.Context(), now, &rules, batch, reps))
	}
	deliver := func(now time.Time) (summaries []monitor.Message, others int) {
		b.Helper()
		for _, m := range b.outbox(now) {
			m, err := b.Begin(b.Context(), now, m.Key)
			b.ok(err)
			b.ok(b.Delivered(b.Context(), now, m.Key, monitor.Delivery{OK: true}))
			if m.Kind == monitor.KindSummary {
				summaries = append(summaries, m)
			} else {
				others++
			}
		}
		return summaries, others
	}
	check(Start, "")
	now := Start.Add(6 * time.Minute)
	check(now, "bad")
	now = now.Add(6 * time.Minute)
	check(now, "bad")
	got, others := deliver(now.Add(monitor.GroupWait))
	if others != rate || len(got) != 1 || len(got[0].Items)+got[0].More != n-rate || len(got[0].Items) != monitor.MaxItems {
		b.Fatalf("got %d messages and summaries %+v, want %d and one of the rest", others, got, rate)
	}
	// Their ends come as a summary as well, not too soon after the first.
	now = now.Add(4 * time.Minute)
	for range 3 {
		now = now.Add(2 * time.Minute)
		check(now, "")
	}
	early, waits := deliver(now)
	got, others = deliver(now.Add(2 * monitor.SummaryEvery))
	told := waits + others
	for _, m := range append(early, got...) {
		told += len(m.Items) + m.More
		for _, it := range m.Items {
			if it.Incident.Open() {
				b.Errorf("an incident of the last summary is not over")
			}
		}
	}
	h, err := b.Health(b.Context(), now)
	b.ok(err)
	if h.Open != 0 || h.Outbox != 0 || told != n {
		b.Errorf("got %+v, and %d of %d ends were told", h, told, n)
	}
}
