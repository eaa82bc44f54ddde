package diagnose_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// verdictOf is what came of a diagnosis with files: "ok", the id of the first
// failure, "usage", or "file" and the role of the file that cannot be read.
func verdictOf(t *testing.T, d *diag.Diagnosis, err error) string {
	t.Helper()
	var badFile *diagnose.FileError
	var badUse *diagnose.UsageError
	switch {
	case errors.As(err, &badFile):
		if badFile.File == "" || badFile.Err == nil || errors.Unwrap(badFile) == nil {
			t.Errorf("got %+v", badFile)
		}
		return "file: " + badFile.Role
	case errors.As(err, &badUse):
		return "usage"
	case err != nil:
		t.Fatalf("got the error %T %v", err, err)
	}
	contract(t, d)
	if first := d.FirstFailure(); first != nil {
		return first.ID
	}
	return "ok"
}

func block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func TestCAFile(t *testing.T) {
	t.Parallel()
	r := startLab(t, "healthy")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}}, key)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := pem.Decode(r.CA)
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "root.crt"), r.CA, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, path string
		data       []byte // of the file, when path is ""
		want, says string
	}{
		{"pem", "", r.CA, "ok", ""},
		{"der", "", der.Bytes, "ok", ""},
		{"windows line ends", "", []byte(strings.ReplaceAll(string(r.CA), "\n", "\r\n")), "ok", ""},
		{"words around", "", []byte("subject=CN = x\n" + string(r.CA) + "\nthe end"), "ok", ""},
		{"byte order mark", "", append([]byte("\xef\xbb\xbf"), r.CA...), "ok", ""},
		{"key beside it", "", append(block("PRIVATE KEY", keyDER), r.CA...), "ok", ""},
		{"directory", full, nil, "ok", ""},
		{"missing", filepath.Join(full, "none.pem"), nil, "file: CA file", "none.pem"},
		{"below a file", filepath.Join(full, "root.crt", "x"), nil, "file: CA file", "x"},
		{"huge", "", make([]byte, 17<<20), "file: CA file", "larger"},
		{"empty directory", t.TempDir(), nil, "file-or-config-error", "no certificate"},
		{"empty", "", nil, "file-or-config-error", "no certificate"},
		{"key", "", block("PRIVATE KEY", keyDER), "file-or-config-error", "private key"},
		{"key in DER", "", keyDER, "file-or-config-error", "no certificate"},
		{"request", "", block("CERTIFICATE REQUEST", csr), "file-or-config-error", "request"},
		{"garbage", "", []byte("\x00\xff\x1b[31mnonsense"), "file-or-config-error", "no certificate"},
		{"certificate of garbage", "", block("CERTIFICATE", []byte("nonsense")), "file-or-config-error", "certificate"},
		{"frame only", "", []byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), "file-or-config-error", "certificate"},
		{"cut short", "", r.CA[:len(r.CA)/2], "file-or-config-error", "certificate"},
		{"web page", "", []byte("<html>404 Not Found</html>"), "file-or-config-error", "no certificate"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := c.path
			if path == "" {
				path = file(t, "ca.pem", c.data)
			}
			d, err := diagnose.Run(context.Background(), "shop.lab.test", diagnose.Options{Connect: []string{r.Addr}, CAFile: path}, diagnose.Env{})
			if got := verdictOf(t, d, err); got != c.want {
				t.Fatalf("got %s, %v, want %s", got, err, c.want)
			}
			text := words(d, err)
			if !strings.Contains(text, c.says) {
				t.Errorf("got %q, want %q in it", text, c.says)
			}
			if c.want == "file-or-config-error" && len(d.Attempts) > 0 {
				t.Errorf("%d connections were made with a file of no use", len(d.Attempts))
			}
			noSecret(t, d, err, keyDER)
		})
	}
}

