package monitor_test

import (
	"encoding/json"
	"maps"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// digested is a report of checks that say what a digest says.
func digested(now time.Time, met map[string]*diag.Diagnosis) monitor.Report {
	rep := report(met)
	for i := range rep.Outcomes {
		o := &rep.Outcomes[i]
		o.Digest, o.Until = o.Seen.Version+o.Seen.Path[0].Fingerprint, now.Add(12*hour)
	}
	return rep
}

// same makes of a report what a check says that saw the same again.
func same(rep monitor.Report) monitor.Report {
	out := rep
	out.Outcomes = nil
	for _, o := range rep.Outcomes {
		out.Outcomes = append(out.Outcomes, monitor.Outcome{Address: o.Address, SNI: o.SNI, Same: true, Digest: o.Digest, MS: o.MS})
	}
	return out
}

// TestUnchanged holds the short way to the long one: what Unchanged lets pass,
// Apply would only have written times for; and once Apply would say more,
// Unchanged lets nothing pass.
func TestUnchanged(t *testing.T) {
	t.Parallel()
	e := monitor.Endpoint{ID: "e", Target: "shop.example.com", Host: "shop.example.com", Port: 443, Interval: 15 * time.Minute}
	rules := monitor.Rules{Tries: 1, Within: time.Nanosecond, Routes: []monitor.Route{{Channels: []string{"mail"}}}}
	c := cert{serial: 1, from: start.Add(-40 * day), life: 90 * day}
	met := map[string]*diag.Diagnosis{one: healthy(c), two: healthy(c)}
	b := monitor.Before{Now: start, Endpoint: e, Vantage: "here", Sites: 1}
	passed, judged, told := 0, 0, 0
	for b.Now.Before(start.Add(35 * day)) {
		full := digested(b.Now, met)
		q := monitor.Quiet{Now: b.Now, Endpoint: e.ID, Every: e.Every(), Checks: b.Watch.Checks, Reach: maps.Clone(b.Reach)}
		if q.Reach == nil {
			q.Reach = map[string]monitor.Reach{}
		}
		for _, st := range b.States {
			q.Known = append(q.Known, monitor.Calm{Address: st.Address, SNI: st.SNI, Digest: st.Digest, Until: st.Calm})
		}
		short := same(full)
		next, ok := monitor.Unchanged(q, &short)
		after := rules.Apply(b, full)
		told += len(after.Messages)
		if !ok {
			judged++
			b.Watch, b.States, b.Reach, b.Incidents, b.Now = after.Watch, after.States, after.Reach, after.Incidents, after.NextDue
			continue
		}
		passed++
		if len(after.Events)+len(after.Messages)+len(after.Incidents) > 0 || !after.NextDue.Equal(next) || text(after.Reach) != text(q.Reach) {
			t.Fatalf("at %v Apply says more: %+v %+v, due %v and %v, reach %s and %s", b.Now, after.Events, after.Messages, after.NextDue, next, text(after.Reach), text(q.Reach))
		}
		want := make([]monitor.State, len(b.States))
		for i, st := range b.States {
			st.Checked, st.Good = b.Now, b.Now
			want[i] = st
			if x := &after.States[i]; x.Calm.After(st.Calm) {
				x.Calm = st.Calm // judged anew, it holds for longer
			}
		}
		if text(after.States) != text(want) {
			t.Fatalf("at %v Apply keeps\n%s\nwant\n%s", b.Now, text(after.States), text(want))
		}
		b.Watch.Checks, b.States, b.Reach, b.Now = b.Watch.Checks+1, want, q.Reach, next
	}
	if passed < judged || judged < 24 {
		t.Errorf("%d checks passed unread, %d were judged", passed, judged)
	}
	// 50 days are left of 90 at first; a quarter is 22.5 days. The warning may not
	// be late by more than an interval.
	at := start.Add(50*day - 22*day - 12*hour)
	if told != 1 || b.Incidents[0].Opened.Before(at) || b.Incidents[0].Opened.After(at.Add(2*e.Interval)) {
		t.Errorf("told %d times, %+v; want one warning at %v", told, b.Incidents, at)
	}
}

func text(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// TestNotCalm lists what keeps a report from passing unread.
func TestNotCalm(t *testing.T) {
	t.Parallel()
	const digest = "d"
	good := func() (monitor.Quiet, monitor.Report) {
		return monitor.Quiet{Now: start, Endpoint: "e", Every: hour, Known: []monitor.Calm{{Address: one, Digest: digest, Until: start.Add(hour)}, {Address: two, Digest: digest, Until: start.Add(hour)}},
				Reach: map[string]monitor.Reach{}},
			monitor.Report{Addresses: []string{one, two}, Outcomes: []monitor.Outcome{{Address: one, Same: true, Digest: digest}}}
	}
	for name, change := range map[string]func(*monitor.Quiet, *monitor.Report){
		"":                             func(*monitor.Quiet, *monitor.Report) {},
		"an address has left the DNS":  func(_ *monitor.Quiet, r *monitor.Report) { r.Addresses = []string{one} },
		"the name does not resolve":    func(_ *monitor.Quiet, r *monitor.Report) { r.Addresses = nil },
		"a new address":                func(_ *monitor.Quiet, r *monitor.Report) { r.Outcomes[0].Address = "192.0.2.9:443" },
		"another digest":               func(_ *monitor.Quiet, r *monitor.Report) { r.Outcomes[0].Digest = "x" },
		"no digest":                    func(q *monitor.Quiet, r *monitor.Report) { r.Outcomes[0].Digest, q.Known[0].Digest = "", "" },
		"a judged check":               func(_ *monitor.Quiet, r *monitor.Report) { r.Outcomes[0].Same = false },
		"the judgement is old":         func(q *monitor.Quiet, _ *monitor.Report) { q.Known[0].Until = start },
		"trouble at another address":   func(q *monitor.Quiet, _ *monitor.Report) { q.Known[1].Until = time.Time{} },
		"the vantage point is offline": func(q *monitor.Quiet, _ *monitor.Report) { q.Reach["public"] = monitor.Reach{Offline: true} },
		"nothing was checked":          func(_ *monitor.Quiet, r *monitor.Report) { r.Outcomes = nil },
	} {
		q, r := good()
		change(&q, &r)
		if _, ok := monitor.Unchanged(q, &r); ok != (name == "") {
			t.Errorf("%q: got %v", name, ok)
		}
	}
}

// TestRecall mixes a check that saw the same with one that saw trouble: the
// first must not lose what is known, and both count.
func TestRecall(t *testing.T) {
	t.Parallel()
	e := monitor.Endpoint{ID: "e", Target: "shop.example.com", Host: "shop.example.com", Port: 443}
	rules := monitor.Rules{Tries: 1, Within: time.Nanosecond}
	c := cert{serial: 1, from: start.Add(-10 * day), life: 90 * day}
	after := rules.Apply(monitor.Before{Now: start, Endpoint: e, Vantage: "here"}, digested(start, map[string]*diag.Diagnosis{one: healthy(c), two: healthy(c)}))
	b := monitor.Before{Now: start.Add(hour / 2), Endpoint: e, Vantage: "here", Watch: after.Watch, States: after.States, Reach: after.Reach}
	rep := same(digested(b.Now, map[string]*diag.Diagnosis{one: healthy(c), two: healthy(c)}))
	rep.Outcomes[1] = monitor.Observe(failing(healthy(c), "cert-revoked", diag.StageCertificate), two, false)
	next := rules.Apply(b, rep)
	for _, st := range next.States {
		if st.Address == one && (st.Verdict != diag.OK || st.Now.Leaf() == nil || !st.Checked.Equal(b.Now) || !st.Good.Equal(b.Now)) {
			t.Errorf("got %+v where the same was seen", st)
		}
		if st.Address == two && (st.Verdict != diag.Failure || !st.Calm.IsZero()) {
			t.Errorf("got %+v where there is trouble", st)
		}
	}
	// What is not known any more, the same as before says nothing of.
	b.States = nil
	if got := rules.Apply(b, same(rep)); len(got.States) != 0 {
		t.Errorf("got %+v out of nothing", got.States)
	}
}

// TestUntestedPlace keeps our own inability from making a second state.
func TestUntestedPlace(t *testing.T) {
	t.Parallel()
	e := monitor.Endpoint{ID: "e", Target: "shop.example.com", Host: "shop.example.com", Port: 443}
	rules := monitor.Rules{}
	c := cert{serial: 1, from: start.Add(-10 * day), life: 90 * day}
	good := report(map[string]*diag.Diagnosis{one: healthy(c)})
	ours := monitor.Report{Addresses: []string{one}, Outcomes: []monitor.Outcome{{Address: one, Verdict: diag.Untested, Note: "no key"}}}
	var states []monitor.State
	for i, rep := range []monitor.Report{ours, good, ours, good} {
		states = rules.Apply(monitor.Before{Now: start.Add(time.Duration(i) * hour), Endpoint: e, Vantage: "here", States: states}, rep).States
		if len(states) != 1 {
			t.Fatalf("after %d checks of one address there are %d states", i+1, len(states))
		}
	}
	if states[0].SNI != "shop.example.com" || states[0].Verdict != diag.OK {
		t.Errorf("got %+v", states[0])
	}
}
