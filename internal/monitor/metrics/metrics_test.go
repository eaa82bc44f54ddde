package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

type store struct{ err error }

func (s store) Health(context.Context, time.Time) (monitor.Health, error) {
	return monitor.Health{Endpoints: 3, Overdue: 1, Open: 1, Outbox: 2, Oldest: time.Unix(1700000000, 0)}, s.err
}

func (s store) Summaries(context.Context, int) ([]monitor.Summary, int, error) {
	return []monitor.Summary{{ID: "a1", Target: "shop.example.com", Owner: "web", State: monitor.StandCritical, Severity: monitor.Critical, Expires: time.Unix(1800000000, 0)},
		{ID: "b2", Target: "new.example.com", State: monitor.StandUnchecked}}, 3, s.err
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	m := New(Options{Store: store{}, Version: "1.2", Sources: func() []Source {
		return []Source{{Name: "prom", Endpoints: 7, Up: true, Loaded: time.Unix(1700000000, 0)}}
	}})
	m.Checked("ok", 20*time.Millisecond)
	w := httptest.NewRecorder()
	m.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	got := w.Body.String()
	for _, want := range []string{
		`tlswhy_build_info{version="1.2"} 1`, "tlswhy_store_up 1", "tlswhy_endpoints 3", "tlswhy_endpoints_overdue 1", "tlswhy_incidents_open 1", "tlswhy_outbox_messages 2",
		"tlswhy_outbox_oldest_timestamp_seconds 1.7e+09", "tlswhy_endpoints_without_metrics 1",
		`tlswhy_endpoint_state{endpoint="a1",owner="web",state="critical",target="shop.example.com"} 1`,
		`tlswhy_endpoint_cert_expiry_timestamp_seconds{endpoint="a1",owner="web",target="shop.example.com"} 1.8e+09`,
		`tlswhy_endpoint_incident_severity{endpoint="a1",owner="web",target="shop.example.com"} 2`,
		`tlswhy_source_up{source="prom"} 1`, `tlswhy_source_endpoints{source="prom"} 7`, `tlswhy_checks_total{result="ok"} 1`, "tlswhy_check_duration_seconds_count 1", "go_goroutines",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if strings.Contains(got, `cert_expiry_timestamp_seconds{endpoint="b2"`) {
		t.Error("an end that nobody knows is told")
	}
}

func TestStoreDown(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	New(Options{Store: store{errors.New("locked")}}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if got := w.Body.String(); w.Code != 200 || !strings.Contains(got, "tlswhy_store_up 0") || strings.Contains(got, "tlswhy_endpoints ") {
		t.Errorf("got %d: %s", w.Code, got)
	}
}
