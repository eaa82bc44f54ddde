package config

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

var options = Options{
	Parse: func(target string) (string, int, error) {
		if strings.Contains(target, " ") {
			return "", 0, errors.New("no target has blanks")
		}
		return target, 443, nil
	},
	Env: func(name string) (string, bool) { return "from-env", name == "TOKEN" },
	CheckChannel: func(c *Channel) error {
		if c.Type == "pigeon" {
			return errors.New("pigeons are not trained")
		}
		return nil
	},
}

const good = `
external_url: https://mon.example.com
confirm: {tries: 2, within: 10s}
defaults:
  interval: 5m
  owner: web
  tags: {env: prod}
endpoints:
  - target: shop.example.com
    tags: {env: test, team: a}
    ca_file: ca.pem
    expect: {min_version: "1.2", warn: 20d, critical: 1d12h, client_cert: false}
  - {target: mail.example.com, owner: mail, interval: 1h, inventory: 7d, starttls: smtp}
channels:
  hook: {type: webhook, url: "https://example.com/${TOKEN}/$$x", secret_file: s}
routes:
  - {match: {owner: web}, min_severity: critical, channels: [hook], continue: true}
`

func TestGood(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s"), []byte("geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(filepath.Join(dir, "c.yaml"), []byte(good), options)
	if err != nil {
		t.Fatal(err)
	}
	shop, mail := c.Endpoints[0], c.Endpoints[1]
	if shop.Owner != "web" || shop.Interval != 5*time.Minute || shop.Tags["env"] != "test" || shop.Tags["team"] != "a" || shop.CAFile != filepath.Join(dir, "ca.pem") {
		t.Errorf("got %+v", shop)
	}
	if x := shop.Expect; x.MinVersion != "TLS 1.2" || x.Warn != 20*24*time.Hour || x.Critical != 36*time.Hour || x.ClientCert == nil || *x.ClientCert {
		t.Errorf("got expectations %+v", x)
	}
	if mail.Owner != "mail" || mail.Interval != time.Hour || mail.Inventory != 7*24*time.Hour || shop.Inventory != 0 || mail.Tags["env"] != "prod" || mail.ID == shop.ID {
		t.Errorf("got %+v", mail)
	}
	h := c.Channels["hook"]
	if string(h.URL) != "https://example.com/from-env/$x" || string(h.Secret) != "geheim" {
		t.Errorf("got %q and %q", string(h.URL), string(h.Secret))
	}
	if s := fmt.Sprintf("%v %+v %#v", h, h, h); strings.Contains(s, "geheim") || strings.Contains(s, "from-env") {
		t.Errorf("a secret prints: %s", s)
	}
	if r := c.Rules.Routes[0]; r.MinSeverity != monitor.Critical || !r.Continue || c.Rules.Tries != 2 {
		t.Errorf("got %+v", c.Rules)
	}
}

