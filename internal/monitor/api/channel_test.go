package api

import (
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestChannels makes, changes and removes a channel; no answer has a secret.
func TestChannels(t *testing.T) {
	t.Parallel()
	w := newWorld(t).admin()
	var said strings.Builder
	ask := func(method, path string, status int, body any, headers ...string) answer {
		t.Helper()
		a := w.ask(method, path, status, body, headers...)
		said.WriteString(a.raw)
		return a
	}
	const one = "/api/v1/channels/ops"
	spec := map[string]any{"type": "webhook", "url": "https://hooks.example.com/T0KEN", "secret": "s1gned", "headers": map[string]any{"X-Api": "hea7er"}, "password": "pa55word", "username": "u",
		"match": map[string]any{"owner": "mail"}, "min_severity": "critical"}
	with := func(more map[string]any) map[string]any {
		out := map[string]any{}
		for _, m := range []map[string]any{spec, more} {
			for k, v := range m {
				if out[k] = v; v == nil {
					delete(out, k)
				}
			}
		}
		return out
	}
	ask("POST", "/api/v1/channels", 422, with(map[string]any{"name": "Not Good"}))
	ask("POST", "/api/v1/channels", 422, map[string]any{"name": "empty", "type": "webhook"})
	ask("POST", "/api/v1/channels", 422, with(map[string]any{"name": "runs", "type": "exec"}))
	ask("POST", "/api/v1/channels", 422, with(map[string]any{"name": "long", "type": "shoutrrr"}))
	ask("POST", "/api/v1/channels", 422, with(map[string]any{"name": "file", "ca_file": "/etc/passwd"}))
	ask("POST", "/api/v1/channels", 409, with(map[string]any{"name": "all"}))
	made := ask("POST", "/api/v1/channels", 201, with(map[string]any{"name": "ops"}))
	if made.header.Get("Location") != one || made.body["to"] != "hooks.example.com" || len(made.body["secrets"].([]any)) != 4 {
		t.Errorf("got %s", made.raw)
	}
	ask("POST", "/api/v1/channels", 409, with(map[string]any{"name": "ops"}))
	if got := ask("GET", one, 200, nil); got.header.Get("ETag") != made.header.Get("ETag") || got.body["source"] != "api" {
		t.Errorf("got %v", got)
	}
	if got := items(ask("GET", "/api/v1/channels", 200, nil)); len(got) != 2 {
		t.Errorf("got %v", got)
	}

	quiet := map[string]any{"url": nil, "secret": nil, "password": nil, "headers": nil}
	ask("PUT", one, 428, with(quiet))
	ask("PUT", one, 412, with(quiet), "If-Match", `"0000"`)
	ask("PUT", "/api/v1/channels/all", 403, spec, "If-Match", "*")
	ask("PUT", "/api/v1/channels/none", 404, spec, "If-Match", "*")
	// What is left out stays.
	changed := ask("PUT", one, 200, with(quiet), "If-Match", made.header.Get("ETag"))
	if len(changed.body["secrets"].([]any)) != 4 {
		t.Errorf("got %s", changed.raw)
	}
	// But it is not sent elsewhere.
	quiet["url"] = "https://evil.example.net/"
	ask("PUT", one, 422, with(quiet), "If-Match", "*")
	quiet["url"] = "http://hooks.example.com/T0KEN"
	ask("PUT", one, 422, with(quiet), "If-Match", "*")
	delete(quiet, "url")
	ask("PUT", one, 200, with(quiet), "If-Match", "*")

	ask("POST", one+"/test", 202, nil)
	sent := items(ask("GET", one+"/messages", 200, nil))
	if len(sent) != 1 || sent[0].(map[string]any)["state"] != "waiting" {
		t.Errorf("got %v", sent)
	}
	ask("DELETE", one, 412, nil, "If-Match", made.header.Get("ETag"))
	ask("DELETE", one, 204, nil)
	ask("DELETE", one, 404, nil)
	ask("GET", one, 404, nil)
	ask("DELETE", "/api/v1/channels/all", 403, nil)
	if ms, err := w.store.Messages(t.Context(), "ops", "", 10); err != nil || len(ms) != 1 || ms[0].State != "failed" {
		t.Errorf("what waited for it: %v, %v", ms, err)
	}
	if h, err := w.store.Health(t.Context(), time.Now()); err != nil || h.Outbox != 0 {
		t.Errorf("the outbox: %+v, %v", h, err)
	}
	said.WriteString(w.ask("GET", "/api/v1/audit", 200, nil).raw)
	for _, secret := range []string{"T0KEN", "s1gned", "hea7er", "pa55word"} {
		if strings.Contains(said.String(), secret) {
			t.Errorf("an answer has %q", secret)
		}
	}
}

// TestChannelScope lets nobody without the scope make a channel.
func TestChannelScope(t *testing.T) {
	t.Parallel()
	w := newWorld(t).admin()
	token := w.ask("POST", "/api/v1/tokens", 201, map[string]any{"name": "r", "scopes": []string{string(monitor.ScopeRead)}}).body["token"].(string)
	r := w.as(token)
	r.ask("GET", "/api/v1/channels", 200, nil)
	r.ask("POST", "/api/v1/channels", 403, map[string]any{"name": "x", "type": "slack", "url": "https://x.example/"})
	r.ask("PUT", "/api/v1/channels/all", 403, map[string]any{"type": "slack"}, "If-Match", "*")
	r.ask("DELETE", "/api/v1/channels/all", 403, nil)
	r.ask("POST", "/api/v1/channels/all/test", 403, nil)
}
