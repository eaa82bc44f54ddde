package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// authority is a CA of these tests, or a leaf.
type authority struct {
	name string
	key  *ecdsa.PrivateKey
	der  []byte
	tmpl *x509.Certificate
}

// issue makes a certificate; without an issuer it is a root, without a key a new
// one is made.
func issue(t *testing.T, name string, by *authority, key *ecdsa.PrivateKey, edit func(*x509.Certificate)) *authority {
	t.Helper()
	if key == nil {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			t.Fatal(err)
		}
	}
	a := &authority{name: name, key: key, tmpl: &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(60 * 24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}}
	if edit != nil {
		edit(a.tmpl)
	}
	if by == nil {
		by = a
	}
	der, err := x509.CreateCertificate(rand.Reader, a.tmpl, by.tmpl, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	a.der = der
	return a
}

// serverCert makes a server's certificate that names where its issuer is.
func serverCert(t *testing.T, by *authority, urls ...string) *authority {
	t.Helper()
	return issue(t, "shop.test", by, nil, func(c *x509.Certificate) {
		c.IsCA, c.KeyUsage, c.ExtKeyUsage = false, x509.KeyUsageDigitalSignature, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		c.DNSNames, c.IssuingCertificateURL = []string{"shop.test"}, urls
	})
}

func inPEM(kind string, blobs ...[]byte) []byte {
	var b bytes.Buffer
	for _, der := range blobs {
		_ = pem.Encode(&b, &pem.Block{Type: kind, Bytes: der})
	}
	return b.Bytes()
}

// certsOnly is a PKCS#7 SignedData that holds certificates and nothing else.
func certsOnly(t *testing.T, certs ...[]byte) []byte {
	t.Helper()
	var b cryptobyte.Builder
	explicit := cbasn1.Tag(0).Constructed().ContextSpecific()
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes([]byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"))
		b.AddASN1(explicit, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1Int64(1)
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {})
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes([]byte("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01")) })
				b.AddASN1(explicit, func(b *cryptobyte.Builder) {
					for _, c := range certs {
						b.AddBytes(c)
					}
				})
				b.AddASN1(cbasn1.SET, func(*cryptobyte.Builder) {})
			})
		})
	})
	return b.BytesOrPanic()
}

