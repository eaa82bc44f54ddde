package web

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestRoles walks over all routes as a stranger and in each role: who may not do
// something is told so, before anything is done, and who may is let through.
func TestRoles(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	stranger := w.stranger()
	browsers := map[monitor.Role]*world{}
	for _, role := range []monitor.Role{monitor.Viewer, monitor.Operator, monitor.Admin} {
		browsers[role] = w.as(role)
	}
	for _, rt := range routes {
		method, path, _ := strings.Cut(rt.pattern, " ")
		path = parameter.ReplaceAllString(strings.TrimSuffix(path, "{$}"), "x")
		if rt.scope == "" {
			continue // open to everybody
		}
		if method == http.MethodGet {
			if to := stranger.get(path, 303).to(); !strings.HasPrefix(to, "/login") {
				t.Errorf("%s leads a stranger to %q", rt.pattern, to)
			}
		} else {
			stranger.see(stranger.post(path, 401, url.Values{}), "<h1>Log in</h1>")
		}
		if path == "/events" || path == "/logout" {
			continue
		}
		for role, b := range browsers {
			may := rt.scope == anybody || slices.Contains(role.Scopes(), rt.scope)
			status, body := b.try(method, path)
			refused := status == http.StatusForbidden && strings.Contains(body, "Your role does not allow it")
			if refused == may || status >= 500 || status == http.StatusUnauthorized {
				t.Errorf("%s as %s: got %d, allowed is %v", rt.pattern, role, status, may)
			}
		}
	}
}

// try makes a request whatever comes of it.
func (w *world) try(method, path string) (int, string) {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), method, w.url+path, strings.NewReader(""))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := w.client.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if err := resp.Write(&b); err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, b.String()
}

// TestCrossSite refuses every change that another site's page sends.
func TestCrossSite(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Admin)
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	for _, rt := range routes {
		method, path, _ := strings.Cut(rt.pattern, " ")
		if method == http.MethodGet {
			continue
		}
		path = parameter.ReplaceAllString(path, "x")
		w.post(path, 403, nil, "Sec-Fetch-Site", "cross-site")
		w.post(path, 403, nil, "Sec-Fetch-Site", "same-site")
		w.post(path, 403, nil, "Origin", "https://evil.example")
	}
}
