// Package pki makes the certificates of the tests on real servers: a root, an
// intermediate, and leaves that are right or wrong in one named way. It knows
// only crypto/x509 and, for keys that Go cannot make, the openssl program; it
// shares nothing with the code under test.
//
//	p := pki.New(t, "Test")
//	leaf := p.Leaf(pki.Spec{DNS: []string{"shop.test"}, NotAfter: lastWeek})
//	chain, key := p.Files("expired", leaf, p.Intermediate)
package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Day is the unit in which certificates age.
const Day = 24 * time.Hour

// PKI is one root with one intermediate, and the folder of its files. It is
// safe for concurrent use.
type PKI struct {
	Dir          string
	Root         *Cert
	Intermediate *Cert
	// RootFile holds the root: the CAFile of clients that trust it.
	RootFile string
	// AIA is put into certificates that the intermediate issues, unless empty.
	AIA string

	t      testing.TB
	name   string
	mu     sync.Mutex
	keys   map[string]crypto.Signer
	serial int64
}

// Cert is a certificate with its key.
type Cert struct {
	DER    []byte
	X      *x509.Certificate
	Key    crypto.Signer
	Parent *Cert // nil when self-signed
	// KeyPEM is set where the key is not one that Go can hold.
	KeyPEM []byte
}

// Spec says what a certificate is like; the zero value of each field is what a
// correct server certificate has.
type Spec struct {
	CN        string
	DNS       []string
	IPs       []string
	Key       string // rsa2048 (default), rsa1024, rsa3072, p256, p384, p521, ed25519
	KeyID     string // two certificates with the same KeyID and Key share a key
	NotBefore time.Time
	NotAfter  time.Time
	CA        bool
	PathLen   int // of a CA; -1 = zero, 0 = none
	EKU       []x509.ExtKeyUsage
	KeyUsage  x509.KeyUsage
	SigAlg    x509.SignatureAlgorithm
	NoAIA     bool
	Permitted []string // name constraints of a CA
	Mutate    func(*x509.Certificate)
}

