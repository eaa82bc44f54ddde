package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkAlert breaks a server and measures from the first check that sees it
// to the moment at which a webhook has accepted the alert, with the default
// confirm window of 30 s: what is reported is the time beyond it.
func BenchmarkAlert(b *testing.B) {
	if os.Getenv("TLSWHY_BENCH_SCALE") == "" {
		b.Skip("it takes a minute: set TLSWHY_BENCH_SCALE")
	}
	var accepted atomic.Int64
	hook := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { accepted.CompareAndSwap(0, time.Now().UnixNano()) }))
	defer hook.Close()
	s := httptest.NewTLSServer(http.NotFoundHandler())
	target := s.Listener.Addr().String()
	data := b.TempDir()
	config := fmt.Sprintf("endpoints: [{target: %q, interval: 10s}]\nchannels: {hook: {type: webhook, url: %q}}\nmaintenance: [{name: before, match: {cause: unknown-ca}, start: 2020-01-01T00:00:00Z, end: 2100-01-01T00:00:00Z}]\n", target, hook.URL)
	if err := os.WriteFile(filepath.Join(data, "tlswhy.yaml"), []byte(config), 0o600); err != nil {
		b.Fatal(err)
	}
	r := serveHere(b, "--data", data)
	r.ask("POST", "/setup", `{"name": "root", "password": "a long enough passphrase"}`, 200)
	r.wait("a first check", func() bool {
		return r.ask("GET", "/endpoints", "", 200)["items"].([]any)[0].(map[string]any)["state"] != "unchecked"
	})
	accepted.Store(0)
	broke := time.Now()
	s.Close()
	plain, err := net.Listen("tcp", target) // something else answers there now
	if err != nil {
		b.Skip(err)
	}
	defer plain.Close()
	go func() {
		for {
			c, err := plain.Accept()
			if err != nil {
				return
			}
			fmt.Fprint(c, "220 not what you think\r\n")
			_ = c.Close()
		}
	}()
	r.wait("the alert", func() bool { return accepted.Load() != 0 })
	first := time.Now()
	for _, e := range r.ask("GET", "/events?kind=pending", "", 200)["items"].([]any) {
		if at, err := time.Parse(time.RFC3339, e.(map[string]any)["at"].(string)); err == nil && at.Before(first) && at.After(broke) {
			first = at
		}
	}
	b.ReportMetric(time.Unix(0, accepted.Load()).Sub(first).Seconds()-30, "s-beyond-window")
	b.ReportMetric(0, "ns/op")
}
