package test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/srvconf"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// TestConfigPredicts reads broken configurations, and the diagnosis of the
// server that runs with them must have the same first failure; a server that
// does not start with them must be foretold too. The printed diff turns the
// server green.
func TestConfigPredicts(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers")
	}
	w := newWorld(t)
	bin := filepath.Join(t.TempDir(), "tlswhy")
	if out, err := exec.Command("go", "build", "-o", bin, "../cmd/tlswhy").CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	for _, k := range []*server.Kind{nginx, apache, haproxy, server.Postfix, server.Dovecot} {
		for _, b := range slices.Concat(breakages, configBreakages, moreBreakages, mailBreakages) {
			if b.config[k.Name] == "" || slices.Contains(notInConfig, b.want) && !b.fromConfig {
				continue
			}
			t.Run(k.Name+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				server.Need(t, k.Needs[0])
				server.Need(t, "patch")
				m := newMachine(t, w, k)
				m.putPairs(t)
				m.config, m.scheme = b.config[k.Name], cmp.Or(b.scheme, map[string]string{"postfix": "smtp", "dovecot": "imaps"}[k.Name])
				m.expand()
				file := m.lay(t)
				b.compare(t, m, file)
				if b.mends {
					b.mend(t, m, bin, file)
				}
			})
		}
	}
}

// compare sets the prediction beside the server.
func (b *breakage) compare(t *testing.T, m *machine, file string) {
	t.Helper()
	s := b.scenario(m)
	got := first(m.predict(t, &s, file))
	if b.dead {
		if got != b.want {
			t.Errorf("predicted %q, want %q\n%s", got, b.want, m.config)
		}
		if out, err := m.accepts(t); err == nil {
			t.Errorf("the server takes the configuration\n%s\n%s", m.config, out)
		}
		return
	}
	t.Run("broken", func(t *testing.T) {
		m.start(t)
		d, _ := s.diagnose(t)
		if live := first(d); got != b.want || !slices.Contains(strings.Fields(cmp.Or(b.live, b.want)), live) {
			t.Errorf("predicted %q, live %q, want %q\n%s\n%s", got, live, b.want, m.config, explain(d))
		}
	})
}

// mend asks for the diff, applies it, and diagnoses the server again.
func (b *breakage) mend(t *testing.T, m *machine, bin, file string) {
	t.Helper()
	var talk bytes.Buffer
	cmd := exec.Command(bin, "config", "--fix", "--offline", "--server", m.kind.Name, "--ca", m.w.RootFile, file)
	cmd.Stderr = &talk
	diff, _ := cmd.Output() // the exit code is that of what was found
	patch := exec.Command("patch", "-p1", "-d", "/")
	patch.Stdin = bytes.NewReader(diff)
	if out, err := patch.CombinedOutput(); err != nil || len(diff) == 0 {
		t.Fatalf("patch: %v %s\n%s\n%s", err, out, diff, &talk)
	}
	m.takeBack(t, file)
	if out, err := m.accepts(t); err != nil {
		t.Fatalf("the server refuses the mended configuration: %s\n%s", out, diff)
	}
	t.Run("mended", func(t *testing.T) {
		m.start(t)
		s := b.scenario(m)
		d, _ := s.diagnose(t)
		if got := failures(d); len(got) > 0 {
			t.Errorf("after the diff: %v\n%s\n%s", got, diff, explain(d))
		}
	})
}

// lay writes the configuration as its reader expects it: Postfix has two files,
// and Dovecot's says where it listens.
func (m *machine) lay(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	switch m.kind {
	case server.Postfix:
		main, services, own := strings.Cut(m.config, server.MasterFile)
		if !own {
			services = fmt.Sprintf("127.0.0.1:%d inet n - n - - smtpd\n", m.port)
		}
		write(t, filepath.Join(dir, "master.cf"), services)
		write(t, filepath.Join(dir, "main.cf"), main)
		return filepath.Join(dir, "main.cf")
	case server.Dovecot:
		write(t, filepath.Join(dir, "dovecot.conf"), m.listens()+m.config)
		return filepath.Join(dir, "dovecot.conf")
	}
	file := filepath.Join(dir, m.kind.Name+".conf")
	write(t, file, m.config)
	return file
}

func (m *machine) listens() string {
	return server.DovecotListens(&server.Endpoint{Port: m.port, Scheme: m.scheme})
}

// takeBack reads what lay wrote, and others changed.
func (m *machine) takeBack(t *testing.T, file string) {
	t.Helper()
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(file), name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	m.config = read(filepath.Base(file))
	switch m.kind {
	case server.Postfix:
		m.config += server.MasterFile + read("master.cf")
	case server.Dovecot:
		m.config = strings.TrimPrefix(m.config, m.listens())
	}
}

