package relay

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/proxy"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// get asks for a page through a proxy of the given scheme.
func get(target, proxy string) (string, error) {
	p, err := url.Parse(proxy)
	if err != nil {
		return "", err
	}
	t := &http.Transport{Proxy: http.ProxyURL(p), TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	resp, err := (&http.Client{Transport: t}).Get(target)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func startRelay(t *testing.T, o Options) *Relay {
	t.Helper()
	r, err := Listen("127.0.0.1:0", o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestProxies(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	secure := httptest.NewTLSServer(page)
	defer secure.Close()
	plain := httptest.NewServer(page)
	defer plain.Close()
	for _, scheme := range []string{"http://", "socks5://"} {
		r := startRelay(t, Options{})
		body, err := get(secure.URL, scheme+r.Addr())
		if err != nil || body != "hello" {
			t.Errorf("%s: got %q, %v", scheme, body, err)
		}
		cs := r.Close()
		if len(cs) != 1 || cs[0].Attempt == nil || cs[0].Asked != strings.TrimPrefix(secure.URL, "https://") {
			t.Fatalf("%s: got %+v", scheme, cs)
		}
		a := cs[0].Attempt
		if a.Sent == nil || a.ServerHello == nil || a.End.Kind != facts.EndCompleted || a.Address != cs[0].Asked {
			t.Errorf("%s: got the attempt %+v", scheme, a)
		}
	}
	r := startRelay(t, Options{})
	if body, err := get(plain.URL, "http://"+r.Addr()); err != nil || body != "hello" {
		t.Errorf("plain: got %q, %v", body, err)
	}
	if cs := r.Close(); len(cs) != 1 || !cs[0].Plain {
		t.Errorf("plain: got %+v", cs)
	}
}

func TestUpstream(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	defer secure.Close()
	far := startRelay(t, Options{})
	up, _ := url.Parse("http://user:secret@" + far.Addr())
	near := startRelay(t, Options{Upstream: func(proxy.Request) (*url.URL, error) { return up, nil }})
	body, err := get(secure.URL, "http://"+near.Addr())
	if err != nil || body != "hello" {
		t.Errorf("got %q, %v", body, err)
	}
	if cs := near.Close(); len(cs) != 1 || cs[0].Via != far.Addr() || cs[0].Attempt == nil {
		t.Errorf("near: got %+v", cs)
	}
	if cs := far.Close(); len(cs) != 1 || cs[0].Attempt == nil {
		t.Errorf("far: got %+v", cs)
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	r := startRelay(t, Options{})
	if _, err := get("https://127.0.0.1:1", "http://"+r.Addr()); err == nil { // where nothing listens
		t.Error("got an answer")
	}
	if cs := r.Close(); len(cs) != 1 || cs[0].Err == nil || cs[0].Attempt != nil {
		t.Errorf("got %+v", cs)
	}
}

// TestEnds passes on how each side leaves, and says who did.
func TestEnds(t *testing.T) {
	t.Parallel()
	hello := (&tlswire.ClientHello{Version: tlswire.TLS12, Random: make([]byte, 32), CipherSuites: []tlswire.CipherSuite{0xc02f}, Compression: []uint8{0}})
	raw, err := hello.MarshalRecord()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		serve func(*net.TCPConn)
		kind  facts.EndKind
		alert tlswire.AlertDescription
	}{
		{"closes", func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 4096)) }, facts.EndClosed, 0},
		{"resets", func(c *net.TCPConn) { _, _ = c.Read(make([]byte, 4096)); _ = c.SetLinger(0) }, facts.EndReset, 0},
		{"alerts", func(c *net.TCPConn) {
			_, _ = c.Read(make([]byte, 4096))
			_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, 40})
		}, facts.EndAlert, 40},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer ln.Close()
			go func() {
				c, err := ln.Accept()
				if err != nil {
					return
				}
				defer c.Close()
				tt.serve(c.(*net.TCPConn))
			}()
			r := startRelay(t, Options{Target: ln.Addr().String()})
			c, err := net.Dial("tcp", r.Addr())
			if err != nil {
				t.Fatal(err)
			}
			_, _ = c.Write(raw)
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
			cs := r.Close()
			if len(cs) != 1 || cs[0].Attempt == nil {
				t.Fatalf("got %+v", cs)
			}
			end := cs[0].Attempt.End
			if end.Kind != tt.kind || end.By != tlswire.SideServer || end.Alert.Description != tt.alert {
				t.Errorf("got %s by %v, alert %v", end.Kind, end.By, end.Alert)
			}
			if got := cs[0].Attempt.Sent; got == nil || !slices.Equal(got.CipherSuites, hello.CipherSuites) {
				t.Errorf("got the hello %+v", got)
			}
		})
	}
}

// TestJunk must not keep the relay from the next client.
func TestJunk(t *testing.T) {
	t.Parallel()
	r := startRelay(t, Options{})
	for _, words := range []string{"", "\x00\x01\x02", "CONNECT nowhere HTTP/1.1\r\n\r\n", "CONNECT a:b HTTP/1.1\r\n\r\n", "GET /x HTTP/1.1\r\nHost: a\r\n\r\n", "\x05\x01\x00\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00", strings.Repeat("A", 1<<17)} {
		c, err := net.Dial("tcp", r.Addr())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, words)
		if w, ok := c.(*net.TCPConn); ok {
			_ = w.CloseWrite()
		}
		_, _ = bufio.NewReader(io.LimitReader(c, 1024)).ReadString('\n')
		_ = c.Close()
	}
	for _, c := range r.Close() {
		if c.Attempt != nil {
			t.Errorf("got %+v", c)
		}
	}
}

func TestEnviron(t *testing.T) {
	t.Parallel()
	got := Environ([]string{"PATH=/bin", "NO_PROXY=internal", "JAVA_TOOL_OPTIONS=-Xmx1g", "https_proxy=http://old:1"}, "127.0.0.1:9", []string{"/usr/bin/curl"}, "/tmp/x.cjs")
	find := func(name string) string {
		out := ""
		n := 0
		for _, kv := range got {
			if v, ok := strings.CutPrefix(kv, name+"="); ok {
				out = v
				n++
			}
		}
		if n != 1 {
			t.Errorf("%s is set %d times", name, n)
		}
		return out
	}
	for name, want := range map[string]string{"PATH": "/bin", "NO_PROXY": "", "https_proxy": "http://127.0.0.1:9", "ALL_PROXY": "socks5h://127.0.0.1:9", "NODE_OPTIONS": "--require /tmp/x.cjs"} {
		if v := find(name); v != want {
			t.Errorf("%s: got %q, want %q", name, v, want)
		}
	}
	if v := find("JAVA_TOOL_OPTIONS"); !strings.HasPrefix(v, "-Xmx1g ") || !strings.Contains(v, fmt.Sprintf("-Dhttps.proxyPort=%d", 9)) {
		t.Errorf("JAVA_TOOL_OPTIONS: got %q", v)
	}
}
