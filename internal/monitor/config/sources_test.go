package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

const withSources = `
defaults: {owner: ops, tags: {env: prod}}
sources:
  - name: prometheus
    file_sd: [targets/*.yaml]
    endpoint: {interval: 10m, tags: {from: prom}, starttls: smtp}
  - name: cmdb
    http_sd: https://cmdb.example.com/sd
    bearer_token_file: token
    headers: {X-Team: {value: web}}
    refresh: 30s
    max_shrink: 50
maintenance:
  - {name: nights, match: {env: prod}, days: [sat, sun], from: "02:30", to: "04:00", zone: Europe/Berlin}
  - {name: move, match: {endpoint: "*"}, start: 2026-12-01T20:00:00Z, end: 2026-12-02T04:00:00Z}
certificates:
  - {name: live, paths: [/etc/ssl/*.pem], owner: web, reload: systemctl reload nginx, warn: 20d}
`

func parseSources(t *testing.T) *Config {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte("geheim\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(filepath.Join(dir, "c.yaml"), []byte(withSources), options)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestSources(t *testing.T) {
	t.Parallel()
	c := parseSources(t)
	file, http, certs := c.Sources[0], c.Sources[1], c.Sources[2]
	if m := c.Rules.Maintenance; len(m) != 2 || m[0].Weekly.From != 150 || m[0].Weekly.Days[1] != time.Sunday || m[1].Until.Hour() != 4 {
		t.Errorf("got maintenance %+v", m)
	}
	if !strings.HasSuffix(file.Paths[0], "/targets/*.yaml") || !filepath.IsAbs(file.Paths[0]) || file.MaxShrink != 20 {
		t.Errorf("got %+v", file)
	}
	if string(http.Header["Authorization"]) != "Bearer geheim" || string(http.Header["X-Team"]) != "web" || http.Refresh != 30*time.Second || http.MaxShrink != 50 {
		t.Errorf("got %+v", http)
	}
	e := certs.File("/etc/ssl/a.pem")
	if e.Kind != monitor.KindFile || e.Source != "live" || e.Owner != "web" || e.Reload != "systemctl reload nginx" || e.Expect.Warn != 20*24*time.Hour || e.ID == "" {
		t.Errorf("got %+v", e)
	}
}

// TestTargets reads lists as Prometheus does.
func TestTargets(t *testing.T) {
	t.Parallel()
	read := parseSources(t).Sources[0].Read
	for _, c := range []struct{ name, text, target, connect, starttls, owner, tags string }{
		{"JSON", `[{"targets": ["a.example:443"], "labels": {"team": "x", "__meta_k": "v"}}]`, "a.example:443", "", "smtp", "ops", "env=prod from=prom team=x"},
		{"JSON with tabs and escapes", "[\n\t{\n\t\t\"targets\": [\"a.example\"],\n\t\t\"labels\": {\"team\": \"a\\/b \\u00e4\"}\n\t}\n]", "a.example", "", "smtp", "ops", "env=prod from=prom team=a/b ä"},
		{"YAML", "- targets: [a.example]\n  labels: {team: 7}", "a.example", "", "smtp", "ops", "env=prod from=prom team=7"},
		{"a dollar is a dollar", "- targets: [a.example]\n  labels: {team: '${TOKEN}'}", "a.example", "", "smtp", "ops", "env=prod from=prom team=${TOKEN}"},
		{"scheme", "- targets: ['a.example:8443']\n  labels: {__scheme__: https}", "https://a.example:8443", "", "smtp", "ops", "env=prod from=prom"},
		{"address", "- targets: [x]\n  labels: {__address__: 'b.example:1'}", "b.example:1", "", "smtp", "ops", "env=prod from=prom"},
		{"by way of blackbox_exporter", "- targets: ['exporter:9115']\n  labels: {__scheme__: http, __param_target: 'https://a.example/x', __param_module: http_2xx}", "https://a.example/x", "", "smtp", "ops", "env=prod from=prom"},
		{"hostname of blackbox_exporter", "- targets: ['192.0.2.1:8443']\n  labels: {__param_hostname: a.example}", "a.example:8443", "192.0.2.1:8443", "smtp", "ops", "env=prod from=prom"},
		{"hostname, IPv6", "- targets: ['https://[2001:db8::1]/x']\n  labels: {__param_hostname: a.example}", "https://a.example:443", "[2001:db8::1]:443", "smtp", "ops", "env=prod from=prom"},
		{"owner", "- targets: [a.example]\n  labels: {owner: dba, __tlswhy_starttls: postgres}", "a.example", "", "postgres", "dba", "env=prod from=prom owner=dba"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			es, err := read("list", []byte(c.text))
			if err != nil || len(es) != 1 {
				t.Fatalf("got %+v, %v", es, err)
			}
			e := es[0]
			var tags []string
			for _, k := range []string{"env", "from", "owner", "team"} {
				if v := e.Tags[k]; v != "" {
					tags = append(tags, k+"="+v)
				}
			}
			if e.Target != c.target || strings.Join(e.Connect, ",") != c.connect || e.StartTLS != c.starttls || e.Owner != c.owner || strings.Join(tags, " ") != c.tags || e.Source != "prometheus" || e.Interval != 10*time.Minute {
				t.Errorf("got %+v, tags %q", e, tags)
			}
		})
	}
}

