package monitor_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// lifetimes are those that certificates have or will have.
var lifetimes = map[string]time.Duration{"160 h": 160 * hour, "47 d": 47 * day, "90 d": 90 * day, "200 d": 200 * day, "398 d": 398 * day}

// TestYear renews normally, at a third of the lifetime and node by node, for a
// year; then the renewal stops.
func TestYear(t *testing.T) {
	t.Parallel()
	for name, life := range lifetimes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			w.endpoints[0].Interval = hour
			renews := true
			nodes := map[string]cert{one: {serial: 100, from: start.Add(-life / 2), life: life}, two: {serial: 100, from: start.Add(-life / 2), life: life}}
			serial, newest := 100, nodes[one]
			w.answer = func(*monitor.Endpoint) monitor.Report {
				left := newest.from.Add(life).Sub(w.now)
				if renews && left <= life/3 {
					serial++
					newest = cert{serial: serial, from: w.now.Add(-hour), life: life}
					nodes[one] = newest
				}
				if w.now.Sub(newest.from) > 5*hour { // the second node follows later
					nodes[two] = newest
				}
				met := map[string]*diag.Diagnosis{}
				for addr, c := range nodes {
					met[addr] = healthy(c)
				}
				return report(met)
			}
			w.run(start.Add(365 * day))
			w.wantTold()
			renews = false
			w.run(newest.from.Add(life - hour))
			w.wantTold("opened expires-soon warning", "escalated expires-soon critical")
			if len(w.incidents) != 1 {
				t.Errorf("got %d incidents, want one", len(w.incidents))
			}
			newest = cert{serial: 9999, from: w.now, life: life}
			nodes[one], nodes[two] = newest, newest
			w.run(w.now.Add(6 * hour))
			w.wantTold("opened expires-soon warning", "escalated expires-soon critical", "resolved expires-soon critical")
		})
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		cert   cert
		change func(*diag.Diagnosis)
		expect monitor.Expect
		want   string // "severity words", "" for nothing
	}{
		{name: "6 days, first day", cert: cert{from: start, life: 160 * hour}},
		{name: "6 days, renewed late", cert: cert{from: start.Add(-125 * hour), life: 160 * hour}, want: "warning 35 hours"},
		{name: "6 days, nearly over", cert: cert{from: start.Add(-145 * hour), life: 160 * hour}, want: "critical 15 hours"},
		{name: "90 days, at the renewal", cert: cert{from: start.Add(-61 * day), life: 90 * day}},
		{name: "90 days, 22 left", cert: cert{from: start.Add(-68 * day), life: 90 * day}, want: "warning 22 days"},
		{name: "90 days, 7 left", cert: cert{from: start.Add(-83*day - hour), life: 90 * day}, want: "critical 6 days"},
		{name: "years, 29 days left", cert: cert{from: start.Add(-771 * day), life: 800 * day}, want: "warning 29 days"},
		{name: "the last hour", cert: cert{from: start.Add(-90*day + hour/2), life: 90 * day}, want: "critical 31 minutes"},
		{name: "own thresholds", cert: cert{from: start.Add(-50 * day), life: 90 * day}, expect: monitor.Expect{Warn: 45 * day}, want: "warning 40 days"},
		{name: "own threshold is lower", cert: cert{from: start.Add(-70 * day), life: 90 * day}, expect: monitor.Expect{Warn: 14 * day}},
		{name: "intermediate", cert: cert{from: start, life: 90 * day}, change: func(d *diag.Diagnosis) { d.Certificates[1].NotAfter = start.Add(20 * day) }, want: "warning intermediate"},
		{name: "leaf and intermediate, the worse one", cert: cert{from: start.Add(-68 * day), life: 90 * day}, change: func(d *diag.Diagnosis) { d.Certificates[1].NotAfter = start.Add(day) }, want: "critical intermediate"},
		{name: "expired extra certificate", cert: cert{from: start, life: 90 * day}, change: func(d *diag.Diagnosis) {
			d.Certificates = append(d.Certificates, diag.Certificate{Role: "extra", Source: "sent", NotBefore: start.Add(-900 * day), NotAfter: start.Add(-day)})
		}},
		{name: "no dates", cert: cert{from: start, life: 90 * day}, change: func(d *diag.Diagnosis) {
			d.Certificates[0].NotBefore, d.Certificates[0].NotAfter = time.Time{}, time.Time{}
		}},
		{name: "catalogue's own warning is judged by the endpoint's thresholds", cert: cert{from: start.Add(-70 * day), life: 90 * day}, expect: monitor.Expect{Warn: 14 * day}, change: func(d *diag.Diagnosis) {
			d.Verdict = diag.Warning
			d.Causes = []diag.Cause{{ID: "expires-soon", Severity: diag.SeverityWarning, Summary: "expires in 20 days"}}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			w.endpoints[0].Expect = c.expect
			c.cert.from = c.cert.from.Add(2 * time.Minute) // the moment at which the incident opens
			d := healthy(c.cert)
			if c.change != nil {
				c.change(d)
			}
			w.answer = func(*monitor.Endpoint) monitor.Report { return at(one, d) }
			w.run(start.Add(2 * time.Minute))
			got := ""
			if len(w.incidents) > 0 {
				got = string(w.incidents[0].Severity) + " " + w.incidents[0].Finding.Summary
			}
			severity, words, _ := strings.Cut(c.want, " ")
			if (got == "") != (c.want == "") || !strings.HasPrefix(got, severity) || !strings.Contains(got, words) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestDowntime keeps what an outage cannot refute: nobody renewed anything
// while the server was down.
func TestDowntime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "shop.example.com")
	expired := func() *diag.Diagnosis {
		return failing(healthy(cert{from: start.Add(-91 * day), life: 90 * day}), "cert-expired", diag.StageCertificate)
	}
	met := expired()
	w.answer = func(*monitor.Endpoint) monitor.Report { return at(one, met) }
	w.run(start.Add(5 * time.Minute))
	met = silence()
	w.run(start.Add(time.Hour))
	met = expired()
	w.run(start.Add(2 * time.Hour))
	w.wantTold("digest cert-expired critical", "opened tcp-timeout critical", "resolved tcp-timeout critical")
	met = healthy(cert{serial: 2, from: start, life: 90 * day})
	w.run(start.Add(3 * time.Hour))
	if w.open() != 0 {
		t.Errorf("%d incidents are still open", w.open())
	}
}

// TestSpoiledFile keeps what a file said that can no longer be read.
func TestSpoiledFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "shop.example.com")
	w.endpoints[0].Kind = monitor.KindFile
	ending := func() *diag.Diagnosis {
		d := healthy(cert{from: start.Add(-80 * day), life: 90 * day})
		d.Target, d.Attempts = diag.Target{}, nil
		return d
	}
	met := ending()
	w.answer = func(*monitor.Endpoint) monitor.Report {
		return monitor.Report{Outcomes: []monitor.Outcome{monitor.Observe(met, "", false)}}
	}
	w.run(start.Add(time.Hour))
	met = &diag.Diagnosis{Verdict: diag.Warning, Causes: []diag.Cause{{ID: "file-or-config-error", Severity: diag.SeverityWarning, Summary: "it cannot be used"}}}
	w.run(start.Add(3 * time.Hour))
	w.wantTold("digest expires-soon warning", "opened file-or-config-error warning")
	met = ending()
	w.run(start.Add(5 * time.Hour))
	w.wantTold("digest expires-soon warning", "opened file-or-config-error warning", "resolved file-or-config-error warning")
}

