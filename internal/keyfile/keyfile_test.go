package keyfile

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	keystore "github.com/pavlo-v-chernykh/keystore-go/v4"
	"software.sslmate.com/src/go-pkcs12"
)

// pair is a leaf with its key and the CA that issued it.
type pair struct {
	key      *ecdsa.PrivateKey
	leaf, ca *x509.Certificate
}

func newPair(t testing.TB) pair {
	t.Helper()
	make1 := func(name string, parent *x509.Certificate, signer *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		tmpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour),
			IsCA: parent == nil, BasicConstraintsValid: true}
		if parent == nil {
			parent, signer = tmpl, key
		}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, key.Public(), signer)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert, key
	}
	ca, caKey := make1("Test CA", nil, nil)
	leaf, key := make1("leaf", ca, caKey)
	return pair{key, leaf, ca}
}

func (p pair) pem() []byte {
	var b bytes.Buffer
	for _, c := range []*x509.Certificate{p.leaf, p.ca} {
		_ = pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
	}
	return b.Bytes()
}

func (p pair) pkcs8(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func (p pair) jks(t testing.TB, aliases ...string) []byte {
	t.Helper()
	ks := keystore.New()
	certs := []keystore.Certificate{{Type: "X509", Content: p.leaf.Raw}, {Type: "X509", Content: p.ca.Raw}}
	for _, a := range aliases {
		if err := ks.SetPrivateKeyEntry(a, keystore.PrivateKeyEntry{CreationTime: time.Now(), PrivateKey: p.pkcs8(t), CertificateChain: certs}, []byte("secret")); err != nil {
			t.Fatal(err)
		}
	}
	if len(aliases) == 0 {
		if err := ks.SetTrustedCertificateEntry("ca", keystore.TrustedCertificateEntry{CreationTime: time.Now(), Certificate: certs[1]}); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := ks.Store(&b, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// openssl runs the program in a folder that holds the pair, and gives a file.
func (p pair) openssl(t testing.TB, out string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("openssl is missing")
		}
		t.Skip("openssl is missing")
	}
	dir := t.TempDir()
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p.pkcs8(t)})
	for name, data := range map[string][]byte{"key.pem": keyPEM, "chain.pem": p.pem()} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("openssl", args...)
	cmd.Dir = dir
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %v: %v\n%s", args, err, msg)
	}
	data, err := os.ReadFile(filepath.Join(dir, out))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParse(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: p.pkcs8(t)})
	sec1, err := x509.MarshalECPrivateKey(p.key)
	if err != nil {
		t.Fatal(err)
	}
	p12, err := pkcs12.Modern.Encode(p.key, p.leaf, []*x509.Certificate{p.ca}, "secret")
	if err != nil {
		t.Fatal(err)
	}
	trust, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{p.ca}, "secret")
	if err != nil {
		t.Fatal(err)
	}
	secret, wrong := NewPassword([]byte("secret")), NewPassword([]byte("wrong"))
	csr := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{0x30, 0}})
	exported := func(args ...string) []byte {
		return p.openssl(t, "out", append([]string{"pkcs12", "-export", "-in", "chain.pem", "-out", "out", "-passout", "pass:secret"}, args...)...)
	}
	legacy, err := pkcs12.LegacyRC2.Encode(p.key, p.leaf, []*x509.Certificate{p.ca}, "secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		data   []byte
		o      Options
		format string
		certs  int
		key    bool
		err    error
		says   string
	}{
		{name: "pem chain", data: p.pem(), format: "PEM", certs: 2},
		{name: "pem key before chain", data: append(append([]byte{}, keyPEM...), p.pem()...), format: "PEM", certs: 2, key: true},
		{name: "pem with crlf and bom", data: append([]byte("\xef\xbb\xbf"), bytes.ReplaceAll(p.pem(), []byte("\n"), []byte("\r\n"))...), format: "PEM", certs: 2},
		{name: "sec1", data: pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1}), format: "PEM", key: true},
		{name: "der certificate", data: p.leaf.Raw, format: "DER", certs: 1},
		{name: "der key", data: p.pkcs8(t), format: "DER", key: true},
		{name: "request only", data: csr, err: ErrEmpty, says: "request"},
		{name: "pkcs8 pbes2", data: p.openssl(t, "out", "pkcs8", "-topk8", "-in", "key.pem", "-out", "out", "-passout", "pass:secret"), o: Options{Password: secret}, format: "PEM", key: true},
		{name: "pkcs8 pbes2 sha512 3des", data: p.openssl(t, "out", "pkcs8", "-topk8", "-v2", "des3", "-v2prf", "hmacWithSHA512", "-in", "key.pem", "-out", "out", "-passout", "pass:secret"), o: Options{Password: secret}, format: "PEM", key: true},
		{name: "pkcs8 scrypt", data: p.openssl(t, "out", "pkcs8", "-topk8", "-scrypt", "-in", "key.pem", "-out", "out", "-passout", "pass:secret"), o: Options{Password: secret}, format: "PEM", key: true},
		{name: "pkcs8 of old, 3DES", data: p.openssl(t, "out", "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-in", "key.pem", "-out", "out", "-passout", "pass:secret"), o: Options{Password: secret}, format: "PEM", key: true},
		{name: "pkcs8 of old, two keys", data: p.openssl(t, "out", "pkcs8", "-topk8", "-v1", "PBE-SHA1-2DES", "-in", "key.pem", "-out", "out", "-passout", "pass:secret"), o: Options{Password: secret}, format: "PEM", key: true},
		{name: "pkcs8 of old, wrong password", data: p.openssl(t, "out", "pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-in", "key.pem", "-out", "out", "-passout", "pass:secret"), o: Options{Password: wrong}, err: ErrWrongPassword},
		{name: "pkcs8 der", data: p.openssl(t, "out", "pkcs8", "-topk8", "-in", "key.pem", "-outform", "DER", "-out", "out", "-passout", "pass:secret"), o: Options{Password: secret}, format: "DER", key: true},
		{name: "pkcs8 without password", data: p.openssl(t, "out", "pkcs8", "-topk8", "-in", "key.pem", "-out", "out", "-passout", "pass:secret"), err: ErrNoPassword, says: "--password-file"},
		{name: "pkcs8 wrong password", data: p.openssl(t, "out", "pkcs8", "-topk8", "-in", "key.pem", "-out", "out", "-passout", "pass:secret"), o: Options{Password: wrong}, err: ErrWrongPassword},
		{name: "legacy pem", data: p.openssl(t, "out", "ec", "-in", "key.pem", "-aes128", "-out", "out", "-passout", "pass:secret"), o: Options{Password: secret}, format: "PEM", key: true},
		{name: "legacy pem without password", data: p.openssl(t, "out", "ec", "-in", "key.pem", "-aes128", "-out", "out", "-passout", "pass:secret"), err: ErrNoPassword},
		{name: "pkcs7 pem", data: p.openssl(t, "out", "crl2pkcs7", "-nocrl", "-certfile", "chain.pem", "-out", "out"), format: "PEM", certs: 2},
		{name: "pkcs7 der", data: p.openssl(t, "out", "crl2pkcs7", "-nocrl", "-certfile", "chain.pem", "-outform", "DER", "-out", "out"), format: "PKCS#7", certs: 2},
		{name: "pkcs12", data: p12, o: Options{Password: secret}, format: "PKCS#12", certs: 2, key: true},
		{name: "pkcs12 openssl", data: p.openssl(t, "out", "pkcs12", "-export", "-inkey", "key.pem", "-in", "chain.pem", "-name", "shop", "-out", "out", "-passout", "pass:secret"), o: Options{Password: secret}, format: "PKCS#12", certs: 2, key: true},
		{name: "pkcs12 legacy", data: legacy, o: Options{Password: secret}, format: "PKCS#12", certs: 2, key: true},
		{name: "pkcs12 empty password", data: exported("-passout", "pass:", "-inkey", "key.pem"), format: "PKCS#12", certs: 2, key: true},
		{name: "pkcs12 in clear", data: exported("-inkey", "key.pem", "-keypbe", "NONE", "-certpbe", "NONE"), o: Options{Password: secret}, format: "PKCS#12", certs: 2, key: true},
		{name: "pkcs12 certificates only", data: exported("-nokeys"), o: Options{Password: secret}, format: "PKCS#12", certs: 2},
		{name: "pkcs12 certificates only, wrong password", data: exported("-nokeys"), o: Options{Password: wrong}, err: ErrWrongPassword},
		{name: "pkcs12 certificates only, no password", data: exported("-nokeys"), err: ErrNoPassword},
		{name: "pkcs12 without a mac", data: exported("-inkey", "key.pem", "-nomac"), o: Options{Password: secret}, format: "PKCS#12", certs: 2, key: true},
		{name: "pkcs12 without a mac, wrong password", data: exported("-inkey", "key.pem", "-nomac"), o: Options{Password: wrong}, err: ErrWrongPassword},
		{name: "pkcs12 without password", data: p12, err: ErrNoPassword, says: "--password-file"},
		{name: "pkcs12 wrong password", data: p12, o: Options{Password: wrong}, err: ErrWrongPassword},
		{name: "pkcs12 trust store", data: trust, o: Options{Password: secret}, format: "PKCS#12", certs: 1},
		{name: "jks", data: p.jks(t, "shop"), o: Options{Password: secret}, format: "Java keystore", certs: 2, key: true},
		{name: "jks without password", data: p.jks(t, "shop"), format: "Java keystore", certs: 2},
		{name: "jks wrong password", data: p.jks(t, "shop"), o: Options{Password: wrong}, err: ErrWrongPassword},
		{name: "jks trust store", data: p.jks(t), format: "Java keystore", certs: 1},
		{name: "jks two keys", data: p.jks(t, "shop", "mail"), o: Options{Password: secret}, err: ErrAmbiguous, says: "--alias"},
		{name: "jks alias", data: p.jks(t, "shop", "mail"), o: Options{Password: secret, Alias: "MAIL"}, format: "Java keystore", certs: 2, key: true},
		{name: "jks unknown alias", data: p.jks(t, "shop"), o: Options{Password: secret, Alias: "x"}, err: ErrEmpty, says: "shop"},
		{name: "jks of lies", data: []byte("\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff" + strings.Repeat("x", 20)), o: Options{Password: secret}, err: ErrFormat},
		{name: "jceks", data: append([]byte("\xce\xce\xce\xce"), p.jks(t, "shop")[4:]...), o: Options{Password: secret}, format: "Java keystore", certs: 2},
		{name: "jceks cut short", data: []byte("\xce\xce\xce\xce\x00\x00\x00\x02"), err: ErrFormat, says: "damaged"},
		{name: "empty", data: []byte(" \n"), err: ErrEmpty},
		{name: "junk", data: []byte("hello\x00world"), err: ErrEmpty, says: "no certificate"},
		{name: "ssh key", data: pem.EncodeToMemory(&pem.Block{Type: "OPENSSH PRIVATE KEY", Bytes: []byte("x")}), err: ErrFormat, says: "SSH"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse(tt.data, tt.o)
			if !errors.Is(err, tt.err) {
				t.Fatalf("got error %v, want %v", err, tt.err)
			}
			if tt.err != nil {
				if !strings.Contains(err.Error(), tt.says) {
					t.Errorf("got %q, which does not say %q", err, tt.says)
				}
				return
			}
			if c.Format != tt.format || len(c.Chain) != tt.certs || (c.Key != nil) != tt.key {
				t.Errorf("got %s, %d certificates, key %v; want %s, %d, %v", c.Format, len(c.Chain), c.Key != nil, tt.format, tt.certs, tt.key)
			}
			if len(c.Chain) > 1 && c.Chain[0].Title() != "leaf" {
				t.Errorf("the first certificate is %s, want the leaf", c.Chain[0].Title())
			}
		})
	}
}

func TestPasswordIsHidden(t *testing.T) {
	t.Parallel()
	p := NewPassword([]byte("hunter2"))
	if s := fmt.Sprintf("%v %+v %#v %s", p, p, p, p); strings.Contains(s, "hunter2") {
		t.Errorf("printed %q", s)
	}
}

func FuzzParse(f *testing.F) {
	p := newPair(f)
	p12, err := pkcs12.Modern.Encode(p.key, p.leaf, []*x509.Certificate{p.ca}, "secret")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{p.pem(), p.leaf.Raw, p.pkcs8(f), p12, p.jks(f, "shop"), p.jks(f)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, o := range []Options{{}, {Password: NewPassword([]byte("secret"))}} {
			c, err := Parse(data, o)
			if err == nil && len(c.Chain) == 0 && c.Key == nil {
				t.Error("neither an error nor anything found")
			}
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Errorf("error %T without words", err)
			}
		}
	})
}
