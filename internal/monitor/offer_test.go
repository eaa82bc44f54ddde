package monitor_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// inventory is one of a server with good suites, and those that are added.
func inventory(edit func(*diag.Inventory)) *diag.Inventory {
	inv := &diag.Inventory{Verdict: diag.OK, Groups: []diag.OfferedGroup{{Name: "X25519"}}, Versions: []diag.OfferedVersion{
		{Version: "TLS 1.3", Offered: diag.Yes, Complete: true, Suites: []diag.OfferedSuite{{Name: "TLS_AES_128_GCM_SHA256"}}},
		{Version: "TLS 1.2", Offered: diag.Yes, Complete: true, Suites: []diag.OfferedSuite{{Name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}}},
		{Version: "TLS 1.0", Offered: diag.No}, {Version: "SSL 3.0", Offered: diag.Unknown}}}
	if edit != nil {
		edit(inv)
	}
	return inv
}

func withTLS10(inv *diag.Inventory) {
	inv.Verdict, inv.Versions[2].Offered, inv.Versions[2].Complete = diag.Warning, diag.Yes, true
}

func with3DES(inv *diag.Inventory) {
	inv.Versions[1].Suites = append(inv.Versions[1].Suites, diag.OfferedSuite{Name: "TLS_RSA_WITH_3DES_EDE_CBC_SHA", Weak: "64-bit blocks (Sweet32)"})
}

// TestInventory is what inventories alert of: what is weak and was not offered
// before, and nothing that was only missed.
func TestInventory(t *testing.T) {
	t.Parallel()
	both := func(inv *diag.Inventory) { withTLS10(inv); with3DES(inv) }
	cut := func(inv *diag.Inventory) { inv.Versions[1].Complete = false }
	for _, c := range []struct {
		name   string
		days   []func(*diag.Inventory) // an inventory a day, the last one again and again
		expect string
		want   []string
		events []string
	}{
		{name: "the same", days: []func(*diag.Inventory){nil}},
		{name: "weak from the first day", days: []func(*diag.Inventory){both}},
		{name: "TLS 1.0 and 3DES come", days: []func(*diag.Inventory){nil, both}, want: []string{"opened drift-offer warning"}},
		{name: "and go", days: []func(*diag.Inventory){nil, both, nil}, want: []string{"opened drift-offer warning", "resolved drift-offer warning"}, events: []string{"no longer offers TLS 1.0, TLS_RSA_WITH_3DES_EDE_CBC_SHA"}},
		{name: "what was mended comes back", days: []func(*diag.Inventory){with3DES, nil, with3DES}, want: []string{"opened drift-offer warning"}, events: []string{"no longer offers TLS_RSA_WITH_3DES_EDE_CBC_SHA"}},
		{name: "a good suite comes", days: []func(*diag.Inventory){nil, func(inv *diag.Inventory) {
			inv.Versions[1].Suites = append(inv.Versions[1].Suites, diag.OfferedSuite{Name: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"})
		}}, events: []string{"now also offers TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"}},
		{name: "a short prime comes", days: []func(*diag.Inventory){nil, func(inv *diag.Inventory) { inv.DH = []diag.DHPrime{{Bits: 1024, Weak: "short"}} }}, want: []string{"opened drift-offer warning"}},
		{name: "an inventory is cut short, the next sees more than it", days: []func(*diag.Inventory){with3DES, cut, with3DES}},
		{name: "the first is cut short", days: []func(*diag.Inventory){cut, with3DES}},
		{name: "nothing answers", days: []func(*diag.Inventory){with3DES, func(inv *diag.Inventory) { *inv = diag.Inventory{Verdict: diag.Failure, Outcome: "refused"} }, with3DES}},
		{name: "machines that differ", days: []func(*diag.Inventory){nil, func(inv *diag.Inventory) { both(inv); inv.Notes = []string{"two certificates"} }}},
		{name: "SSL 3.0 of which nothing was known", days: []func(*diag.Inventory){nil, func(inv *diag.Inventory) { inv.Versions[3].Offered = diag.Yes }}, want: []string{"opened drift-offer warning"}},
		{name: "more than is expected", days: []func(*diag.Inventory){withTLS10}, expect: "TLS 1.2", want: []string{"opened expected-version critical"}},
		{name: "no more than is expected", days: []func(*diag.Inventory){nil}, expect: "TLS 1.2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			w.endpoints[0].Inventory, w.endpoints[0].Expect.MinVersion = day, c.expect
			made := time.Time{}
			w.answer = func(e *monitor.Endpoint) monitor.Report {
				r := at(one, healthy(cert{serial: 1, from: start, life: 90 * day}))
				if w.now.Sub(made) >= day && w.now.Sub(start) > hour {
					made = w.now
					n := min(int(w.now.Sub(start)/day), len(c.days)-1)
					r.Outcomes[0].Offer = monitor.Offered(inventory(c.days[n]))
				}
				return r
			}
			w.run(start.Add(5 * day))
			w.wantTold(c.want...)
			for _, want := range c.events {
				if !slices.ContainsFunc(w.events, func(e monitor.Event) bool { return e.Kind == monitor.EventDrift && e.Text == want }) {
					t.Errorf("no event says %q: %+v", want, w.events)
				}
			}
			if len(c.want) != 1 || c.expect != "" {
				return
			}
			if f := w.incidents[0].Finding; len(f.Evidence) == 0 || !strings.HasPrefix(f.Verify, "tlswhy scan --connect "+one) {
				t.Errorf("got %+v", f)
			}
			watch := w.watch["shop.example.com"]
			watch.Baseline = monitor.Learn(w.states["shop.example.com"])
			w.watch["shop.example.com"] = watch
			w.run(w.now.Add(hour))
			if w.open() != 0 {
				t.Error("accepted as the new baseline, and still open")
			}
		})
	}
}

// TestInventories are those of several addresses.
func TestInventories(t *testing.T) {
	t.Parallel()
	const two = "192.0.2.99:443"
	for _, c := range []struct {
		name  string
		joins time.Duration // when the second address does, which is weak
		want  []string
	}{
		{"that differ from the first day", 0, nil},
		{"of which one joins later", 2 * day, []string{"opened drift-offer warning"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, "shop.example.com")
			w.endpoints[0].Inventory = day
			good := cert{serial: 1, from: start, life: 90 * day}
			n := 0
			w.answer = func(*monitor.Endpoint) monitor.Report {
				met := map[string]*diag.Diagnosis{one: healthy(good)}
				if w.now.Sub(start) >= c.joins {
					met[two] = healthy(good)
				}
				r := report(met)
				n++ // in turns, as the loop does
				if i := slices.IndexFunc(r.Outcomes, func(o monitor.Outcome) bool { return o.Address == []string{one, two}[n%2] }); i >= 0 {
					edit := map[string]func(*diag.Inventory){two: withTLS10}[r.Outcomes[i].Address]
					r.Outcomes[i].Offer = monitor.Offered(inventory(edit))
				}
				return r
			}
			w.run(start.Add(4 * day))
			w.wantTold(c.want...)
			w.endpoints[0].Inventory = 0
			w.run(start.Add(5 * day))
			if w.open() != 0 || w.states["shop.example.com"][0].Offered != nil {
				t.Error("no inventory is asked for any more, and the last one is still judged")
			}
		})
	}
}
