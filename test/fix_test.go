package test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// TestFixesTurnServersGreen breaks a server, asks for the diagnosis, pastes the
// printed fix into the server's configuration, runs the printed commands, and
// asks again: the server must be healthy.
//
// The fixes name paths such as /etc/nginx; here they live below a folder of
// the test. Commands that would touch services do nothing.
func TestFixesTurnServersGreen(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers")
	}
	runFixes(t, newWorld(t), func(string, bool) {})
}

// runFixes tries the fixes of all breakages; done hears of each whether the
// server is green after it.
func runFixes(t *testing.T, w *world, done func(name string, green bool)) {
	for _, k := range []*server.Kind{nginx, apache, haproxy} {
		for _, b := range breakages {
			if b.config[k.Name] == "" {
				continue
			}
			t.Run(k.Name+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				server.Need(t, k.Needs[0])
				defer func() { done(t.Name(), !t.Failed()) }()
				m := newMachine(t, w, k)
				m.config = b.config[k.Name]
				m.expand()
				b.run(t, m)
			})
		}
	}
}

// breakage is a fault in a configuration as people write it.
type breakage struct {
	name   string
	want   string
	config map[string]string // by kind; {{port}}, {{live}} and {{etc}} are replaced
	opts   func(w *world, o *tlswhy.Options)
	// Of the configurations that are read (config_test.go): mends says that the
	// printed diff turns the server green, dead that it does not start,
	// fromConfig that the configuration shows what the server would.
	mends, dead, fromConfig bool
	// live is what the running server shows where its configuration shows more;
	// one of several words, where it depends on the moment.
	live   string
	scheme string // of a mail server
}

func (b *breakage) run(t *testing.T, m *machine) {
	t.Helper()
	s := scenario{ep: server.Endpoint{Name: m.kind.Name, Port: m.port, Hosts: []string{host}},
		opts: tlswhy.Options{CAFile: m.w.RootFile, Server: m.kind.Name}, want: []string{b.want}}
	if b.opts != nil {
		b.opts(m.w, &s.opts)
	}
	var fix diag.Fix
	t.Run("broken", func(t *testing.T) {
		m.start(t)
		d, _ := s.diagnose(t)
		if wrong := s.judge(d); len(wrong) > 0 {
			t.Fatalf("%v\n%s", wrong, explain(d))
		}
		i := slices.IndexFunc(d.Causes[0].Fixes, func(f diag.Fix) bool { return f.For == m.kind.Name && f.Config != "" })
		if i < 0 {
			t.Fatalf("no fix with a configuration for %s: %+v", m.kind.Name, d.Causes[0].Fixes)
		}
		fix = d.Causes[0].Fixes[i]
	})
	if t.Failed() {
		return
	}
	m.paste(t, fix.Config)
	m.carryOut(t, fix.Command)
	t.Run("fixed", func(t *testing.T) {
		m.start(t)
		d, _ := s.diagnose(t)
		if got := failures(d); len(got) > 0 {
			t.Errorf("after the fix: %v\nfix %s: %s\nconfig:\n%s\ncommand:\n%s\nresult:\n%s\n%s",
				got, fix.Action, fix.Text, fix.Config, fix.Command, m.config, explain(d))
		}
	})
}

// machine is a server with its files, as the fixes see it.
type machine struct {
	w      *world
	kind   *server.Kind
	root   string // stands for /
	port   int
	config string
	scheme string
}

func newMachine(t *testing.T, w *world, k *server.Kind) *machine {
	t.Helper()
	m := &machine{w: w, kind: k, root: server.Folder(t), port: server.FreePort(t)}
	leaf := w.Leaf(pki.Spec{DNS: []string{host}})
	key, err := leaf.PrivatePEM()
	if err != nil {
		t.Fatal(err)
	}
	full := pki.PEM(leaf, w.Intermediate)
	m.put(t, "etc/letsencrypt/live/"+host+"/cert.pem", pki.PEM(leaf))
	m.put(t, "etc/letsencrypt/live/"+host+"/fullchain.pem", full)
	m.put(t, "etc/letsencrypt/live/"+host+"/privkey.pem", key)
	m.put(t, "etc/haproxy/certs/"+host+".pem", append(slices.Clone(full), key...))
	m.put(t, "etc/haproxy/alone/"+host+".pem", append(pki.PEM(leaf), key...))
	other := w.Leaf(pki.Spec{DNS: []string{"mail.other.test"}})
	def := w.Leaf(pki.Spec{DNS: []string{"default.hosting.test"}})
	m.put(t, "etc/ssl/mail.pem", pki.PEM(other, w.Intermediate))
	m.put(t, "etc/ssl/default.pem", pki.PEM(def, w.Intermediate))
	m.put(t, "etc/ssl/key.pem", key) // leaves of one kind share a key
	dh, err := os.ReadFile(w.dh1024)
	if err != nil {
		t.Fatal(err)
	}
	m.put(t, "etc/ssl/dh1024.pem", dh)
	m.put(t, "etc/ssl/with-dh.pem", slices.Concat(full, dh))
	m.put(t, "etc/haproxy/mail.pem", append(pki.PEM(other, w.Intermediate), key...))
	m.put(t, "etc/haproxy/list", []byte(m.root+"/etc/haproxy/mail.pem *.shop.test\n"))
	m.put(t, "etc/haproxy/default.pem", append(pki.PEM(def, w.Intermediate), key...))
	for _, dir := range []string{"etc/nginx", "etc/ssl", "etc/haproxy"} {
		m.put(t, dir+"/client-cas.pem", pki.PEM(w.other.Root))
	}
	// What the administrator has at hand when the commands ask for it.
	m.put(t, "files/fullchain.pem", full)
	m.put(t, "files/leaf.pem", pki.PEM(leaf))
	m.put(t, "files/privkey.pem", key)
	m.put(t, "files/NEW_CLIENT_CA.pem", pki.PEM(w.clientCA))
	return m
}

