// Package storetest is the examination of a monitor.Store: every adapter runs
// it, so that they differ in speed and in nothing else.
//
//	storetest.Run(t, func(t *testing.T) monitor.Store { return open(t) })
package storetest

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Start is when the clock of the examination begins.
var Start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const vantage = "here"

// Rules tell one channel everything, at once.
var Rules = &monitor.Rules{Tries: 1, Within: time.Nanosecond, Routes: []monitor.Route{{Channels: []string{"mail"}}}}

// Endpoint is the nth endpoint.
func Endpoint(n int) monitor.Endpoint {
	host := fmt.Sprintf("www.site%d.example", n)
	return monitor.Endpoint{ID: fmt.Sprintf("e%04d", n), Target: host, Host: host, Port: 443, Interval: 5 * time.Minute, Owner: "web", Tags: map[string]string{"env": "prod"}}
}

// Endpoints are n of them.
func Endpoints(n int) []monitor.Endpoint {
	out := make([]monitor.Endpoint, n)
	for i := range out {
		out[i] = Endpoint(i)
	}
	return out
}

// Report is a check of an endpoint that met the cause, or nothing bad for "".
func Report(endpoint string, at time.Time, cause string) monitor.Report {
	o := monitor.Outcome{Address: "192.0.2.1:443", Verdict: diag.OK, Reached: true, Stage: diag.StageApplication, Signature: cause}
	if cause != "" {
		o.Verdict = diag.Failure
		o.Findings = []monitor.Finding{{Key: cause, Cause: cause, Severity: monitor.Critical, Summary: cause + " it is", Stage: diag.StageServerHello}}
	}
	return monitor.Report{Endpoint: endpoint, Vantage: vantage, At: at, Addresses: []string{o.Address}, Outcomes: []monitor.Outcome{o}}
}

// bench is a store under examination.
type bench struct {
	*testing.T
	monitor.Store
}

func (b bench) ok(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b bench) claim(now time.Time, n int) monitor.Batch {
	b.Helper()
	batch, err := b.Claim(b.Context(), now, vantage, n)
	b.ok(err)
	return batch
}

// check claims and ingests one round for every endpoint that is due.
func (b bench) check(now time.Time, cause string) {
	b.Helper()
	batch := b.claim(now, 100)
	var reps []monitor.Report
	for _, w := range batch.Works {
		reps = append(reps, Report(w.Endpoint.ID, now, cause))
	}
	b.ok(b.Ingest(b.Context(), now, Rules, batch, reps))
}

func (b bench) outbox(now time.Time) []monitor.Message {
	b.Helper()
	ms, err := b.Outbox(b.Context(), now, "mail", 100)
	b.ok(err)
	return ms
}

// Run examines stores that open makes, each of them empty.
func Run(t *testing.T, open func(t *testing.T) monitor.Store) {
	t.Helper()
	for name, examine := range map[string]func(bench){
		"Claim": claims, "ClaimSideBySide": sideBySide, "IngestOnce": ingestOnce, "StaleClaim": staleClaim, "ClockBack": clockBack,
		"SetEndpoints": setEndpoints, "Incident": incident, "Group": group, "Outbox": outbox, "Acknowledge": acknowledge, "Accept": accept,
		"Silence": silence, "Channels": channels, "Summary": summary, "Queries": queries, "Backup": backup, "NothingThere": nothing,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("closing: %v", err)
				}
			})
			examine(bench{t, s})
		})
	}
}

func (b bench) endpoints(n int) {
	b.Helper()
	b.ok(b.SetEndpoints(b.Context(), Start, "file", vantage, 0, Endpoints(n)))
}

func claims(b bench) {
	b.ok(b.SetEndpoints(b.Context(), Start, "file", vantage, 10*time.Second, Endpoints(10)))
	if got := b.claim(Start.Add(4*time.Second), 100); len(got.Works) != 5 {
		b.Errorf("after 4 of 10 s got %d of 10 endpoints, want those that are due", len(got.Works))
	}
	if got := b.claim(Start.Add(time.Minute), 2); len(got.Works) != 2 || got.Works[0].Endpoint.ID != "e0005" {
		b.Errorf("got %v, want the two that are longest overdue", got.Works)
	}
	if got := b.claim(Start.Add(time.Minute), 100); len(got.Works) != 3 {
		b.Errorf("got %d endpoints, want the 3 that nobody has claimed", len(got.Works))
	}
	if got := b.claim(Start.Add(time.Minute), 100); len(got.Works) != 0 {
		b.Errorf("an endpoint is claimed twice: %v", got.Works)
	}
	if got := b.claim(Start.Add(time.Minute+monitor.ClaimFor), 100); len(got.Works) != 10 {
		b.Errorf("got %d endpoints after the claims ran out, want all 10", len(got.Works))
	}
	if got, err := b.Claim(b.Context(), Start.Add(time.Hour), "elsewhere", 100); err != nil || len(got.Works) != 0 {
		b.Errorf("another vantage point got %d endpoints, %v", len(got.Works), err)
	}
}

