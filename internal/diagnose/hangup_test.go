package diagnose_test

import (
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// TestHangUps meets servers that hang up without a word on a client that lacks
// something, and others that do so for reasons of their own.
func TestHangUps(t *testing.T) {
	t.Parallel()
	goodbye := func(c *secured) { greet(c) }
	reply := func(status, body string) func(*secured) {
		return func(c *secured) {
			if greet(c) {
				fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n%s", status, len(body), body)
			}
		}
	}
	// onlyH2 does as nghttpd: a client without h2 may finish the handshake.
	onlyH2 := &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		_, pair := issued()
		c := &tls.Config{Certificates: []tls.Certificate{pair}, SessionTicketsDisabled: true}
		if slices.Contains(h.SupportedProtos, "h2") {
			c.NextProtos = []string{"h2"}
		}
		return c, nil
	}}
	// onlyECDSA does as Qt: it refuses without an alert.
	onlyECDSA := &tls.Config{NextProtos: []string{"http/1.1"}, GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
		if !slices.Contains(h.SignatureSchemes, tls.ECDSAWithP256AndSHA256) {
			h.Conn.Close()
			return nil, errors.New("no shared cipher")
		}
		return nil, nil
	}}
	for _, c := range []struct {
		name, alpn, want, warning string
		config                    *tls.Config
		handle                    func(*secured)
		most                      int
	}{
		{"HTTP/2 only", "http/1.1", "alpn-no-overlap", "", onlyH2, goodbye, 7},
		{"HTTP/2 only and no ALPN", "none", "alpn-no-overlap", "", onlyH2, goodbye, 7},
		{"HTTP/2 only and a client that speaks it", "h2,http/1.1", "", "backend-closed", onlyH2, goodbye, 7},
		{"a server without ALPN", "http/1.1", "", "backend-closed", &tls.Config{}, goodbye, 7},
		{"HTTP/1.1 and nothing behind", "http/1.1", "", "backend-closed", &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, goodbye, 7},
		{"TLS twice", "http/1.1", "", "backend-closed", &tls.Config{NextProtos: []string{"http/1.1"}}, reply("400 Bad Request", "400 The plain HTTP request was sent to HTTPS port"), 7},
		{"a request that is bad", "http/1.1", "", "", &tls.Config{NextProtos: []string{"http/1.1"}}, reply("400 Bad Request", "Invalid URL"), 7},
		{"ECDSA only", "http/1.1", "", "", onlyECDSA, reply("200 OK", "hello"), 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, ca := overTLS(t, c.config.Clone(), c.handle) // which sets more
			d := run(t, "https://shop.lab.test", diagnose.Options{Connect: []string{address}, CAFile: ca, ALPN: c.alpn, Timeout: 30 * time.Second})
			contract(t, d)
			got := ""
			if first := d.FirstFailure(); first != nil {
				got = first.ID
			}
			warned := slices.ContainsFunc(d.Causes, func(x diag.Cause) bool { return x.ID == "backend-closed" })
			if got != c.want || warned != (c.warning != "") {
				t.Errorf("got %q, want %q and the warning %q\n%s", got, c.want, c.warning, describe(d))
			}
			if len(d.Attempts) > c.most {
				t.Errorf("%d connections, want at most %d\n%s", len(d.Attempts), c.most, describe(d))
			}
		})
	}
}

// TestManyIssuers meets a server that takes client certificates of more CAs
// than a person wants to read: Java does, without a trust store of its own.
func TestManyIssuers(t *testing.T) {
	t.Parallel()
	pool, f := x509.NewCertPool(), newFamily(t)
	for i := range 30 {
		c, err := x509.ParseCertificate(f.issue(fmt.Sprintf("Issuer %d", i), fmt.Sprintf("Issuer %d", i), func(c *x509.Certificate) {
			c.Subject = pkix.Name{CommonName: fmt.Sprintf("Issuer %d", i)}
		}))
		if err != nil {
			t.Fatal(err)
		}
		pool.AddCert(c)
	}
	address, ca := overTLS(t, &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}, func(*secured) {})
	d := run(t, "https://shop.lab.test", diagnose.Options{Connect: []string{address}, CAFile: ca, Timeout: 30 * time.Second})
	first := d.FirstFailure()
	if first == nil || first.ID != "client-cert-required" {
		t.Fatalf("got\n%s", describe(d))
	}
	for _, fix := range first.Fixes {
		if n := strings.Count(fmt.Sprint(fix), "Issuer"); n > 4 {
			t.Errorf("a fix names %d issuers: %+v", n, fix)
		}
	}
	if !strings.Contains(fmt.Sprint(first.Fixes), "and 26 more") {
		t.Errorf("no fix says how many issuers there are: %+v", first.Fixes)
	}
}