func (m *machine) put(t *testing.T, path string, body []byte) {
	t.Helper()
	p := filepath.Join(m.root, path)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, body, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) read(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(m.root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func (m *machine) expand() {
	m.config = strings.NewReplacer("{{port}}", fmt.Sprint(m.port), "{{etc}}", m.root+"/etc",
		"{{live}}", m.root+"/etc/letsencrypt/live/"+host).Replace(m.config)
}

// below puts absolute paths of a fix below the machine's root.
func (m *machine) below(text string) string {
	return strings.NewReplacer("/etc/", m.root+"/etc/", "/path/to/", m.root+"/files/").Replace(text)
}

// carryOut runs the commands of a fix as they are printed, except that paths
// are the machine's and that services are not touched.
func (m *machine) carryOut(t *testing.T, command string, more ...string) {
	t.Helper()
	stubs := strings.Join(more, "")
	for _, c := range []string{"nginx", "apachectl", "a2enmod", "haproxy", "systemctl", "journalctl", "certbot", "grep"} {
		stubs += c + "() { :; }\n"
	}
	cmd := exec.Command("/bin/sh", "-c", "set -e\n"+stubs+m.below(command))
	cmd.Dir = filepath.Join(m.root, "files")
	// Programs that change this machine are in sbin, which is not on this path.
	cmd.Env = append(os.Environ(), "PATH=/usr/bin:/bin")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("the printed command fails: %v\n%s\n%s", err, command, out)
	}
}

// start runs the server with the configuration as it is now.
func (m *machine) start(t *testing.T) {
	t.Helper()
	e := &server.Endpoint{Name: m.kind.Name, Port: m.port, Hosts: []string{host}, Scheme: m.scheme}
	if m.kind == server.Postfix || m.kind == server.Dovecot {
		server.StartSettings(t, m.kind, m.root, m.config, e)
		return
	}
	server.StartConfig(t, m.kind, m.config, e)
}

// paste puts the printed lines where the texts say that they belong: in the
// place of lines with the same words, else into the block of the site.
func (m *machine) paste(t *testing.T, snippet string) {
	t.Helper()
	lines := strings.Split(strings.TrimRight(m.below(snippet), "\n"), "\n")
	switch {
	case strings.HasPrefix(lines[0], "server {"):
		m.config += strings.Join(lines, "\n") + "\n"
	case strings.HasPrefix(lines[0], "<VirtualHost"): // above the others, below the first
		const end = "</VirtualHost>\n"
		first, rest, _ := strings.Cut(m.config, end)
		m.config = first + end + strings.Join(lines, "\n") + "\n" + rest
	case strings.TrimSpace(lines[0]) == "global":
		m.replace(t, lines[1:], "global")
	case strings.HasPrefix(strings.TrimSpace(lines[0]), "bind "):
		m.replace(t, lines[:1], "frontend")
	default:
		m.replace(t, lines, map[string]string{"nginx": "server {", "apache": "<VirtualHost"}[m.kind.Name])
	}
}

// replace drops lines that begin with the word of a new one and inserts the new
// ones behind the first line that begins with block.
func (m *machine) replace(t *testing.T, fresh []string, block string) {
	t.Helper()
	words := map[string]bool{}
	for _, l := range fresh {
		if f := strings.Fields(l); len(f) > 0 && !strings.HasPrefix(f[0], "#") {
			words[f[0]] = true
		}
	}
	var out []string
	done := false
	for _, l := range strings.Split(m.config, "\n") {
		f := strings.Fields(l)
		if len(f) > 0 && words[f[0]] {
			continue
		}
		out = append(out, l)
		if !done && strings.HasPrefix(strings.TrimSpace(l), block) {
			out = append(out, fresh...)
			done = true
		}
	}
	if !done {
		t.Fatalf("no place %q in\n%s", block, m.config)
	}
	m.config = strings.Join(out, "\n")
}
