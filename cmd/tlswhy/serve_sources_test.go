package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfirmShrink has a list lose nearly all: it is held until somebody
// confirms it by the API.
func TestConfirmShrink(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	list := filepath.Join(data, "targets.json")
	name := func(n int) {
		t.Helper()
		var hosts []string
		for i := range n {
			hosts = append(hosts, fmt.Sprintf("%q", fmt.Sprintf("127.0.0.1:%d", i+1)))
		}
		if err := os.WriteFile(list, fmt.Appendf(nil, `[{"targets": [%s]}]`, strings.Join(hosts, ",")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	name(10)
	if err := os.WriteFile(filepath.Join(data, "tlswhy.yaml"), []byte("sources: [{name: cmdb, file_sd: [targets.json]}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := serveHere(t, "--data", data)
	r.ask("POST", "/setup", `{"name": "root", "password": "a long enough passphrase"}`, 200)
	source := func() map[string]any { return r.ask("GET", "/sources", "", 200)["items"].([]any)[0].(map[string]any) }
	r.wait("the list", func() bool { return source()["endpoints"] == 10.0 })
	r.ask("POST", "/sources/cmdb/confirm", "", 404) // nothing is held
	name(2)
	r.wait("that it is held", func() bool { return source()["held"] == 2.0 })
	if s := source(); s["endpoints"] != 10.0 {
		t.Errorf("got %v, want that all of them stay", s)
	}
	r.ask("POST", "/sources/cmdb/confirm", "", 204)
	if s := source(); s["endpoints"] != 2.0 || s["held"] != nil {
		t.Errorf("got %v after it was confirmed", s)
	}
	r.ask("POST", "/sources/other/confirm", "", 404)
}
