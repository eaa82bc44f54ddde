package test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/test/monitor"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// until waits for a condition.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	monitor.Until(t, what, ok)
}

// serve runs tlswhy serve with a configuration until the test ends.
func serve(t *testing.T, bin, config string, env ...string) {
	t.Helper()
	monitor.StartWith(t, env, bin, monitor.Config(t, config)...)
}

// TestNewUser is the first quarter of an hour of a new user: one command, three
// endpoints of which one is broken, one about to expire and one fine, and both a
// mail and a webhook tell the right cause and fix of the two, and nothing else.
func TestNewUser(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers take a while")
	}
	bin, w := program(t), newWorld(t)
	local := pki.Spec{DNS: []string{local}}
	ends := local
	ends.NotBefore, ends.NotAfter = time.Now().Add(-110*pki.Day), time.Now().Add(10*pki.Day)
	eps := []*server.Endpoint{{Name: "broken"}, {Name: "ends"}, {Name: "fine"}}
	eps[0].Chain, eps[0].Key = w.Files("new-broken", w.Leaf(local)) // without the intermediate
	eps[1].Chain, eps[1].Key = w.Files("new-ends", w.Leaf(ends), w.Intermediate)
	eps[2].Chain, eps[2].Key = w.Files("new-fine", w.Leaf(local), w.Intermediate)
	var lines strings.Builder
	for _, e := range eps {
		e.Hosts = local.DNS
	}
	server.Start(t, server.Nginx, eps...)
	target := func(e *server.Endpoint) string { return fmt.Sprintf("https://%s:%d/", local.DNS[0], e.Port) }
	for _, e := range eps {
		fmt.Fprintf(&lines, "  - {target: %q, connect: [%q]}\n", target(e), e.Target())
	}
	hook, mx := monitor.NewInbox(t), newMailbox(t, w.PKI)
	began := time.Now()
	serve(t, bin, fmt.Sprintf(`
confirm: {tries: 3, within: 3s}
defaults: {ca_file: %q, owner: web}
endpoints:
%schannels:
  hook: {type: webhook, url: %q, secret: s}
  mail: {type: email, server: %q, ca_file: %q, from: tlswhy@example.com, to: [web@example.com], username: web, password: "${MAIL_PASSWORD}"}
`, w.RootFile, lines.String(), hook.URL, mx.addr, w.RootFile), "MAIL_PASSWORD="+mailPassword)
	want := []string{target(eps[0]) + " incomplete-chain critical", target(eps[1]) + " expires-soon warning"}
	slices.Sort(want)
	until(t, "the webhook", func() bool { return len(hook.Causes()) >= len(want) })
	heard := time.Since(began)
	if got := hook.Causes(); !slices.Equal(got, want) {
		t.Errorf("the webhook told %q, want %q", got, want)
	}
	until(t, "the mail", func() bool {
		all := mx.text()
		return strings.Contains(all, "incomplete-chain") && strings.Contains(all, "expires-soon")
	})
	t.Logf("accepted %v after the start, with a confirm window of 3 s", heard.Round(time.Millisecond))
	text := mx.text()
	for _, x := range []string{"Subject:", "ssl_certificate", "Verify", "CRITICAL: " + target(eps[0]), "WARNING: " + target(eps[1]), "expires in 9 days"} {
		if !strings.Contains(text, x) {
			t.Errorf("the mail lacks %q", x)
		}
	}
	if strings.Contains(text, target(eps[2])) {
		t.Errorf("the mail tells of the endpoint that is fine")
	}
	if t.Failed() {
		t.Logf("the mail:\n%s", text)
	}
	for _, a := range hook.Alerts("") {
		for _, i := range a.Items {
			if f := i.Incident.Finding; len(f.Fixes) == 0 || f.Verify == "" || len(f.Evidence) == 0 {
				t.Errorf("the webhook lacks evidence, fix or verify: %+v", i)
			}
		}
	}
}

