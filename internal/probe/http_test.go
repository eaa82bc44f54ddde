package probe

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
)

func webServer(t *testing.T, h2 bool, handle http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(handle)
	s.EnableHTTP2 = h2
	s.TLS = &tls.Config{Certificates: []tls.Certificate{identity("p256")}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long body ", 2000)
	for _, c := range []struct {
		name   string
		handle http.HandlerFunc
		status int
		body   string
	}{
		{"ok", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Server", "test/1.0 (Debian)")
			w.Write([]byte(r.Method + " " + r.Host + r.URL.Path + " " + r.UserAgent()))
		}, 200, "GET probe.test/a%20b?c tlswhy"},
		{"misdirected", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "no", 421) }, 421, "no\n"},
		{"no-body", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(204) }, 204, ""},
		{"early-hints", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(103); w.WriteHeader(404) }, 404, ""},
		{"long", func(w http.ResponseWriter, r *http.Request) { w.Write([]byte(long)) }, 200, long[:keptBody]},
		{"chunked", func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("one "))
			w.(http.Flusher).Flush()
			w.Write([]byte("two"))
		}, 200, "one two"},
		{"aborted", func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("one "))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, 200, "one "},
	} {
		for _, protocol := range []string{"http/1.1", "h2"} {
			t.Run(c.name+"/"+protocol, func(t *testing.T) {
				t.Parallel()
				a := attempt(t, Spec{Address: webServer(t, protocol == "h2", c.handle), Hello: template(alpn(protocol)),
					Request: &Request{Host: "probe.test", Path: "/a b?c", UserAgent: "tlswhy"}})
				wantCompleted(t, a)
				body := strings.ReplaceAll(c.body, "/a%20b?c", "/a b")
				if a.HTTP == nil || a.HTTP.Status != c.status || string(a.HTTP.Body) != body || len(a.HTTP.Raw) == 0 {
					t.Fatalf("got %+v, want %d %q", a.HTTP, c.status, body)
				}
				if c.name == "ok" && a.HTTP.Header.Get("Server") != "test/1.0 (Debian)" {
					t.Errorf("header: got %v", a.HTTP.Header)
				}
			})
		}
	}
}

func TestParseHTTP1(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, data     string
		status         int
		head, complete bool
	}{
		{"nothing yet", "HT", 0, false, false},
		{"status line", "HTTP/1.1 400 Bad Request\r\nServ", 400, false, false},
		{"waiting for the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", 200, true, false},
		{"until close", "HTTP/1.0 200 OK\r\n\r\nabc", 200, true, false},
		{"complete", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 200, true, true},
		{"broken header", "HTTP/1.1 200 OK\r\nno colon\r\n\r\nabc", 200, false, true},
		{"something else", "220 ready\r\n", 0, true, true},
		{"bad status", "HTTP/1.1 abc\r\n\r\n", 0, false, true},
		{"continue", "HTTP/1.1 100 Continue\r\n\r\n", 100, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, head, complete := parseHTTP1([]byte(c.data))
			if got.Status != c.status || head != c.head || complete != c.complete {
				t.Errorf("got %d %v %v, want %d %v %v", got.Status, head, complete, c.status, c.head, c.complete)
			}
		})
	}
}

func TestRawRequest(t *testing.T) {
	t.Parallel()
	address := goServer(t, &tls.Config{NextProtos: []string{"h2"}})
	a := attempt(t, Spec{Address: address, Hello: template(alpn("h2")), Request: &Request{Raw: []byte("x")}})
	if a.End.Kind != facts.EndCompleted || a.HTTP.Status != 200 {
		t.Errorf("got %v, %+v", a.End.Kind, a.HTTP)
	}
}

// RFC 7541, Appendix C.6.1: a response with Huffman codes.
func TestHPACK(t *testing.T) {
	t.Parallel()
	block := []byte("\x48\x82\x64\x02\x58\x85\xae\xc3\x77\x1a\x4b\x61\x96\xd0\x7a\xbe\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66" +
		"\xe0\x82\xa6\x2d\x1b\xff\x6e\x91\x9d\x29\xad\x17\x18\x63\xc7\x8f\x0b\x97\xc8\xe9\xae\x82\xae\x43\xd3")
	want := []hpackField{{":status", "302"}, {"cache-control", "private"}, {"date", "Mon, 21 Oct 2013 20:13:21 GMT"}, {"location", "https://www.example.com"}}
	var d hpackDecoder
	got, ok := d.decode(block)
	if !ok || len(got) != len(want) {
		t.Fatalf("got %v %v", got, ok)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("field %d: got %v, want %v", i, got[i], want[i])
		}
	}
	if got, ok := d.decode([]byte{0xBE}); !ok || got[0] != want[3] {
		t.Errorf("dynamic table: got %v", got)
	}
	for n := range block {
		var d hpackDecoder
		d.decode(block[:n])
	}
}

func FuzzAnswers(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"), uint8(3))
	f.Add(append(frame(frameSettings, 0, 0, nil), frame(frameHeaders, flagEndHeaders, 1, []byte{0x88})...), uint8(9))
	f.Fuzz(func(t *testing.T, data []byte, step uint8) {
		data = data[:min(len(data), 10_000)] // every step reads all that came before
		for _, a := range []answer{&answer1{}, &answer2{}} {
			for rest := data; len(rest) > 0; {
				n := min(len(rest), int(step)+1)
				if _, _, complete := a.take(bytes.Clone(rest[:n])); complete {
					break
				}
				rest = rest[n:]
			}
			if got := a.result(); got != nil && (len(got.Body) > keptBody || len(got.Raw) > keptRaw) {
				t.Errorf("kept %d and %d bytes", len(got.Body), len(got.Raw))
			}
		}
	})
}