func TestBad(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"no YAML", "endpoints: [", "c.yaml:1:1: no valid YAML"},
		{"unknown key", "endpoint:\n  - target: a", `c.yaml:1:1: unknown key "endpoint"; known here are certificates, channels`},
		{"unknown key deep inside", "endpoints:\n  - target: a\n    expect: {warnn: 5d}", `c.yaml:3:14: unknown key "warnn"`},
		{"twice", "endpoints: []\nendpoints: []", `c.yaml:2:1: "endpoints" is there twice`},
		{"list wanted", "endpoints: a", "c.yaml:1:12: endpoints must be a list"},
		{"value wanted", "endpoints:\n  - target: [a]", "c.yaml:2:13: target must be a single value"},
		{"duration", "endpoints:\n  - {target: a, interval: soon}", `c.yaml:2:27: "soon" is no duration`},
		{"negative duration", "endpoints:\n  - {target: a, interval: -5m}", "is no duration"},
		{"inventories too often", "endpoints:\n  - {target: a, inventory: 1m}", "inventory 1m0s is shorter than 1h0m0s"},
		{"too often", "endpoints:\n  - {target: a, interval: 1s}", "shorter than 10s"},
		{"no target", "endpoints:\n  - {owner: a}", "c.yaml:2:5: the endpoint has no target"},
		{"bad target", "endpoints:\n  - {target: a b}", `target "a b": no target has blanks`},
		{"same endpoint", "endpoints:\n  - target: a\n  - target: a", "c.yaml:3:5: the same endpoint as in line 2"},
		{"version", "endpoints:\n  - {target: a, expect: {min_version: 1.5}}", "none of 1.0"},
		{"channel", "channels:\n  a: {type: pigeon}", `c.yaml:2:6: channel "a": pigeons`},
		{"variable", "channels:\n  a: {type: x, url: \"${NOPE}\"}", "the variable ${NOPE} is not set"},
		{"secret file", "channels:\n  a: {type: x, secret_file: nope}", "reading secret_file"},
		{"secret twice", "channels:\n  a: {type: x, secret: b, secret_file: nope}", "not both"},
		{"route", "routes:\n  - {channels: [a]}", `c.yaml:2:5: the route leads to a channel "a"`},
		{"severity", "routes:\n  - {min_severity: huge, channels: []}", "neither warning nor critical"},
		{"two documents", "endpoints: []\n---\nendpoints: []", "more than one document"},
		{"all of them", "endpoints:\n  - {owner: a}\n  - {owner: b}", "c.yaml:3:5"},
		{"aliases", "endpoints: &a [*a]", "c.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse("c.yaml", []byte(c.text), options)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "# nothing yet\n", "endpoints:\n"} {
		if c, err := Parse("c.yaml", []byte(text), options); err != nil || len(c.Endpoints) != 0 {
			t.Errorf("%q: got %v, %v", text, c, err)
		}
	}
}

// TestWatch edits, breaks and swaps the file, the way Kubernetes does it.
func TestWatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	version := func(name, text string) {
		t.Helper()
		if err := errors.Join(os.MkdirAll(filepath.Join(dir, name), 0o755), os.WriteFile(filepath.Join(dir, name, "c.yaml"), []byte(text), 0o600)); err != nil {
			t.Fatal(err)
		}
		next := filepath.Join(dir, "..next")
		if err := errors.Join(os.Symlink(name, next), os.Rename(next, filepath.Join(dir, "..data"))); err != nil {
			t.Fatal(err)
		}
	}
	version("v1", "endpoints: [{target: a}]")
	path := filepath.Join(dir, "c.yaml")
	if err := os.Symlink(filepath.Join("..data", "c.yaml"), path); err != nil {
		t.Fatal(err)
	}
	first, err := Load(path, options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	applied, ended, reload := make(chan *Config, 9), make(chan bool), make(chan os.Signal)
	go func() {
		Watch(ctx, path, options, first, reload, 5*time.Millisecond, slog.New(slog.DiscardHandler), func(c *Config) { applied <- c })
		close(ended)
	}()
	reload <- os.Interrupt // taken once the first look has been
	<-applied
	version("v2", "endpoints: [{target: a}, {target: b}]")
	if c := <-applied; len(c.Endpoints) != 2 {
		t.Errorf("got %d endpoints after the swap", len(c.Endpoints))
	}
	version("v3", "endpoints: [{targett: a}]")
	reload <- os.Interrupt // any signal on the channel means reload
	reload <- os.Interrupt
	version("v4", "endpoints: [{target: d}]")
	if c := <-applied; len(c.Endpoints) != 1 || c.Endpoints[0].Target != "d" {
		t.Errorf("got %+v: a broken file was applied", c.Endpoints)
	}
	cancel()
	<-ended
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{good, "endpoints: &a [*a]", "a: b: c", "channels: {a: {type: x}}", "routes: [{match: {a: b}}]"} {
		f.Add([]byte(s))
	}
	o := options
	o.CheckChannel = nil
	f.Fuzz(func(t *testing.T, raw []byte) {
		if slices.Contains(raw, 0) || strings.Contains(string(raw), "_file") {
			return // no reading of files by chance
		}
		c, err := Parse("c.yaml", raw, o)
		if (c == nil) == (err == nil) {
			t.Errorf("got %v, %v", c, err)
		}
	})
}
