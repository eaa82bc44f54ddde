//go:build unix

package sqlite

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

// asBefore is a report of a check as most are: a certificate under two others.
func asBefore(endpoint string, now time.Time, known map[string]monitor.KnownAddress) monitor.Report {
	const day = 24 * time.Hour
	// Renewed every 60 days.
	from := now.Truncate(60 * day)
	digest := fmt.Sprintf("%032x", from.Unix())
	o := monitor.Outcome{Address: "192.0.2.1:443", SNI: endpoint + ".example", Digest: digest, MS: float64(now.UnixNano()%1000) / 20}
	if known[o.Address].Digest == digest {
		o.Same = true
	} else {
		o.Verdict, o.Stage, o.Reached, o.Signature, o.Until = diag.OK, diag.StageApplication, true, "completed application "+digest, now.Add(12*time.Hour)
		o.Seen = monitor.Snapshot{Version: "TLS 1.3", Suite: "TLS_AES_128_GCM_SHA256", ALPN: "h2", Verified: true}
		key := base64.StdEncoding.EncodeToString([]byte(digest))
		for i, role := range []string{"leaf", "intermediate", "root"} {
			o.Seen.Path = append(o.Seen.Path, monitor.Element{Role: role, Subject: "CN=" + role + " of " + endpoint + ".example", Issuer: "CN=R" + strconv.Itoa(i) + ",O=Example Trust Services,C=US",
				Serial: "03a1c4" + endpoint + from.Format("20060102"), NotBefore: from.Add(-day), NotAfter: from.Add(90 * day), Names: []string{endpoint + ".example", "www." + endpoint + ".example"}[:2-min(i, 1)], Key: "ECDSA P-256",
				Fingerprint: fmt.Sprintf("%064s", role+endpoint+from.Format("060102")), Anchor: role == "root"})
		}
		o.Seen.Path[0].PublicKey, o.Seen.Path[0].SCTs = key, true
	}
	return monitor.Report{Endpoint: endpoint, Vantage: "here", At: now, Addresses: []string{o.Address}, Outcomes: []monitor.Outcome{o}}
}

// BenchmarkMonth lives through 30 days of checks every 15 minutes, by a clock
// that runs with them: what a check costs the store, and what the file takes for
// each endpoint and for 100,000 of them.
func BenchmarkMonth(b *testing.B) {
	const interval, span = 15 * time.Minute, 30 * 24 * time.Hour
	n := 50
	if os.Getenv("TLSWHY_BENCH_SCALE") != "" {
		n = 2000
	}
	for b.Loop() {
		path := filepath.Join(b.TempDir(), "m.db")
		s, err := Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		es := storetest.Endpoints(n)
		for i := range es {
			es[i].Interval = interval
		}
		start := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		if err := s.SetEndpoints(b.Context(), start, "file", "here", interval, es); err != nil {
			b.Fatal(err)
		}
		checks, took := 0, cpuTime()
		for now := start; now.Before(start.Add(span)); now = now.Add(interval / 10) {
			batch, err := s.Claim(b.Context(), now, "here", n)
			if err != nil {
				b.Fatal(err)
			}
			reps := make([]monitor.Report, 0, len(batch.Works))
			for _, w := range batch.Works {
				reps = append(reps, asBefore(w.Endpoint.ID, now, w.Known))
			}
			if len(reps) > 0 {
				if err := s.Ingest(b.Context(), now, storetest.Rules, batch, reps); err != nil {
					b.Fatal(err)
				}
			}
			checks += len(reps)
			if now.Minute() == 0 {
				if _, err := s.Prune(b.Context(), now, monitor.Retention{}); err != nil {
					b.Fatal(err)
				}
			}
		}
		took = cpuTime() - took
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		fi, err := os.Stat(path)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(0, "ns/op") // of a month: says nothing
		b.ReportMetric(float64(took.Microseconds())/float64(checks), "cpu-µs/check")
		b.ReportMetric(float64(checks)/float64(n)/30, "checks/endpoint/day")
		b.ReportMetric(float64(fi.Size())/float64(n), "bytes/endpoint")
		b.ReportMetric(float64(fi.Size())/float64(n)*100_000/1e9, "GB/100k-endpoints")
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