func sideBySide(b bench) {
	b.endpoints(60)
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[string]int{}
	for range 6 {
		wg.Go(func() {
			for range 5 {
				batch, err := b.Claim(b.Context(), Start, vantage, 3)
				mu.Lock()
				if err != nil {
					b.Error(err)
				}
				for _, w := range batch.Works {
					seen[w.Endpoint.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for id, n := range seen {
		if n != 1 {
			b.Errorf("%s was claimed %d times", id, n)
		}
	}
	if len(seen) != 60 {
		b.Errorf("%d of 60 were claimed", len(seen))
	}
}

func ingestOnce(b bench) {
	b.endpoints(1)
	batch := b.claim(Start, 1)
	reps := []monitor.Report{Report("e0000", Start, "")}
	b.ok(b.Ingest(b.Context(), Start, Rules, batch, reps))
	before, err := b.Events(b.Context(), monitor.Filter{})
	b.ok(err)
	if err := b.Ingest(b.Context(), Start, Rules, batch, reps); !errors.Is(err, monitor.ErrStale) {
		b.Errorf("the same batch again: got %v, want ErrStale", err)
	}
	after, err := b.Events(b.Context(), monitor.Filter{})
	b.ok(err)
	if len(before) != len(after) || len(before) == 0 {
		b.Errorf("got %d events, then %d", len(before), len(after))
	}
	if due, err := b.NextDue(b.Context(), vantage); err != nil || !due.After(Start.Add(4*time.Minute)) || due.After(Start.Add(6*time.Minute)) {
		b.Errorf("next due %v, %v; want about 5 minutes later", due, err)
	}
}

func staleClaim(b bench) {
	b.endpoints(2)
	old := b.claim(Start, 2)
	late := Start.Add(monitor.ClaimFor)
	fresh := b.claim(late, 1)
	b.ok(b.Ingest(b.Context(), late, Rules, fresh, []monitor.Report{Report(fresh.Works[0].Endpoint.ID, late, "")}))
	b.ok(b.Ingest(b.Context(), late, Rules, old, []monitor.Report{Report("e0000", late, "bad"), Report("e0001", late, "bad")}))
	open, err := b.Incidents(b.Context(), monitor.Filter{OpenOnly: true})
	b.ok(err)
	if len(open) != 0 && open[0].Endpoint == fresh.Works[0].Endpoint.ID {
		b.Errorf("a report whose claim another has taken over counted")
	}
}

func clockBack(b bench) {
	b.endpoints(2)
	ahead := Start.Add(48 * time.Hour)
	b.check(ahead, "")
	if got := b.claim(Start, 10); len(got.Works) != 2 {
		b.Errorf("after the clock went back got %d endpoints, want 2", len(got.Works))
	}
	if got := b.claim(Start, 10); len(got.Works) != 0 {
		b.Errorf("claimed twice after the clock went back")
	}
}

func setEndpoints(b bench) {
	b.endpoints(3)
	b.check(Start, "bad")
	b.check(Start.Add(time.Minute), "bad")
	b.ok(b.SetEndpoints(b.Context(), Start, "other", vantage, 0, []monitor.Endpoint{Endpoint(7)}))
	changed := Endpoint(1)
	changed.Owner = "ops"
	b.ok(b.SetEndpoints(b.Context(), Start, "file", vantage, 0, []monitor.Endpoint{Endpoint(0), changed}))
	all, err := b.Endpoints(b.Context())
	b.ok(err)
	var ids []string
	for _, e := range all {
		ids = append(ids, e.Endpoint.ID+" "+e.Endpoint.Owner)
	}
	if want := []string{"e0000 web", "e0001 ops", "e0007 web"}; !slices.Equal(ids, want) {
		b.Errorf("got %q, want %q", ids, want)
	}
	if len(all[0].States) != 1 || all[0].Checks == 0 {
		b.Errorf("an endpoint that stayed lost its history: %+v", all[0])
	}
	is, err := b.Incidents(b.Context(), monitor.Filter{Endpoint: "e0002"})
	b.ok(err)
	if len(is) != 1 || is[0].Open() || is[0].Why != "endpoint-removed" {
		b.Errorf("the incident of a retired endpoint is %+v", is)
	}
	kinds := map[monitor.Kind]bool{}
	for _, m := range b.outbox(Start.Add(time.Hour)) {
		kinds[m.Kind] = true
	}
	if !kinds[monitor.KindResolved] {
		b.Errorf("whoever was told of the incident of a retired endpoint is not told that it is over: %v", kinds)
	}
}

func incident(b bench) {
	b.endpoints(1)
	b.check(Start, "")
	now := Start.Add(10 * time.Minute)
	b.check(now, "bad")
	for range 4 {
		now = now.Add(6 * time.Minute)
		b.check(now, "bad")
	}
	ms := b.outbox(now)
	if len(ms) != 1 || ms[0].Kind != monitor.KindOpened || ms[0].Items[0].Incident.Finding.Cause != "bad" {
		b.Fatalf("got messages %+v, want one that it opened", ms)
	}
	for range 2 {
		now = now.Add(6 * time.Minute)
		b.check(now, "")
	}
	ms = b.outbox(now)
	if len(ms) != 2 || ms[1].Kind != monitor.KindResolved {
		b.Fatalf("got messages %+v, want that it is resolved", ms)
	}
	if ms[0].Key == ms[1].Key {
		b.Error("two messages share a key")
	}
	is, err := b.Incidents(b.Context(), monitor.Filter{})
	b.ok(err)
	if len(is) != 1 || is[0].Open() {
		b.Errorf("got incidents %+v", is)
	}
	if open, err := b.Incidents(b.Context(), monitor.Filter{OpenOnly: true}); err != nil || len(open) != 0 {
		b.Errorf("got %d open ones, %v", len(open), err)
	}
}

// group joins what is found at first sight to one digest per owner.
func group(b bench) {
	b.endpoints(20)
	b.check(Start, "bad")
	if ms := b.outbox(Start.Add(time.Second)); len(ms) != 0 {
		b.Errorf("the digest does not wait: %d messages", len(ms))
	}
	b.check(Start.Add(20*time.Second), "bad")
	ms := b.outbox(Start.Add(2 * time.Minute))
	if len(ms) != 1 || ms[0].Kind != monitor.KindDigest || len(ms[0].Items) != 20 {
		b.Fatalf("got %d messages, want one digest of 20", len(ms))
	}
}

func outbox(b bench) {
	b.ok(b.Enqueue(b.Context(), monitor.Message{Key: "k", Channel: "mail", Kind: monitor.KindTest, Group: "test", At: Start, Due: Start}))
	if got, err := b.Outbox(b.Context(), Start, "chat", 10); err != nil || len(got) != 0 {
		b.Errorf("another channel got %v, %v", got, err)
	}
	now := Start
	for n := 1; n <= 3; n++ {
		ms := b.outbox(now)
		if len(ms) != 1 {
			b.Fatalf("try %d: got %d messages", n, len(ms))
		}
		m, err := b.Begin(b.Context(), now, "k")
		b.ok(err)
		if m.Tries != n || len(b.outbox(now)) != 0 {
			b.Errorf("try %d: tries %d, or due at once again", n, m.Tries)
		}
		b.ok(b.Delivered(b.Context(), now, "k", monitor.Delivery{Retry: true, Ambiguous: n == 1, After: time.Minute, Text: "busy"}))
		if len(b.outbox(now.Add(59*time.Second))) != 0 {
			b.Errorf("try %d: what the receiver asked for is not waited", n)
		}
		now = now.Add(time.Minute)
	}
	m, err := b.Begin(b.Context(), now, "k")
	b.ok(err)
	if m.Ambiguous != 1 || m.Last != "busy" || len(m.Tried) != 3 || m.Tried[2] != (monitor.Try{At: Start.Add(2 * time.Minute), Text: "busy"}) {
		b.Errorf("got %+v, want the ambiguous try, the last answer, and all tries", m)
	}
	// A try that never came back, because the program died, is made again.
	if got := b.outbox(now.Add(time.Hour)); len(got) != 1 || got[0].Key != "k" {
		b.Errorf("got %v after a try without an end", got)
	}
	b.ok(b.Delivered(b.Context(), now, "k", monitor.Delivery{OK: true}))
	if len(b.outbox(now.Add(48*time.Hour))) != 0 {
		b.Error("a delivered message is still in the outbox")
	}
	if _, err := b.Begin(b.Context(), now, "k"); !errors.Is(err, monitor.ErrNotFound) {
		b.Errorf("beginning a delivered message: got %v, want ErrNotFound", err)
	}
	b.ok(b.Enqueue(b.Context(), monitor.Message{Key: "l", Channel: "mail", Group: "test", At: now, Due: now}))
	if got := b.outbox(now.Add(time.Minute)); len(got) != 1 || got[0].Key != "l" {
		b.Errorf("a message was joined with one that was tried: %+v", got)
	}
}

func acknowledge(b bench) {
	b.endpoints(1)
	b.check(Start, "bad")
	b.check(Start.Add(time.Minute), "bad")
	is, err := b.Incidents(b.Context(), monitor.Filter{})
	b.ok(err)
	if len(is) != 1 {
		b.Fatalf("got %d incidents", len(is))
	}
	b.ok(b.Acknowledge(b.Context(), Start, is[0].ID, "ann", "on it"))
	b.check(Start.Add(10*time.Minute), "bad")
	if is, err = b.Incidents(b.Context(), monitor.Filter{}); err != nil || is[0].By != "ann" || is[0].Acknowledged.IsZero() || !is[0].Open() {
		b.Errorf("got %+v, %v", is, err)
	}
}

func accept(b bench) {
	b.endpoints(1)
	b.check(Start, "")
	b.ok(b.Accept(b.Context(), Start.Add(time.Minute), "e0000", "ann"))
	es, err := b.Events(b.Context(), monitor.Filter{Endpoint: "e0000", Limit: 1})
	b.ok(err)
	if len(es) != 1 || es[0].Kind != monitor.EventAccepted {
		b.Errorf("got %+v", es)
	}
}

func silence(b bench) {
	b.endpoints(1)
	b.ok(b.SetSilence(b.Context(), monitor.Silence{ID: "s", From: Start, Until: Start.Add(time.Hour), Match: map[string]string{"env": "prod"}}))
	b.check(Start, "bad")
	b.check(Start.Add(time.Minute), "bad")
	if ms := b.outbox(Start.Add(30 * time.Minute)); len(ms) != 0 {
		b.Errorf("told in spite of the silence: %+v", ms)
	}
	b.ok(b.SetSilence(b.Context(), monitor.Silence{ID: "s", From: Start, Until: Start.Add(2 * time.Minute), Match: map[string]string{"env": "prod"}}))
	b.check(Start.Add(20*time.Minute), "bad")
	if ms := b.outbox(Start.Add(30 * time.Minute)); len(ms) != 1 {
		b.Errorf("got %d messages after the silence, want 1", len(ms))
	}
	if ss, err := b.Silences(b.Context()); err != nil || len(ss) != 1 || !ss[0].Until.Equal(Start.Add(2*time.Minute)) {
		b.Errorf("got silences %+v, %v", ss, err)
	}
}

func queries(b bench) {
	b.endpoints(3)
	b.check(Start, "")
	es, err := b.Events(b.Context(), monitor.Filter{Limit: 2})
	b.ok(err)
	if len(es) != 2 || es[0].ID <= es[1].ID || !es[0].At.Equal(Start) {
		b.Fatalf("got %+v, want the two newest", es)
	}
	rest, err := b.Events(b.Context(), monitor.Filter{Before: es[1].ID})
	b.ok(err)
	if len(rest) != 1 || rest[0].ID >= es[1].ID {
		b.Errorf("got %+v on the second page", rest)
	}
	h, err := b.Health(b.Context(), Start.Add(2*time.Hour))
	b.ok(err)
	if h.Endpoints != 3 || h.Overdue != 3 || h.Open != 0 {
		b.Errorf("got health %+v", h)
	}
}

func backup(b bench) {
	b.endpoints(5)
	b.check(Start, "bad")
	path := filepath.Join(b.TempDir(), "copy")
	b.ok(b.Backup(b.Context(), path))
	b.ok(b.Backup(b.Context(), path)) // replaces the older one
	if err := b.Backup(b.Context(), filepath.Join(b.TempDir(), "no", "such", "folder")); err == nil {
		b.Error("a backup into a folder that does not exist succeeds")
	}
}

func nothing(b bench) {
	if got := b.claim(Start, 10); len(got.Works) != 0 {
		b.Errorf("got %v", got)
	}
	if due, err := b.NextDue(b.Context(), vantage); err != nil || !due.IsZero() {
		b.Errorf("got next due %v, %v", due, err)
	}
	for what, err := range map[string]error{
		"acknowledge": b.Acknowledge(b.Context(), Start, "x", "", ""), "accept": b.Accept(b.Context(), Start, "x", ""), "delivered": b.Delivered(b.Context(), Start, "x", monitor.Delivery{}),
	} {
		if !errors.Is(err, monitor.ErrNotFound) {
			b.Errorf("%s: got %v, want ErrNotFound", what, err)
		}
	}
}
