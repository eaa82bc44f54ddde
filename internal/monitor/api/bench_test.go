//go:build unix

package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// BenchmarkList asks for lists of 100,000 endpoints by HTTP, filtered and sorted
// by the end of their certificates, page by page.
func BenchmarkList(b *testing.B) {
	n := 2000
	if os.Getenv("TLSWHY_BENCH_SCALE") != "" {
		n = 100_000
	}
	w := newWorld(b)
	estate(b, w, n)
	w.admin()
	for _, q := range []string{"", "q=host-0999", "owner=team-07", "tag=env=prod", "state=ok", "issuer=CA+7", "expires_within=20d", "q=host&owner=team-07&tag=env=test&expires_within=60d", "owner=nobody"} {
		b.Run(q, func(b *testing.B) {
			var took []time.Duration
			next := ""
			used := cpuTime()
			for range 40 {
				start := time.Now()
				resp, err := w.client.Get(w.url + "/api/v1/endpoints?sort=expires&" + q + "&cursor=" + url.QueryEscape(next))
				if err != nil {
					b.Fatal(err)
				}
				raw, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				took = append(took, time.Since(start))
				page := struct{ Next string }{}
				if err := errors.Join(err, json.Unmarshal(raw, &page)); err != nil || resp.StatusCode != 200 {
					b.Fatal(resp.Status, err)
				}
				next = page.Next
			}
			b.ReportMetric(float64((cpuTime()-used).Microseconds())/40_000, "cpu-ms") // of both ends
			slices.Sort(took)
			b.ReportMetric(float64(took[37].Microseconds())/1000, "ms-p95")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// estate has n endpoints, each of which was checked and serves a certificate.
func estate(b *testing.B, w *world, n int) {
	now := time.Now()
	es := make([]monitor.Endpoint, n)
	for i := range es {
		host := fmt.Sprintf("host-%06d.example", i)
		es[i] = monitor.Endpoint{ID: fmt.Sprintf("%016x", i), Target: host, Host: host, Port: 443, Owner: fmt.Sprintf("team-%02d", i%20), Tags: map[string]string{"env": []string{"prod", "test"}[i%2]}}
	}
	if err := w.store.SetEndpoints(b.Context(), now, "file", "here", 0, es); err != nil {
		b.Fatal(err)
	}
	for done := 0; done < n; {
		batch, err := w.store.Claim(b.Context(), now, "here", 500)
		if err != nil || len(batch.Works) == 0 {
			b.Fatal(done, err)
		}
		var reps []monitor.Report
		for _, work := range batch.Works {
			o := monitor.Outcome{Address: "192.0.2.1:443", Verdict: diag.OK, Reached: true, Stage: diag.StageApplication, Signature: "x",
				Seen: monitor.Snapshot{Version: "TLS 1.3", Verified: true, Path: []monitor.Element{{Role: "leaf", Subject: "CN=" + work.Endpoint.Host, Issuer: fmt.Sprintf("CN=CA %d", done%10), Names: []string{work.Endpoint.Host},
					NotBefore: now.AddDate(0, 0, -5), NotAfter: now.AddDate(0, 0, 85).Add(-time.Duration(done%1900) * time.Hour), Fingerprint: fmt.Sprintf("%064x", done)}}}}
			reps = append(reps, monitor.Report{Endpoint: work.Endpoint.ID, Vantage: "here", At: now, Addresses: []string{o.Address}, Outcomes: []monitor.Outcome{o}})
			done++
		}
		if err := w.store.Ingest(b.Context(), now, &monitor.Rules{}, batch, reps); err != nil {
			b.Fatal(err)
		}
	}
}

// cpuTime is what this process has used of the processors.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
