package test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// TestClientsForetold holds what is predicted of the known clients to what
// their hellos meet, on real servers in several configurations.
func TestClientsForetold(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers")
	}
	t.Parallel()
	w := newWorld(t)
	bin := program(t)
	ec := w.leaf("foretold-ec", pki.Spec{Key: "p256"})
	ec384 := w.leaf("foretold-ec384", pki.Spec{Key: "p384"})
	ed := w.leaf("foretold-ed", pki.Spec{Key: "ed25519"})
	def := w.leaf("foretold-default", pki.Spec{DNS: []string{"default.hosting.test"}})
	type change = func(*server.Kind, *server.Endpoint)
	// Of all, some are on one kind each unless TLSWHY_FORETOLD is set.
	rows := []struct {
		name     string
		on, also []*server.Kind
		make     change
	}{
		{"default", modern, nil, func(*server.Kind, *server.Endpoint) {}},
		{"two-keys", kinds(haproxy), kinds(nginx, apache), func(_ *server.Kind, e *server.Endpoint) { e.Chain2, e.Key2 = ec.chain, ec.key }},
		{"ecdsa", kinds(java), kinds(nginx, gnutls, golang), func(_ *server.Kind, e *server.Endpoint) { e.Chain, e.Key = ec.chain, ec.key }},
		{"ed25519", kinds(golang), kinds(nginx), func(_ *server.Kind, e *server.Endpoint) { e.Chain, e.Key = ed.chain, ed.key }},
		{"tls13", kinds(gnutls), modern, func(_ *server.Kind, e *server.Endpoint) { e.Min = "1.3" }},
		{"tls12-cbc", kinds(golang), modern, func(k *server.Kind, e *server.Endpoint) { e.Max, e.Ciphers = "1.2", cbcOnly.of(k) }},
		{"static-rsa", nil, kinds(nginx, java, golang, gnutls), func(k *server.Kind, e *server.Endpoint) { e.Max, e.Ciphers = "1.2", staticRSAOnly.of(k) }},
		{"dhe-1024", kinds(nginx), kinds(apache), func(k *server.Kind, e *server.Endpoint) {
			e.Max, e.Ciphers, e.DHParams = "1.2", dheOnly.of(k), w.dh1024
		}},
		// GnuTLS with P-521 alone ends with an internal error once a client offers
		// DHE too, which nobody can foretell.
		{"p521", kinds(nginx), kinds(golang), func(k *server.Kind, e *server.Endpoint) { e.Groups = group(k, "P-521") }},
		{"tls10", kinds(nginx), kinds(zcrypto, apache, haproxy, stunnel), func(_ *server.Kind, e *server.Endpoint) { e.Min, e.Max = "1.0", "1.0" }},
		{"strict-sni", kinds(haproxy), kinds(nginx, golang), func(_ *server.Kind, e *server.Endpoint) { e.Strict = true }},
		{"default-vhost", kinds(apache), kinds(nginx, haproxy), func(_ *server.Kind, e *server.Endpoint) { e.DefaultChain, e.DefaultKey = def.chain, def.key }},
		{"p384", kinds(apache), kinds(nginx, golang), func(_ *server.Kind, e *server.Endpoint) { e.Chain, e.Key = ec384.chain, ec384.key }},
		// TLS 1.3 has no group with OpenSSL 3.0, and who offers it gets nothing.
		{"brainpool", kinds(nginx), nil, func(_ *server.Kind, e *server.Endpoint) { e.Groups = "brainpoolP256r1" }},
		{"one-scheme", kinds(nginx), nil, func(_ *server.Kind, e *server.Endpoint) { e.SigAlgs = "rsa_pss_rsae_sha512" }},
		{"mtls", kinds(haproxy), kinds(nginx, apache), func(_ *server.Kind, e *server.Endpoint) { e.ClientCA, e.ClientAuth = w.clientCAFile, "required" }},
		{"imap", nil, kinds(server.Dovecot), func(_ *server.Kind, e *server.Endpoint) { e.Scheme = "imap" }},
		{"ldaps", nil, kinds(server.Slapd), func(_ *server.Kind, e *server.Endpoint) { e.Scheme = "ldaps" }},
		{"smtp", nil, kinds(server.Postfix), func(_ *server.Kind, e *server.Endpoint) { e.Scheme = "smtp" }},
		{"postgres", nil, kinds(server.Postgres), func(_ *server.Kind, e *server.Endpoint) { e.Scheme = "postgres" }},
		{"rc4", kinds(zcrypto), nil, func(_ *server.Kind, e *server.Endpoint) { e.Ciphers, e.Max = "0005:0004", "1.2" }},
	}
	eps := map[*server.Kind][]*server.Endpoint{}
	for _, row := range rows {
		on := row.on
		if os.Getenv("TLSWHY_FORETOLD") != "" {
			on = append(slices.Clone(on), row.also...)
			slices.SortFunc(on, func(a, b *server.Kind) int { return strings.Compare(a.Name, b.Name) })
			on = slices.Compact(on)
		}
		for _, k := range on {
			e := &server.Endpoint{Name: k.Name + "/" + row.name, Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key}
			row.make(k, e)
			eps[k] = append(eps[k], e)
		}
	}
	for k, of := range eps {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			server.Start(t, k, of...)
			for _, e := range of {
				t.Run(e.Name, func(t *testing.T) { foretold(t, bin, w.RootFile, e) })
			}
		})
	}
}

// foretold compares the outcomes for one server. Which of two certificates a
// server takes, and with it the suite, is not held to the prediction.
func foretold(t *testing.T, bin, ca string, e *server.Endpoint) {
	said := clientsOf(t, bin, ca, e)
	met := clientsOf(t, bin, ca, e, "--replay", "--rate", "1000")
	if len(said.Clients) < 150 || len(met.Clients) != len(said.Clients) {
		t.Fatalf("got %d and %d clients", len(said.Clients), len(met.Clients))
	}
	connect := 0
	for i, p := range said.Clients {
		m := met.Clients[i]
		if m.Outcome == diag.ClientConnects {
			connect++
		}
		if p.Outcome != m.Outcome || p.Version != m.Version && m.Outcome == diag.ClientConnects {
			t.Errorf("%s: predicted %s, met %s", p.Name, fate(p), fate(m))
			continue
		}
		if m.Outcome == diag.ClientConnects && e.Chain2 == "" && (p.Suite != m.Suite || p.Group != m.Group) {
			t.Errorf("%s: predicted %s, met %s", p.Name, fate(p), fate(m))
		}
		if p.Outcome == diag.ClientFails && (p.Cause == nil || p.Cause.ID == "unexplained") {
			t.Errorf("%s: fails, and nobody knows why", p.Name)
		}
	}
	t.Logf("%d of %d connect; %d connections", connect, len(met.Clients), said.Connections)
}

// fate is what becomes of a client, in a line.
func fate(k diag.KnownClient) string {
	s := k.Outcome + " " + k.Version + " " + k.Suite + " " + k.Group
	if k.Cause != nil {
		s += " (" + k.Cause.ID + ")"
	}
	return s + " " + k.End
}

func clientsOf(t *testing.T, bin, ca string, e *server.Endpoint, more ...string) *diag.Clients {
	t.Helper()
	args := append([]string{"clients", "-o", "json", "-q", "--ca", ca, "--connect", e.Target(), "--timeout", "30s"}, more...)
	target := host
	if e.Scheme != "" {
		target = e.Scheme + "://" + host
	}
	out, err := exec.Command(bin, append(args, target)...).Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	d := &diag.Clients{}
	if err := json.Unmarshal(out, d); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return d
}
