package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/monitor/config"
)

// TestMonitorPage reads the configuration that docs/monitor.md shows.
func TestMonitorPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/monitor.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	dir := t.TempDir()
	for _, m := range regexp.MustCompile(`[a-z_]+_file: ([\w.]+\.(?:password|secret|url|token|key))\b`).FindAllStringSubmatch(text, -1) {
		if err := os.WriteFile(filepath.Join(dir, m[1]), []byte("https://example.com/x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "telegram.token"), []byte("123:ABC"), 0o600); err != nil {
		t.Fatal(err)
	}
	tell := filepath.Join(dir, "tell")
	if err := os.WriteFile(tell, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	text = strings.Replace(text, "/usr/local/bin/tell", tell, 1)
	p := &program{environ: []string{"NTFY_TOPIC=t"}}
	c, err := config.Parse(filepath.Join(dir, "tlswhy.yaml"), []byte(text), p.configOptions())
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Endpoints) != 4 || len(c.Sources) != 4 || len(c.Channels) != 9 || len(c.Rules.Routes) != 3 || len(c.Rules.Maintenance) != 2 || len(c.Renewal.Directories) != 1 {
		t.Errorf("got %d endpoints, %d sources, %d channels, %d routes", len(c.Endpoints), len(c.Sources), len(c.Channels), len(c.Rules.Routes))
	}
}
