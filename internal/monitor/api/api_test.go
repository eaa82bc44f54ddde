package api

import (
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/monitor"
	"github.com/tlswhy/tlswhy/internal/monitor/storetest"
)

func TestAnonymous(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask("GET", "/healthz", 200, nil)
	for _, path := range []string{"/api/v1/endpoints", "/api/v1/me", "/api/v1/users", "/openapi.json", "/", "/nothing", "/api/v1/nothing", "/api/v1/endpoints/x"} {
		a := w.ask("GET", path, 401, nil)
		if a.header.Get("WWW-Authenticate") == "" || a.body["title"] != "Unauthorized" {
			t.Errorf("%s: got %s", path, a.raw)
		}
	}
	w.ask("GET", "/metrics", 200, nil) // on this machine
	w.ask("GET", "/metrics", 401, nil, "X-Forwarded-For", "192.0.2.1")
	w.ask("GET", "/metrics", 401, nil, "Host", "rebound.example.com")
	w.as("tlswhy_api_wrong").ask("GET", "/api/v1/me", 401, nil)
	w.ask("GET", "/api/v1/me", 401, nil, "Authorization", "Basic cm9vdDpyb290")
}

func TestSetUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := map[string]any{"name": "root", "password": password}
	w.ask("POST", "/api/v1/setup", 403, first, "X-Forwarded-For", "192.0.2.1") // through a proxy
	w.ask("POST", "/api/v1/setup", 403, first, "Host", "rebound.example.com")
	first["token"] = "tlswhy_setup_wrong"
	w.ask("POST", "/api/v1/setup", 403, first, "X-Forwarded-For", "192.0.2.1")
	w.ask("POST", "/api/v1/setup", 422, map[string]any{"name": "root", "password": "short"})
	w.ask("POST", "/api/v1/setup", 422, map[string]any{"name": "root", "password": "rootrootroot"})
	// Guesses are limited for the address.
	limited := false
	for range 40 {
		limited = limited || w.try("POST", "/api/v1/setup", first, "X-Forwarded-For", "192.0.2.1") == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("guessing is not limited")
	}
	w = newWorld(t)
	first["token"] = w.keeper.SetUpToken()
	w.ask("POST", "/api/v1/setup", 200, first, "X-Forwarded-For", "192.0.2.1")
	if a := w.ask("GET", "/api/v1/me", 200, nil); a.body["user"] != "root" || a.body["role"] != "admin" {
		t.Errorf("got %s", a.raw)
	}
	w.ask("POST", "/api/v1/setup", 409, map[string]any{"name": "second", "password": password})
}

func TestSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t).admin()
	a := w.ask("POST", "/api/v1/login", 200, map[string]any{"name": "root", "password": password})
	cookie := a.header.Get("Set-Cookie")
	for _, want := range []string{"tlswhy=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("got cookie %q, want %s in it", cookie, want)
		}
	}
	w.ask("POST", "/api/v1/login", 401, map[string]any{"name": "root", "password": "another long passphrase"})
	w.ask("POST", "/api/v1/login", 401, map[string]any{"name": "nobody", "password": "another long passphrase"})
	w.ask("POST", "/api/v1/me/password", 401, map[string]any{"old": "wrong", "new": "a much longer passphrase"})
	second := w.as("") // another browser
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	second.client.Jar = jar
	second.ask("POST", "/api/v1/login", 200, map[string]any{"name": "root", "password": password})
	w.ask("POST", "/api/v1/me/password", 204, map[string]any{"old": password, "new": "a much longer passphrase"})
	w.ask("GET", "/api/v1/me", 200, nil)
	second.ask("GET", "/api/v1/me", 401, nil) // its session ended with the old password
	w.ask("POST", "/api/v1/logout", 204, nil)
	w.ask("GET", "/api/v1/me", 401, nil)
	w.ask("POST", "/api/v1/logout", 204, nil)
	a = w.ask("POST", "/api/v1/login", 200, map[string]any{"name": "root", "password": "a much longer passphrase"})
	if got := a.header.Get("Set-Cookie"); got == cookie {
		t.Error("two logins have the same session")
	}
	if got := w.ask("GET", "/api/v1/audit?action=login-refused", 200, nil); len(items(got)) != 2 {
		t.Errorf("got %s", got.raw)
	}
}

func TestRolesAndTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t).admin()
	made := w.ask("POST", "/api/v1/tokens", 201, map[string]any{"name": "ci", "scopes": []string{"read"}})
	secret, _ := made.body["token"].(string)
	if got := w.ask("GET", "/api/v1/tokens", 200, nil); strings.Contains(got.raw, secret) || len(items(got)) != 1 {
		t.Errorf("got %s", got.raw)
	}
	ci := w.as(secret)
	ci.ask("GET", "/api/v1/endpoints", 200, nil)
	if a := ci.ask("POST", "/api/v1/endpoints", 403, map[string]any{"target": "a.example"}); !strings.Contains(a.raw, "endpoints") {
		t.Errorf("got %s", a.raw)
	}
	ci.ask("GET", "/api/v1/users", 403, nil)
	ci.ask("POST", "/api/v1/tokens", 403, map[string]any{"name": "more", "scopes": []string{"read"}})
	w.ask("POST", "/api/v1/tokens", 422, map[string]any{"name": "old", "scopes": []string{"read"}, "expires": time.Now().Add(-time.Hour)})
	w.ask("POST", "/api/v1/tokens", 422, map[string]any{"name": "odd", "scopes": []string{"everything"}})

	w.ask("POST", "/api/v1/users", 201, map[string]any{"name": "vera", "password": password, "role": "viewer"})
	w.ask("POST", "/api/v1/users", 409, map[string]any{"name": "vera", "password": password, "role": "viewer"})
	w.ask("POST", "/api/v1/users", 422, map[string]any{"name": "Vera!", "password": password, "role": "viewer"})
	vera := w.as("")
	vera.client.Jar, _ = cookiejar.New(nil)
	vera.ask("POST", "/api/v1/login", 200, map[string]any{"name": "vera", "password": password})
	vera.ask("GET", "/api/v1/incidents", 200, nil)
	vera.ask("POST", "/api/v1/silences", 403, map[string]any{"until": time.Now().Add(time.Hour), "match": map[string]string{"owner": "a"}})
	vera.ask("POST", "/api/v1/tokens", 403, map[string]any{"name": "x", "scopes": []string{"admin"}})
	own := vera.ask("POST", "/api/v1/tokens", 201, map[string]any{"name": "x", "scopes": []string{"read"}}).body["token"].(string)
	w.as(own).ask("GET", "/api/v1/me", 200, nil)
	w.ask("PUT", "/api/v1/users/vera", 200, map[string]any{"role": "viewer", "disabled": true})
	vera.ask("GET", "/api/v1/me", 401, nil)
	w.as(own).ask("GET", "/api/v1/me", 401, nil)
	w.ask("PUT", "/api/v1/users/root", 409, map[string]any{"role": "viewer"}) // nobody would be left
	w.ask("DELETE", "/api/v1/users/root", 409, nil)
	w.ask("DELETE", "/api/v1/users/vera", 204, nil)
	w.ask("DELETE", "/api/v1/users/vera", 404, nil)
	w.ask("DELETE", "/api/v1/tokens/"+made.body["id"].(string), 204, nil)
	ci.ask("GET", "/api/v1/endpoints", 401, nil)
	if got := w.ask("GET", "/api/v1/audit?limit=3", 200, nil); len(items(got)) != 3 || got.body["next"] == nil {
		t.Errorf("got %s", got.raw)
	}
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t).admin()
	spec := map[string]any{"target": "shop.example.com", "owner": "web", "tags": map[string]string{"env": "prod"}, "interval": "1h30m", "expect": map[string]any{"warn": "20d", "min_version": "TLS 1.2"}}
	a := w.ask("POST", "/api/v1/endpoints", 201, spec)
	id, ok := a.body["id"].(string)
	if !ok {
		t.Fatalf("got %s", a.raw)
	}
	etag := a.header.Get("ETag")
	if a.body["source"] != "api" || a.body["read_only"] != false || a.body["interval"] != "1h30m" || a.body["state"] != "unchecked" || a.header.Get("Location") != "/api/v1/endpoints/"+id || a.body["expect"].(map[string]any)["warn"] != "20d" {
		t.Errorf("got %s", a.raw)
	}
	w.ask("POST", "/api/v1/endpoints", 409, spec)
	for name, bad := range map[string]map[string]any{
		"target": {"target": "a b"}, "interval": {"target": "a", "interval": "1s"}, "words": {"target": "a", "interval": "soon"}, "starttls": {"target": "a", "starttls": "gopher"},
		"connect": {"target": "a", "connect": []string{"a"}}, "pins that are a file": {"target": "a", "pins": []string{"/etc/passwd"}}, "a file": {"target": "a", "ca_file": "/etc/shadow"}, "tag": {"target": "a", "tags": map[string]string{"a b": "c"}},
	} {
		if a := w.ask("POST", "/api/v1/endpoints", 422, bad); a.body["errors"] == nil {
			t.Errorf("%s: got %s", name, a.raw)
		}
	}
	w.ask("GET", "/api/v1/endpoints/"+id, 304, nil, "If-None-Match", etag)
	spec["owner"] = "shop"
	w.ask("PUT", "/api/v1/endpoints/"+id, 428, spec)
	w.ask("PUT", "/api/v1/endpoints/"+id, 412, spec, "If-Match", `"old"`)
	w.ask("PUT", "/api/v1/endpoints/"+id, 400, spec, "If-Match", `old`)
	b := w.ask("PUT", "/api/v1/endpoints/"+id, 200, spec, "If-Match", etag)
	if b.body["owner"] != "shop" || b.header.Get("ETag") == etag {
		t.Errorf("got %s", b.raw)
	}
	w.ask("PUT", "/api/v1/endpoints/"+id, 412, spec, "If-Match", etag) // the one who came second
	w.ask("PUT", "/api/v1/endpoints/"+id, 422, map[string]any{"target": "other.example.com"}, "If-Match", "*")
	w.ask("POST", "/api/v1/endpoints/"+id+"/check", 202, nil)
	w.ask("POST", "/api/v1/endpoints/nope/check", 404, nil)
	if got := w.ask("GET", "/api/v1/endpoints/"+id+"/why", 200, nil); !strings.Contains(got.body["answer"].(string), "not checked yet") || !strings.Contains(got.raw, "owner is \\\"shop\\\", not \\\"mail\\\"") {
		t.Errorf("got %s", got.raw)
	}
	if got := w.ask("GET", "/api/v1/endpoints?tag=env=prod&owner=shop&count=true&sort=-expires", 200, nil); len(items(got)) != 1 || got.body["total"] != 1.0 {
		t.Errorf("got %s", got.raw)
	}
	w.ask("GET", "/api/v1/endpoints?tag=env=prod&tag=team=x", 200, nil)
	w.ask("GET", "/api/v1/endpoints?sort=shoe-size", 400, nil)
	w.ask("GET", "/api/v1/endpoints?cursor=nonsense", 400, nil)
	w.ask("GET", "/api/v1/endpoints?limit=100000", 422, nil)
	w.ask("GET", "/api/v1/endpoints?expires_within=soon", 422, nil)
	w.ask("GET", "/api/v1/endpoints?ownr=web", 422, nil)
	w.ask("PATCH", "/api/v1/endpoints", 405, nil)
	w.ask("DELETE", "/api/v1/endpoints/"+id, 412, nil, "If-Match", etag)
	w.ask("DELETE", "/api/v1/endpoints/"+id, 204, nil)
	w.ask("GET", "/api/v1/endpoints/"+id, 404, nil)

	// Those of the file are there to be read.
	es := storetest.Endpoints(3)
	if err := w.store.SetEndpoints(t.Context(), time.Now(), "file", "here", 0, es); err != nil {
		t.Fatal(err)
	}
	if a := w.ask("DELETE", "/api/v1/endpoints/"+es[0].ID, 403, nil); !strings.Contains(a.raw, "another source") {
		t.Errorf("got %s", a.raw)
	}
	spec["target"] = es[0].Target
	w.ask("PUT", "/api/v1/endpoints/"+es[0].ID, 403, spec, "If-Match", "*")
	got := w.ask("GET", "/api/v1/endpoints?source=file&limit=2", 200, nil)
	if len(items(got)) != 2 || items(got)[0].(map[string]any)["read_only"] != true {
		t.Errorf("got %s", got.raw)
	}
	if next := w.ask("GET", "/api/v1/endpoints?source=file&limit=2&cursor="+got.body["next"].(string), 200, nil); len(items(next)) != 1 || next.body["next"] != nil {
		t.Errorf("got %s", next.raw)
	}
}

