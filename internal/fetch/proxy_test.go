package fetch

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// TestProxy fetches from a name that only the proxy knows, though the proxy
// itself is at an address that would not be dialled.
func TestProxy(t *testing.T) {
	t.Parallel()
	box := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host != "aia.invalid" || r.Header.Get("Proxy-Authorization") == "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, "the list")
	}))
	t.Cleanup(box.Close)
	up, err := url.Parse(strings.Replace(box.URL, "://", "://alice:secret@", 1))
	if err != nil {
		t.Fatal(err)
	}
	f := New(Options{Proxy: func(u *url.URL) *url.URL {
		if u.Hostname() == "aia.invalid" {
			return up
		}
		return nil
	}})
	data, err := f.Data(t.Context(), Request{URL: "http://aia.invalid/ca.crl"})
	if err != nil || string(data) != "the list" {
		t.Errorf("got %q, %v", data, err)
	}
	if _, err := f.Data(t.Context(), Request{URL: "http://127.0.0.1:1/ca.crl"}); err == nil || !strings.Contains(err.Error(), "this machine") {
		t.Errorf("what goes directly is not guarded: %v", err)
	}
}
