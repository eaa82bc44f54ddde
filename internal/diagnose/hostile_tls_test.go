package diagnose_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// fine says that the server is healthy as far as TLS goes.
var fine = []string{""}

// TestHostileApplications completes handshakes with servers that then do what
// no server should. TLS is not to blame for it.
func TestHostileApplications(t *testing.T) {
	t.Parallel()
	endless := func(head, data string) func(*secured) {
		return func(c *secured) {
			if !greet(c) {
				return
			}
			if _, err := io.WriteString(c, head); err == nil {
				flood(c, bytes.Repeat([]byte(data), 1+4096/len(data)))
			}
		}
	}
	answer := func(text string) func(*secured) {
		return func(c *secured) {
			if greet(c) {
				_, _ = io.WriteString(c, text) // the peer may have enough
			}
		}
	}
	sealed := func(typ tlswire.ContentType, message string) func(*secured) {
		return func(c *secured) {
			if c.ConnectionState().Version != tls.VersionTLS13 {
				hear(c) // an experiment
				return
			}
			p, err := c.protector()
			if err != nil {
				t.Error(err)
				return
			}
			raw := c.NetConn()
			go hear(raw)
			for {
				if _, err := raw.Write(p.Seal(nil, typ, []byte(message))); err != nil {
					return
				}
			}
		}
	}
	ticket, err := (&tlswire.NewSessionTicket{Lifetime: 7200, Nonce: []byte{1}, Ticket: make([]byte, 200)}).Marshal(tlswire.TLS13)
	if err != nil {
		t.Fatal(err)
	}
	frame := func(kind, flags byte, payload string) string {
		return string([]byte{byte(len(payload) >> 16), byte(len(payload) >> 8), byte(len(payload)), kind, flags, 0, 0, 0, 1}) + payload
	}
	settings := "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
	h1, h2 := []string{"http/1.1"}, []string{"h2"}
	late := append([]string{"", "handshake-timeout"}, nonsense...)
	for _, c := range []struct {
		name   string
		protos []string
		handle func(*secured)
		may    []string
	}{
		{"body without end", h1, endless("HTTP/1.1 200 OK\r\n\r\n", "x"), fine},
		{"body of 2^62 bytes", h1, endless("HTTP/1.1 200 OK\r\nContent-Length: 4611686018427387904\r\n\r\n", "x"), fine},
		{"chunks without end", h1, endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\nx\r\n"), fine},
		{"chunk of 2^64 bytes", h1, endless("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "x"), fine},
		{"header without end", h1, endless("HTTP/1.1 200 OK\r\n", "X-Y: z\r\n"), fine},
		{"status line without end", h1, endless("HTTP/1.1 200 ", "x"), fine},
		{"continue without end", h1, endless("", "HTTP/1.1 100 Continue\r\n\r\n"), fine},
		{"noise for HTTP", h1, endless("", "\x00\xff\x13"), fine},
		{"status of no sense", h1, answer("HTTP/1.1 99999999999999999999 X\r\n\r\n"), fine},
		{"status 0", h1, answer("HTTP/9.9 000\r\n\r\n"), fine},
		{"redirect to itself", h1, answer("HTTP/1.1 301 Moved\r\nLocation: https://shop.lab.test/\r\nContent-Length: 0\r\n\r\n"), fine},
		{"redirect to a file", h1, answer("HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"), fine},
		{"redirect to plain HTTP", h1, answer("HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"), fine},
		{"header that draws", h1, answer("HTTP/1.1 200 OK\r\nServer: \x1b[2J\x1b]0;owned\x07nginx\r\nContent-Length: 0\r\n\r\n"), fine},
		{"server of 30 kB", h1, answer("HTTP/1.1 200 OK\r\nServer: " + strings.Repeat("nginx ", 5000) + "\r\nContent-Length: 0\r\n\r\n"), fine},
		{"nothing", h1, func(c *secured) { hear(c) }, late},
		{"close at once", h1, func(*secured) {}, late},
		{"end without close_notify", h1, func(c *secured) { c.NetConn().Close() }, late},

		{"settings without end", h2, endless("", settings), late},
		{"pings without end", h2, endless(settings, frame(6, 0, "12345678")), late},
		{"header blocks without end", h2, endless(settings+frame(1, 0, "\x88"), frame(9, 0, strings.Repeat("\x82", 1000))), late},
		{"header table that grows", h2, endless(settings+frame(1, 0, "\x88"), frame(9, 0, "\x40\x7f\x81\x1f"+strings.Repeat("a", 4096)+"\x00"+strings.Repeat("\xbe", 4000))), late},
		{"header with integers without end", h2, endless(settings+frame(1, 0, "\x88"), frame(9, 0, strings.Repeat("\xff", 1000))), late},
		{"data without end", h2, endless(settings+frame(1, 4, "\x88"), frame(0, 0, strings.Repeat("x", 1000))), fine},
		{"frame of 16 MB", h2, endless("", "\xff\xff\xff\x00\x00\x00\x00\x00\x01"), late},
		{"unknown frames", h2, endless(settings, frame(0xEE, 0xFF, "abc")), late},
		{"go away", h2, answer(settings + frame(7, 0, "\x00\x00\x00\x00\x00\x00\x00\x0b"+strings.Repeat("calm", 900))), late},
		{"HTTP/1.1 where h2 was agreed", h2, answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), late},

		{"tickets without end", h1, sealed(tlswire.ContentHandshake, string(ticket)), late},
		{"key updates that ask for ours", h1, sealed(tlswire.ContentHandshake, "\x18\x00\x00\x01\x01"), late},
		{"empty records without end", h1, sealed(tlswire.ContentApplicationData, ""), late},
		{"single bytes without end", h1, sealed(tlswire.ContentApplicationData, "H"), late},
		{"requests for a certificate", h1, sealed(tlswire.ContentHandshake, "\x0d\x00\x00\x0b\x00\x00\x08\x00\x0d\x00\x04\x00\x02\x04\x03"), append(late, "client-cert-required")},
		{"requests for a certificate that are no such", h1, sealed(tlswire.ContentHandshake, "\x0d\x00\x00\x01\x00"), append(late, "client-cert-required")},
		{"message of 16 MB", h1, sealed(tlswire.ContentHandshake, "\x04\xFF\xFF\xFF"+strings.Repeat("\x00", 16000)), late},
		{"messages of unknown type", h1, sealed(tlswire.ContentHandshake, "\xEE\x00\x00\x01x"), late},
		{"hello again", h1, sealed(tlswire.ContentHandshake, "\x00\x00\x00\x00"), late},
		{"records of unknown type", h1, sealed(99, "abc"), late},
		{"ChangeCipherSpec without end", h1, sealed(tlswire.ContentChangeCipherSpec, "\x01"), late},
		{"warnings without end", h1, sealed(tlswire.ContentAlert, "\x01\x5A"), late},
		{"alert that does not exist", h1, sealed(tlswire.ContentAlert, "\x02\xEE"), append(late, "unexplained")},
		{"alert of one byte", h1, sealed(tlswire.ContentAlert, "\x02"), late},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, ca := overTLS(t, &tls.Config{NextProtos: c.protos}, c.handle)
			o := hasty(address)
			o.Trust, o.CAFile = "", ca
			d := endure(t, "", o, c.may)
			if len(d.Attempts) > 12 {
				t.Errorf("%d connections\n%.4000s", len(d.Attempts), describe(d))
			}
		})
	}
}

