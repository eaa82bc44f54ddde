package main

import (
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/monitor"
)

// TestNamed judges an address that is asked for a name as that name.
func TestNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ target, sni, want, connect string }{
		{"192.0.2.10:8443", "api.example.com", "api.example.com:8443", "192.0.2.10:8443"},
		{"192.0.2.10", "api.example.com", "api.example.com:443", "192.0.2.10:443"},
		{"https://192.0.2.10/x?y", "api.example.com", "https://api.example.com:443/x?y", "192.0.2.10:443"},
		{"smtp://[2001:db8::1]", "mx.example.com", "smtp://mx.example.com:587", "[2001:db8::1]:587"},
		{"192.0.2.10:8443", "none", "192.0.2.10:8443", ""},
		{"192.0.2.10:8443", "", "192.0.2.10:8443", ""},
		{"shop.example.com", "api.example.com", "shop.example.com", ""},
	} {
		at, err := diagnose.ParseTarget(c.target)
		if err != nil {
			t.Fatal(err)
		}
		got := named(&monitor.Endpoint{Target: c.target, Host: at.Name, Port: at.Port, SNI: c.sni})
		if got.Target != c.want || c.connect != "" && !slices.Equal(got.Connect, []string{c.connect}) || c.connect == "" && got.SNI != c.sni {
			t.Errorf("%s as %q: got %s by %v, server_name %q; want %s by %s", c.target, c.sni, got.Target, got.Connect, got.SNI, c.want, c.connect)
		}
	}
}
