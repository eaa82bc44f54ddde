package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

// fill makes n endpoints, each of which serves a certificate of its own and an
// intermediate that it shares with the others.
func fill(t testing.TB, s *Store, n int) {
	t.Helper()
	es := make([]monitor.Endpoint, n)
	for i := range es {
		e := monitor.Endpoint{Target: fmt.Sprintf("host-%06d.example.com", i), Host: fmt.Sprintf("host-%06d.example.com", i), Port: 443,
			Owner: fmt.Sprintf("team-%02d", i%20), Tags: map[string]string{"env": []string{"prod", "test"}[i%2], "n": fmt.Sprint(i)}}
		e.ID = monitor.NewID(&e)
		es[i] = e
	}
	now := storetest.Start
	if err := s.SetEndpoints(t.Context(), now, "file", "here", 0, es); err != nil {
		t.Fatal(err)
	}
	err := s.transaction(t.Context(), "filling", func(tx *sql.Tx) error {
		for i := range es {
			if err := relist(t.Context(), tx, now, es[i].ID, seen(now, i), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// seen are the states of an endpoint: of ten one is critical.
func seen(now time.Time, i int) []monitor.State {
	ca := []string{"One", "Two", "Three"}[i%3]
	st := monitor.State{Address: fmt.Sprintf("192.0.2.1:%d", i), Checked: now, Verdict: "ok"}
	st.Now.Path = []monitor.Element{
		{Role: "leaf", Subject: fmt.Sprintf("CN=host-%06d.example.com", i), Issuer: "CN=I1,O=" + ca, Names: []string{fmt.Sprintf("host-%06d.example.com", i)},
			NotBefore: now, NotAfter: now.Add(time.Duration(i*7919%100_000) * time.Minute), Fingerprint: fmt.Sprintf("leaf-%06d", i)},
		{Role: "intermediate", Subject: "CN=I1,O=" + ca, Issuer: "CN=Root", NotAfter: now.AddDate(5, 0, 0), Fingerprint: "i-" + ca},
		{Role: "root", Subject: "CN=Root", Issuer: "CN=Root", NotAfter: now.AddDate(1, 0, 0), Fingerprint: "root", Anchor: true},
	}
	if i%10 == 0 {
		st.Verdict = "failure"
		st.Sightings = []monitor.Sighting{{Finding: monitor.Finding{Key: "expiry", Severity: monitor.Critical}}}
	}
	return []monitor.State{st}
}

func TestBrowseEndpoints(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	fill(t, s, 50)
	now := storetest.Start
	for _, c := range []struct {
		name string
		q    monitor.EndpointQuery
		want int
	}{
		{"all", monitor.EndpointQuery{}, 50},
		{"text", monitor.EndpointQuery{Text: " HOST-00001"}, 10},
		{"text in a tag", monitor.EndpointQuery{Text: "n=7"}, 1},
		{"owner", monitor.EndpointQuery{Owner: "team-03"}, 3},
		{"tag", monitor.EndpointQuery{Tags: map[string]string{"env": "prod"}}, 25},
		{"two tags", monitor.EndpointQuery{Tags: map[string]string{"env": "prod", "n": "4"}}, 1},
		{"any value of a tag", monitor.EndpointQuery{Tags: map[string]string{"n": ""}}, 50},
		{"part of a tag's value", monitor.EndpointQuery{Tags: map[string]string{"env": "pro"}}, 0},
		{"state", monitor.EndpointQuery{State: monitor.StandCritical}, 5},
		{"issuer", monitor.EndpointQuery{Issuer: "thr"}, 16},
		{"expires", monitor.EndpointQuery{ExpiresBefore: now.Add(20_000 * time.Minute)}, 11},
		{"source", monitor.EndpointQuery{Source: "api"}, 0},
		{"severity", monitor.EndpointQuery{Severity: monitor.Critical}, 0},
		{"nothing matches all", monitor.EndpointQuery{Owner: "team-03", Tags: map[string]string{"env": "prod"}}, 0},
	} {
		for _, column := range []string{"", "-target", "owner", "-state", "severity", "issuer", "expires", "-expires"} {
			t.Run(c.name+" by "+column, func(t *testing.T) {
				q := c.q
				q.List = monitor.List{Sort: column, Limit: 7, Count: true}
				var got []string
				for {
					p, err := s.BrowseEndpoints(t.Context(), q)
					if err != nil {
						t.Fatal(err)
					}
					if p.Total != c.want {
						t.Fatalf("got a total of %d, want %d", p.Total, c.want)
					}
					for _, r := range p.Items {
						got = append(got, r.Endpoint.ID)
					}
					if q.Cursor = p.Next; p.Next == "" {
						break
					}
				}
				distinct := slices.Clone(got)
				slices.Sort(distinct)
				if len(slices.Compact(distinct)) != c.want || len(got) != c.want {
					t.Errorf("got %d rows, %d different, want %d", len(got), len(slices.Compact(distinct)), c.want)
				}
			})
		}
	}
	p, err := s.BrowseEndpoints(t.Context(), monitor.EndpointQuery{List: monitor.List{Sort: "expires", Limit: 3}})
	if err != nil || len(p.Items) != 3 || p.Items[0].Expires.After(p.Items[1].Expires) || p.Items[0].Issuer != "One" || p.Items[0].State != monitor.StandCritical {
		t.Errorf("got %+v, %v", p.Items, err)
	}
	if _, err := s.BrowseEndpoints(t.Context(), monitor.EndpointQuery{List: monitor.List{Sort: "body"}}); !errors.Is(err, monitor.ErrSort) {
		t.Errorf("got %v, want ErrSort", err)
	}
	for _, cursor := range []string{"x", p.Next} { // the other was made for another order
		if _, err := s.BrowseEndpoints(t.Context(), monitor.EndpointQuery{List: monitor.List{Cursor: cursor}}); !errors.Is(err, monitor.ErrCursor) {
			t.Errorf("got %v, want ErrCursor", err)
		}
	}
}

func TestInventory(t *testing.T) {
	t.Parallel()
	s := mustOpen(t, filepath.Join(t.TempDir(), "m.db"))
	defer s.Close()
	fill(t, s, 6)
	ctx, now := t.Context(), storetest.Start
	list := func(q monitor.CertificateQuery) string {
		t.Helper()
		p, err := s.BrowseCertificates(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, c := range p.Items {
			out = append(out, fmt.Sprintf("%s %d", c.Fingerprint, c.Endpoints))
		}
		return strings.Join(out, ", ")
	}
	id := monitor.NewID(&monitor.Endpoint{Target: "host-000001.example.com"})
	for _, c := range []struct {
		name string
		q    monitor.CertificateQuery
		want string
	}{
		{"shared", monitor.CertificateQuery{Role: "intermediate"}, "i-One 2, i-Three 2, i-Two 2"},
		{"roots on request", monitor.CertificateQuery{Role: "root"}, "root 6"},
		{"of an endpoint", monitor.CertificateQuery{Endpoint: id}, "leaf-000001 1, i-Two 2"},
		{"by name", monitor.CertificateQuery{Text: "HOST-000003"}, "leaf-000003 1"},
		{"soon", monitor.CertificateQuery{ExpiresBefore: now.Add(8000 * time.Minute)}, "leaf-000000 1, leaf-000001 1"},
	} {
		if got := list(c.q); got != c.want {
			t.Errorf("%s: got %s, want %s", c.name, got, c.want)
		}
	}
	_, where, err := s.Certificate(ctx, "i-Two")
	if err != nil || len(where) != 2 || where[0].Target != "host-000001.example.com" || strings.Join(where[0].Chain, " ") != "leaf-000001 i-Two root" {
		t.Errorf("got %+v, %v", where, err)
	}
	if _, _, err := s.Certificate(ctx, "nope"); !errors.Is(err, monitor.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	// A renewed certificate takes the place of the old one.
	renewed := seen(now, 1)
	renewed[0].Now.Path[0].Fingerprint = "leaf-new"
	err = s.transaction(ctx, "renewing", func(tx *sql.Tx) error { return relist(ctx, tx, now, id, renewed, nil) })
	if got := list(monitor.CertificateQuery{Endpoint: id}); err != nil || got != "leaf-new 1, i-Two 2" {
		t.Errorf("got %s, %v", got, err)
	}
	if _, _, err := s.Certificate(ctx, "leaf-000001"); !errors.Is(err, monitor.ErrNotFound) {
		t.Errorf("the old certificate is still there: %v", err)
	}
	// What nobody serves any more leaves with its endpoints.
	if err := s.SetEndpoints(ctx, now, "file", "here", 0, nil); err != nil {
		t.Fatal(err)
	}
	if got := list(monitor.CertificateQuery{}); got != "" {
		t.Errorf("got %s", got)
	}
}

// BenchmarkBrowse lists 100,000 endpoints as a person does: filtered, sorted by
// the end of their certificates, page by page.
func BenchmarkBrowse(b *testing.B) {
	s, err := Open(b.Context(), filepath.Join(b.TempDir(), "m.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	fill(b, s, 100_000)
	now := storetest.Start
	for _, c := range []struct {
		name string
		q    monitor.EndpointQuery
	}{
		{"all", monitor.EndpointQuery{}},
		{"text", monitor.EndpointQuery{Text: "host-0999"}},
		{"no match", monitor.EndpointQuery{Text: "nowhere"}},
		{"owner", monitor.EndpointQuery{Owner: "team-07"}},
		{"tag", monitor.EndpointQuery{Tags: map[string]string{"env": "prod"}}},
		{"one tag of all", monitor.EndpointQuery{Tags: map[string]string{"n": "77777"}}},
		{"state", monitor.EndpointQuery{State: monitor.StandCritical}},
		{"issuer", monitor.EndpointQuery{Issuer: "three"}},
		{"before", monitor.EndpointQuery{ExpiresBefore: now.Add(time.Hour)}},
		{"all of them", monitor.EndpointQuery{Text: "host", Owner: "team-07", Tags: map[string]string{"env": "test"}, Issuer: "two", ExpiresBefore: now.AddDate(0, 1, 0)}},
	} {
		for _, count := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/count=%v", strings.ReplaceAll(c.name, " ", "-"), count), func(b *testing.B) {
				q := c.q
				q.List = monitor.List{Sort: "expires", Count: count}
				var took []time.Duration
				for range 20 {
					start := time.Now()
					p, err := s.BrowseEndpoints(context.Background(), q)
					if err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(start))
					q.Cursor = p.Next
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[18].Microseconds())/1000, "ms-p95")
				b.ReportMetric(0, "ns/op")
			})
		}
	}
}