// family makes certificates that belong together, for chains of any shape.
type family struct {
	t      *testing.T
	serial atomic.Int64
	key    *ecdsa.PrivateKey
}

func newFamily(t *testing.T) *family {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &family{t: t, key: key}
}

// issue signs with the family's one key.
func (f *family) issue(subject, issuer string, change func(*x509.Certificate)) []byte {
	f.t.Helper()
	c := &x509.Certificate{SerialNumber: big.NewInt(f.serial.Add(1)), Subject: pkix.Name{CommonName: subject}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(0, 2, 0), BasicConstraintsValid: true, IsCA: subject != "shop.lab.test", KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature}
	if !c.IsCA {
		c.DNSNames, c.ExtKeyUsage, c.KeyUsage = []string{"shop.lab.test"}, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, x509.KeyUsageDigitalSignature
	}
	if change != nil {
		change(c)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, &x509.Certificate{Subject: pkix.Name{CommonName: issuer}}, f.key.Public(), f.key)
	if err != nil {
		f.t.Fatal(err)
	}
	return der
}

// TestHostileCertificates shows chains that are made to cost time, memory or
// the reader's terminal.
func TestHostileCertificates(t *testing.T) {
	t.Parallel()
	f := newFamily(t)
	root := f.issue("Root", "Root", nil)
	leaf := f.issue("shop.lab.test", "Root", nil)
	many := func(n int, subject, issuer func(int) string) [][]byte {
		chain := [][]byte{f.issue("shop.lab.test", "A0", nil)}
		for i := range n {
			chain = append(chain, f.issue(subject(i), issuer(i), nil))
		}
		return chain
	}
	same := func(string) func(int) string { return func(int) string { return "A0" } }("")
	drawing := "\x1b[2J\x1b]0;owned\a\r\n$(reboot) `id` '; rm -rf ~; #\u202e"
	names := func(n int) []string {
		out := []string{"shop.lab.test"}
		for i := range n {
			out = append(out, fmt.Sprintf("host-%d.a-rather-long-name.lab.test", i))
		}
		return out
	}
	trust := []string{"unknown-ca", "incomplete-chain", "chain-too-large", "self-signed"}
	for _, c := range []struct {
		name  string
		chain [][]byte
		may   []string
	}{
		{"leaf a thousand times", func() (out [][]byte) {
			for range 1000 {
				out = append(out, leaf)
			}
			return out
		}(), append(trust, "")},
		{"300 issuers of one name", many(300, same, same), trust},
		{"600 certificates that issue one another", many(600, func(i int) string { return fmt.Sprint("A", i%25) }, func(i int) string { return fmt.Sprint("A", (i/25)%25) }), trust},
		{"a chain of 200", many(200, func(i int) string { return fmt.Sprint("A", i) }, func(i int) string { return fmt.Sprint("A", i+1) }), trust},
		{"a ring", many(30, func(i int) string { return fmt.Sprint("A", i) }, func(i int) string { return fmt.Sprint("A", (i+1)%30) }), trust},
		{"8000 names", [][]byte{f.issue("shop.lab.test", "Root", func(c *x509.Certificate) { c.DNSNames = names(8000) })}, append(trust, "")},
		{"8000 other names", [][]byte{f.issue("shop.lab.test", "Root", func(c *x509.Certificate) { c.DNSNames = names(8000)[1:] })}, append(trust, "hostname-mismatch")},
		{"subject of 60 kB", [][]byte{f.issue("shop.lab.test", "Root", func(c *x509.Certificate) { c.Subject.CommonName = strings.Repeat("shop ", 12000) })}, fine},
		{"names that draw", [][]byte{f.issue("shop.lab.test", "Root", func(c *x509.Certificate) {
			c.Subject = pkix.Name{CommonName: drawing, Organization: []string{drawing, drawing}}
		}), f.issue(drawing, drawing, nil)}, fine},
		{"issuer that draws", [][]byte{f.issue("shop.lab.test", drawing, nil)}, trust},
		{"certificates of one byte", append([][]byte{leaf}, bytes.Split(bytes.Repeat([]byte{0x30}, 3000), nil)...), append(trust, "", "cert-malformed", "protocol-violation")},
		{"constraints in number", append(many(0, nil, nil), f.issue("A0", "Root", func(c *x509.Certificate) {
			c.PermittedDNSDomains, c.ExcludedDNSDomains = names(2000), names(2000)[1:]
		})), append(trust, "", "name-constraints")},
		{"2000 URLs of issuers", [][]byte{f.issue("shop.lab.test", "A0", func(c *x509.Certificate) {
			for i := range 2000 {
				c.IssuingCertificateURL = append(c.IssuingCertificateURL, fmt.Sprintf("http://127.0.0.1:1/%d", i))
			}
		})}, trust},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, _ := overTLS(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: c.chain, PrivateKey: crypto.PrivateKey(f.key)}}}, func(s *secured) {
				if greet(s) {
					_, _ = io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") // the peer may have enough
				}
			})
			o := hasty(address)
			o.Trust, o.CAFile = "", file(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}))
			d := endure(t, "", o, c.may)
			for _, cause := range d.Causes {
				for _, fix := range cause.Fixes {
					for _, text := range []string{cause.Summary, fix.Text, fix.Config, fix.Command, cause.Verify} {
						if strings.ContainsAny(text, "\x1b\a\r\u202e") || strings.Contains(text, "$(reboot)") && !strings.Contains(text, "'") {
							t.Errorf("%s: %q lets the peer's words through", cause.ID, text)
						}
					}
				}
			}
		})
	}
}

