package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/access"
	"github.com/tlswhy/tlswhy/internal/monitor/seal"
	"github.com/tlswhy/tlswhy/internal/monitor/server"
	"github.com/tlswhy/tlswhy/internal/monitor/service"
	"github.com/tlswhy/tlswhy/internal/monitor/sqlite"
)

const password = "a long enough passphrase"

// world is a running API over a store, and somebody who asks.
type world struct {
	testing.TB
	url    string
	store  *sqlite.Store
	keeper *access.Keeper
	api    *API
	client *http.Client
	token  string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "m.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	keeper := access.New(store)
	vault, err := seal.Open(filepath.Join(t.TempDir(), "k"), false)
	if err != nil {
		t.Fatal(err)
	}
	s := service.New(service.Options{Store: store, Keeper: keeper, Vantage: "here", Rules: func() *monitor.Rules {
		return &monitor.Rules{Routes: []monitor.Route{{Match: map[string]string{"owner": "mail"}, Channels: []string{"post"}}, {Channels: []string{"all"}}}}
	},
		StartTLS: func(p string) bool { return p == "smtp" },
		Parse: func(target string) (string, int, error) {
			if strings.Contains(target, " ") {
				return "", 0, fmt.Errorf("no target has blanks")
			}
			return target, 443, nil
		},
		Diagnose: func(_ context.Context, r service.DiagnoseRequest) (*diag.Diagnosis, error) {
			return &diag.Diagnosis{Schema: diag.Schema, Verdict: diag.OK, Target: diag.Target{Input: r.Target}, Causes: []diag.Cause{}}, nil
		},
		Vault: vault, ChannelsChanged: func() error { return nil },
		CheckChannel: func(c *service.ChannelSpec) error {
			if c.Type == "webhook" && c.URL == "" {
				return fmt.Errorf("url must be a whole http or https address")
			}
			return nil
		},
		Channels: func() []service.Channel {
			out := []service.Channel{{Name: "all", Type: "webhook", Source: "file", To: "hooks.example.com"}}
			kept, err := store.KeptChannels(context.Background())
			if err != nil {
				t.Error(err)
			}
			for i := range kept {
				spec, err := service.OpenChannel(vault, &kept[i])
				out = append(out, service.Describe(&kept[i], &spec, err))
			}
			return out
		}})
	a := New(Options{Service: s, Keeper: keeper, Version: "test", Plain: []Plain{
		{Method: http.MethodGet, Path: "/healthz", ID: "healthz", Summary: "Whether the process lives", Type: "text/plain", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "alive\n") })},
		{Method: http.MethodGet, Path: "/metrics", ID: "metrics", Summary: "Metrics", Type: "text/plain", Scope: monitor.ScopeMetrics, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "up 1\n") })},
	}})
	h, err := server.Wrap(a, server.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ts := httptest.NewServer(h)
	t.Cleanup(ts.Close)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &world{TB: t, url: ts.URL, store: store, keeper: keeper, api: a, client: &http.Client{Jar: jar}}
}

// admin sets the monitor up and logs in.
func (w *world) admin() *world {
	w.Helper()
	w.ask("POST", "/api/v1/setup", 200, map[string]any{"name": "root", "password": password})
	return w
}

// as is the same world for somebody who has a token only.
func (w *world) as(token string) *world {
	c := *w
	c.client, c.token = &http.Client{}, token
	return &c
}

type answer struct {
	status int
	header http.Header
	body   map[string]any
	raw    string
}

// try makes a request and returns the status of the answer.
func (w *world) try(method, path string, body any, headers ...string) int {
	w.Helper()
	return w.send(method, path, body, headers...).status
}

// ask makes a request, and holds the answer to the description of the API.
func (w *world) ask(method, path string, status int, body any, headers ...string) answer {
	w.Helper()
	a := w.send(method, path, body, headers...)
	if a.status != status {
		w.Fatalf("%s %s: got %d, want %d: %s", method, path, a.status, status, a.raw)
	}
	return a
}

func (w *world) send(method, path string, body any, headers ...string) answer {
	w.Helper()
	var send io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			w.Fatal(err)
		}
		send = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, send)
	if err != nil {
		w.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
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
	a := answer{status: resp.StatusCode, header: resp.Header, raw: string(raw)}
	if strings.Contains(resp.Header.Get("Content-Type"), "json") {
		if err := json.Unmarshal(raw, &a.body); err != nil {
			w.Fatalf("%s %s: %v in %s", method, path, err, raw)
		}
	}
	w.described(req, &a)
	return a
}

// described checks that the answer is one that the description names, with a
// body that its schema allows.
func (w *world) described(req *http.Request, a *answer) {
	w.Helper()
	_, pattern := w.api.mux.Handler(req)
	_, path, _ := strings.Cut(pattern, " ")
	item := w.api.huma.OpenAPI().Paths[path]
	if item == nil {
		return // a path that is not there
	}
	op := map[string]*huma.Operation{"GET": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete}[req.Method]
	r := op.Responses[fmt.Sprint(a.status)]
	if r == nil {
		w.Errorf("%s %s answers %d, which its description does not name", req.Method, path, a.status)
		return
	}
	if a.status >= 400 && a.header.Get("Content-Type") != "application/problem+json" {
		w.Errorf("%s %s: the error is of type %q", req.Method, path, a.header.Get("Content-Type"))
	}
	for _, c := range r.Content {
		if c.Schema == nil || a.body == nil || path == "/openapi.json" {
			continue
		}
		res := &huma.ValidateResult{}
		huma.Validate(w.api.huma.OpenAPI().Components.Schemas, c.Schema, huma.NewPathBuffer([]byte{}, 0), huma.ModeReadFromServer, any(a.body), res)
		for _, e := range res.Errors {
			w.Errorf("%s %s: the answer breaks its schema: %v in %s", req.Method, path, e, a.raw)
		}
	}
}

func items(a answer) []any {
	l, _ := a.body["items"].([]any)
	return l
}

func keys[V any](m map[string]V) (out []string) {
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