// New makes an authority whose certificates carry its name: the root and the intermediate in a folder that servers which drop
// their privileges can read too. It is removed when the test ends.
func New(t testing.TB, name string) *PKI {
	t.Helper()
	dir, err := os.MkdirTemp("", "tlswhy-pki-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	p := &PKI{Dir: dir, t: t, name: name, keys: map[string]crypto.Signer{}, serial: time.Now().UnixNano()}
	p.Root = p.Issue(nil, Spec{CN: name + " Root", CA: true, KeyID: "root"})
	p.Intermediate = p.Issue(p.Root, Spec{CN: name + " Intermediate", CA: true, KeyID: "intermediate", NoAIA: true})
	p.RootFile = p.CertFile("root", p.Root)
	return p
}

// Leaf issues a server certificate by the intermediate.
func (p *PKI) Leaf(s Spec) *Cert {
	p.t.Helper()
	return p.Issue(p.Intermediate, s)
}

// Issue issues a certificate by the parent; without one it is self-signed.
func (p *PKI) Issue(parent *Cert, s Spec) *Cert {
	p.t.Helper()
	now := time.Now()
	if s.NotBefore.IsZero() {
		s.NotBefore = now.Add(-30 * Day)
		if !s.NotAfter.IsZero() && s.NotAfter.Before(now) {
			s.NotBefore = s.NotAfter.Add(-90 * Day)
		}
	}
	if s.NotAfter.IsZero() {
		s.NotAfter = s.NotBefore.Add(120 * Day)
		if s.CA {
			s.NotAfter = s.NotBefore.Add(10 * 365 * Day)
		}
	}
	if s.CN == "" && len(s.DNS) > 0 {
		s.CN = s.DNS[0]
	}
	p.mu.Lock()
	p.serial++
	serial := p.serial
	p.mu.Unlock()
	tmpl := &x509.Certificate{
		SerialNumber:          big.NewInt(serial),
		Subject:               pkix.Name{CommonName: s.CN, Organization: []string{p.name + " Inc."}},
		NotBefore:             s.NotBefore.UTC(),
		NotAfter:              s.NotAfter.UTC(),
		DNSNames:              s.DNS,
		BasicConstraintsValid: true,
		IsCA:                  s.CA,
		SignatureAlgorithm:    s.SigAlg,
		KeyUsage:              s.KeyUsage,
		ExtKeyUsage:           s.EKU,
		PermittedDNSDomains:   s.Permitted,
	}
	for _, ip := range s.IPs {
		tmpl.IPAddresses = append(tmpl.IPAddresses, net.ParseIP(ip))
	}
	if s.CA {
		tmpl.PermittedDNSDomainsCritical = len(s.Permitted) > 0
		tmpl.MaxPathLen = s.PathLen
		if s.PathLen < 0 {
			tmpl.MaxPathLen, tmpl.MaxPathLenZero = 0, true
		}
		if tmpl.KeyUsage == 0 {
			tmpl.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		}
	} else {
		if tmpl.KeyUsage == 0 {
			tmpl.KeyUsage = x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment
		}
		if tmpl.ExtKeyUsage == nil {
			tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		}
		if !s.NoAIA && parent == p.Intermediate && p.AIA != "" {
			tmpl.IssuingCertificateURL = []string{p.AIA}
		}
	}
	if s.Mutate != nil {
		s.Mutate(tmpl)
	}
	key := p.key(s.Key, s.KeyID)
	signer, issuer := key, tmpl
	if parent != nil {
		signer, issuer = parent.Key, parent.X
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, issuer, key.Public(), signer)
	if err != nil {
		p.t.Fatalf("issuing %s: %v", s.CN, err)
	}
	c := &Cert{DER: der, Key: key, Parent: parent}
	if c.X, err = x509.ParseCertificate(der); err != nil {
		p.t.Fatalf("reading %s: %v", s.CN, err)
	}
	return c
}

// key returns the key of a kind and name; keys are made once, since leaves may
// well share one.
func (p *PKI) key(kind, id string) crypto.Signer {
	p.t.Helper()
	if kind == "" {
		kind = "rsa2048"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if k, ok := p.keys[kind+"/"+id]; ok {
		return k
	}
	k, err := newKey(kind)
	if err != nil {
		p.t.Fatalf("making a key of kind %s: %v", kind, err)
	}
	p.keys[kind+"/"+id] = k
	return k
}

func newKey(kind string) (crypto.Signer, error) {
	switch kind {
	case "rsa1024":
		return rsa.GenerateKey(rand.Reader, 1024)
	case "rsa3072":
		return rsa.GenerateKey(rand.Reader, 3072)
	case "p256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "p384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "p521":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "ed25519":
		_, k, err := ed25519.GenerateKey(rand.Reader)
		return k, err
	}
	return rsa.GenerateKey(rand.Reader, 2048)
}

// Corrupt returns a copy whose signature does not verify.
func (c *Cert) Corrupt() *Cert {
	d := *c
	d.DER = bytes.Clone(c.DER)
	d.DER[len(d.DER)-9] ^= 0x55
	return &d
}

// PEM returns the certificates one after the other.
func PEM(certs ...*Cert) []byte {
	var out []byte
	for _, c := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.DER})...)
	}
	return out
}

// PrivatePEM returns the key as PKCS #8.
func (c *Cert) PrivatePEM() ([]byte, error) {
	if c.KeyPEM != nil {
		return c.KeyPEM, nil
	}
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// CertFile writes certificates and returns the file's path.
func (p *PKI) CertFile(name string, certs ...*Cert) string {
	p.t.Helper()
	return p.Write(name+".pem", PEM(certs...))
}

// Files writes a chain and the key of its first certificate.
func (p *PKI) Files(name string, certs ...*Cert) (chainFile, keyFile string) {
	p.t.Helper()
	key, err := certs[0].PrivatePEM()
	if err != nil {
		p.t.Fatalf("writing the key of %s: %v", name, err)
	}
	return p.CertFile(name, certs...), p.Write(name+".key", key)
}

// Write writes a file into the folder and returns its path.
func (p *PKI) Write(name string, body []byte) string {
	p.t.Helper()
	path := filepath.Join(p.Dir, name)
	// #nosec: keys of tests; servers that drop privileges must read them.
	if err := os.WriteFile(path, body, 0o644); err != nil {
		p.t.Fatal(err)
	}
	return path
}
