package monitor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestComplaints are what users of other monitors have complained of, each with
// the thread in which they did. What is not a matter of the rules is tested
// where it belongs: lost and repeated messages in loop and sqlite, channels in
// alert, sources in source, files on disk in source and cmd.
func TestComplaints(t *testing.T) {
	t.Parallel()
	ninety := cert{serial: 1, from: start, life: 90 * day}
	aged := func(age, life time.Duration) cert { return cert{serial: 1, from: start.Add(-age), life: life} }
	with := func(c cert, edit func(*diag.Diagnosis)) *diag.Diagnosis {
		d := healthy(c)
		edit(d)
		return d
	}
	always := func(d *diag.Diagnosis) func(*world) monitor.Report {
		return func(*world) monitor.Report { return at(one, d) }
	}
	for _, c := range []struct {
		name   string
		answer func(w *world) monitor.Report
		until  time.Duration
		want   []string
		check  func(t *testing.T, w *world)
	}{
		{name: "blackbox 340: an expired extra cross-sign is no alarm", until: day, answer: always(with(ninety, func(d *diag.Diagnosis) {
			d.Certificates = append(d.Certificates, diag.Certificate{Role: "extra", Source: "sent", NotBefore: start.Add(-900 * day), NotAfter: start.Add(-day), Fingerprint: "x"})
		}))},
		{name: "blackbox 1119: an alert does not end because the certificate expired", until: 31 * day, want: []string{"opened expires-soon warning", "escalated expires-soon critical", "updated cert-expired critical"},
			answer: func(w *world) monitor.Report {
				d := healthy(aged(61*day, 90*day))
				d.Certificates[0].NotAfter = start.Add(29 * day)
				if w.now.After(start.Add(29 * day)) {
					failing(d, "cert-expired", diag.StageCertificate)
				}
				return at(one, d)
			}, check: func(t *testing.T, w *world) {
				if w.open() != 1 || len(w.incidents) != 1 {
					t.Errorf("%d incidents, %d open; want one, open", len(w.incidents), w.open())
				}
			}},
		{name: "blackbox 473: one bad address of eight is found", until: hour, want: []string{"digest hostname-mismatch critical"}, answer: func(*world) monitor.Report {
			met := map[string]*diag.Diagnosis{}
			for _, n := range []string{"1", "2", "3", "4", "5", "6", "7"} {
				met["192.0.2."+n+":443"] = healthy(ninety)
			}
			met["[2001:db8::8]:443"] = failing(healthy(ninety), "hostname-mismatch", diag.StageCertificate)
			return report(met)
		}, check: func(t *testing.T, w *world) {
			if got := w.incidents[0].Addresses; !slices.Equal(got, []string{"[2001:db8::8]:443"}) {
				t.Errorf("got addresses %q", got)
			}
		}},
		{name: "uptime-kuma 5374: two certificates behind one address do not alert every two minutes", until: 3 * day, want: []string{"opened expires-soon warning", "opened drift-rollback warning", "resolved drift-rollback warning"}, answer: func(w *world) monitor.Report {
			if w.now.Unix()/300%2 == 0 {
				return at(one, healthy(ninety))
			}
			return at(one, healthy(cert{serial: 2, from: start.Add(-70 * day), life: 90 * day}))
		}},
		{name: "uptime-kuma 7872: a certificate of six days is not red for all of its life", until: 2 * day, answer: always(healthy(aged(0, 160*hour)))},
		{name: "uptime-kuma 2899: one message for all thresholds crossed at once", until: hour, want: []string{"digest expires-soon critical"}, answer: always(healthy(aged(89*day, 90*day)))},
		{name: "uptime-kuma 3323: a root that has expired is no alarm", until: day, answer: always(with(ninety, func(d *diag.Diagnosis) { d.Certificates[2].NotAfter = start.Add(-635 * day) }))},
		{name: "uptime-kuma 2593: an intermediate that ends first is an alarm", until: hour, want: []string{"digest expires-soon warning"}, answer: always(with(ninety, func(d *diag.Diagnosis) { d.Certificates[1].NotAfter = start.Add(20 * day) })),
			check: func(t *testing.T, w *world) {
				if s := w.incidents[0].Finding.Summary; !strings.Contains(s, "intermediate") {
					t.Errorf("got %q", s)
				}
			}},
		{name: "uptime-kuma 4143: a renewal is an event, another CA an alarm", until: 4 * hour, want: []string{"opened drift-issuer warning"}, answer: func(w *world) monitor.Report {
			switch {
			case w.now.Before(start.Add(hour)):
				return at(one, healthy(ninety))
			case w.now.Before(start.Add(2 * hour)):
				return at(one, healthy(cert{serial: 2, from: start.Add(hour), life: 90 * day}))
			}
			return at(one, with(cert{serial: 3, from: start.Add(2 * hour), life: 90 * day, issuer: "CN=X,O=Other"}, func(d *diag.Diagnosis) { d.Certificates[2].Fingerprint = "other root" }))
		}, check: func(t *testing.T, w *world) {
			if !slices.ContainsFunc(w.events, func(e monitor.Event) bool {
				return e.Kind == monitor.EventDrift && strings.HasPrefix(e.Text, "renewed")
			}) {
				t.Error("the renewal is no event")
			}
		}},
		{name: "uptime-kuma 4687: the alert names owner and runbook", until: hour, want: []string{"digest hostname-mismatch critical"}, answer: func(w *world) monitor.Report {
			w.endpoints[0].Runbook = "wiki/renew"
			return at(one, failing(healthy(ninety), "hostname-mismatch", diag.StageCertificate))
		}, check: func(t *testing.T, w *world) {
			if it := w.messages[0].Items[0]; it.Incident.Owner != "web" || it.Runbook != "wiki/renew" {
				t.Errorf("got %+v", it)
			}
		}},
		{name: "uptime-kuma 5819: a check that could not be made looks neither healthy nor broken", until: hour, answer: always(&diag.Diagnosis{Verdict: diag.Untested})},
		{name: "uptime-kuma, day zero: it is told in the last hours too", until: hour, want: []string{"digest expires-soon critical"}, answer: always(healthy(aged(90*day-12*hour, 90*day)))},
		{name: "gatus 679: an alert is not repeated while it lasts", until: 30 * day, want: []string{"digest hostname-mismatch critical"}, answer: always(failing(healthy(cert{serial: 1, from: start, life: 300 * day}), "hostname-mismatch", diag.StageCertificate))},
		{name: "cert-manager 4683: a renewal that is overdue is told before it expires", until: 11 * day, want: []string{"opened expires-soon warning"}, answer: always(healthy(aged(57*day, 90*day))), check: func(t *testing.T, w *world) {
			if !slices.ContainsFunc(w.incidents[0].Finding.Evidence, func(e diag.Evidence) bool { return strings.Contains(e.Text, "overdue") }) {
				t.Errorf("the renewal is not called overdue: %+v", w.incidents[0].Finding)
			}
		}},
		{name: "certbot 3499: renewed on disk and not served is told long before the end", until: hour, want: []string{"digest renewed-not-deployed warning"}, answer: always(failing(healthy(aged(61*day, 90*day)), "renewed-not-deployed", diag.StageCertificate))},
		{name: "waifulabs 5655: no alarm while the ACME client has not renewed yet and need not", until: 6 * day, answer: always(healthy(aged(60*day, 90*day)))},
		{name: "deckhouse 19446: dates of zero are no certificate that expired in the year 1", until: day, answer: always(with(ninety, func(d *diag.Diagnosis) {
			d.Certificates[0].NotBefore, d.Certificates[0].NotAfter = time.Time{}, time.Time{}
		}))},
		{name: "check_ssl_cert 530: a responder that was shut down is no alarm", until: day, answer: always(with(ninety, func(d *diag.Diagnosis) {
			d.Causes = []diag.Cause{{ID: "revocation-unavailable", Severity: diag.SeverityInfo, Summary: "could not be found out"}}
		}))},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			if c.until > day {
				w.endpoints[0].Interval = hour
			}
			w.answer = func(*monitor.Endpoint) monitor.Report { return c.answer(w) }
			w.run(start.Add(c.until))
			w.wantTold(c.want...)
			if c.check != nil && !t.Failed() {
				c.check(t, w)
			}
		})
	}
}
