package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// TestHeartbeat calls while the monitor is well, tells a receiver that refuses
// without its URL, and calls nobody while the secrets of channels cannot be read.
func TestHeartbeat(t *testing.T) {
	t.Parallel()
	var calls, status atomic.Int64
	status.Store(200)
	beat := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		w.WriteHeader(int(status.Load()))
	}))
	t.Cleanup(beat.Close)
	data := t.TempDir()
	config := fmt.Sprintf("heartbeat: {url: %q, every: 10s}\n", beat.URL+"/T0KENofTheBeat")
	if err := os.WriteFile(filepath.Join(data, "tlswhy.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	r := serveHere(t, "--data", data)
	r.wait("a heartbeat", func() bool { return calls.Load() > 0 })
	r.ask("POST", "/setup", `{"name": "root", "password": "a long enough passphrase"}`, 200)
	r.ask("POST", "/channels", `{"name": "ops", "type": "slack", "url": "https://x.example/y"}`, 201)
	r.end()

	status.Store(500)
	r = serveHere(t, "--data", data)
	r.wait("that the receiver refuses", func() bool { return strings.Contains(r.says(), "the heartbeat was not taken") })
	r.end()
	if strings.Contains(r.says(), "T0KEN") {
		t.Errorf("the log shows the URL: %s", r.says())
	}

	if err := os.Remove(filepath.Join(data, keyName)); err != nil {
		t.Fatal(err)
	}
	before := calls.Load()
	r = serveHere(t, "--data", data)
	r.wait("that it is not well", func() bool { return strings.Contains(r.says(), "no heartbeat was sent") })
	r.end()
	if calls.Load() != before {
		t.Error("a heartbeat was sent by a monitor that cannot alert")
	}
}