// TestComplete fetches the missing issuer from servers that answer oddly.
func TestComplete(t *testing.T) {
	t.Parallel()
	root := issue(t, "Good Root", nil, nil, nil)
	old := issue(t, "Old Root", nil, nil, nil)
	inter := issue(t, "Issuing CA", root, nil, nil)
	cross := issue(t, "Issuing CA", old, inter.key, nil)
	impostor := issue(t, "Issuing CA", root, nil, nil)
	expired := issue(t, "Issuing CA", root, inter.key, func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })

	stop := make(chan struct{})
	mux := http.NewServeMux()
	serve := func(path, kind string, body []byte) {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(body)
		})
	}
	serve("/der", "application/pkix-cert", inter.der)
	serve("/pem", "application/x-pem-file", inPEM("CERTIFICATE", inter.der))
	serve("/p7c", "application/pkcs7-mime", certsOnly(t, inter.der))
	serve("/p7b", "application/pkcs7-mime", inPEM("PKCS7", certsOnly(t, inter.der, root.der)))
	serve("/html", "text/html", inter.der)
	serve("/page", "text/html", []byte("<html>moved</html>"))
	serve("/impostor", "application/pkix-cert", impostor.der)
	serve("/both", "application/pkcs7-mime", certsOnly(t, impostor.der, inter.der))
	serve("/cross", "application/pkix-cert", cross.der)
	serve("/alternatives", "application/pkcs7-mime", certsOnly(t, cross.der, inter.der))
	serve("/expired", "application/pkix-cert", expired.der)
	serve("/renewed", "application/pkcs7-mime", certsOnly(t, expired.der, inter.der))
	mux.HandleFunc("/500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/der", http.StatusFound) })
	mux.HandleFunc("/loop", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/loop", http.StatusFound) })
	mux.HandleFunc("/passwd", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
	})
	mux.HandleFunc("/metadata", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
	})
	mux.HandleFunc("/slow", func(http.ResponseWriter, *http.Request) { <-stop })
	mux.HandleFunc("/huge", func(w http.ResponseWriter, _ *http.Request) {
		for range 100 {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(stop) }) // runs before the server's own, which waits
	mux.HandleFunc("/elsewhere", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(s.URL, "127.0.0.1", "localhost", 1)+"/der", http.StatusMovedPermanently)
	})
	// Two CAs that name each other as issuer, without end.
	a := issue(t, "Ring A", nil, nil, func(c *x509.Certificate) { c.IssuingCertificateURL = []string{s.URL + "/ring-b"} })
	b := issue(t, "Ring B", a, nil, func(c *x509.Certificate) { c.IssuingCertificateURL = []string{s.URL + "/ring-a"} })
	ring := issue(t, "Ring A", b, a.key, func(c *x509.Certificate) { c.IssuingCertificateURL = []string{s.URL + "/ring-b"} })
	serve("/ring-a", "application/pkix-cert", ring.der)
	serve("/ring-b", "application/pkix-cert", b.der)

	at := func(paths ...string) (urls []string) {
		for _, p := range paths {
			urls = append(urls, s.URL+p)
		}
		return urls
	}
	for _, tt := range []struct {
		name string
		leaf *authority
		ca   []byte // root.der alone when nil
		also []byte // in the file, behind the leaf
		says string // on standard error; what is written is leaf and intermediate when it is empty
	}{
		{name: "DER", leaf: serverCert(t, inter, at("/der")...)},
		{name: "PEM", leaf: serverCert(t, inter, at("/pem")...)},
		{name: "PKCS#7", leaf: serverCert(t, inter, at("/p7c")...)},
		{name: "PKCS#7 in PEM, with the root", leaf: serverCert(t, inter, at("/p7b")...)},
		{name: "wrong content type", leaf: serverCert(t, inter, at("/html")...)},
		{name: "redirect", leaf: serverCert(t, inter, at("/moved")...)},
		{name: "redirect to another host", leaf: serverCert(t, inter, at("/elsewhere")...)},
		{name: "the first is dead", leaf: serverCert(t, inter, append([]string{"http://127.0.0.1:1/ca"}, at("/404", "/der")...)...)},
		{name: "the first is another", leaf: serverCert(t, inter, at("/both")...)},
		{name: "cross-signed and not", leaf: serverCert(t, inter, at("/alternatives")...)},
		{name: "cross-signed, the root of it is trusted", leaf: serverCert(t, inter, at("/cross")...), ca: inPEM("CERTIFICATE", old.der)},
		{name: "old one beside the new", leaf: serverCert(t, inter, at("/renewed")...)},
		{name: "no address, a bundle", leaf: serverCert(t, inter), ca: inPEM("CERTIFICATE", root.der, inter.der)},
		{name: "all in the file, in disorder, with the root", leaf: serverCert(t, inter), also: inPEM("CERTIFICATE", root.der, inter.der)},
		{name: "LDAP before HTTP", leaf: serverCert(t, inter, append([]string{"ldap://directory.test/cn=ca"}, at("/der")...)...)},

		{name: "no address", leaf: serverCert(t, inter), says: "nothing was written"},
		{name: "404", leaf: serverCert(t, inter, at("/404")...), says: "404"},
		{name: "500", leaf: serverCert(t, inter, at("/500")...), says: "500"},
		{name: "a page", leaf: serverCert(t, inter, at("/page")...), says: "holds no certificate"},
		{name: "redirect to a file", leaf: serverCert(t, inter, at("/passwd")...), says: "only http and https"},
		{name: "redirect in a circle", leaf: serverCert(t, inter, at("/loop")...), says: "redirects"},
		{name: "redirect to metadata", leaf: serverCert(t, inter, at("/metadata")...), says: "not asked"},
		{name: "slow", leaf: serverCert(t, inter, at("/slow")...), says: "nothing was written"},
		{name: "huge", leaf: serverCert(t, inter, at("/huge")...), says: "too large"},
		{name: "another key", leaf: serverCert(t, inter, at("/impostor")...), says: "nothing was written"},
		{name: "cross-signed by nobody known", leaf: serverCert(t, inter, at("/cross")...), says: "nothing was written"},
		{name: "expired", leaf: serverCert(t, inter, at("/expired")...), says: "expired"},
		{name: "a ring", leaf: serverCert(t, ring, at("/ring-a")...), says: "nothing was written"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := func(name string, data []byte) string {
				path := filepath.Join(dir, name)
				if err := os.WriteFile(path, data, 0o600); err != nil {
					t.Fatal(err)
				}
				return path
			}
			ca := tt.ca
			if ca == nil {
				ca = inPEM("CERTIFICATE", root.der)
			}
			var talk bytes.Buffer
			p := newProgram()
			p.stdin, p.stdout, p.stderr, p.outTerminal, p.errTerminal = strings.NewReader(""), io.Discard, &talk, false, false
			out := filepath.Join(dir, "fullchain.pem")
			code := p.run(t.Context(), []string{"cert", "--ca", file("ca.pem", ca), "--complete", "-w", out, file("leaf.pem", append(inPEM("CERTIFICATE", tt.leaf.der), tt.also...))})
			written, err := os.ReadFile(out)
			if tt.says != "" {
				if code == exitHealthy || err == nil || !strings.Contains(talk.String(), tt.says) {
					t.Errorf("got exit code %d, written: %v, want %q in %q", code, err == nil, tt.says, talk.String())
				}
				return
			}
			certs, _ := chain.ParsePEM(written)
			if code != exitHealthy || len(certs) != 2 || !bytes.Equal(certs[0].Raw, tt.leaf.der) || certs[1].Title() != "Issuing CA" {
				t.Errorf("got exit code %d and %d certificates, want leaf and intermediate; it said %q", code, len(certs), talk.String())
			}
		})
	}
}
