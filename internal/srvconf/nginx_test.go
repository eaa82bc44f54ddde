package srvconf

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// write puts files into a folder of the test and returns it.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func stops(faults []facts.Fault, words string) bool {
	return slices.ContainsFunc(faults, func(f facts.Fault) bool { return f.Stops && strings.Contains(f.Text, words) })
}

func TestNginxSyntax(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, fault string }{
		{"lua", `http { init_by_lua_block { local s = "}" -- }
 x = [[ } ]] t = { a = { 1 } } } server { listen 443 ssl; ssl_reject_handshake on; } }`, ""},
		{"count in a regex", `http { map $uri $x { "~^/\d{2,4}$" b; } server { listen 443 ssl; ssl_reject_handshake on; } }`, ""},
		{"count without quotes", `http { map $uri $x { ~^/[a-z]{2}/ a; } server { listen 443 ssl; ssl_reject_handshake on; } }`, "must stand in quotes"},
		{"said twice", `http { ssl_stapling on; ssl_stapling on; server { listen 443 ssl; ssl_reject_handshake on; } }`, "said twice"},
		{"said twice, adding up", `http { ssl_protocols TLSv1.2; ssl_protocols TLSv1.3; server { listen 443 ssl; ssl_reject_handshake on; } }`, ""},
		{"mistyped", `http { server { listen 443 ssl; ssl_reject_handshake on; ssl_protocol TLSv1.2; } }`, "did you mean ssl_protocols?"},
		{"two defaults", `http { server { listen 80 default_server; } server { listen 80 default_server; } server { listen 443 ssl; ssl_reject_handshake on; } }`, "a second default server"},
		{"variable in braces", `http { server { listen 443 ssl; set $a "${b}c"; root /x/${name}/y; ssl_reject_handshake on; } }`, ""},
		{"byte order mark", "\xEF\xBB\xBFhttp { server { listen 443 ssl; ssl_reject_handshake on; } }", ""},
		{"escaped quotes", `http { log_format x 'a \'b\' ;'; log_format y "say \"}\""; server { listen 443 ssl; ssl_reject_handshake on; } }`, ""},
		{"missing brace", "http {\n server { listen 443 ssl; ssl_reject_handshake on;\n }\n", "never closed"},
		{"missing semicolon", "http { server { listen 443 ssl; ssl_reject_handshake on; root /x } }", "not ended by a semicolon"},
		{"open quote", "http { server { listen 443 ssl; ssl_reject_handshake on; root \"/x; } }", "never closed"},
		{"stray brace", "http { server { listen 443 ssl; ssl_reject_handshake on; } } }", "without a block"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{"nginx.conf": c.text})
			got := Load(filepath.Join(dir, "nginx.conf"), Options{})
			if len(got.Sites) != 1 {
				t.Errorf("got %d sites, want 1", len(got.Sites))
			}
			if c.fault == "" && len(got.Faults) > 0 || c.fault != "" && !stops(got.Faults, c.fault) {
				t.Errorf("got faults %v, want %q", got.Faults, c.fault)
			}
		})
	}
}

func TestNginxIncludes(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"nginx.conf":    "http {\n ssl_protocols TLSv1.3;\n include conf.d/*.conf;\n include gone.conf;\n}\n",
		"conf.d/a.conf": "server { listen 443 ssl; server_name a.test; ssl_reject_handshake on; }\n",
		"conf.d/b.conf": "include nginx.conf;\nserver { listen [::]:8443 ssl; server_name b.test; ssl_reject_handshake on; }\n",
		"conf.d/c.conf": "\x00\x01\x02",
		"conf.d/d.conf": "\xFF\xFEs\x00",
	})
	c := Load(filepath.Join(dir, "nginx.conf"), Options{})
	if len(c.Sites) != 2 || c.Sites[1].Listen[0] != "[::]:8443" {
		t.Fatalf("got %d sites", len(c.Sites))
	}
	for _, words := range []string{"a loop", "does not exist", "binary data", "UTF-16"} {
		if !stops(c.Faults, words) {
			t.Errorf("no fault says %q: %v", words, c.Faults)
		}
	}
	if v := c.Sites[0].Server.Versions; v[tlswire.TLS12] || !v[tlswire.TLS13] {
		t.Errorf("the versions of the http block: got %v", v)
	}
	if got := c.Sites[0].Line(facts.SetVersions).Line; got != 2 {
		t.Errorf("got line %d of ssl_protocols, want 2", got)
	}
}

func TestNginxDefaultServer(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{"nginx.conf": `http {
 server { listen 443 ssl; server_name a.test *.b.test; ssl_protocols TLSv1.3; ssl_reject_handshake on; }
 server { listen 443 ssl default_server; server_name d.test .e.test; ssl_protocols TLSv1.2; ssl_reject_handshake on; }
}`})
	c := Load(filepath.Join(dir, "nginx.conf"), Options{})
	a, d := c.Sites[0], c.Sites[1]
	for name, want := range map[string]*facts.Site{"": d, "a.test": a, "x.b.test": a, "e.test": d, "y.e.test": d, "other.test": d, "A.TEST.": a} {
		if a.Answering(name) != want {
			t.Errorf("%q is answered by the wrong site", name)
		}
	}
	if a.Server.Versions[tlswire.TLS13] || !a.Server.Versions[tlswire.TLS12] {
		t.Errorf("the default server decides the versions; got %v", a.Server.Versions)
	}
}

func FuzzNginx(f *testing.F) {
	f.Add("http { server { listen 443 ssl; } }")
	f.Add("a_by_lua_block { '\\")
	f.Add("map { ~{2} \"\\\" }")
	f.Fuzz(func(t *testing.T, text string) {
		l := &nginxLexer{text: text, line: 1, fault: func(facts.Fault) {}}
		l.block(0)
		if l.pos > len(text) {
			t.Errorf("read to %d of %d", l.pos, len(text))
		}
	})
}