func TestConfirmWindow(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		bad   func(check int) bool
		until time.Duration
		want  []string
	}{
		{"one bad check", func(n int) bool { return n == 3 }, 4 * hour, nil},
		{"two bad checks", func(n int) bool { return n == 3 || n == 4 }, 4 * hour, nil},
		{"bad for good", func(n int) bool { return n >= 3 }, 4 * hour, []string{"opened handshake-cut critical"}},
		{"bad and mended", func(n int) bool { return n >= 3 && n < 20 }, 4 * hour, []string{"opened handshake-cut critical", "resolved handshake-cut critical"}},
		{"every second connection", func(n int) bool { return n > 2 && n%2 == 0 }, 4 * hour, []string{"opened handshake-cut critical"}},
		{"one in three", func(n int) bool { return n > 2 && n%3 == 0 }, 4 * hour, []string{"opened handshake-cut critical"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			n := 0
			w.answer = func(*monitor.Endpoint) monitor.Report {
				n++
				d := healthy(cert{from: start, life: 90 * day})
				if c.bad(n) {
					failing(d, "handshake-cut", diag.StageServerHello)
				}
				return at(one, d)
			}
			w.run(start.Add(c.until))
			w.wantTold(c.want...)
		})
	}
}

// TestAlertInTime opens within the confirm window and no later.
func TestAlertInTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "shop.example.com")
	broken := time.Time{}
	w.answer = func(*monitor.Endpoint) monitor.Report {
		d := healthy(cert{from: start, life: 90 * day})
		if w.now.Sub(start) > hour {
			if broken.IsZero() {
				broken = w.now
			}
			failing(d, "hostname-mismatch", diag.StageCertificate)
		}
		return at(one, d)
	}
	w.run(start.Add(2 * hour))
	w.wantTold("opened hostname-mismatch critical")
	if late := w.messages[0].Due.Sub(broken); late > 30*time.Second {
		t.Errorf("the message is due %v after the fault was first seen", late)
	}
	if i := w.messages[0].Items[0].Incident; i.LastGood.IsZero() || len(i.Finding.Fixes) == 0 || i.Finding.Verify == "" || len(i.Finding.Evidence) == 0 {
		t.Errorf("the message lacks the last good check, evidence, fix or verify: %+v", i)
	}
}

