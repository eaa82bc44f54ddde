package test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/srvconf"
	"github.com/tlswhy/tlswhy/test/server"
)

// TestConfigPredicts reads broken configurations, and the diagnosis of the
// server that runs with them must have the same first failure.
func TestConfigPredicts(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers")
	}
	w := newWorld(t)
	for _, k := range []*server.Kind{nginx, apache, haproxy} {
		for _, b := range slices.Concat(breakages, configBreakages) {
			if b.config[k.Name] == "" || slices.Contains(notInConfig, b.want) {
				continue
			}
			t.Run(k.Name+"/"+b.name, func(t *testing.T) {
				t.Parallel()
				server.Need(t, k.Needs[0])
				m := newMachine(t, w, k)
				m.config = b.config[k.Name]
				m.expand()
				s := b.scenario(m)
				got := first(m.predict(t, &s))
				m.start(t)
				d, _ := s.diagnose(t)
				if live := first(d); got != live || live != b.want {
					t.Errorf("predicted %q, live %q, want %q\n%s\n%s", got, live, b.want, m.config, explain(d))
				}
			})
		}
	}
}

// notInConfig are failures of which a configuration shows nothing: those of the
// client's own certificate, and plain HTTP on a port that was never meant for
// TLS.
var notInConfig = []string{"client-cert-untrusted", "server-speaks-plaintext"}

func (b *breakage) scenario(m *machine) scenario {
	s := scenario{ep: server.Endpoint{Name: m.kind.Name, Port: m.port, Hosts: []string{host}}, want: []string{b.want}}
	s.opts.CAFile, s.opts.Server = m.w.RootFile, m.kind.Name
	if b.opts != nil {
		b.opts(m.w, &s.opts)
	}
	return s
}

// predict judges the machine's configuration for the scenario's client.
func (m *machine) predict(t *testing.T, s *scenario) *diag.Diagnosis {
	t.Helper()
	file := filepath.Join(t.TempDir(), m.kind.Name+".conf")
	if err := os.WriteFile(file, []byte(m.config), 0o600); err != nil {
		t.Fatal(err)
	}
	c := srvconf.Load(file, srvconf.Options{Server: m.kind.Name})
	if len(c.Sites) == 0 {
		t.Fatalf("no site: %v", c.Faults)
	}
	at := c.Sites[0].Answering(host)
	if i := slices.IndexFunc(c.Sites, func(x *facts.Site) bool { return slices.Contains(x.Names, host) }); i >= 0 {
		at = c.Sites[i]
	}
	if at == nil {
		at = c.Sites[0]
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

var configBreakages []breakage
