package diagnose_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// TestOnDiskKinds compares files with servers that hold one certificate for each
// kind of key, of which a client sees but one.
func TestOnDiskKinds(t *testing.T) {
	t.Parallel()
	root, rootKey := selfSigned(t)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issue := func(key crypto.Signer, age time.Duration) tls.Certificate {
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(int64(age) + 2), Subject: pkix.Name{CommonName: "shop.test"}, DNSNames: []string{"shop.test"},
			NotBefore: time.Now().Add(-age), NotAfter: time.Now().Add(80 * 24 * time.Hour), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, root, key.Public(), rootKey)
		if err != nil {
			t.Fatal(err)
		}
		return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	}
	const day = 24 * time.Hour
	oldRSA, newRSA, oldEC, newEC, ed := issue(rsaKey, 9*day), issue(rsaKey, day), issue(ecKey, 9*day), issue(ecKey, day), issue(edKey, day)
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, chain.Parse(root.Raw).PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		servers [][]tls.Certificate // one each, of addresses of the same name
		disk    tls.Certificate
		want    string // of the summary; "" = nothing to say
		warn    bool
	}{
		{"both in place, RSA", [][]tls.Certificate{{newEC, newRSA}}, newRSA, "", false},
		{"both in place, ECDSA", [][]tls.Certificate{{newEC, newRSA}}, newEC, "", false},
		{"RSA not reloaded", [][]tls.Certificate{{newEC, oldRSA}}, newRSA, "still serves", false},
		{"ECDSA not reloaded", [][]tls.Certificate{{oldEC, newRSA}}, newEC, "still serves", false},
		{"RSA rolled back", [][]tls.Certificate{{newEC, newRSA}}, oldRSA, "another certificate", false},
		{"no RSA at all", [][]tls.Certificate{{newEC}}, newRSA, "no certificate with an RSA key", false},
		{"no ECDSA at all", [][]tls.Certificate{{newRSA}}, newEC, "no certificate with an ECDSA key", false},
		{"of a kind that cannot be asked for alone", [][]tls.Certificate{{newEC, newRSA}}, ed, "another kind", true},
		{"two machines in place", [][]tls.Certificate{{newEC, newRSA}, {newEC, newRSA}}, newRSA, "", false},
		{"the second machine has the old RSA", [][]tls.Certificate{{newEC, newRSA}, {newEC, oldRSA}}, newRSA, "still serves", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := diagnose.Options{CAFile: ca, Detail: 1}
			for _, certs := range tt.servers {
				o.Connect = append(o.Connect, serveTLS(t, certs))
			}
			d, err := diagnose.Run(t.Context(), "https://shop.test", o,
				diagnose.Env{OnDisk: []*chain.Certificate{chain.Parse(tt.disk.Certificate[0])}, OnDiskFile: "fullchain.pem"})
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(d.Causes, func(c diag.Cause) bool { return c.ID == "renewed-not-deployed" })
			switch {
			case i < 0 && tt.want != "", i >= 0 && tt.want == "":
				t.Errorf("got\n%s", describe(d))
			case i >= 0 && (!strings.Contains(d.Causes[i].Summary, tt.want) || (d.Causes[i].Severity == diag.SeverityWarning) != tt.warn):
				t.Errorf("got %s %q, want %q", d.Causes[i].Severity, d.Causes[i].Summary, tt.want)
			}
		})
	}
}

// selfSigned makes a root.
func selfSigned(t *testing.T) (*x509.Certificate, crypto.Signer) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Root"}, NotBefore: time.Now().Add(-time.Hour * 24 * 30), NotAfter: time.Now().Add(time.Hour * 24 * 300),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return root, key
}

// serveTLS serves until the test ends, and gives the address.
func serveTLS(t *testing.T, certs []tls.Certificate) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func(c net.Conn) {
				defer c.Close()
				buf := make([]byte, 1024)
				if n, err := c.Read(buf); err == nil && n > 0 {
					_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
				}
			}(c)
		}
	}()
	return l.Addr().String()
}
