package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/server"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
	"github.com/tlswhy/tlswhy/internal/monitor/sqlite"
)

const password = "a long enough passphrase"

// world is the pages over a store, and a browser without JavaScript.
//
//	w := newWorld(t).as("operator")
//	w.watch("a.example", finding)
//	page := w.get("/endpoints", 200)
type world struct {
	*testing.T
	url    string
	store  *sqlite.Store
	keeper *access.Keeper
	web    *Web
	client *http.Client
}

// newWorld makes a monitor with an admin named root; nobody is logged in.
// change may alter what the service is made of.
func newWorld(t *testing.T, change ...func(o *service.Options)) *world {
	t.Helper()
	w := emptyWorld(t, change...)
	if err := w.keeper.SetUp(t.Context(), "root", password, "", true, "127.0.0.1"); err != nil {
		t.Fatal(err)
	}
	return w
}

// emptyWorld is a world before its set-up.
func emptyWorld(t *testing.T, change ...func(o *service.Options)) *world {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "m.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keeper := access.New(store)
	o := service.Options{Store: store, Keeper: keeper, Vantage: "here", Version: "test", Rules: func() *monitor.Rules { return testRules },
		StartTLS: func(p string) bool { return p == "smtp" },
		Parse: func(target string) (string, int, error) {
			if target == "" || strings.ContainsAny(target, " <>") {
				return "", 0, fmt.Errorf("no target is named %q", target)
			}
			return target, 443, nil
		},
		Diagnose: func(_ context.Context, r service.DiagnoseRequest) (*diag.Diagnosis, error) {
			return &diag.Diagnosis{Schema: diag.Schema, Verdict: diag.OK, Target: diag.Target{Input: r.Target}, Causes: []diag.Cause{}}, nil
		},
		Channels: func() []service.Channel {
			return []service.Channel{{Name: "all", Type: "webhook", Source: "file", To: "hooks.example.com"}}
		}}
	for _, f := range change {
		f(&o)
	}
	w := &world{T: t, store: store, keeper: keeper, web: New(Options{Service: service.New(o), Keeper: keeper, Version: "test", File: "tlswhy.yaml", Log: slog.New(slog.NewTextHandler(t.Output(), nil))})}
	h, err := server.Wrap(w.web, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(h)
	t.Cleanup(func() { w.web.Close(); ts.Close() })
	w.url = ts.URL
	return w.stranger()
}

// testRules confirm at first sight.
var testRules = &monitor.Rules{Tries: 1, Within: time.Nanosecond, Routes: []monitor.Route{{Channels: []string{"all"}}}}

// stranger is the same world with a browser of its own.
func (w *world) stranger() *world {
	jar, _ := cookiejar.New(nil) // has no error
	c := *w
	c.client = &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return &c
}

// as is the same world for somebody of that role, who is logged in.
func (w *world) as(role monitor.Role) *world {
	w.Helper()
	name := "root"
	if role != monitor.Admin {
		name = "some-" + string(role)
		ctx := access.With(w.Context(), w.root())
		if _, err := w.keeper.AddUser(ctx, name, password, role); err != nil && err != monitor.ErrExists {
			w.Fatal(err)
		}
	}
	c := w.stranger()
	c.post("/login", 303, url.Values{"name": {name}, "password": {password}})
	return c
}

func (w *world) root() *access.Somebody {
	w.Helper()
	_, p, err := w.keeper.Login(w.Context(), "root", password, "127.0.0.1", "")
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// reply is an answer.
type reply struct {
	status int
	header http.Header
	body   string
}

// to is where a redirect leads.
func (a reply) to() string { return a.header.Get("Location") }

func (w *world) get(path string, status int, headers ...string) reply {
	w.Helper()
	return w.send("GET", path, status, nil, headers...)
}

func (w *world) post(path string, status int, form url.Values, headers ...string) reply {
	w.Helper()
	return w.send("POST", path, status, strings.NewReader(form.Encode()), append([]string{"Content-Type", "application/x-www-form-urlencoded"}, headers...)...)
}

// send makes a request, and holds the answer to what every page promises.
func (w *world) send(method, path string, status int, body io.Reader, headers ...string) reply {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, body)
	if err != nil {
		w.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	a := reply{resp.StatusCode, resp.Header, string(raw)}
	if a.status != status {
		w.Fatalf("%s %s: got %d %s, want %d: %s", method, path, a.status, a.to(), status, a.body)
	}
	if strings.HasPrefix(a.header.Get("Content-Type"), "text/html") {
		w.clean(path, a)
	}
	return a
}

// see fails unless all texts are in the page.
func (w *world) see(a reply, texts ...string) {
	w.Helper()
	for _, x := range texts {
		if !strings.Contains(a.body, x) {
			w.Errorf("the page does not have %q:\n%s", x, a.body)
		}
	}
}

// notSee fails if one of the texts is in the page.
func (w *world) notSee(a reply, texts ...string) {
	w.Helper()
	for _, x := range texts {
		if strings.Contains(a.body, x) {
			w.Errorf("the page has %q:\n%s", x, a.body)
		}
	}
}

// watch has endpoints checked once, at one address each, with what is found.
func (w *world) watch(target string, found ...monitor.Finding) monitor.Endpoint {
	w.Helper()
	return w.met(monitor.Endpoint{Target: target, Host: target, Port: 443, Source: monitor.SourceAPI}, monitor.Outcome{Findings: found})
}

// met is watch with an endpoint and an outcome to begin with.
func (w *world) met(e monitor.Endpoint, o monitor.Outcome) monitor.Endpoint {
	w.Helper()
	ctx, now := w.Context(), time.Now()
	e.ID = monitor.NewID(&e)
	if err := w.store.AddEndpoint(ctx, now, "here", e); err != nil && err != monitor.ErrExists {
		w.Fatal(err)
	}
	if o.Address == "" {
		o.Address = "192.0.2.1:443"
	}
	if o.Verdict == "" {
		if o.Verdict = diag.OK; len(o.Findings) > 0 {
			o.Verdict = diag.Failure
		}
	}
	o.SNI, o.Reached, o.Deep, o.Stage = e.Host, true, true, diag.StageFinished
	for i := range o.Findings {
		if f := &o.Findings[i]; f.Key == "" {
			f.Key = f.Cause
		}
	}
	for i := range 2 { // what is found is confirmed by the second check
		now := now.Add(time.Duration(i-2) * time.Second)
		if err := w.store.CheckSoon(ctx, now, e.ID); err != nil {
			w.Fatal(err)
		}
		b, err := w.store.Claim(ctx, now, "here", 1000)
		if err != nil {
			w.Fatal(err)
		}
		reports := []monitor.Report{{Endpoint: e.ID, Vantage: "here", At: now, Addresses: []string{o.Address}, Outcomes: []monitor.Outcome{o}}}
		if err := w.store.Ingest(ctx, now, testRules, b, reports); err != nil {
			w.Fatal(err)
		}
	}
	return e
}