func TestBadTargets(t *testing.T) {
	t.Parallel()
	read := parseSources(t).Sources[0].Read
	for _, c := range []struct{ name, text, want string }{
		{"no list", `{"targets": ["a"]}`, "list:1:1: this must be a list"},
		{"HTML", "<html><body>login</body></html>", "list:1:1"},
		{"unknown key", "- targets: [a]\n  label: {}", `list:2:3: unknown key "label"`},
		{"plain http", "- targets: [a]\n\n- targets: [b]\n  labels: {__scheme__: http}", `list:3:3: target "b": its __scheme__ is http`},
		{"bad target", "- targets: [a b]", `target "a b": no target has blanks`},
		{"empty target", `[{"targets": [""]}]`, "the endpoint has no target"},
		{"interval", "- targets: [a]\n  labels: {__tlswhy_interval: soon}", "is no duration"},
		{"cut off", `[{"targets": ["a"`, "no valid YAML"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if es, err := read("list", []byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v, want %q", es, err, c.want)
			}
		})
	}
}

func TestBadSources(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"no name", "sources:\n  - {file_sd: [a]}", "c.yaml:2:5: the source has no name"},
		{"twice", "sources:\n  - {name: a, file_sd: [a]}\ncertificates:\n  - {name: a, paths: [b]}", `c.yaml:4:5: the name "a" is there twice`},
		{"both", "sources:\n  - {name: a, file_sd: [a], http_sd: https://x}", "either file_sd or http_sd"},
		{"neither", "sources:\n  - {name: a}", "either file_sd or http_sd"},
		{"address", "sources:\n  - {name: a, http_sd: x}", "whole http or https"},
		{"refresh", "sources:\n  - {name: a, http_sd: https://x, refresh: 1s}", "shorter than 5s"},
		{"pattern", "sources:\n  - {name: a, file_sd: ['[']}", "is no pattern"},
		{"line break", "sources:\n  - {name: a, http_sd: https://x, headers: {X: {value: \"a\\nb\"}}}", "line break"},
		{"ACME directory", "renewal: {directories: [{issuer: a, url: x}]}", "c.yaml:1:25: the url of an ACME directory"},
		{"whose directory", "renewal: {directories: [{url: https://x}]}", "issuer is missing"},
		{"revocation", "endpoints: [{target: a, revocation: maybe}]", "none of soft, hard, off"},
		{"maintenance without an end", "maintenance: [{name: a, match: {owner: b}, from: '02:00'}]", "two times of a day"},
		{"maintenance of nothing", "maintenance: [{name: a, from: '02:00', to: '04:00'}]", "match is missing"},
		{"maintenance on no day", "maintenance: [{name: a, match: {owner: b}, days: [son], from: '02:00', to: '04:00'}]", `"son" is no day`},
		{"maintenance in no zone", "maintenance: [{name: a, match: {owner: b}, zone: Berlin, from: '02:00', to: '04:00'}]", "Europe/Berlin"},
		{"maintenance twice", "maintenance: [{name: a, match: {owner: b}, from: '02:00', to: '04:00', start: 2026-12-01T20:00:00Z}]", "give start and end, or"},
		{"maintenance backwards", "maintenance: [{name: a, match: {owner: b}, start: 2026-12-01T20:00:00Z, end: 2026-12-01T19:00:00Z}]", "ends before it begins"},
		{"maintenance at no time", "maintenance: [{name: a, match: {owner: b}, start: tomorrow, end: 2026-12-01T19:00:00Z}]", "is no time such as"},
		{"no paths", "certificates:\n  - {name: a}", "paths are missing"},
		{"shrink", "sources:\n  - {name: a, file_sd: [a], max_shrink: 200}", "0 to 100"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := Parse("c.yaml", []byte(c.text), options); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func FuzzTargets(f *testing.F) {
	for _, s := range []string{`[{"targets": ["a:1"], "labels": {"__param_hostname": "b"}}]`, "- targets: [a]", "- &a {targets: [*a]}", "- targets: ['[::1]']\n  labels: {__param_hostname: x}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		es, err := readTargets("x", raw, options, "/", "s", &endpoint{}, &endpoint{})
		if err != nil && len(es) > 0 {
			t.Errorf("got %v beside %v", es, err)
		}
	})
}
