package tlswhy_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/tlswhy/tlswhy"
)

func ExampleDiagnose() {
	server, caFile := expiredServer()
	defer server.Close()
	defer os.RemoveAll(filepath.Dir(caFile))

	d, err := tlswhy.Diagnose(context.Background(), "https://shop.example.com", &tlswhy.Options{
		Connect: []string{server.Listener.Addr().String()}, // instead of what DNS says
		CAFile:  caFile,
		Server:  "nginx", // whose fix to print
	})
	if err != nil {
		log.Fatal(err) // the target or an option makes no sense, or a file cannot be read
	}
	fmt.Println(d.Verdict)
	if cause := d.FirstFailure(); cause != nil {
		fmt.Printf("%s (%s): %s\n", cause.ID, cause.Confidence, cause.Summary)
		fmt.Println("fix:", cause.Fixes[0].Side, cause.Fixes[0].For, cause.Fixes[0].Action)
	}
	// Output:
	// failure
	// cert-expired (proven): the certificate expired 12 days ago
	// fix: server nginx renew-certificate
}

// expiredServer is a web server for shop.example.com whose certificate expired
// 12 days ago, and the file with its CA.
func expiredServer() (server *httptest.Server, caFile string) {
	check := func(err error) {
		if err != nil {
			log.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	day := 24 * time.Hour
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Example CA"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-400 * day), NotAfter: time.Now().Add(400 * day)}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	check(err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "shop.example.com"}, DNSNames: []string{"shop.example.com"},
		KeyUsage: x509.KeyUsageDigitalSignature, NotBefore: time.Now().Add(-100 * day), NotAfter: time.Now().Add(-12*day - time.Hour)}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), key)
	check(err)

	dir, err := os.MkdirTemp("", "tlswhy")
	check(err)
	caFile = filepath.Join(dir, "ca.pem")
	check(os.WriteFile(caFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: caDER}), 0o600))

	server = httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leafDER}, PrivateKey: key}}}
	server.Config.ErrorLog = log.New(os.Stderr, "", 0)
	server.StartTLS()
	return server, caFile
}