func TestUplink(t *testing.T) {
	t.Parallel()
	hosts := []string{"a.example.com", "b.example.net", "c.example.org", "d.example.edu", "e.example.info"}
	cut := func(w *world) bool {
		return w.now.After(start.Add(hour)) && w.now.Before(start.Add(hour+10*time.Minute))
	}
	for _, c := range []struct {
		name  string
		hosts []string
		down  func(w *world, host string) bool
		want  []string
	}{
		{"all fall silent", hosts, func(w *world, _ string) bool { return cut(w) }, []string{"opened vantage-offline critical", "resolved vantage-offline critical"}},
		{"one falls silent", hosts, func(w *world, h string) bool { return cut(w) && h == hosts[0] }, []string{"opened tcp-timeout critical", "resolved tcp-timeout critical"}},
		{"the only one falls silent", hosts[:1], func(w *world, _ string) bool { return cut(w) }, []string{"opened tcp-timeout critical", "resolved tcp-timeout critical"}},
		{"two of two", hosts[:2], func(w *world, _ string) bool { return cut(w) }, []string{"opened tcp-timeout critical", "opened tcp-timeout critical", "resolved tcp-timeout critical", "resolved tcp-timeout critical"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.hosts...)
			w.answer = func(e *monitor.Endpoint) monitor.Report {
				if c.down(w, e.Host) {
					return at(one, silence())
				}
				return at(one, healthy(cert{from: start, life: 90 * day}))
			}
			w.run(start.Add(3 * hour))
			w.wantTold(c.want...)
			if w.open() != 0 {
				t.Errorf("%d incidents are still open", w.open())
			}
		})
	}
}

