package server

import "testing"

// NginxAt is nginx on a machine whose clock is off: by "+320d", "-2h".
func NginxAt(offset string) *Kind {
	return &Kind{Name: "nginx at " + offset, Needs: []string{"nginx", "faketime"}, start: func(t testing.TB, dir string, eps []*Endpoint) {
		t.Helper()
		process(t, dir, eps, "faketime", append([]string{"-f", offset, Need(t, "nginx")}, nginxArgs(t, dir, eps)...)...)
	}}
}
