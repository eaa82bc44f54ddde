package main

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/api"
)

// checked runs tlswhy check.
func checked(t *testing.T, env []string, args ...string) (code int, out, said string) {
	t.Helper()
	p := newProgram()
	var stdout, stderr bytes.Buffer
	p.stdout, p.stderr, p.environ = &stdout, &stderr, append(os.Environ(), env...)
	code = p.run(t.Context(), append([]string{"check"}, args...))
	return code, stdout.String(), stderr.String()
}

// TestCheck checks a server by itself, by the file and by a running monitor, and
// a monitor that is gone.
func TestCheck(t *testing.T) {
	t.Parallel()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	target := strings.TrimPrefix(s.URL, "https://")
	data := t.TempDir()
	config := filepath.Join(data, "tlswhy.yaml")
	ca := filepath.Join(data, "ca.pem")
	for file, text := range map[string]string{config: fmt.Sprintf("endpoints: [{target: %q, ca_file: ca.pem, sni: example.com}]\n", target), ca: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := serveHere(t, "--data", data)
	r.ask("POST", "/setup", `{"name": "root", "password": "a long enough passphrase"}`, 200)
	token := "TLSWHY_TOKEN=" + r.ask("POST", "/tokens", `{"name": "nagios", "scopes": ["read"]}`, 201)["token"].(string)
	id := ""
	r.wait("the first check", func() bool {
		e := r.ask("GET", "/endpoints", "", 200)["items"].([]any)[0].(map[string]any)
		id, _ = e["id"].(string)
		return e["state"] != "unchecked"
	})
	// The certificate of httptest is marked as a CA, which is worth a warning.
	for _, c := range []struct {
		name string
		env  []string
		args []string
		code int
		out  string
	}{
		{"now, with its CA", nil, []string{"--ca", ca, "--sni", "example.com", target}, 0, ""},
		{"now, without", nil, []string{"-o", "nagios", target}, 2, "TLSWHY CRITICAL - "},
		{"by a threshold", nil, []string{"--ca", ca, "--sni", "example.com", "-o", "nagios", "--warn", "36500d", target}, 1, "TLSWHY WARNING - "},
		{"by a threshold, critical", nil, []string{"--ca", ca, "--sni", "example.com", "--warn", "36500d", "--critical", "36499d", target}, 1, "expires-soon"},
		{"strict", nil, []string{"--ca", ca, "--sni", "example.com", "--warn", "36500d", "--strict", target}, 1, ""},
		{"by the file", nil, []string{"--config", config, target}, 0, ""},
		{"not in the file", nil, []string{"--config", config, "other.example.com"}, 2, ""},
		{"not in the file, nagios", nil, []string{"--config", config, "-o", "nagios", "other.example.com"}, 3, "TLSWHY UNKNOWN - "},
		{"by the monitor", []string{token}, []string{"--monitor", r.url, "-o", "nagios", target}, 1, "TLSWHY WARNING - "},
		{"by the monitor, id and JSON", []string{token, "TLSWHY_MONITOR=" + r.url}, []string{"-o", "json", id}, 0, `"verdict":"warning"`},
		{"why nobody was told", []string{token}, []string{"--monitor", r.url, "--why", target}, 0, "there are no routes: nobody is told of anything"},
		{"why, as JSON", []string{token}, []string{"--monitor", r.url, "--why", "-o", "json", id}, 0, `"answer":"`},
		{"why, of no endpoint", []string{token}, []string{"--monitor", r.url, "--why", "other.example.com"}, 2, ""},
		{"the monitor does not watch it", []string{token}, []string{"--monitor", r.url, "other.example.com"}, 2, ""},
		{"a wrong token", []string{"TLSWHY_TOKEN=x"}, []string{"--monitor", r.url, "-o", "nagios", target}, 3, "does not take the token"},
		{"no token", []string{"TLSWHY_TOKEN="}, []string{"--monitor", r.url, "-o", "nagios", target}, 3, "no token for the monitor"},
		{"no monitor there", []string{token}, []string{"--monitor", s.URL, "--ca", ca, "-o", "nagios", target}, 3, "TLSWHY UNKNOWN - "},
		{"nonsense", nil, []string{"--warn", "soon", target}, 2, ""},
		{"both", nil, []string{"--config", config, "--monitor", r.url, target}, 2, ""},
	} {
		code, out, said := checked(t, c.env, c.args...)
		if code != c.code || !strings.Contains(out, c.out) {
			t.Errorf("%s: got %d, want %d with %q:\n%s%s", c.name, code, c.code, c.out, out, said)
		}
	}
	r.end()
	if code, out, _ := checked(t, []string{token}, "--monitor", r.url, target); code != 3 || !strings.Contains(out, "gives no answer") {
		t.Errorf("a monitor that is gone: got %d: %s", code, out)
	}
	if code, _, said := checked(t, []string{token}, "--monitor", r.url, "--why", target); code != 3 || !strings.Contains(said, "gives no answer") {
		t.Errorf("why, of a monitor that is gone: got %d: %s", code, said)
	}
}

// TestKnown holds what a monitor knows to what is said of it: what was not
// checked in time is not healthy.
func TestKnown(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	state := func(checked time.Time, v diag.Verdict, seen ...monitor.Sighting) monitor.State {
		return monitor.State{Address: "192.0.2.1:443", Checked: checked, Verdict: v, Sightings: seen}
	}
	expiring := monitor.Sighting{Finding: monitor.Finding{Key: "expiry", Cause: "expires-soon", Severity: monitor.Critical}}
	over := expiring
	over.Missed = 1
	for name, c := range map[string]struct {
		states []monitor.State
		want   diag.Verdict
	}{
		"healthy":         {[]monitor.State{state(now.Add(-time.Minute), diag.OK)}, diag.OK},
		"never checked":   {nil, diag.Untested},
		"long ago":        {[]monitor.State{state(now.Add(-time.Hour), diag.OK)}, diag.Untested},
		"not testable":    {[]monitor.State{state(now, diag.Untested)}, diag.Untested},
		"one of two":      {[]monitor.State{state(now, diag.OK), state(now, diag.OK, expiring)}, diag.Failure},
		"over for a time": {[]monitor.State{state(now, diag.OK, over)}, diag.OK},
	} {
		e := &api.EndpointDetail{States: c.states}
		e.Target, e.Interval = "shop.example.com", api.Duration(5*time.Minute)
		if d := known(e, now); d.Verdict != c.want {
			t.Errorf("%s: got %s, want %s", name, d.Verdict, c.want)
		}
	}
}
