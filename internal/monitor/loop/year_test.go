//go:build !race

package loop

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// served are the certificates of the two nodes of an endpoint.
type served struct {
	life    time.Duration
	renews  bool
	newest  time.Time // when it was issued
	nodes   map[string]time.Time
	between time.Duration // the second node follows so much later
}

// at is what a node serves now.
func (s *served) at(address string) *diag.Diagnosis {
	now := time.Now()
	left := s.newest.Add(s.life).Sub(now)
	if s.renews && left <= s.life/3 || left < time.Hour {
		s.newest, s.renews = now, true
	}
	if strings.HasPrefix(address, "192.0.2.1:") || now.Sub(s.newest) >= s.between {
		s.nodes[address] = s.newest
	}
	from := s.nodes[address]
	d := fine()
	for i, role := range []string{"leaf", "root"} {
		life := s.life + time.Duration(i)*20*365*day
		d.Certificates = append(d.Certificates, diag.Certificate{Role: role, Source: []string{"sent", "anchor"}[i], Subject: "CN=" + role, Issuer: "CN=root,O=Example", Serial: fmt.Sprint(from.Unix()),
			NotBefore: from.Add(time.Duration(-i) * day), NotAfter: from.Add(life), Names: []string{"shop.example.com"}, Key: "ECDSA P-256", Fingerprint: fmt.Sprint(role, from.Unix()*int64(1-i))})
	}
	return d
}

// TestYear lives through a year with all that the monitor is made of but the
// wire: what is renewed, node by node, tells nobody anything; where the renewal
// stops until an hour before the end, one warning and one critical message come,
// and that it is over.
func TestYear(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		lives := map[string]time.Duration{"160h": 160 * time.Hour, "47d": 47 * day, "90d": 90 * day, "200d": 200 * day, "398d": 398 * day}
		b := newBench(t)
		b.addrs = []string{"192.0.2.1", "192.0.2.2"}
		all := map[string]*served{}
		var es []monitor.Endpoint
		for name, life := range lives {
			for _, kind := range []string{"renewed", "stopped"} {
				id := kind + "." + name + ".example"
				from := time.Now().Add(-life * 6 / 10)
				all[id] = &served{life: life, renews: kind == "renewed", newest: from, nodes: map[string]time.Time{"192.0.2.1:443": from, "192.0.2.2:443": from}, between: life / 20}
				es = append(es, monitor.Endpoint{ID: id, Target: id, Host: id, Port: 443, Owner: id, Interval: min(life/40, day)})
			}
		}
		if err := b.store.SetEndpoints(t.Context(), time.Now(), "file", "here", time.Hour, es); err != nil {
			t.Fatal(err)
		}
		b.answer = func(e *monitor.Endpoint, address string, _ bool) (*diag.Diagnosis, error) {
			return all[e.ID].at(address), nil
		}
		b.start()
		time.Sleep(365 * day)
		b.stop()
		got := map[string][]string{}
		for _, m := range b.mail.got {
			for _, x := range m.Items {
				got[x.Incident.Endpoint] = append(got[x.Incident.Endpoint], fmt.Sprintf("%s %s", m.Kind, x.Incident.Severity))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(all)) {
			var want []string
			if strings.HasPrefix(id, "stopped") {
				want = []string{"opened warning", "escalated critical", "resolved critical"}
			}
			if !slices.Equal(got[id], want) {
				t.Errorf("%s: got %q, want %q", id, got[id], want)
			}
		}
	})
}