// accepts lets the server test the configuration.
func (m *machine) accepts(t *testing.T) (string, error) {
	t.Helper()
	switch m.kind {
	case server.Postfix:
		return server.TestSettings(t, m.kind, m.config)
	case server.Dovecot:
		return server.TestSettings(t, m.kind, m.listens()+m.config)
	}
	return server.TestConfig(t, m.kind, m.config, m.port)
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// putPairs adds a folder with a good pair and others that are wrong.
func (m *machine) putPairs(t *testing.T) {
	t.Helper()
	leaf := m.w.Leaf(pki.Spec{DNS: []string{host}})
	other := m.w.Leaf(pki.Spec{DNS: []string{"mail.other.test"}})
	expired := m.w.Leaf(pki.Spec{DNS: []string{host}, NotBefore: time.Now().AddDate(0, -3, 0), NotAfter: time.Now().AddDate(0, 0, -3)})
	both := m.w.Leaf(pki.Spec{DNS: []string{host}, Key: "p256"})
	ecdsa := m.w.Leaf(pki.Spec{DNS: []string{"ecdsa.other.test"}, Key: "p256"})
	another := m.w.Leaf(pki.Spec{DNS: []string{"another.test"}, KeyID: "another"})
	key := func(c *pki.Cert) []byte {
		text, err := c.PrivatePEM()
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for name, text := range map[string][]byte{
		"fullchain.pem": pki.PEM(leaf, m.w.Intermediate), "privkey.pem": key(leaf), "mail.pem": pki.PEM(other, m.w.Intermediate), "expired.pem": pki.PEM(expired, m.w.Intermediate),
		"ecdsa-shop.pem": pki.PEM(both, m.w.Intermediate),
		"cert.pem":       pki.PEM(leaf), "ecdsa.pem": pki.PEM(ecdsa, m.w.Intermediate), "ecdsa.key": key(ecdsa), "other.key": key(another),
	} {
		m.put(t, "etc/tls/"+name, text)
	}
	for name, text := range map[string][]byte{
		"good.pem": slices.Concat(pki.PEM(leaf, m.w.Intermediate), key(leaf)), "expired.pem": slices.Concat(pki.PEM(expired, m.w.Intermediate), key(leaf)),
		"mismatch.pem": slices.Concat(pki.PEM(leaf, m.w.Intermediate), key(ecdsa)),
	} {
		m.put(t, "etc/joint/"+name, text)
	}
}

// notInConfig are failures of which a configuration shows nothing: those of the
// client's own certificate, and plain HTTP on a port that was never meant for
// TLS.
var notInConfig = []string{"client-cert-untrusted", "server-speaks-plaintext"}

func (b *breakage) scenario(m *machine) scenario {
	s := scenario{ep: server.Endpoint{Name: m.kind.Name, Port: m.port, Hosts: []string{host}}, want: []string{b.want}}
	s.opts.CAFile, s.opts.Server = m.w.RootFile, m.kind.Name
	if m.scheme != "" {
		s.target = m.scheme + "://" + host
	}
	if b.opts != nil {
		b.opts(m.w, &s.opts)
	}
	return s
}

// predict judges the machine's configuration for the scenario's client.
func (m *machine) predict(t *testing.T, s *scenario, file string) *diag.Diagnosis {
	t.Helper()
	c := srvconf.Load(file, srvconf.Options{Server: m.kind.Name})
	if len(c.Faults) > 0 {
		return diagnose.Misread(file, c.Software, c.Faults, "")
	}
	if len(c.Sites) == 0 {
		t.Fatal("no site")
	}
	at := c.Sites[0].Answering(host)
	if m.kind == server.Postfix || m.kind == server.Dovecot {
		c.Sites = slices.DeleteFunc(c.Sites, func(x *facts.Site) bool { return x.Port != m.port })
	}
	if i := slices.IndexFunc(c.Sites, func(x *facts.Site) bool { return slices.Contains(x.Names, host) }); i >= 0 {
		at = c.Sites[i]
	}
	if at == nil {
		at = c.Sites[0]
	}
	stops := func(f facts.Fault) bool { return f.Stops }
	if i := slices.IndexFunc(c.Sites, func(x *facts.Site) bool { return slices.ContainsFunc(x.Faults, stops) }); i >= 0 {
		at = c.Sites[i] // one line that the server refuses, and nothing starts
	}
	o := s.opts
	d, err := diagnose.Configured(context.Background(), at, false, diagnose.Options{CAFile: o.CAFile, Ciphers: o.Ciphers, Groups: o.Groups, SigAlgs: o.SigAlgs, MinVersion: o.MinVersion, MaxVersion: o.MaxVersion, Client: o.Client, SNI: o.SNI},
		diagnose.Env{PrivateFetches: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// first is the cause of the first failure, "ok" where there is none.
func first(d *diag.Diagnosis) string {
	if c := d.FirstFailure(); c != nil {
		return c.ID
	}
	return fmt.Sprint(diag.OK)
}
