package web

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
	"github.com/tlswhy/tlswhy/internal/monitor/sqlite"
)

// BenchmarkPages asks for pages over many endpoints, of which one in 200 is
// broken, each with a certificate of its own. TLSWHY_BENCH_SCALE=1 takes 100,000.
func BenchmarkPages(b *testing.B) {
	n := 2000
	if os.Getenv("TLSWHY_BENCH_SCALE") != "" {
		n = 100_000
	}
	ctx := b.Context()
	store, err := sqlite.Open(ctx, filepath.Join(b.TempDir(), "m.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	keeper := access.New(store)
	pages := New(Options{Keeper: keeper, Service: service.New(service.Options{Store: store, Keeper: keeper, Vantage: "here", Rules: func() *monitor.Rules { return &monitor.Rules{} }})})
	now := time.Now()
	es := make([]monitor.Endpoint, n)
	for i := range es {
		host := fmt.Sprintf("host-%06d.example.com", i)
		es[i] = monitor.Endpoint{Target: host, Host: host, Port: 443, Owner: fmt.Sprintf("team-%02d", i%20), Tags: map[string]string{"env": []string{"prod", "test"}[i%2]}, Interval: time.Hour}
		es[i].ID = monitor.NewID(&es[i])
	}
	if err := store.SetEndpoints(ctx, now.Add(-time.Minute), "file", "here", 0, es); err != nil {
		b.Fatal(err)
	}
	for i := 0; ; {
		batch, err := store.Claim(ctx, now.Add(-time.Minute), "here", 1000)
		if err != nil {
			b.Fatal(err)
		}
		if len(batch.Works) == 0 {
			break
		}
		var reports []monitor.Report
		for _, x := range batch.Works {
			reports = append(reports, checked(&x.Endpoint, i, now))
			i++
		}
		if err := store.Ingest(ctx, now.Add(-time.Minute), &monitor.Rules{}, batch, reports); err != nil {
			b.Fatal(err)
		}
	}
	if err := keeper.SetUp(ctx, "root", password, "", true, "127.0.0.1"); err != nil {
		b.Fatal(err)
	}
	secret, _, err := keeper.Login(ctx, "root", password, "127.0.0.1", "")
	if err != nil {
		b.Fatal(err)
	}
	ask := func(path string) time.Duration {
		r := httptest.NewRequestWithContext(access.WithOrigin(ctx, access.Origin{Address: "127.0.0.1"}), http.MethodGet, path, nil)
		r.AddCookie(&http.Cookie{Name: "tlswhy", Value: secret})
		rec, start := httptest.NewRecorder(), time.Now()
		pages.ServeHTTP(rec, r)
		if rec.Code != http.StatusOK {
			b.Fatalf("%s: %d", path, rec.Code)
		}
		return time.Since(start)
	}
	b.Logf("the first page after the start: %v", ask("/"))
	for _, path := range []string{"/", "/endpoints", "/endpoints?q=host-0999&sort=-expires", "/endpoints?state=critical&owner=team-00", "/endpoints?ends=30d&sort=expires", "/endpoints/" + es[7].ID, "/incidents", "/certificates"} {
		b.Run(path, func(b *testing.B) {
			if _, pattern := pages.mux.Handler(httptest.NewRequest(http.MethodGet, path, nil)); pattern == "" {
				b.Skip("no such page")
			}
			var took []time.Duration
			for range 40 {
				took = append(took, ask(path))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[37].Microseconds())/1000, "ms-p95")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// checked is what a check of an endpoint saw.
func checked(e *monitor.Endpoint, i int, now time.Time) monitor.Report {
	const day = 24 * time.Hour
	from := now.Add(-time.Duration(i*7919%80) * day)
	o := monitor.Outcome{Address: "192.0.2.1:443", SNI: e.Host, Verdict: diag.OK, Stage: diag.StageFinished, Reached: true, MS: 20}
	o.Seen = monitor.Snapshot{Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", Verified: true, Path: []monitor.Element{
		{Role: "leaf", Subject: "CN=" + e.Host, Issuer: "CN=R1,O=CA " + e.Owner, Serial: fmt.Sprint(i), NotBefore: from, NotAfter: from.Add(90 * day), Names: []string{e.Host}, Key: "ECDSA P-256", Fingerprint: fmt.Sprintf("%064x", i)},
		{Role: "intermediate", Subject: "CN=R1,O=CA " + e.Owner, Issuer: "CN=Root", NotBefore: from, NotAfter: now.AddDate(3, 0, 0), Key: "RSA 2048", Fingerprint: "i" + e.Owner}}}
	if i%200 == 0 {
		o.Verdict = diag.Failure
		o.Findings = []monitor.Finding{{Key: "cert-expired", Cause: "cert-expired", Severity: monitor.Critical, Summary: "the certificate expired", Stage: diag.StageCertificate}}
	}
	return monitor.Report{Endpoint: e.ID, Vantage: "here", At: now, Addresses: []string{o.Address}, Outcomes: []monitor.Outcome{o}}
}