func TestClientCertificateFiles(t *testing.T) {
	t.Parallel()
	r := startLab(t, "client-cert-good")
	ca := file(t, "ca.pem", r.CA)
	keyBlock, _ := pem.Decode(r.ClientKey)
	keyDER := keyBlock.Bytes
	certBlock, _ := pem.Decode(r.ClientCert)
	own, err := x509.ParsePKCS8PrivateKey(keyDER)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(own.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(own.(*ecdsa.PrivateKey).Public())
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	otherDER, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	encrypted := block("ENCRYPTED PRIVATE KEY", keyDER) // what is in it is never read
	legacy := pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: sec1,
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-128-CBC,0123456789ABCDEF0123456789ABCDEF"}})
	params := block("EC PARAMETERS", []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07})
	// A PFX of version 3 (RFC 7292, Section 4) around nothing.
	pkcs12 := []byte("\x30\x82\x00\x1a\x02\x01\x03\x30\x15\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01\xa0\x08\x04\x06secret")
	const mismatch, useless = "client-cert-key-mismatch", "file-or-config-error"
	none := filepath.Join(t.TempDir(), "none.pem")
	for _, c := range []struct {
		name       string
		cert, key  []byte // nil: no file is given
		want, says string
	}{
		{"pair", r.ClientCert, r.ClientKey, "ok", ""},
		{"key of SEC 1", r.ClientCert, block("EC PRIVATE KEY", sec1), "ok", ""},
		{"parameters before the key", r.ClientCert, append(params, block("EC PRIVATE KEY", sec1)...), "ok", ""},
		{"key in DER", r.ClientCert, keyDER, "ok", ""},
		{"certificate in DER", certBlock.Bytes, r.ClientKey, "ok", ""},
		{"both in one file", append(append([]byte{}, r.ClientCert...), r.ClientKey...), nil, "ok", ""},
		{"both in one file, key first", append(append([]byte{}, r.ClientKey...), r.ClientCert...), nil, "ok", ""},
		{"both in both files", append(append([]byte{}, r.ClientCert...), r.ClientKey...), append(append([]byte{}, r.ClientCert...), r.ClientKey...), "ok", ""},

		{"key of another pair", r.ClientCert, block("PRIVATE KEY", otherDER), mismatch, "does not belong"},
		{"RSA key of another pair", r.ClientCert, block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(rsaKey)), mismatch, "does not belong"},
		{"encrypted key", r.ClientCert, encrypted, useless, "passphrase"},
		{"encrypted key in the old manner", r.ClientCert, legacy, useless, "passphrase"},
		{"encrypted key in one file", append(append([]byte{}, r.ClientCert...), encrypted...), nil, useless, "passphrase"},
		{"swapped", r.ClientKey, r.ClientCert, useless, "private key"},
		{"certificate for a key", r.ClientCert, r.ClientCert, useless, "no private key"},
		{"public key for a key", r.ClientCert, block("PUBLIC KEY", public), useless, "no private key"},
		{"key for a certificate", r.ClientKey, r.ClientKey, useless, "no certificate"},
		{"certificate alone", r.ClientCert, nil, useless, "no private key"},
		{"empty certificate", []byte{}, r.ClientKey, useless, "no certificate"},
		{"empty key", r.ClientCert, []byte{}, useless, "no private key"},
		{"garbage for a certificate", []byte("\x00\x1b[31m"), r.ClientKey, useless, "no certificate"},
		{"garbage for a key", r.ClientCert, []byte("\x00\x1b[31m"), useless, "no private key"},
		{"damaged key", r.ClientCert, block("PRIVATE KEY", keyDER[:len(keyDER)-9]), useless, "cannot be read"},
		{"key that is cut short", r.ClientCert, r.ClientKey[:len(r.ClientKey)-40], useless, "cannot be read"},
		{"key of an unknown type", r.ClientCert, block("DSA PRIVATE KEY", []byte{0x30, 0x03, 0x02, 0x01, 0x00}), useless, "cannot be read"},
		{"PKCS#12", pkcs12, r.ClientKey, useless, "no certificate"},
		{"PKCS#12 alone", pkcs12, nil, useless, "no certificate"},
		{"huge certificate", make([]byte, 5<<20), r.ClientKey, "file: client certificate", "larger"},
		{"huge key", r.ClientCert, make([]byte, 5<<20), "file: client key", "larger"},
		{"no certificate", nil, r.ClientKey, "usage", "--cert"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := diagnose.Options{Connect: []string{r.Addr}, CAFile: ca, Detail: 2}
			if c.cert != nil {
				o.CertFile = file(t, "client.pem", c.cert)
			}
			if c.key != nil {
				o.KeyFile = file(t, "client.key", c.key)
			}
			d, err := diagnose.Run(context.Background(), "shop.lab.test", o, diagnose.Env{})
			if got := verdictOf(t, d, err); got != c.want {
				t.Fatalf("got %s, %v, want %s", got, err, c.want)
			}
			if text := words(d, err); !strings.Contains(text, c.says) {
				t.Errorf("got %q, want %q in it", text, c.says)
			}
			if c.want != "ok" && d != nil && len(d.Attempts) > 0 {
				t.Errorf("%d connections were made with files of no use", len(d.Attempts))
			}
			noSecret(t, d, err, keyDER, sec1, otherDER, x509.MarshalPKCS1PrivateKey(rsaKey))
		})
	}
	for _, c := range []struct{ name, cert, key, want string }{
		{"missing certificate", none, file(t, "k", r.ClientKey), "file: client certificate"},
		{"missing key", file(t, "c", r.ClientCert), none, "file: client key"},
		{"directory for a certificate", t.TempDir(), file(t, "k", r.ClientKey), "file: client certificate"},
		{"directory for a key", file(t, "c", r.ClientCert), t.TempDir(), "file: client key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d, err := diagnose.Run(context.Background(), "shop.lab.test", diagnose.Options{CertFile: c.cert, KeyFile: c.key, CAFile: ca}, diagnose.Env{})
			if got := verdictOf(t, d, err); got != c.want {
				t.Errorf("got %s, %v, want %s", got, err, c.want)
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	t.Parallel()
	if os.Geteuid() <= 0 {
		t.Skip("root reads every file, and Windows knows no modes")
	}
	path := file(t, "secret.pem", []byte("x"))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	for _, o := range []diagnose.Options{{CAFile: path}, {CertFile: path}} {
		_, err := diagnose.Run(context.Background(), "shop.lab.test", o, diagnose.Env{})
		var bad *diagnose.FileError
		if !errors.As(err, &bad) || !errors.Is(err, os.ErrPermission) {
			t.Errorf("got %v", err)
		}
	}
}

// words is all that a user is told.
func words(d *diag.Diagnosis, err error) string {
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, c := range d.Causes {
		b.WriteString(c.Summary + "\n")
		for _, e := range c.Evidence {
			b.WriteString(e.Text + "\n")
		}
	}
	return b.String()
}

// noSecret looks for parts of private keys in all that came of a diagnosis.
func noSecret(t *testing.T, d *diag.Diagnosis, err error, keys ...[]byte) {
	t.Helper()
	data, jsonErr := json.Marshal(d)
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	text := string(data)
	if err != nil {
		text += err.Error()
	}
	if strings.Contains(text, "PRIVATE KEY--") {
		t.Error("a PEM block with a private key is in the result")
	}
	for _, key := range keys {
		// 16 bytes from the middle, where neither headers nor the public half
		// stand, at each of the three offsets of base64.
		from := len(key) / 4
		for shift := range 3 {
			if part := base64.RawStdEncoding.EncodeToString(key[from+shift : from+shift+15]); strings.Contains(text, part) {
				t.Errorf("the result holds a part of a private key in base64: %s", part)
			}
		}
		if part := hex.EncodeToString(key[from : from+16]); strings.Contains(text, part) {
			t.Errorf("the result holds a part of a private key in hex: %s", part)
		}
		if strings.Contains(text, string(key[from:from+16])) {
			t.Error("the result holds a part of a private key")
		}
	}
}
