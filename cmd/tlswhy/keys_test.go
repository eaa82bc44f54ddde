package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// TestKeyFiles gives --cert and --key what people have; nothing listens on the
// target, so that 1 means that the files were taken.
func TestKeyFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, body []byte) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	store, err := pkcs12.Modern.Encode(key, cert, nil, "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	p12 := file("client.p12", store)
	crt := file("client.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	right, wrong := file("right", []byte("s3cret\n")), file("wrong", []byte("guess"))
	for _, c := range []struct {
		name     string
		password string // in the environment
		args     []string
		code     int
		says     string
	}{
		{"store", "", []string{"--cert", p12, "--password-file", right}, exitFailure, ""},
		{"store, password in the environment", "s3cret", []string{"--cert", p12}, exitFailure, ""},
		{"file before environment", "s3cret", []string{"--cert", p12, "--password-file", wrong}, exitUsage, "does not open"},
		{"no password", "", []string{"--cert", p12}, exitUsage, "--password-file"},
		{"no such alias", "", []string{"--cert", p12, "--password-file", right, "--alias", "other"}, exitUsage, "other"},
		{"no such password file", "", []string{"--cert", p12, "--password-file", right + "x"}, exitUsage, "password"},
		{"certificate beside a store's key", "", []string{"--cert", crt, "--key", p12, "--password-file", right}, exitFailure, ""},
		{"certificate as key", "", []string{"--cert", crt, "--key", crt}, exitUsage, "no private key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			p := newProgram()
			p.stdout, p.stderr, p.outTerminal, p.errTerminal = &out, &out, false, false
			p.environ = append(p.environ, passwordVariable+"="+c.password)
			code := p.run(t.Context(), append(c.args, "--connect", "127.0.0.1:1", "https://client.test"))
			said := strings.Join(strings.Fields(out.String()), " ")
			if code != c.code || !strings.Contains(said, c.says) {
				t.Errorf("got exit code %d, want %d; got output %q, want %q in it", code, c.code, said, c.says)
			}
			if strings.Contains(said, "s3cret") || strings.Contains(said, "guess") {
				t.Errorf("the password is printed: %s", said)
			}
		})
	}
}
