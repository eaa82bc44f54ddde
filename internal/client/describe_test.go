package client

import (
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	base := built(t, "reference", Options{SNI: "shop.example.com"})
	tests := []struct {
		ch   facts.Changes
		want string
	}{
		{facts.Changes{}, "the client's own hello"},
		{facts.Changes{SNI: "none"}, "without SNI"},
		{facts.Changes{SNI: "www.example.com"}, "with SNI www.example.com"},
		{facts.Changes{SNI: "shop.example.com"}, "the client's own hello"},
		{facts.Changes{ALPN: "none"}, "the client's own hello"},
		{facts.Changes{ALPN: "h2,http/1.1"}, "with ALPN h2, http/1.1"},
		{facts.Changes{Version: "1.2"}, "TLS 1.2 only"},
		{facts.Changes{Version: "1.0-1.3"}, "TLS 1.0–1.3 offered"},
		{facts.Changes{Version: "ssl3-1.3"}, "SSL 3.0 to TLS 1.3 offered"},
		{facts.Changes{Suites: "+TLS_RSA_WITH_AES_128_CBC_SHA"}, "plus TLS_RSA_WITH_AES_128_CBC_SHA"},
		{facts.Changes{Suites: "=A,B,C"}, "only 3 cipher suites (A, B ...)"},
		{facts.Changes{Groups: "-x25519"}, "without x25519"},
		{facts.Changes{Suites: "all", Groups: "all", Schemes: "all"}, "every suite, group and scheme"},
		{facts.Changes{Shape: "wide"}, "every suite, group and scheme, SSL 3.0 to TLS 1.3 offered"},
		{facts.Changes{Schemes: "all", SNI: "none"}, "every signature scheme, without SNI"},
		{facts.Changes{Shape: "classic", Size: "1600", Segments: "700", Extensions: "-encrypt_then_mac"}, "without post-quantum key exchange, without encrypt_then_mac, padded to 1600 bytes, in TCP segments of 700 bytes"},
		{facts.Changes{Shape: "browser", Identity: "none"}, "a browser's hello, without the client certificate"},
		{facts.Changes{Suites: "nonsense"}, "nonsense"},
	}
	for _, tt := range tests {
		if got := Describe(tt.ch, base); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.ch, got, tt.want)
		}
	}
}
