package diagnose_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// TestSilentCanary has a proxy that keeps silent the first time it is asked for
// a name that nobody can have: that is no answer, and no denial.
func TestSilentCanary(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Office Network CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	mint := func(name string) (*tls.Certificate, error) {
		leaf := &x509.Certificate{SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter,
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
		der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
	}
	var asked atomic.Int32
	address := serve(t, func(c net.Conn) {
		silent := false
		server := tls.Server(c, &tls.Config{GetCertificate: func(i *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if silent = strings.HasSuffix(i.ServerName, ".invalid") && asked.Add(1) == 1; silent {
				hear(c)
				return nil, errors.New("silent")
			}
			return mint(i.ServerName)
		}})
		if server.Handshake() == nil && !silent {
			_ = greet(server)
		}
	})
	anchor, _ := issued()
	roots := file(t, "ca.pem", anchor)
	d := run(t, "https://shop.lab.test", diagnose.Options{Connect: []string{address}, CAFile: roots, Timeout: 20 * time.Second})
	if first := d.FirstFailure(); first == nil || first.ID != "middlebox-inspection" {
		t.Errorf("got %s, asked %d times\n%s", d.Verdict, asked.Load(), describe(d))
	}
}
