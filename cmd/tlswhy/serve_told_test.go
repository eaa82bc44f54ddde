package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// running is tlswhy serve within the test.
type running struct {
	testing.TB
	url  string
	http *http.Client
	end  func()

	mu   sync.Mutex
	said bytes.Buffer
}

// Write implements io.Writer, for the log.
func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.Write(p)
}

func (r *running) says() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said.String()
}

// wait waits for what must come, however busy the machine is.
func (r *running) wait(what string, ok func() bool) {
	r.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	r.Fatalf("%s did not come; the monitor said:\n%s", what, r.says())
}

var listensAt = regexp.MustCompile(`msg=listening url=(\S+)`)

// serveHere runs tlswhy serve until end or the end of the test.
func serveHere(t testing.TB, args ...string) *running {
	t.Helper()
	r := &running{TB: t}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r.http = &http.Client{Jar: jar}
	p := newProgram()
	p.stdout, p.stderr = io.Discard, r
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.run(ctx, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...))
	}()
	r.end = sync.OnceFunc(func() { cancel(); <-ended; r.http.CloseIdleConnections() })
	t.Cleanup(r.end)
	r.wait("the monitor", func() bool {
		m := listensAt.FindStringSubmatch(r.says())
		if m != nil {
			r.url = m[1]
		}
		return m != nil
	})
	return r
}

// ask makes a request of the API.
func (r *running) ask(method, path, body string, want int) map[string]any {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, r.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("If-Match", "*")
	resp, err := r.http.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		r.Fatalf("%s %s: got %s, %v: %s", method, path, resp.Status, err, raw)
	}
	out := map[string]any{}
	_ = json.Unmarshal(raw, &out) // some answers are empty
	return out
}

// TestChannelsOfTheAPI makes a channel while the monitor runs, and looks for its
// secrets in the files; then the key is lost, and comes back.
func TestChannelsOfTheAPI(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, req.URL.Path)
	}))
	t.Cleanup(hook.Close)
	untrusted := httptest.NewUnstartedServer(hook.Config.Handler)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	posts := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(got)
	}
	data := t.TempDir()
	if err := os.WriteFile(filepath.Join(data, "tlswhy.yaml"), []byte("confirm: {tries: 1, within: 1ms}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := serveHere(t, "--data", data)
	r.ask("POST", "/setup", `{"name": "root", "password": "a long enough passphrase"}`, 200)
	r.ask("POST", "/channels", fmt.Sprintf(`{"name": "ops", "type": "webhook", "url": %q, "secret": "s1gnedS3cret"}`, hook.URL+"/T0KENinTheURL"), 201)
	// Nobody reaches where credentials are handed out, however the address is written.
	for i, at := range []string{"http://169.254.169.254/x", "http://[::ffff:169.254.169.254]/x"} {
		name := fmt.Sprintf("cloud%d", i)
		r.ask("POST", "/channels", fmt.Sprintf(`{"name": %q, "type": "webhook", "url": %q}`, name, at), 201)
		r.ask("POST", "/channels/"+name+"/test", "", 202)
		r.wait("the refusal", func() bool {
			ms := r.ask("GET", "/channels/"+name+"/messages", "", 200)["items"].([]any)
			last, _ := ms[0].(map[string]any)["last"].(string)
			return strings.Contains(last, "may not be reached")
		})
	}
	r.ask("POST", "/channels", `{"name": "mail", "type": "email", "server": "169.254.169.254:25", "from": "a@example.com", "to": ["b@example.com"]}`, 201)
	r.ask("POST", "/channels/mail/test", "", 202)
	r.wait("the refusal of mail", func() bool {
		ms := r.ask("GET", "/channels/mail/messages", "", 200)["items"].([]any)
		last, _ := ms[0].(map[string]any)["last"].(string)
		return strings.Contains(last, "may not be reached")
	})
	r.ask("POST", "/channels/ops/test", "", 202)
	r.wait("the test", func() bool { return posts() == 1 })
	// What it watches is told by the new channel, which no route of a file names.
	r.ask("POST", "/endpoints", fmt.Sprintf(`{"target": %q, "interval": "10s"}`, strings.TrimPrefix(untrusted.URL, "https://")), 201)
	r.wait("the alert", func() bool { return posts() >= 2 })
	r.end()

	files, err := filepath.Glob(filepath.Join(data, "tlswhy.db*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"s1gnedS3cret", "T0KENinTheURL"} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("%s shows %s", f, secret)
			}
		}
	}
	if strings.Contains(r.says(), "T0KENinTheURL") {
		t.Error("the log shows a secret")
	}

	// A copy of the database without the key.
	key := filepath.Join(data, keyName)
	if err := os.Rename(key, key+".away"); err != nil {
		t.Fatal(err)
	}
	r = serveHere(t, "--data", data)
	if said := r.says(); !strings.Contains(said, "key file is gone") || !strings.Contains(said, keyName) {
		t.Errorf("a lost key: %s", said)
	}
	r.ask("POST", "/login", `{"name": "root", "password": "a long enough passphrase"}`, 200)
	for _, c := range r.ask("GET", "/channels", "", 200)["items"].([]any) {
		if c := c.(map[string]any); !strings.Contains(fmt.Sprint(c["error"]), "key file is gone") {
			t.Errorf("got %v", c)
		}
	}
	r.ask("POST", "/channels", `{"name": "new", "type": "slack", "url": "https://x.example/y"}`, 409)
	r.end()
	if err := os.Rename(key+".away", key); err != nil {
		t.Fatal(err)
	}
	r = serveHere(t, "--data", data)
	r.ask("POST", "/login", `{"name": "root", "password": "a long enough passphrase"}`, 200)
	before := posts()
	r.ask("POST", "/channels/ops/test", "", 202)
	r.wait("the test with the key put back", func() bool { return posts() > before })
	r.ask("DELETE", "/channels/ops", "", 204)
	r.ask("GET", "/channels/ops", "", 404)
}