// TestUntested neither opens nor resolves.
func TestUntested(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "shop.example.com")
	met := failing(healthy(cert{from: start, life: 90 * day}), "hostname-mismatch", diag.StageCertificate)
	w.answer = func(*monitor.Endpoint) monitor.Report { return at(one, met) }
	w.run(start.Add(10 * time.Minute))
	met = &diag.Diagnosis{Verdict: diag.Untested, Target: diag.Target{SNI: "shop.example.com"}}
	w.run(start.Add(5 * hour))
	w.wantTold("digest hostname-mismatch critical")
	if w.open() != 1 {
		t.Errorf("got %d open incidents, want 1", w.open())
	}
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	good, bad := healthy(cert{from: start, life: 90 * day}), failing(healthy(cert{from: start, life: 90 * day}), "hostname-mismatch", diag.StageCertificate)
	t.Run("one bad of two is one incident", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "shop.example.com")
		w.answer = func(*monitor.Endpoint) monitor.Report { return report(map[string]*diag.Diagnosis{one: good, two: bad}) }
		w.run(start.Add(hour))
		w.wantTold("digest hostname-mismatch critical")
		if !slices.Equal(w.incidents[0].Addresses, []string{two}) {
			t.Errorf("got addresses %q", w.incidents[0].Addresses)
		}
	})
	t.Run("an address that leaves takes its incident along", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "shop.example.com")
		w.answer = func(*monitor.Endpoint) monitor.Report {
			if w.now.Sub(start) > hour {
				return at(one, good)
			}
			return report(map[string]*diag.Diagnosis{one: good, two: bad})
		}
		w.run(start.Add(3 * hour))
		if w.open() != 0 || w.incidents[0].Why != "address-gone" {
			t.Errorf("got %d open, why %q", w.open(), w.incidents[0].Why)
		}
	})
	t.Run("DNS that flaps closes and opens nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "shop.example.com")
		n := 0
		w.answer = func(*monitor.Endpoint) monitor.Report {
			if n++; n%2 == 0 {
				return at(one, good)
			}
			return report(map[string]*diag.Diagnosis{one: good, two: bad})
		}
		w.run(start.Add(6 * hour))
		w.wantTold("digest hostname-mismatch critical")
	})
	t.Run("a name that is lost for a while", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, "shop.example.com")
		w.answer = func(*monitor.Endpoint) monitor.Report {
			if s := w.now.Sub(start); s > hour && s < 2*hour {
				d := failing(&diag.Diagnosis{}, "dns-failure", diag.StageResolve)
				return monitor.Report{Outcomes: []monitor.Outcome{monitor.Observe(d, "", false)}}
			}
			return at(one, good)
		}
		w.run(start.Add(4 * hour))
		w.wantTold("opened dns-failure critical", "resolved dns-failure critical")
	})
}

func TestDrift(t *testing.T) {
	t.Parallel()
	first := cert{serial: 1, from: start, life: 90 * day}
	for _, c := range []struct {
		name string
		cert cert
		edit func(*diag.Diagnosis)
		want []string
	}{
		{"renewal", cert{serial: 2, from: start.Add(hour), life: 90 * day}, nil, nil},
		{"sibling intermediate", cert{serial: 2, from: start.Add(hour), life: 90 * day, issuer: "CN=R11,O=Let's Encrypt,C=US"}, nil, nil},
		{"other issuer, same root", cert{serial: 2, from: start.Add(hour), life: 90 * day, issuer: "CN=X,O=Brand"}, nil, nil},
		{"other CA", cert{serial: 2, from: start.Add(hour), life: 90 * day, issuer: "CN=X,O=Other"}, func(d *diag.Diagnosis) { d.Certificates[2].Fingerprint = "other root" }, []string{"opened drift-issuer warning"}},
		{"stronger key", cert{serial: 2, from: start.Add(hour), life: 90 * day, key: "ECDSA P-384"}, nil, nil},
		{"names lost", cert{serial: 2, from: start.Add(hour), life: 90 * day, names: []string{"www.example.com"}}, nil, []string{"opened drift-names warning"}},
		{"older certificate", cert{serial: 0, from: start.Add(-40 * day), life: 90 * day}, nil, []string{"opened drift-rollback warning"}},
		{"lower version", first, func(d *diag.Diagnosis) {
			d.Attempts[0].Version, d.Attempts[0].Suite = "TLS 1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
		}, []string{"opened drift-version warning"}},
		{"weaker suite", first, func(d *diag.Diagnosis) { d.Attempts[0].Suite = "TLS_RSA_WITH_AES_128_CBC_SHA" }, []string{"opened drift-suite warning"}},
		{"equal suite", first, func(d *diag.Diagnosis) { d.Attempts[0].Suite = "TLS_AES_256_GCM_SHA384" }, nil},
		{"ALPN lost", first, func(d *diag.Diagnosis) { d.Attempts[0].ALPN = "" }, []string{"opened drift-alpn warning"}},
		{"asks for a client certificate", first, func(d *diag.Diagnosis) {
			d.Attempts[0].Messages = []diag.Message{{From: "server", Name: "CertificateRequest"}}
		}, []string{"opened drift-client-certificate warning"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			w.answer = func(*monitor.Endpoint) monitor.Report {
				if w.now.Sub(start) < hour {
					return at(one, healthy(first))
				}
				d := healthy(c.cert)
				if c.edit != nil {
					c.edit(d)
				}
				return at(one, d)
			}
			w.run(start.Add(6 * hour))
			w.wantTold(c.want...)
			if len(c.want) == 0 {
				return
			}
			watch := w.watch["shop.example.com"]
			watch.Baseline = monitor.Learn(w.states["shop.example.com"])
			w.watch["shop.example.com"] = watch
			w.run(start.Add(7 * hour))
			if c.name != "older certificate" && w.open() != 0 {
				t.Errorf("accepted as the new baseline, and still open")
			}
		})
	}
}

