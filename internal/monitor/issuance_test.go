package monitor_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestIssuance tells of a renewal that lacks what those before it had.
func TestIssuance(t *testing.T) {
	t.Parallel()
	first, second := cert{serial: 1, from: start, life: 90 * day}, cert{serial: 2, from: start.Add(hour), life: 90 * day}
	revoked := func(serial string) func(*diag.Diagnosis) {
		return func(d *diag.Diagnosis) {
			failing(d, "cert-revoked", diag.StageCertificate)
			d.Causes[0].Evidence[0].Text = "the CRL says that the certificate (serial number " + serial + ") was revoked"
		}
	}
	both := func(a, b func(*diag.Diagnosis)) func(*diag.Diagnosis) {
		return func(d *diag.Diagnosis) { a(d); b(d) }
	}
	key := func(k string, scts int) func(*diag.Diagnosis) {
		return func(d *diag.Diagnosis) { d.Certificates[0].PublicKey, d.Certificates[0].SCTs = k, scts }
	}
	for _, c := range []struct {
		name          string
		before, after func(*diag.Diagnosis)
		want          []string
	}{
		{"as before", key("a", 2), key("b", 2), nil},
		{"the same key", key("a", 2), key("a", 2), nil},
		{"SCTs lost", key("a", 2), key("b", 0), []string{"opened drift-sct warning"}},
		{"SCTs lost with the CA", key("a", 2), both(key("b", 0), func(d *diag.Diagnosis) {
			d.Certificates[0].Issuer, d.Certificates[2].Fingerprint = "CN=X,O=Other", "other root"
		}), []string{"opened drift-issuer warning"}},
		{"SCTs gained", key("a", 0), key("b", 2), nil},
		{"never any", key("a", 0), key("b", 0), nil},
		{"nothing is known of them", key("a", 2), key("", 0), nil},
		{"revoked, and another key", both(key("a", 2), revoked("1")), key("b", 2), []string{"digest cert-revoked critical", "resolved cert-revoked critical"}},
		{"revoked, and the same key", both(key("a", 2), revoked("1")), key("a", 2), []string{"digest cert-revoked critical", "opened drift-revoked-key warning", "resolved cert-revoked critical"}},
		{"the intermediate revoked, and the same key", both(key("a", 2), revoked("777")), key("a", 2), []string{"digest cert-revoked critical", "resolved cert-revoked critical"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			w.answer = func(*monitor.Endpoint) monitor.Report {
				d := healthy(first)
				edit := c.before
				if w.now.Sub(start) >= hour {
					d, edit = healthy(second), c.after
				}
				edit(d)
				return at(one, d)
			}
			w.run(start.Add(6 * hour))
			got := w.told()
			slices.Sort(got)
			slices.Sort(c.want)
			if !slices.Equal(got, c.want) {
				t.Errorf("got messages %q, want %q", got, c.want)
			}
			watch := w.watch["shop.example.com"]
			watch.Baseline = monitor.Learn(w.states["shop.example.com"])
			w.watch["shop.example.com"] = watch
			w.run(start.Add(7 * hour))
			if w.open() != 0 {
				t.Error("accepted as the new baseline, and still open")
			}
			if reused := slices.ContainsFunc(w.events, func(e monitor.Event) bool { return strings.HasSuffix(e.Text, ", with the same key") }); reused != strings.HasSuffix(c.name, "the same key") {
				t.Errorf("told of a key that stays: %v", reused)
			}
		})
	}
}
