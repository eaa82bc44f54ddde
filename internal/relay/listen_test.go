package relay

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// visitOf lets one client come and gives what the host saw.
// It waits for what the client says, 0 for a long time.
func visitOf(t *testing.T, wait time.Duration, client func(addr string, pool *x509.CertPool)) *Visit {
	t.Helper()
	came := make(chan *Visit, 1)
	h, err := NewHost("127.0.0.1:0", HostOptions{Visit: func(v *Visit) { came <- v }, Wait: wait})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	pool := x509.NewCertPool()
	ca, err := x509.ParseCertificate(h.CA())
	if err != nil {
		t.Fatal(err)
	}
	pool.AddCert(ca)
	client(h.Addr(), pool)
	select {
	case v := <-came:
		return v
	case <-time.After(time.Minute):
		t.Fatal("no visit was told")
		return nil
	}
}

func TestHost(t *testing.T) {
	t.Parallel()
	dial := func(c *tls.Config) func(string, *x509.CertPool) {
		return func(addr string, pool *x509.CertPool) {
			c := c.Clone()
			if c.RootCAs == nil {
				c.RootCAs = pool
			}
			conn, err := tls.Dial("tcp", addr, c)
			if err == nil {
				_ = conn.Close()
			}
		}
	}
	say := func(words string) func(string, *x509.CertPool) {
		return func(addr string, _ *x509.CertPool) {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, words)
			_, _ = io.Copy(io.Discard, conn)
		}
	}
	for _, tt := range []struct {
		name   string
		client func(string, *x509.CertPool)
		hello  bool
		done   bool
		alert  tlswire.AlertDescription
		short  bool // waits in vain
	}{
		{"trusts", dial(&tls.Config{ServerName: "a.test"}), true, true, 0, false},
		{"trusts, TLS 1.2", dial(&tls.Config{ServerName: "a.test", MaxVersion: tls.VersionTLS12}), true, true, 0, false},
		{"knows no CA", dial(&tls.Config{ServerName: "a.test", RootCAs: x509.NewCertPool()}), true, false, tlswire.AlertBadCertificate, false},
		{"speaks HTTP", say("GET / HTTP/1.1\r\n\r\n"), false, false, 0, false},
		{"sends half a hello", say("\x16\x03\x01\x00\x50\x01\x00\x00"), false, false, 0, true},
		{"sends a record of nonsense", say("\x16\x03\x01\x00\x05\x01\x00\x00\x01\xff"), false, false, 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			wait := 30 * time.Second
			if tt.short {
				wait = 100 * time.Millisecond
			}
			v := visitOf(t, wait, tt.client)
			if (v.Hello != nil) != tt.hello || (v.Err == "") != tt.done {
				t.Fatalf("got hello %v, error %q", v.Hello != nil, v.Err)
			}
			if tt.alert != 0 && (!v.Refused || v.Alert != tt.alert) {
				t.Errorf("got alert %v (%v), want %v", v.Alert, v.Refused, tt.alert)
			}
			if tt.hello && (v.Hello.ServerName() != "a.test" || v.Records == 0 || len(v.Raw) == 0) {
				t.Errorf("got name %q, %d records, %d bytes", v.Hello.ServerName(), v.Records, len(v.Raw))
			}
		})
	}
}
