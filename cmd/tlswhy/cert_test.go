package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// TestApart: a list of roots is no chain, everything else is one.
func TestApart(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cert := func(name, issuer string) *chain.Certificate {
		tmpl := func(name string) *x509.Certificate {
			return &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1, 0),
				BasicConstraintsValid: true, IsCA: name != "shop"}
		}
		der, err := x509.CreateCertificate(rand.Reader, tmpl(name), tmpl(issuer), key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return chain.Parse(der)
	}
	a, b, inter, leaf := cert("Root A", "Root A"), cert("Root B", "Root B"), cert("Issuing CA", "Root A"), cert("shop", "Issuing CA")
	t.Run("folded", func(t *testing.T) {
		held := func(path string, certs ...*chain.Certificate) diagnose.Held {
			return diagnose.Held{File: path, Path: path, Chain: certs}
		}
		all := []diagnose.Held{held("live/cert.pem", leaf), held("live/chain.pem", inter), held("live/fullchain.pem", leaf, inter), held("copy/full.pem", leaf, inter), held("ca/inter.pem", inter), held("ca/a.pem", a)}
		var got []string
		for _, h := range folded(all) {
			got = append(got, strings.Join(append([]string{h.Path}, h.Also...), " "))
		}
		want := "live/fullchain.pem copy/full.pem live/cert.pem live/chain.pem, ca/inter.pem, ca/a.pem"
		if strings.Join(got, ", ") != want {
			t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
		}
	})
	for name, c := range map[string]struct {
		chain []*chain.Certificate
		want  int
	}{
		"roots":             {[]*chain.Certificate{a, b}, 2},
		"one root":          {[]*chain.Certificate{a}, 1},
		"CA and root":       {[]*chain.Certificate{inter, a}, 1},
		"chain with a root": {[]*chain.Certificate{leaf, inter, a}, 1},
	} {
		if got := apart(diagnose.Held{File: "ca.pem", Chain: c.chain}); len(got) != c.want {
			t.Errorf("%s: got %d, want %d", name, len(got), c.want)
		}
	}
}
