package diagnose_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/truststore"
)

// everywhere is a root that is in all lists of today.
type everywhere []*chain.Certificate

func (everywhere) Names() []string { return []string{"android", "apple", "java", "microsoft"} }

func (e everywhere) LoadList(name string) (*truststore.Store, error) {
	return &truststore.Store{Name: name, Title: name, Date: time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC), Certs: e}, nil
}

// TestClientsOldRoots asks a server whose root came into the lists after some
// of the clients were released.
func TestClientsOldRoots(t *testing.T) {
	t.Parallel()
	sign := func(name string, parent *x509.Certificate, by *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		c := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
			NotBefore: time.Date(2015, 6, 4, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2035, 6, 4, 0, 0, 0, 0, time.UTC), IsCA: true, KeyUsage: x509.KeyUsageCertSign}
		if parent == nil {
			parent, by = c, key
		} else {
			c.IsCA, c.KeyUsage, c.ExtKeyUsage, c.DNSNames = false, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, []string{name}
			c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
		}
		der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, by)
		if err != nil {
			t.Fatal(err)
		}
		if c, err = x509.ParseCertificate(der); err != nil {
			t.Fatal(err)
		}
		return c, key
	}
	root, by := sign("ISRG Root X1", nil, nil)
	leaf, key := sign("shop.lab.test", root, by)
	address, _ := overTLS(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key}}}, func(s *secured) { s.Read(make([]byte, 1)) })
	want := map[string]string{"Android 7.0 (native)": "unknown-ca", "Android 8.1 (native)": "", "Java 8u111": "unknown-ca", "Java 8u161": "",
		"Safari 9 iOS 9": "unknown-ca", "Safari 10 iOS 10": "", "IE 11 Win 7": ""}
	var names []string
	for name := range want {
		names = append(names, name)
	}
	d, err := diagnose.Clients(t.Context(), "tls://shop.lab.test:443", diagnose.Options{Connect: []string{address}},
		diagnose.Env{Sources: []truststore.Source{everywhere{chain.Parse(root.Raw)}}}, roster(t, false, names...))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range d.Clients {
		got := ""
		if k.Cause != nil {
			got = k.Cause.ID
		}
		if got != want[k.Name] || (got == "") != (k.Outcome == diag.ClientConnects) {
			t.Errorf("%s: got %s %q, want %q", k.Name, k.Outcome, got, want[k.Name])
		}
		if said := strings.Contains(k.Trust, "without 1 that "+k.Name+" does not have yet"); said != (want[k.Name] != "") {
			t.Errorf("%s judges by %q", k.Name, k.Trust)
		}
	}
}
