package truststore

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/chain"
)

func TestMozilla(t *testing.T) {
	t.Parallel()
	s, err := Load(Mozilla)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Certs) < 100 || s.Date.Year() < 2026 {
		t.Errorf("got %d roots of %v", len(s.Certs), s.Date)
	}
	for _, c := range s.Certs {
		if len(c.Malformed) > 0 || c.GoError() != "" {
			t.Errorf("%s: %v %s", c.Subject, c.Malformed, c.GoError())
		}
		if !s.Contains(c) || !s.ContainsKey(c) {
			t.Errorf("%s cannot be looked up", c.Subject)
		}
		if len(c.SubjectKeyID) > 0 && len(s.BySubjectKeyID(c.SubjectKeyID)) == 0 {
			t.Errorf("%s cannot be looked up by its key identifier", c.Subject)
		}
	}
	if s.BySubject(chain.DN{}) != nil || s.Blocks(s.Certs[0]) {
		t.Error("an empty name is found, or a root blocked")
	}
}

func TestMozillaDistrust(t *testing.T) {
	t.Parallel()
	for sum, at := range loadMozilla().DistrustAfter {
		if at.Year() < 2015 || at.Year() > 2040 || at.Second() != 59 {
			t.Errorf("%x: got %v, want the last second of a day", sum[:4], at)
		}
	}
	for _, limit := range []time.Time{
		time.Date(2026, 4, 15, 23, 59, 59, 0, time.UTC), time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		got := distrustAfter(func(c []*x509.Certificate) error {
			if c[0].NotBefore.After(limit) {
				return errors.New("too new")
			}
			return nil
		})
		if !got.Equal(limit) {
			t.Errorf("got %v, want %v", got, limit)
		}
	}
	if got := distrustAfter(nil); !got.IsZero() {
		t.Errorf("got %v, want none", got)
	}
}

func TestMozillaVersion(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), bundleModule+" "+mozillaVersion) {
		t.Errorf("go.mod requires another version of %s than %s", bundleModule, mozillaVersion)
	}
}

func TestLoadUnknown(t *testing.T) {
	t.Parallel()
	_, err := Load("netscape")
	if !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "mozilla") {
		t.Errorf("got %v", err)
	}
}

// makePEM gives a self-signed certificate and its key.
func makePEM(t *testing.T, name string) (cert, key []byte) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<31, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLoadFile(t *testing.T) {
	t.Parallel()
	cert, key := makePEM(t, "One")
	other, _ := makePEM(t, "Two")
	block, _ := pem.Decode(cert)
	for _, tc := range []struct {
		name string
		data []byte
		want int
		says string
	}{
		{"pem", cert, 1, ""},
		{"two and a duplicate", append(append(append([]byte("# roots\n"), cert...), other...), cert...), 2, ""},
		{"der", block.Bytes, 1, ""},
		{"key and certificate", append(append([]byte{}, key...), cert...), 1, ""},
		{"private key", key, 0, "a private key"},
		{"empty", nil, 0, "it is empty"},
		{"text", []byte("hello"), 0, "text without a PEM block"},
		{"request", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{0x30, 0}}), 0, "a certificate signing request"},
		{"broken", []byte("-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n"), 0, "no base64"},
		{"nonsense inside", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("hello")}), 0, "does not parse"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			path := write(t, t.TempDir(), "ca.pem", tc.data)
			s, err := LoadFile(path)
			if tc.want > 0 {
				if err != nil || len(s.Certs) != tc.want {
					t.Fatalf("got %v, %v; want %d certificates", s, err, tc.want)
				}
				return
			}
			var none *NoCertificateError
			if !errors.As(err, &none) || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want %q in it", err, tc.says)
			}
		})
	}
}

func TestLoadFileDirectory(t *testing.T) {
	t.Parallel()
	cert, key := makePEM(t, "One")
	dir := t.TempDir()
	write(t, dir, "b.pem", key)
	if _, err := LoadFile(dir); err == nil || !strings.Contains(err.Error(), "a private key") {
		t.Errorf("got %v, want what the directory holds instead", err)
	}
	write(t, dir, "a.pem", cert)
	if runtime.GOOS != "windows" {
		if err := os.Symlink("a.pem", filepath.Join(dir, "12345678.0")); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink("gone.pem", filepath.Join(dir, "dead.0")); err != nil {
			t.Fatal(err)
		}
	}
	s, err := LoadFile(dir)
	if err != nil || len(s.Certs) != 1 {
		t.Errorf("got %v, %v; want one certificate", s, err)
	}
	if _, err := LoadFile(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want not exist", err)
	}
}

func TestSystemByEnvironment(t *testing.T) {
	cert, key := makePEM(t, "One")
	other, _ := makePEM(t, "Two")
	dir, empty := t.TempDir(), t.TempDir()
	write(t, dir, "two.pem", other)
	t.Setenv("SSL_CERT_FILE", write(t, t.TempDir(), "one.pem", cert))
	t.Setenv("SSL_CERT_DIR", empty+string(os.PathListSeparator)+dir)
	s, err := Load(System)
	if err != nil || len(s.Certs) != 2 || len(s.From) != 2 {
		t.Fatalf("got %+v, %v; want both certificates", s, err)
	}
	t.Setenv("SSL_CERT_DIR", empty)
	keyFile := write(t, t.TempDir(), "key.pem", key)
	t.Setenv("SSL_CERT_FILE", keyFile)
	_, err = Load(System)
	if !errors.Is(err, ErrNoRoots) {
		t.Fatalf("got %v, want ErrNoRoots", err)
	}
	for _, part := range []string{"SSL_CERT_FILE is " + keyFile, "a private key", empty} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
	t.Setenv("SSL_CERT_FILE", filepath.Join(empty, "none.pem"))
	if _, err = Load(System); !errors.Is(err, ErrNoRoots) || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkSystem(b *testing.B) {
	for b.Loop() {
		if _, err := Load(System); err != nil {
			b.Skip(err)
		}
	}
}
