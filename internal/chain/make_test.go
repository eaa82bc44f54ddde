package chain

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// now is the judged moment of all tests with generated certificates.
var now = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// authority is a certificate with its key.
type authority struct {
	cert *Certificate
	x509 *x509.Certificate
	key  crypto.Signer
}

// spec describes a certificate to make; zero fields get sound values.
type spec struct {
	name     string
	org      string
	dns      []string
	ips      []string
	key      crypto.Signer
	ca       bool
	from, to time.Time
	edit     func(*x509.Certificate)
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// issue makes a certificate; a nil issuer makes it self-signed.
func issue(t testing.TB, by *authority, s spec) *authority {
	t.Helper()
	if s.key == nil {
		s.key = newKey(t)
	}
	if s.from.IsZero() {
		s.from = now.Add(-24 * time.Hour)
	}
	if s.to.IsZero() {
		s.to = now.Add(60 * 24 * time.Hour)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(s.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	id := sha256.Sum256(spki)
	tmpl := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: s.name}, NotBefore: s.from, NotAfter: s.to,
		DNSNames: s.dns, KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, SubjectKeyId: id[:20],
	}
	if s.org != "" {
		tmpl.Subject.Organization = []string{s.org}
	}
	for _, ip := range s.ips {
		tmpl.IPAddresses = append(tmpl.IPAddresses, netip.MustParseAddr(ip).AsSlice())
	}
	if s.ca {
		tmpl.IsCA, tmpl.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	} else {
		tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	if s.edit != nil {
		s.edit(tmpl)
	}
	parent, signer := tmpl, s.key
	if by != nil {
		parent, signer = by.x509, by.key
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, s.key.Public(), signer)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert: Parse(der), x509: cert, key: s.key}
}

func root(t testing.TB, name string) *authority {
	return issue(t, nil, spec{name: name, org: name + " Org", ca: true, to: now.Add(3650 * 24 * time.Hour)})
}

func ca(t testing.TB, by *authority, name string) *authority {
	return issue(t, by, spec{name: name, ca: true})
}

func leaf(t testing.TB, by *authority, names ...string) *authority {
	if len(names) == 0 {
		names = []string{"a.example.com"}
	}
	return issue(t, by, spec{name: names[0], dns: names})
}

func certs(list ...*authority) []*Certificate {
	var out []*Certificate
	for _, a := range list {
		out = append(out, a.cert)
	}
	return out
}

func kinds(problems []Problem) []string {
	names := []string{}
	for _, p := range problems {
		names = append(names, string(p.Kind))
	}
	slices.Sort(names)
	return names
}

func wantKinds(t *testing.T, what string, got []Problem, want ...Kind) {
	t.Helper()
	names := []string{}
	for _, k := range want {
		names = append(names, string(k))
	}
	slices.Sort(names)
	if !slices.Equal(kinds(got), names) {
		t.Errorf("%s: got %v, want %v", what, kinds(got), names)
		for _, p := range got {
			t.Logf("  %s[%d]: %s", p.Kind, p.Element, p.Detail)
		}
	}
}
