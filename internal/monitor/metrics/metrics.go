// Package metrics shows the monitor and what it watches to Prometheus, under
// names of its own that begin with tlswhy_. Labels are bounded: an endpoint has
// its id, target and owner, never a name of a certificate.
//
//	m := metrics.New(metrics.Options{Store: store, Version: "1.2"})
//	http.Handle("GET /metrics", m)
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// Store is what is shown of one.
type Store interface {
	Health(ctx context.Context, now time.Time) (monitor.Health, error)
	// Summaries are short rows of at most n endpoints, and how many there are.
	Summaries(ctx context.Context, n int) ([]monitor.Summary, int, error)
}

// Source is a source of endpoints.
type Source struct {
	Name      string
	Endpoints int
	Up        bool // it could be read, and nothing of it is held back
	Loaded    time.Time
}

// Options are what the metrics need.
type Options struct {
	Store   Store
	Version string
	Sources func() []Source // nil for none
	// Endpoints is how many have metrics of their own; 0 is 10,000.
	Endpoints int
	Log       *slog.Logger
}

// Metrics collects. It is safe for concurrent use.
type Metrics struct {
	Options
	registry *prometheus.Registry
	checks   *prometheus.CounterVec
	took     prometheus.Histogram
}

const defaultEndpoints = 10_000

// New makes the metrics.
func New(o Options) *Metrics {
	if o.Endpoints == 0 {
		o.Endpoints = defaultEndpoints
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	m := &Metrics{Options: o, registry: prometheus.NewRegistry(),
		checks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "tlswhy_checks_total", Help: "Checks of single addresses, by what came of them."}, []string{"result"}),
		took:   prometheus.NewHistogram(prometheus.HistogramOpts{Name: "tlswhy_check_duration_seconds", Help: "How long checks of single addresses took.", Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}),
	}
	for _, result := range []string{"ok", "warning", "failure", "untested", "same"} {
		m.checks.WithLabelValues(result)
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), m.checks, m.took, m)
	return m
}

// Checked counts a check. result is a verdict, or "same" where the server
// answered as before.
func (m *Metrics) Checked(result string, took time.Duration) {
	m.checks.WithLabelValues(result).Inc()
	m.took.Observe(took.Seconds())
}

// ServeHTTP implements http.Handler.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}

// Describe implements prometheus.Collector; the metrics are found out by
// collecting.
func (m *Metrics) Describe(chan<- *prometheus.Desc) {}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("tlswhy_"+name, help, labels, nil)
}

var (
	build     = desc("build_info", "The running version.", "version")
	up        = desc("store_up", "Whether the database can be read.")
	endpoints = desc("endpoints", "Endpoints that are watched.")
	overdue   = desc("endpoints_overdue", "Endpoints whose check is late by more than a minute.")
	open      = desc("incidents_open", "Incidents that are open.")
	outbox    = desc("outbox_messages", "Messages that wait for their delivery.")
	oldest    = desc("outbox_oldest_timestamp_seconds", "When the oldest of them was written, in seconds since 1970; 0 where none waits.")
	left      = desc("endpoints_without_metrics", "Endpoints beyond the bound of those that have metrics of their own.")

	state    = desc("endpoint_state", "1 for the state that the endpoint is in: critical, warning, untested, unchecked or ok.", "endpoint", "target", "owner", "state")
	expiry   = desc("endpoint_cert_expiry_timestamp_seconds", "When the first certificate that the endpoint serves ends, in seconds since 1970.", "endpoint", "target", "owner")
	severity = desc("endpoint_incident_severity", "The worst open incident: 0 none, 1 warning, 2 critical.", "endpoint", "target", "owner")

	sourceUp     = desc("source_up", "Whether a source of endpoints can be read and is believed.", "source")
	sourceSize   = desc("source_endpoints", "Endpoints that a source names.", "source")
	sourceLoaded = desc("source_loaded_timestamp_seconds", "When a source was last read, in seconds since 1970; 0 for never.", "source")
)

// collectWithin bounds what a scrape may cost the database.
const collectWithin = 8 * time.Second

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), collectWithin)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(build, 1, m.Version)
	h, err := m.Store.Health(ctx, time.Now())
	var rows []monitor.Summary
	var all int
	if err == nil {
		rows, all, err = m.Store.Summaries(ctx, m.Endpoints)
	}
	if err != nil {
		m.Log.Error("metrics could not be collected", "err", err)
		gauge(up, 0)
		return
	}
	gauge(up, 1)
	gauge(endpoints, float64(h.Endpoints))
	gauge(overdue, float64(h.Overdue))
	gauge(open, float64(h.Open))
	gauge(outbox, float64(h.Outbox))
	gauge(oldest, seconds(h.Oldest))
	gauge(left, float64(all-len(rows)))
	for i := range rows {
		r := &rows[i]
		gauge(state, 1, r.ID, r.Target, r.Owner, string(r.State))
		gauge(severity, float64(r.Severity.Rank()), r.ID, r.Target, r.Owner)
		if !r.Expires.IsZero() {
			gauge(expiry, seconds(r.Expires), r.ID, r.Target, r.Owner)
		}
	}
	if m.Sources == nil {
		return
	}
	for _, s := range m.Sources() {
		gauge(sourceSize, float64(s.Endpoints), s.Name)
		gauge(sourceLoaded, seconds(s.Loaded), s.Name)
		v := 0.0
		if s.Up {
			v = 1
		}
		gauge(sourceUp, v, s.Name)
	}
}

func seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}