// TestHostileIssuerURLs demands that fetching an issuer ends, whatever answers
// at the URL, and that the time of the whole diagnosis stays bounded.
func TestHostileIssuerURLs(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	handlers := map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
		"silent": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"slow": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				_, _ = w.Write([]byte{0x30}) // the context says when to stop
				_ = http.NewResponseController(w).Flush()
				time.Sleep(100 * time.Millisecond)
			}
		},
		"loop": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, fmt.Sprintf("%s%d", r.URL.Path, asked.Add(1)), http.StatusFound)
		},
		"file": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "file:///etc/passwd", http.StatusFound)
		},
		"noise": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, rand.Reader, 100_000) }, // the peer may have enough
		"empty": func(http.ResponseWriter, *http.Request) {},
		"error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "gone", http.StatusGone) },
		"panic": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	f := newFamily(t)
	root := f.issue("Root", "Root", nil)
	for name, handle := range handlers {
		for _, urls := range []int{1, 12} {
			t.Run(fmt.Sprint(name, " ", urls), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithCancel(context.Background())
				defer cancel()
				s := httptest.NewUnstartedServer(http.HandlerFunc(handle))
				s.Config.BaseContext = func(net.Listener) context.Context { return ctx }
				s.Start()
				defer s.Close()
				defer s.CloseClientConnections()
				leaf := f.issue("shop.lab.test", "Gone", func(c *x509.Certificate) {
					for i := range urls {
						c.IssuingCertificateURL = append(c.IssuingCertificateURL, fmt.Sprintf("%s/%d/", s.URL, i))
					}
				})
				address, _ := overTLS(t, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf}, PrivateKey: f.key}}}, func(s *secured) {
					if greet(s) {
						_, _ = io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") // the peer may have enough
					}
				})
				o := diagnose.Options{Connect: []string{address}, Timeout: time.Second,
					CAFile: file(t, "ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root}))}
				endure(t, "", o, []string{"unknown-ca", "incomplete-chain"})
			})
		}
	}
}
