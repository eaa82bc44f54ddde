package relay

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/proxy"
)

// TestChain goes through a second relay, by each way that it speaks.
func TestChain(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer secure.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.RequestURI+" "+r.Header.Get("Proxy-Authorization"))
	}))
	defer plain.Close()
	for _, scheme := range []string{"http", "socks5", "socks5h"} {
		far := startRelay(t, Options{})
		up := &url.URL{Scheme: scheme, Host: far.Addr()}
		near := startRelay(t, Options{Upstream: func(proxy.Request) (*url.URL, error) { return up, nil }})
		if body, err := get(secure.URL, "http://"+near.Addr()); err != nil || body != "hello" {
			t.Errorf("%s: got %q, %v", scheme, body, err)
		}
		if body, err := get(plain.URL+"/a?b=c", "http://user:secret@"+near.Addr()); err != nil || body != "/a?b=c " {
			t.Errorf("%s, in clear: got %q, %v", scheme, body, err)
		}
		cs := near.Close()
		if len(cs) != 2 || cs[0].Via != far.Addr() || cs[0].Attempt == nil || cs[0].Attempt.Seen.Target != cs[0].Asked {
			t.Errorf("%s: got %+v", scheme, cs)
		}
		far.Close()
	}
}

// answering is a server that reads so many bytes before each of its answers.
func answering(t *testing.T, steps ...any) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(conn)
			for _, s := range steps {
				switch s := s.(type) {
				case int:
					_, _ = io.ReadFull(in, make([]byte, s))
				case string:
					_, _ = io.WriteString(conn, s)
				}
			}
			_ = conn.Close()
		}
	}()
	return ln.Addr().String()
}

func TestProxyRefuses(t *testing.T) {
	t.Parallel()
	host := len("a.test")
	connect := len("CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n")
	for _, tt := range []struct {
		name  string
		proxy string // to which the address is added
		steps []any
		want  string
	}{
		{"407", "http://", []any{connect, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=x\r\n\r\n"}, `the proxy answers "HTTP/1.1 407`},
		{"200 without a reason", "http://", []any{connect, "HTTP/1.1 200\n\n"}, ""},
		{"closes", "http://", []any{connect}, "reading its answer"},
		{"endless", "http://", []any{connect, strings.Repeat("x", headerLimit+10)}, "has no end"},
		{"no SOCKS", "socks5h://", []any{3, "HT"}, "speaks no SOCKS5"},
		{"SOCKS wants a login", "socks5h://", []any{3, "\x05\xff"}, "wants a user name"},
		{"SOCKS, wrong login", "socks5h://u:p@", []any{4, "\x05\x02", 5, "\x01\x01"}, "does not accept the user name"},
		{"SOCKS, login", "socks5h://u:p@", []any{4, "\x05\x02", 5, "\x01\x00", 7 + host, "\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00"}, ""},
		{"SOCKS, not allowed", "socks5h://", []any{3, "\x05\x00", 7 + host, "\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"}, `"not allowed by its rules" (2)`},
		{"SOCKS, unknown code", "socks5h://", []any{3, "\x05\x00", 7 + host, "\x05\x63\x00\x01\x00\x00\x00\x00\x00\x00"}, `"unknown code" (99)`},
		{"SOCKS 4a", "socks4a://", []any{9 + host + 1, "\x00\x5a\x00\x00\x00\x00\x00\x00"}, ""},
		{"SOCKS 4a, rejected", "socks4a://", []any{9 + host + 1, "\x00\x5b\x00\x00\x00\x00\x00\x00"}, "rejected or failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			up, err := url.Parse(tt.proxy + answering(t, tt.steps...))
			if err != nil {
				t.Fatal(err)
			}
			r := startRelay(t, Options{Upstream: func(proxy.Request) (*url.URL, error) { return up, nil }})
			c := &Conversation{Asked: "a.test:443", Request: proxy.Request{Scheme: "https", Host: "a.test:443"}}
			conn, err := r.dial(c)
			if err == nil {
				_ = conn.Close()
			} else {
				c.refused("127.0.0.1:1", err)
			}
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (c.Attempt == nil || c.Trouble != proxy.Refuses || c.Attempt.End.Stage != diag.StageProxy || !strings.Contains(c.Attempt.End.Err, tt.want)):
				t.Errorf("got %v, %+v; want %q", err, c.Attempt, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), ":p@") {
				t.Errorf("the error holds the password: %v", err)
			}
			r.Close()
		})
	}
}

func TestPageRequest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, in, auth string
		toProxy        bool
		want           string
	}{
		{"to the server", "GET http://a.test:81/x?y#z HTTP/1.1\r\nHost: a.test:81\r\nProxy-Authorization: Basic abc\r\nProxy-Connection: keep-alive\r\nConnection: keep-alive\r\nX: 1\r\n\r\n", "", false,
			"GET /x?y#z HTTP/1.1\r\nHost: a.test:81\r\nX: 1\r\nConnection: close\r\n\r\n"},
		{"without a path", "GET http://a.test?q HTTP/1.0\r\n\r\n", "", false, "GET /?q HTTP/1.0\r\nConnection: close\r\n\r\n"},
		{"a WebSocket", "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "", false, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"},
		{"to a proxy", "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "Proxy-Authorization: Basic eA==\r\n", true, "GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\nProxy-Authorization: Basic eA==\r\nConnection: close\r\n\r\n"},
	} {
		if got := string(pageRequest([]byte(tt.in), tt.auth, tt.toProxy)); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestBypass(t *testing.T) {
	t.Parallel()
	none := func(string) string { return "/nowhere" }
	for words, want := range map[string]string{
		"curl -x http://p:1 https://a.test":        "its option -x",
		"curl --noproxy=* https://a.test":          "its option --noproxy",
		"git -c http.proxy=http://p:1 fetch":       "its option http.proxy",
		"openssl s_client -connect a.test:443":     "-proxy",
		"/usr/lib/postgresql/15/bin/psql -h a":     "PostgreSQL",
		"php8.2 x.php":                             "streams",
		"./mytool --url https://127.0.0.1:8443/":   "this machine's own addresses",
		"./mytool --url https://shop.example.com/": "",
		"curl https://a.test":                      "",
	} {
		got := Bypass(strings.Fields(words), none)
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", words, got, want)
		}
	}
}