// TestAlertmanager keeps an alert firing in a real Alertmanager for as long as
// the incident lasts, and ends it once.
func TestAlertmanager(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers take a while")
	}
	path := server.Need(t, "prometheus-alertmanager")
	bin, w := program(t), newWorld(t)
	e := &server.Endpoint{Name: "am", Hosts: []string{local}, Port: server.FreePort(t)}
	leaf := w.Leaf(pki.Spec{DNS: []string{local}})
	var served atomic.Pointer[tls.Certificate]
	served.Store(&tls.Certificate{Certificate: [][]byte{leaf.DER}, PrivateKey: leaf.Key})
	server.ServeHTTP(t, e, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return served.Load(), nil }})

	type notice struct{ Status string }
	var mu sync.Mutex
	var notices []notice
	sink := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var n notice
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		notices = append(notices, n)
	}))
	t.Cleanup(sink.Close)
	count := func(status string) (n int) {
		mu.Lock()
		defer mu.Unlock()
		for _, x := range notices {
			if x.Status == status {
				n++
			}
		}
		return n
	}
	dir := server.Folder(t)
	config := filepath.Join(dir, "am.yml")
	if err := os.WriteFile(config, fmt.Appendf(nil, `
route: {receiver: sink, group_by: ["..."], group_wait: 0s, group_interval: 1s, repeat_interval: 24h}
receivers:
  - name: sink
    webhook_configs: [{url: %q, send_resolved: true}]
`, sink.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	am := fmt.Sprintf("127.0.0.1:%d", server.FreePort(t))
	cmd := exec.Command(path, "--config.file="+config, "--storage.path="+dir, "--web.listen-address="+am, "--cluster.listen-address=")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Alertmanager said:\n%s", said.String())
		}
	})
	// alerts are those that fire.
	type alert struct {
		Labels   map[string]string
		EndsAt   time.Time
		StartsAt time.Time
	}
	alerts := func() (out []alert, ok bool) {
		resp, err := http.Get("http://" + am + "/api/v2/alerts?active=true")
		if err != nil {
			return nil, false
		}
		defer resp.Body.Close()
		err = json.NewDecoder(resp.Body).Decode(&out)
		return out, err == nil && resp.StatusCode == http.StatusOK
	}
	until(t, "Alertmanager", func() bool { _, ok := alerts(); return ok })
	serve(t, bin, fmt.Sprintf(`
confirm: {tries: 2, within: 1s}
endpoints:
  - {target: "https://%s:%d", connect: [%q], ca_file: %q, interval: 10s, tags: {env: prod}}
channels:
  prom: {type: alertmanager, url: "http://%s", repeat: 1s}
`, local, e.Port, e.Target(), w.RootFile, am))
	var first alert
	until(t, "the alert", func() bool {
		as, _ := alerts()
		if len(as) > 0 {
			first = as[0]
		}
		return len(as) > 0
	})
	if l := first.Labels; l["alertname"] != "tlswhy" || l["severity"] != "critical" || l["problem"] != "incomplete-chain" || l["env"] != "prod" {
		t.Errorf("got labels %v", l)
	}
	// While it fires it is never absent, its end is always ahead and moves on.
	moved, last := 0, first.EndsAt
	until(t, "its end to move on", func() bool {
		as, ok := alerts()
		switch {
		case ok && len(as) != 1:
			t.Fatalf("%d alerts in the middle of one incident", len(as))
		case ok && as[0].EndsAt.After(last):
			moved, last = moved+1, as[0].EndsAt
		}
		return moved >= 5
	})
	if ahead := last.Sub(first.StartsAt); ahead < time.Minute {
		t.Errorf("the alert ends %v after its start unless it is repeated: a gap is near", ahead)
	}
	served.Store(&tls.Certificate{Certificate: [][]byte{leaf.DER, w.Intermediate.DER}, PrivateKey: leaf.Key}) // mended
	until(t, "the end", func() bool { as, ok := alerts(); return ok && len(as) == 0 })
	until(t, "the notice of the end", func() bool { return count("resolved") > 0 })
	for range 50 { // whatever would be told twice has time to be
		if as, ok := alerts(); ok && len(as) > 0 {
			t.Fatalf("it fires again: %v", as)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if f, r := count("firing"), count("resolved"); f != 1 || r != 1 {
		t.Errorf("%d notices that it fires and %d that it is resolved, want one of each", f, r)
	}
}
