package server

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

func TestOrigin(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8")}
	for _, c := range []struct {
		name    string
		proxies []netip.Prefix
		remote  string
		local   string
		host    string
		header  map[string]string
		tls     bool
		secure  bool
		want    access.Origin
	}{
		{name: "this machine", remote: "127.0.0.1:5", local: "127.0.0.1:8470", host: "localhost:8470", want: access.Origin{Address: "127.0.0.1", Here: true}},
		{name: "this machine by IPv6", remote: "[::1]:5", local: "[::1]:8470", host: "[::1]:8470", want: access.Origin{Address: "::1", Here: true}},
		{name: "a name that leads here", remote: "127.0.0.1:5", local: "127.0.0.1:8470", host: "rebound.example.com:8470", want: access.Origin{Address: "127.0.0.1"}},
		{name: "a proxy on this machine that says so", remote: "127.0.0.1:5", local: "127.0.0.1:8470", host: "localhost", header: map[string]string{"X-Forwarded-For": "192.0.2.1"}, want: access.Origin{Address: "127.0.0.1"}},
		{name: "another machine", remote: "192.0.2.7:5", local: "192.0.2.1:8470", host: "localhost", want: access.Origin{Address: "192.0.2.7"}},
		{name: "another machine that lies", remote: "192.0.2.7:5", local: "192.0.2.1:8470", host: "127.0.0.1", header: map[string]string{"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "https"}, want: access.Origin{Address: "192.0.2.7"}},
		{name: "TLS", remote: "192.0.2.7:5", local: "192.0.2.1:8470", tls: true, want: access.Origin{Address: "192.0.2.7", Secure: true}},
		{name: "trusted proxy", proxies: proxies, remote: "10.1.1.1:5", header: map[string]string{"X-Forwarded-For": "192.0.2.9", "X-Forwarded-Proto": "https"}, want: access.Origin{Address: "192.0.2.9", Secure: true}},
		{name: "client that claims an address before a trusted proxy", proxies: proxies, remote: "10.1.1.1:5", header: map[string]string{"X-Forwarded-For": "127.0.0.1, 192.0.2.9, 10.2.2.2"}, want: access.Origin{Address: "192.0.2.9"}},
		{name: "nonsense from a trusted proxy", proxies: proxies, remote: "10.1.1.1:5", header: map[string]string{"X-Forwarded-For": "unknown"}, want: access.Origin{Address: "10.1.1.1"}},
		{name: "an address with a port", proxies: proxies, remote: "10.1.1.1:5", header: map[string]string{"X-Forwarded-For": "[2001:db8::1]:4444"}, want: access.Origin{Address: "2001:db8::1"}},
		{name: "trusted proxy that does not say, external address by https", proxies: proxies, remote: "10.1.1.1:5", secure: true, want: access.Origin{Address: "10.1.1.1", Secure: true}},
		{name: "trusted proxy says http", proxies: proxies, remote: "10.1.1.1:5", secure: true, header: map[string]string{"X-Forwarded-Proto": "http"}, want: access.Origin{Address: "10.1.1.1"}},
		{name: "trusted proxy on this machine is not here", proxies: proxies, remote: "127.0.0.1:5", local: "127.0.0.1:1", host: "localhost", want: access.Origin{Address: "127.0.0.1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("GET", "http://"+c.host+"/", nil)
			r.RemoteAddr = c.remote
			if c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			if c.local != "" {
				r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, net.Addr(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.local)))))
			}
			if got := origin(r, c.proxies, c.secure); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestWrap(t *testing.T) {
	t.Parallel()
	var path string
	inner := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { path = r.URL.Path })
	h, err := Wrap(inner, Options{ExternalURL: "https://mon.example.com/tls/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, method, url string
		header            map[string]string
		code              int
		path              string
	}{
		{"with prefix", "GET", "/tls/api", nil, 200, "/api"},
		{"prefix alone", "GET", "/tls", nil, 200, "/"},
		{"prefix taken off", "GET", "/api", nil, 200, "/api"},
		{"begins like the prefix", "GET", "/tlsx", nil, 200, "/tlsx"},
		{"own page", "POST", "/api", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200, "/api"},
		{"external page", "POST", "/api", map[string]string{"Origin": "https://mon.example.com"}, 200, "/api"},
		{"another site's page", "POST", "/api", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403, ""},
		{"another site's page, old browser", "POST", "/api", map[string]string{"Origin": "https://evil.example"}, 403, ""},
		{"a program", "POST", "/api", nil, 200, "/api"},
		{"another site's link", "GET", "/api", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200, "/api"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path = ""
			r := httptest.NewRequest(c.method, c.url, nil)
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.code || path != c.path {
				t.Errorf("got %d, path %q, want %d, %q", w.Code, path, c.code, c.path)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" {
				t.Error("no security headers")
			}
		})
	}
	if _, err := Wrap(inner, Options{ExternalURL: "mon.example.com"}); err == nil {
		t.Error("an external_url without a scheme was taken")
	}
}