// TestTwoCertificates is a balancer in front of two nodes with a certificate
// each, behind one address: no drift, whichever answers.
func TestTwoCertificates(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "shop.example.com")
	n := 0
	w.answer = func(*monitor.Endpoint) monitor.Report {
		n++
		return at(one, healthy(cert{serial: n % 2, from: start.Add(-time.Duration(n%2) * day), life: 90 * day}))
	}
	w.run(start.Add(5 * day))
	drifts := 0
	for _, e := range w.events {
		if e.Kind == monitor.EventDrift {
			drifts++
		}
	}
	if drifts > 1 {
		t.Errorf("got %d drift events for two certificates", drifts)
	}
}

func TestSilence(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "shop.example.com")
	w.silences = []monitor.Silence{{ID: "s1", From: start, Until: start.Add(2 * hour), Match: map[string]string{"owner": "web"}}, {ID: "empty", From: start, Until: start.Add(900 * hour)}}
	w.answer = func(*monitor.Endpoint) monitor.Report {
		d := healthy(cert{from: start, life: 90 * day})
		if w.now.Sub(start) > hour {
			failing(d, "hostname-mismatch", diag.StageCertificate)
		}
		return at(one, d)
	}
	w.run(start.Add(2*hour - time.Minute))
	w.wantTold()
	if w.open() != 1 {
		t.Errorf("a silenced incident must open all the same")
	}
	w.run(start.Add(2*hour + 10*time.Minute))
	w.wantTold("opened hostname-mismatch critical")
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	r := monitor.Rules{Routes: []monitor.Route{
		{Match: map[string]string{"owner": "web"}, MinSeverity: monitor.Critical, Channels: []string{"pager"}, Continue: true},
		{Match: map[string]string{"env": "prod"}, Channels: []string{"mail", "chat"}},
		{Channels: []string{"mail"}},
	}}
	for _, c := range []struct {
		name, owner, env string
		severity         monitor.Severity
		want             []string
	}{
		{"critical of web in prod", "web", "prod", monitor.Critical, []string{"pager", "mail", "chat"}},
		{"warning of web", "web", "", monitor.Warning, []string{"mail"}},
		{"anything", "", "", monitor.Critical, []string{"mail"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := r.Channels(&monitor.Endpoint{Tags: map[string]string{"env": c.env}}, &monitor.Incident{Owner: c.owner, Severity: c.severity})
			if !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// TestClockJumps moves the clock forward and back over incidents.
func TestClockJumps(t *testing.T) {
	t.Parallel()
	for _, jump := range []time.Duration{3 * hour, -3 * hour} {
		t.Run(fmt.Sprint(jump), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com", "b.example.net", "c.example.org")
			bad := false
			w.answer = func(e *monitor.Endpoint) monitor.Report {
				d := healthy(cert{from: start.Add(-10 * day), life: 90 * day})
				if bad && e.ID == "shop.example.com" {
					return at(one, silence())
				}
				return at(one, d)
			}
			w.run(start.Add(hour))
			bad = true
			w.run(start.Add(hour + 6*time.Minute))
			w.now = w.now.Add(jump)
			for id := range w.due { // as a store does for what is due impossibly far ahead
				w.due[id] = w.now
			}
			w.run(w.now.Add(hour))
			bad = false
			w.run(w.now.Add(hour))
			w.wantTold("opened tcp-timeout critical", "resolved tcp-timeout critical")
		})
	}
}
