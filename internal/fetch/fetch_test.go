package fetch

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func makeDER(t testing.TB) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Issuer"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<31, 0), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// tlv encodes one DER element.
func tlv(tag byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	if len(body) < 0x80 {
		return append([]byte{tag, byte(len(body))}, body...)
	}
	return append([]byte{tag, 0x82, byte(len(body) >> 8), byte(len(body))}, body...)
}

// bundle is a certs-only SignedData.
func bundle(certs ...[]byte) []byte {
	signedOID := []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02}
	dataOID := []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01}
	signed := tlv(0x30, tlv(0x02, []byte{1}), tlv(0x31), tlv(0x30, dataOID), tlv(0xa0, certs...), tlv(0x31))
	return tlv(0x30, signedOID, tlv(0xa0, signed))
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func private() *Fetcher { return New(Options{AllowPrivate: true, Timeout: 5 * time.Second}) }

func TestCertificates(t *testing.T) {
	t.Parallel()
	der := makeDER(t)
	for _, tc := range []struct {
		name string
		body []byte
		want int
		says string
	}{
		{"der", der, 1, ""},
		{"pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 1, ""},
		{"pkcs7", bundle(der, der), 2, ""},
		{"pkcs7 in pem", pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: bundle(der)}), 1, ""},
		{"empty pkcs7", bundle(), 0, "holds no certificate"},
		{"html", []byte("<html>not found</html>"), 0, "text without a PEM block"},
		{"empty", nil, 0, "it is empty"},
		{"cut short", der[:len(der)/2], 0, "holds no certificate"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(tc.body) })
			certs, err := private().Certificates(t.Context(), url+"/ca.cer")
			if len(certs) != tc.want {
				t.Fatalf("got %d certificates (%v), want %d", len(certs), err, tc.want)
			}
			if tc.want == 0 && (!errors.Is(err, ErrNoCertificate) || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), url)) {
				t.Errorf("got %v, want %q in it", err, tc.says)
			}
		})
	}
}

func TestGuard(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	url := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	_, err := New(Options{}).Certificates(t.Context(), url)
	if !errors.Is(err, ErrForbiddenAddress) || !strings.Contains(err.Error(), "this machine") {
		t.Errorf("got %v, want ErrForbiddenAddress", err)
	}
	_, err = New(Options{}).Certificates(t.Context(), strings.Replace(url, "127.0.0.1", "localhost", 1))
	if !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("by name: got %v, want ErrForbiddenAddress", err)
	}
	if asked.Load() != 0 {
		t.Error("the server was asked")
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		url  string
		want error
		says string
	}{
		{"ldap://ldap.example.com/cn=ca", ErrScheme, "ldap"},
		{"file:///etc/passwd", ErrScheme, "file"},
		{"", ErrScheme, ""},
		{"http://", nil, "no host"},
		{"http://[::1", nil, "reading the address"},
		{"http://a\x00b/", nil, "reading the address"},
	} {
		_, err := private().Certificates(t.Context(), tc.url)
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%q: got %v", tc.url, err)
		}
	}
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	der := makeDER(t)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/one":
			http.Redirect(w, r, "/cert", http.StatusFound)
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest", http.StatusFound)
		default:
			_, _ = w.Write(der)
		}
	})
	if certs, err := private().Certificates(t.Context(), url+"/one"); err != nil || len(certs) != 1 {
		t.Errorf("one: got %v, %v", certs, err)
	}
	if _, err := private().Certificates(t.Context(), url+"/loop"); err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("loop: got %v", err)
	}
	if _, err := private().Certificates(t.Context(), url+"/file"); !errors.Is(err, ErrScheme) {
		t.Errorf("file: got %v", err)
	}
	if _, err := private().Certificates(t.Context(), url+"/metadata"); !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("metadata: got %v", err)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/endless":
			for {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		case "/silent":
			<-stop
		case "/missing":
			http.NotFound(w, r)
		}
	})
	t.Cleanup(func() { close(stop) }) // before the server's own, which waits
	f := New(Options{AllowPrivate: true, Timeout: 300 * time.Millisecond, MaxSize: 1 << 18, MaxFetches: 3})
	if _, err := f.Certificates(t.Context(), url+"/silent"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("silent: got %v", err)
	}
	if _, err := f.Certificates(t.Context(), url+"/endless"); !errors.Is(err, ErrTooLarge) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("endless: got %v", err)
	}
	if _, err := f.Certificates(t.Context(), url+"/missing"); err == nil || !strings.Contains(err.Error(), "404 Not Found") {
		t.Errorf("missing: got %v", err)
	}
	if _, err := f.Certificates(t.Context(), url+"/missing"); errors.Is(err, ErrTooMany) {
		t.Errorf("a remembered answer counts: %v", err)
	}
	if _, err := f.Certificates(t.Context(), url+"/fourth"); !errors.Is(err, ErrTooMany) {
		t.Errorf("fourth: got %v, want ErrTooMany", err)
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	der := makeDER(t)
	var asked atomic.Int32
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = w.Write(der)
	})
	f := private()
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			if certs, err := f.Certificates(t.Context(), url); err != nil || len(certs) != 1 {
				t.Errorf("got %v, %v", certs, err)
			}
		})
	}
	wait.Wait()
	if asked.Load() != 1 {
		t.Errorf("asked %d times, want once", asked.Load())
	}
}

func TestCancelledIsNotRemembered(t *testing.T) {
	t.Parallel()
	der := makeDER(t)
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(der) })
	f := private()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Certificates(ctx, url); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want cancelled", err)
	}
	if certs, err := f.Certificates(t.Context(), url); err != nil || len(certs) != 1 {
		t.Errorf("got %v, %v", certs, err)
	}
}

func TestProxyOfEnvironmentIsNotUsed(t *testing.T) {
	proxy := serve(t, func(w http.ResponseWriter, _ *http.Request) { t.Error("the proxy was asked") })
	t.Setenv("HTTP_PROXY", proxy)
	t.Setenv("http_proxy", proxy)
	_, err := New(Options{Timeout: 200 * time.Millisecond}).Certificates(t.Context(), "http://192.0.2.1/ca.cer")
	if !errors.Is(err, ErrForbiddenAddress) {
		t.Errorf("got %v, want ErrForbiddenAddress", err)
	}
}
