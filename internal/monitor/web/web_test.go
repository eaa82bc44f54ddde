package web

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

func TestStrangers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, p := range []string{"/endpoints?q=a", "/nothing", "/events", "/certificates/00", "/static", "/login/x"} {
		if to := w.get(p, 303).to(); to != "/login?next="+url.QueryEscape(p) {
			t.Errorf("%s leads to %q", p, to)
		}
	}
	if to := w.get("/", 303).to(); to != "/login" {
		t.Errorf("/ leads to %q", to)
	}
	w.get("/static/nothing.js", 404)
	w.see(w.get("/login", 200), `type="password"`)
	w.see(w.get("/endpoints", 401, "HX-Request", "true"), "Your session has ended")
}

func TestLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := url.Values{"name": {"root"}, "password": {password}}
	w.see(w.post("/login", 401, url.Values{"name": {"root"}, "password": {"wrong"}}), "the name or the password is wrong", `value="root"`)
	w.post("/login", 403, good, "Sec-Fetch-Site", "cross-site")
	a := w.post("/login", 303, good)
	if c := a.header.Get("Set-Cookie"); !strings.Contains(c, "HttpOnly") || !strings.Contains(c, "SameSite=Lax") {
		t.Errorf("the cookie is %q", c)
	}
	w.see(w.get("/", 200), "Dashboard", "root · admin", "Log out")
	w.see(w.get("/nothing", 404), "There is nothing here")
	w.get("/logout", 405)
	w.post("/logout", 303, nil)
	w.get("/", 303)
	// Side by side, so that it does not matter how long the hashing takes.
	var limited atomic.Int64
	var wg sync.WaitGroup
	for range 40 {
		wg.Go(func() {
			resp, err := w.client.PostForm(w.url+"/login", url.Values{"name": {"root"}, "password": {"x"}})
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusTooManyRequests && resp.Header.Get("Retry-After") != "" {
				limited.Add(1)
			}
		})
	}
	if wg.Wait(); limited.Load() == 0 {
		t.Error("nobody stops who guesses")
	}
}

func TestRedirectsStayHere(t *testing.T) {
	t.Parallel()
	for next, want := range map[string]string{
		"/endpoints?q=a%20b": "/endpoints?q=a%20b", "": "/", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example/": "/",
		"/\t/evil.example": "/", "evil": "/", "javascript:alert(1)": "/", "/a\r\nX: y": "/", "/%2f/evil.example": "/%2f/evil.example",
	} {
		if got := local(next); got != want {
			t.Errorf("%q leads to %q, want %q", next, got, want)
		}
	}
	w := newWorld(t)
	if to := w.post("/login", 303, url.Values{"name": {"root"}, "password": {password}, "next": {"//evil.example/"}}).to(); to != "/" {
		t.Errorf("the login leads to %q", to)
	}
}

// TestSessionEndsInForm loses nothing of what somebody typed.
func TestSessionEndsInForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.post("/endpoints/new", 401, url.Values{"target": {"a.example"}, "note": {`"<b>`}, "password": {"hunter2"}})
	w.see(a, "What you had entered is kept", `name="kept-field-target" value="a.example"`, "&#34;&lt;b&gt;")
	w.notSee(a, "hunter2")
	form := url.Values{"name": {"root"}, "password": {password}, "kept": {"/endpoints/new"}, "kept-field-target": {"a.example"}}
	w.see(w.post("/login", 200, form), `action="/endpoints/new"`, `name="target" value="a.example"`, "Send it now")
}

func TestAssets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	total := 0
	for name, hashed := range w.web.hashed {
		a := w.get("/static/"+hashed, 200, "Accept-Encoding", "gzip")
		if !strings.Contains(a.header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v", name, a.header)
		}
		z, err := gzip.NewReader(strings.NewReader(a.body))
		if err != nil {
			t.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil || !bytes.Equal(plain, w.web.assets[hashed].body) {
			t.Errorf("%s: %v", name, err)
		}
		if strings.HasSuffix(name, ".js") || strings.HasSuffix(name, ".css") {
			total += len(a.body)
		}
	}
	const most = 120_000
	if t.Logf("scripts and styles are %d bytes", total); total > most {
		t.Errorf("scripts and styles are %d bytes, at most %d are wanted", total, most)
	}
}

// TestPrefix holds all addresses of a page behind the prefix of a proxy.
func TestPrefix(t *testing.T) {
	t.Parallel()
	w := newWorld(t).as(monitor.Admin)
	o := w.web.Options
	o.Prefix = "/tls/"
	*w.web = *New(o)
	w.web.scopes["GET /settings"] = anybody
	a := w.get("/", 200)
	w.see(a, `href="/tls/"`, `action="/tls/logout"`, `data-events="/tls/events"`)
	for _, bad := range []string{`href="/e`, `href="/s`, `src="/s`, `action="/l`} {
		w.notSee(a, bad)
	}
	if to := w.stranger().get("/endpoints", 303).to(); to != "/tls/login?next=%2Fendpoints" {
		t.Error(to)
	}
}

func TestVisible(t *testing.T) {
	t.Parallel()
	if got := string(bytes.Map(visible, []byte("a\u202eb\x1b[1m\n\tc\u2066\xff"))); got != "a\ufffdb\ufffd[1m\n\tc\ufffd\ufffd" {
		t.Errorf("%q", got)
	}
}