// TestIncidents reports three bad checks of one endpoint, and follows them
// through the API.
func TestIncidents(t *testing.T) {
	t.Parallel()
	w := newWorld(t).admin()
	e := storetest.Endpoints(1)[0]
	now := time.Now().UTC().Add(-time.Hour)
	if err := w.store.SetEndpoints(t.Context(), now, "file", "here", 0, []monitor.Endpoint{e}); err != nil {
		t.Fatal(err)
	}
	leaf := monitor.Element{Role: "leaf", Subject: "CN=" + e.Host, Issuer: "CN=CA,O=Some CA", NotBefore: now.AddDate(0, -3, 0), NotAfter: now.AddDate(0, 0, -1), Names: []string{e.Host}, Key: "ECDSA P-256", Fingerprint: "ab12"}
	rules := w.api.Service.Rules()
	for i := range 3 {
		at := now.Add(time.Duration(i) * 20 * time.Second)
		b, err := w.store.Claim(t.Context(), at, "here", 10)
		if err != nil || len(b.Works) != 1 {
			t.Fatalf("got %d works, %v", len(b.Works), err)
		}
		o := monitor.Outcome{Address: "192.0.2.1:443", Verdict: diag.Failure, Stage: diag.StageCertificate, Reached: true, Seen: monitor.Snapshot{Path: []monitor.Element{leaf}},
			Findings: []monitor.Finding{{Key: "expiry", Cause: "cert-expired", Severity: monitor.Critical, Summary: "the certificate has expired", Stage: diag.StageCertificate}}}
		if err := w.store.Ingest(t.Context(), at, rules, b, []monitor.Report{{Endpoint: e.ID, Vantage: "here", At: at, Addresses: []string{o.Address}, Outcomes: []monitor.Outcome{o}}}); err != nil {
			t.Fatal(err)
		}
		if err := w.api.Service.Store.CheckSoon(t.Context(), at, e.ID); err != nil {
			t.Fatal(err)
		}
	}
	got := w.ask("GET", "/api/v1/incidents?state=open&severity=critical&q=expired", 200, nil)
	if len(items(got)) != 1 {
		t.Fatalf("got %s", got.raw)
	}
	id := items(got)[0].(map[string]any)["id"].(string)
	if got := w.ask("GET", "/api/v1/endpoints/"+e.ID, 200, nil); got.body["state"] != "critical" || got.body["severity"] != "critical" || got.body["issuer"] != "Some CA" {
		t.Errorf("got %s", got.raw)
	}
	if got := w.ask("GET", "/api/v1/endpoints/"+e.ID+"/why", 200, nil); !strings.Contains(got.raw, "waits until") {
		t.Errorf("got %s", got.raw)
	}
	w.ask("GET", "/api/v1/incidents?state=acknowledged", 200, nil)
	if got := w.ask("POST", "/api/v1/incidents/"+id+"/acknowledge", 200, map[string]any{"note": "on it"}); got.body["by"] != "root" || got.body["note"] != "on it" {
		t.Errorf("got %s", got.raw)
	}
	w.ask("POST", "/api/v1/incidents/"+id+"/comments", 204, map[string]any{"text": "the CA is down"})
	w.ask("POST", "/api/v1/incidents/"+id+"/comments", 422, map[string]any{"text": ""})
	w.ask("POST", "/api/v1/incidents/nope/comments", 404, map[string]any{"text": "x"})
	w.ask("POST", "/api/v1/incidents/nope/acknowledge", 404, map[string]any{})
	if got := w.ask("GET", "/api/v1/incidents?state=acknowledged&owner="+e.Owner, 200, nil); len(items(got)) != 1 {
		t.Errorf("got %s", got.raw)
	}
	if got := w.ask("GET", "/api/v1/events?incident="+id+"&kind=comment", 200, nil); len(items(got)) != 1 || !strings.Contains(got.raw, "by root: the CA is down") {
		t.Errorf("got %s", got.raw)
	}
	if got := w.ask("GET", "/api/v1/certificates?expires_within=1d", 200, nil); len(items(got)) != 1 {
		t.Errorf("got %s", got.raw)
	}
	if got := w.ask("GET", "/api/v1/certificates/ab12", 200, nil); !strings.Contains(got.raw, "192.0.2.1:443") {
		t.Errorf("got %s", got.raw)
	}
	w.ask("GET", "/api/v1/certificates/cd", 404, nil)
	w.ask("POST", "/api/v1/endpoints/"+e.ID+"/baseline", 204, nil)
	w.ask("POST", "/api/v1/endpoints/nope/baseline", 404, nil)

	until := time.Now().Add(time.Hour).UTC()
	silence := w.ask("POST", "/api/v1/silences", 201, map[string]any{"until": until, "match": map[string]string{"cause": "cert-expired"}, "note": "known"})
	sid := silence.body["id"].(string)
	if got := w.ask("GET", "/api/v1/endpoints/"+e.ID+"/why", 200, nil); !strings.Contains(got.raw, "silence "+sid+" holds until") {
		t.Errorf("got %s", got.raw)
	}
	w.ask("POST", "/api/v1/silences", 422, map[string]any{"until": until.Add(-2 * time.Hour), "match": map[string]string{"owner": "x"}})
	w.ask("POST", "/api/v1/silences", 422, map[string]any{"until": until, "match": map[string]string{}})
	w.ask("PUT", "/api/v1/silences/"+sid, 200, map[string]any{"until": until.Add(time.Hour), "match": map[string]string{"owner": "x"}})
	w.ask("PUT", "/api/v1/silences/nope", 404, map[string]any{"until": until, "match": map[string]string{"owner": "x"}})
	if got := w.ask("GET", "/api/v1/silences", 200, nil); len(items(got)) != 1 {
		t.Errorf("got %s", got.raw)
	}
	w.ask("GET", "/api/v1/silences/"+sid, 200, nil)
	w.ask("DELETE", "/api/v1/silences/"+sid, 204, nil)
	w.ask("DELETE", "/api/v1/silences/"+sid, 404, nil)
	w.ask("GET", "/api/v1/silences/"+sid, 404, nil)
}

func TestOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t).admin()
	if got := w.ask("GET", "/api/v1/channels", 200, nil); len(items(got)) != 1 {
		t.Errorf("got %s", got.raw)
	}
	key := w.ask("POST", "/api/v1/channels/all/test", 202, nil).body["key"].(string)
	if m, err := w.store.Outbox(t.Context(), time.Now().Add(time.Second), "all", 10); err != nil || len(m) != 1 || m[0].Key != key {
		t.Errorf("got %+v, %v", m, err)
	}
	w.ask("POST", "/api/v1/channels/nope/test", 404, nil)
	if got := w.ask("POST", "/api/v1/diagnose", 200, map[string]any{"target": "a.example"}); got.body["verdict"] != "ok" {
		t.Errorf("got %s", got.raw)
	}
	w.ask("POST", "/api/v1/diagnose", 422, map[string]any{"target": "a b"})
	w.ask("POST", "/api/v1/diagnose", 422, map[string]any{"target": "a.example", "cert_file": "/etc/x"})
	w.ask("GET", "/api/v1/health", 200, nil)
	if got := w.ask("GET", "/nothing", 404, nil); got.body["status"] != 404.0 {
		t.Errorf("got %s", got.raw)
	}
	if paths := w.ask("GET", "/openapi.json", 200, nil).body["paths"].(map[string]any); !slices.Contains(keys(paths), "/metrics") {
		t.Errorf("got %v", keys(paths))
	}
}
