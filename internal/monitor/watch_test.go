package monitor_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

var start = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

const (
	hour = time.Hour
	day  = 24 * hour
)

// world plays the store in memory: several endpoints at one vantage point, and
// a clock that the test moves.
type world struct {
	t         *testing.T
	now       time.Time
	rules     monitor.Rules
	endpoints []*monitor.Endpoint
	watch     map[string]monitor.Watch
	states    map[string][]monitor.State
	due       map[string]time.Time
	reach     map[string]monitor.Reach
	incidents []monitor.Incident
	messages  []monitor.Message
	events    []monitor.Event
	silences  []monitor.Silence
	// answer is what a check meets.
	answer func(e *monitor.Endpoint) monitor.Report
}

func newWorld(t *testing.T, hosts ...string) *world {
	w := &world{t: t, now: start, watch: map[string]monitor.Watch{}, states: map[string][]monitor.State{}, due: map[string]time.Time{}, reach: map[string]monitor.Reach{},
		rules: monitor.Rules{Routes: []monitor.Route{{Channels: []string{"mail"}}}}}
	for _, h := range hosts {
		e := &monitor.Endpoint{ID: h, Target: h, Host: h, Port: 443, Owner: "web", Interval: 5 * time.Minute}
		w.endpoints = append(w.endpoints, e)
		w.due[h] = start
	}
	return w
}

// run checks what is due until the moment, like the scheduler.
func (w *world) run(until time.Time) {
	for {
		var next *monitor.Endpoint
		for _, e := range w.endpoints {
			if next == nil || w.due[e.ID].Before(w.due[next.ID]) {
				next = e
			}
		}
		if !w.due[next.ID].Before(until) {
			w.now = until
			return
		}
		if w.due[next.ID].After(w.now) {
			w.now = w.due[next.ID]
		}
		w.check(next)
	}
}

func (w *world) check(e *monitor.Endpoint) {
	rep := w.answer(e)
	rep.Endpoint, rep.Vantage, rep.At = e.ID, "here", w.now
	var mine []monitor.Incident
	for _, i := range w.incidents {
		if (i.Endpoint == e.ID || i.Endpoint == "") && (i.Open() || w.now.Sub(i.Resolved) <= monitor.ReopenWithin) {
			mine = append(mine, i)
		}
	}
	sites := map[string]bool{}
	for _, x := range w.endpoints {
		sites[x.Site()] = true
	}
	after := w.rules.Apply(monitor.Before{Now: w.now, Endpoint: *e, Vantage: "here", Watch: w.watch[e.ID], States: w.states[e.ID], Incidents: mine,
		Reach: w.reach, Sites: len(sites), Silences: w.silences}, rep)
	w.watch[e.ID], w.states[e.ID], w.due[e.ID], w.reach = after.Watch, after.States, after.NextDue, after.Reach
	for _, i := range after.Incidents {
		at := slices.IndexFunc(w.incidents, func(x monitor.Incident) bool { return x.ID == i.ID })
		if at < 0 {
			w.incidents = append(w.incidents, i)
			continue
		}
		w.incidents[at] = i
	}
	w.messages = append(w.messages, after.Messages...)
	w.events = append(w.events, after.Events...)
	if after.Hasten {
		for _, x := range w.endpoints {
			if x.ID != e.ID && w.due[x.ID].After(w.now) {
				w.due[x.ID] = w.now
			}
		}
	}
}

// told lists the messages as "kind cause severity".
func (w *world) told() []string {
	out := []string{}
	for _, m := range w.messages {
		i := m.Items[0].Incident
		out = append(out, fmt.Sprintf("%s %s %s", m.Kind, i.Finding.Cause, i.Severity))
	}
	return out
}

func (w *world) wantTold(want ...string) {
	w.t.Helper()
	if got := w.told(); !slices.Equal(got, want) {
		for _, e := range w.events {
			w.t.Logf("%s %s %s %s: %s", e.At.Format(time.DateTime), e.Endpoint, e.Kind, e.Address, e.Text)
		}
		w.t.Errorf("got messages %q, want %q", got, want)
	}
}

func (w *world) open() int {
	n := 0
	for _, i := range w.incidents {
		if i.Open() {
			n++
		}
	}
	return n
}

// cert is a certificate as the diagnosis shows it.
type cert struct {
	serial int
	from   time.Time
	life   time.Duration
	issuer string
	key    string
	names  []string
}

func (c cert) list() []diag.Certificate {
	if c.issuer == "" {
		c.issuer = "CN=R10,O=Let's Encrypt,C=US"
	}
	if c.key == "" {
		c.key = "ECDSA P-256"
	}
	if c.names == nil {
		c.names = []string{"shop.example.com"}
	}
	years := 365 * day
	return []diag.Certificate{
		{Role: "leaf", Source: "sent", Subject: "CN=shop.example.com", Issuer: c.issuer, Serial: fmt.Sprint(c.serial), NotBefore: c.from, NotAfter: c.from.Add(c.life), Names: c.names, Key: c.key, Fingerprint: fmt.Sprintf("leaf-%d", c.serial)},
		{Role: "intermediate", Source: "sent", Subject: c.issuer, Issuer: "CN=Root,O=ISRG", Serial: "2", NotBefore: start.Add(-years), NotAfter: start.Add(8 * years), Key: "RSA 2048", Fingerprint: "ca"},
		{Role: "root", Source: "anchor", Subject: "CN=Root,O=ISRG", Issuer: "CN=Root,O=ISRG", Serial: "1", NotBefore: start.Add(-20 * years), NotAfter: start.Add(-day), Key: "RSA 4096", Fingerprint: "root"},
	}
}

// healthy is the diagnosis of a handshake that works.
func healthy(c cert) *diag.Diagnosis {
	return &diag.Diagnosis{Verdict: diag.OK, Certificates: c.list(), Target: diag.Target{SNI: "shop.example.com"},
		Attempts: []diag.Attempt{{N: 1, EndKind: "completed", Stage: diag.StageApplication, Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", ALPN: "h2", Received: 3000}}}
}

// failing adds a cause to a diagnosis.
func failing(d *diag.Diagnosis, id string, stage diag.Stage) *diag.Diagnosis {
	d.Verdict = diag.Failure
	d.Causes = append(d.Causes, diag.Cause{ID: id, Severity: diag.SeverityFailure, Confidence: diag.Proven, Stage: stage, Summary: id + " it is",
		Evidence: []diag.Evidence{{Text: "seen", Where: "attempt 1"}}, Fixes: []diag.Fix{{Side: "server", Action: "mend", Text: "mend it"}}, Verify: "tlswhy shop.example.com"})
	return d
}

// silence is the diagnosis of an address that sends nothing.
func silence() *diag.Diagnosis {
	d := failing(&diag.Diagnosis{Attempts: []diag.Attempt{{N: 1, EndKind: "no answer to the connect", Stage: diag.StageConnect}}}, "tcp-timeout", diag.StageConnect)
	d.Target.SNI = "shop.example.com"
	return d
}

// report is a check that met the diagnoses, by address.
func report(met map[string]*diag.Diagnosis) monitor.Report {
	rep := monitor.Report{Addresses: slices.Sorted(maps.Keys(met))}
	for _, addr := range rep.Addresses {
		rep.Outcomes = append(rep.Outcomes, monitor.Observe(met[addr], addr, false))
	}
	return rep
}

func at(addr string, d *diag.Diagnosis) monitor.Report {
	return report(map[string]*diag.Diagnosis{addr: d})
}

const one, two = "192.0.2.1:443", "192.0.2.2:443"
