package diagnose_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/lab"
)

// made is a certificate with its key.
type made struct {
	*chain.Certificate
	key *ecdsa.PrivateKey
}

// makeCert issues a certificate; a nil parent makes a root.
func makeCert(t *testing.T, name string, parent *made, from, to time.Time, names ...string) *made {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := len(names) == 0
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: to,
		IsCA: ca, BasicConstraintsValid: true, DNSNames: names, KeyUsage: x509.KeyUsageDigitalSignature}
	if ca {
		tmpl.KeyUsage = x509.KeyUsageCertSign
	}
	issuer, signer := tmpl, key
	if parent != nil {
		issuer, signer = parent.Go(), parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, issuer, key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	return &made{chain.Parse(der), key}
}

func onFile(held diagnose.Held, name string, o diagnose.Options) (*diag.Diagnosis, error) {
	f, err := diagnose.NewFiles(name, true, o, diagnose.Env{})
	if err != nil {
		return nil, err
	}
	return f.Judge(context.Background(), held, ""), nil
}

func TestOnFile(t *testing.T) {
	t.Parallel()
	now := time.Now()
	year := 365 * 24 * time.Hour
	root := makeCert(t, "Root", nil, now.Add(-year), now.Add(year))
	inter := makeCert(t, "Issuing CA 1", root, now.Add(-year), now.Add(year))
	leaf := makeCert(t, "shop", inter, now.Add(-time.Hour), now.Add(60*24*time.Hour), "shop.example.com")
	old := makeCert(t, "old", inter, now.Add(-60*24*time.Hour), now.Add(-time.Hour), "shop.example.com")
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name  string
		chain []*made
		key   *made
		host  string
		want  string
	}{
		{"complete", []*made{leaf, inter}, leaf, "shop.example.com", ""},
		{"no name asked", []*made{leaf, inter}, nil, "", ""},
		{"with root", []*made{leaf, inter, root}, nil, "", ""},
		{"only CAs", []*made{inter, root}, nil, "", ""},
		{"a root", []*made{root}, nil, "", ""},
		{"another name", []*made{leaf, inter}, nil, "www.example.com", "hostname-mismatch"},
		{"no intermediate", []*made{leaf}, nil, "", "incomplete-chain"},
		{"expired", []*made{old, inter}, nil, "", "cert-expired"},
		{"another key", []*made{leaf, inter}, old, "", "private-key-mismatch-server"},
		{"upside down", []*made{inter, leaf}, nil, "", "chain-order"},
		{"upside down, with a name", []*made{inter, leaf}, nil, "shop.example.com", "chain-order"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			held := diagnose.Held{File: "shop.pem"}
			for _, c := range tt.chain {
				held.Chain = append(held.Chain, c.Certificate)
			}
			if tt.key != nil {
				held.Key = tt.key.key.Public()
			}
			d, err := onFile(held, tt.host, diagnose.Options{CAFile: ca})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if c := d.FirstFailure(); c != nil {
				got = c.ID
			}
			if got != tt.want {
				t.Errorf("got %q, want %q\n%s", got, tt.want, describe(d))
			}
			if bad := slices.ContainsFunc(d.Handshake.Steps, func(s diag.Step) bool { return s.Status == diag.StatusBad }); bad != (tt.want != "") {
				t.Errorf("a step is marked bad: %v\n%+v", bad, d.Handshake.Steps)
			}
		})
	}
}

// TestTooManyCertificates: no certificate by itself is at fault.
func TestTooManyCertificates(t *testing.T) {
	t.Parallel()
	root := makeCert(t, "Root", nil, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	leaf := makeCert(t, "shop", root, time.Now().Add(-time.Hour), time.Now().Add(time.Hour), "shop.example.com")
	held := diagnose.Held{File: "shop.pem", Chain: slices.Repeat([]*chain.Certificate{leaf.Certificate}, 120)}
	d, err := onFile(held, "", diagnose.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(d.Causes, func(c diag.Cause) bool { return c.ID == "chain-too-large" }) {
		t.Errorf("got\n%s", describe(d))
	}
}

// TestOnDisk compares what a server serves with what a file holds.
func TestOnDisk(t *testing.T) {
	t.Parallel()
	s, ok := lab.Lookup("healthy")
	if !ok {
		t.Fatal("the lab has no healthy server")
	}
	ctx := context.Background()
	r, err := lab.Start(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, r.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(disk []*chain.Certificate) *diag.Diagnosis {
		d, err := diagnose.Run(ctx, s.Client.Target(r.Addr), diagnose.Options{CAFile: ca, Connect: []string{r.Addr}, Detail: 1},
			diagnose.Env{OnDisk: disk, OnDiskFile: "fullchain.pem"})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	var served []*chain.Certificate
	for _, c := range run(nil).Certificates {
		if c.Source == "sent" {
			certs, _ := chain.ParsePEM([]byte(c.PEM))
			served = append(served, certs...)
		}
	}
	if len(served) == 0 {
		t.Fatal("the lab served no certificate")
	}
	now := time.Now()
	ec := makeCert(t, "shop.lab.test", nil, now.Add(time.Hour), now.Add(24*time.Hour), "shop.lab.test")
	older := makeCert(t, "shop.lab.test", nil, now.Add(-90*24*time.Hour), now.Add(24*time.Hour), "shop.lab.test")
	for _, tt := range []struct {
		name string
		disk []*chain.Certificate
		want diag.Severity
	}{
		{"the same", served, ""},
		{"the same without its chain", served[:1], map[bool]diag.Severity{true: diag.SeverityFailure}[len(served) > 1]},
		{"a newer one", []*chain.Certificate{ec.Certificate}, diag.SeverityFailure},
		{"an older one", []*chain.Certificate{older.Certificate}, diag.SeverityFailure},
	} {
		d := run(tt.disk)
		got := diag.Severity("")
		for _, c := range d.Causes {
			if c.ID == "renewed-not-deployed" {
				got = c.Severity
			}
		}
		if got != tt.want {
			t.Errorf("%s: got severity %q, want %q\n%s", tt.name, got, tt.want, describe(d))
		}
	}
}
