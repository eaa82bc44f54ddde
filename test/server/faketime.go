package server

import (
	"path/filepath"
	"testing"
)

// NginxAt is nginx on a machine whose clock is off: by "+320d", "-2h". The
// library is named by itself: the wrapper leaves a semaphore called after its
// process behind, which a later process of that number stumbles on.
func NginxAt(offset string) *Kind {
	return &Kind{Name: "nginx at " + offset, Needs: []string{"nginx", "faketime"}, start: func(t testing.TB, dir string, eps []*Endpoint) {
		t.Helper()
		libs, _ := filepath.Glob("/usr/lib/*/faketime/libfaketime.so.1")
		if len(libs) == 0 {
			t.Fatal("faketime has no library below /usr/lib/*/faketime")
		}
		process(t, dir, eps, "env", append([]string{"LD_PRELOAD=" + libs[0], "FAKETIME=" + offset, Need(t, "nginx")}, nginxArgs(t, dir, eps)...)...)
	}}
}
