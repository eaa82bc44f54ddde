package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
)

// counting is a store that counts what it is asked.
type counting struct {
	service.Store
	n *atomic.Int64
}

func (c counting) one() service.Store { c.n.Add(1); return c.Store }

func (c counting) BrowseEndpoints(ctx context.Context, q monitor.EndpointQuery) (monitor.Page[monitor.EndpointRow], error) {
	return c.one().BrowseEndpoints(ctx, q)
}
func (c counting) Overview(ctx context.Context) (monitor.Overview, error) {
	return c.one().Overview(ctx)
}
func (c counting) Endpoint(ctx context.Context, id string) (monitor.EndpointDetail, error) {
	return c.one().Endpoint(ctx, id)
}
func (c counting) BrowseCertificates(ctx context.Context, q monitor.CertificateQuery) (monitor.Page[monitor.CertificateRow], error) {
	return c.one().BrowseCertificates(ctx, q)
}
func (c counting) Certificate(ctx context.Context, f string) (monitor.CertificateRow, []monitor.Serving, error) {
	return c.one().Certificate(ctx, f)
}
func (c counting) BrowseIncidents(ctx context.Context, q monitor.IncidentQuery) (monitor.Page[monitor.Incident], error) {
	return c.one().BrowseIncidents(ctx, q)
}
func (c counting) Incident(ctx context.Context, id string) (monitor.Incident, error) {
	return c.one().Incident(ctx, id)
}
func (c counting) BrowseEvents(ctx context.Context, q monitor.EventQuery) (monitor.Page[monitor.Event], error) {
	return c.one().BrowseEvents(ctx, q)
}
func (c counting) Deliveries(ctx context.Context, incident string) ([]monitor.MessageStatus, error) {
	return c.one().Deliveries(ctx, incident)
}
func (c counting) Messages(ctx context.Context, channel, key string, n int) ([]monitor.MessageStatus, error) {
	return c.one().Messages(ctx, channel, key, n)
}
func (c counting) Silences(ctx context.Context) ([]monitor.Silence, error) {
	return c.one().Silences(ctx)
}
func (c counting) Incidents(ctx context.Context, f monitor.Filter) ([]monitor.Incident, error) {
	return c.one().Incidents(ctx, f)
}
func (c counting) Events(ctx context.Context, f monitor.Filter) ([]monitor.Event, error) {
	return c.one().Events(ctx, f)
}
func (c counting) Health(ctx context.Context, now time.Time) (monitor.Health, error) {
	return c.one().Health(ctx, now)
}
func (c counting) Rollups(ctx context.Context, endpoint string, from, to time.Time) ([]monitor.Rollup, error) {
	return c.one().Rollups(ctx, endpoint, from, to)
}

// maxQueries bounds what one page asks the store.
const maxQueries = 30

// TestQueries asks every page that is not about one thing, and those about an
// endpoint and an incident, with a few rows and with many: a page may ask as often
// for many as for few, and not often.
func TestQueries(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	w := newWorld(t, func(o *service.Options) { o.Store = counting{o.Store, &n} }).as(monitor.Admin)
	var id, incident string
	some := func(from, to int) {
		for i := from; i < to; i++ {
			id = w.watch(fmt.Sprintf("h%02d.example", i), expired).ID
		}
		is, err := w.store.Incidents(t.Context(), monitor.Filter{Endpoint: id})
		if err != nil || len(is) == 0 {
			t.Fatal(is, err)
		}
		incident = is[0].ID
	}
	ask := func() map[string]int64 {
		out := map[string]int64{}
		for _, rt := range routes {
			p, ok := strings.CutPrefix(rt.pattern, "GET ")
			if !ok || rt.scope == "" || p == "/events" {
				continue
			}
			p = strings.TrimSuffix(p, "{$}")
			p = strings.Replace(p, "/endpoints/{id}", "/endpoints/"+id, 1)
			p = strings.Replace(p, "/incidents/{id}", "/incidents/"+incident, 1)
			if strings.Contains(p, "{") {
				continue
			}
			before := n.Load()
			req, err := http.NewRequestWithContext(t.Context(), "GET", w.url+p, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := w.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode >= 500 {
				t.Errorf("%s: %s", p, resp.Status)
			}
			out[rt.pattern] = n.Load() - before
		}
		return out
	}
	some(0, 3)
	few := ask()
	some(3, 40)
	for pattern, many := range ask() {
		if many > few[pattern] || many > maxQueries {
			t.Errorf("%s asks %d times where there is little, %d times where there is much", pattern, few[pattern], many)
		}
	}
}
