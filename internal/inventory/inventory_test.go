package inventory_test

import (
	"context"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/inventory"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// pair makes a self-signed certificate for localhost.
func pair(t *testing.T, ec bool) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	var key crypto.Signer
	var err error
	if key, err = rsa.GenerateKey(rand.Reader, 2048); ec {
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serve answers handshakes with the configuration, through a wrapper of the
// connections where there is one.
func serve(t *testing.T, config *tls.Config, wrap func(net.Conn) net.Conn) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(time.Minute))
				if wrap != nil {
					if c = wrap(c); c == nil {
						return
					}
				}
				tls.Server(c, config).Handshake()
			}()
		}
	}()
	return l.Addr().String()
}

// TestGo holds the inventory to what a Go server is configured to offer.
func TestGo(t *testing.T) {
	t.Parallel()
	suites := []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}
	groups := []tls.CurveID{tls.X25519, tls.CurveP256, tls.X25519MLKEM768}
	at := serve(t, &tls.Config{Certificates: []tls.Certificate{pair(t, false)}, MinVersion: tls.VersionTLS10, CipherSuites: suites, CurvePreferences: groups}, nil)
	r := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost"})
	if len(r.Unknown) > 0 || len(r.Varies) > 0 {
		t.Errorf("not found out: %v, differing: %v", r.Unknown, r.Varies)
	}
	want := map[tlswire.Version][]uint16{tlswire.TLS13: {tls.TLS_AES_128_GCM_SHA256, tls.TLS_AES_256_GCM_SHA384, tls.TLS_CHACHA20_POLY1305_SHA256},
		tlswire.TLS12: suites, tlswire.TLS11: {suites[1], suites[3]}, tlswire.TLS10: {suites[1], suites[3]}, tlswire.SSL3: nil, tlswire.SSL2: nil}
	for _, v := range r.Versions {
		if offered := want[v.Version] != nil; (v.Offered == inventory.Yes) != offered || v.Offered == inventory.Unknown {
			t.Errorf("%v is %v (%s), want %v", v.Version, v.Offered, v.How, offered)
		}
		if v.Offered != inventory.Yes {
			continue
		}
		var got []uint16
		for _, c := range v.Suites {
			got = append(got, uint16(c))
		}
		slices.Sort(got)
		expected := slices.Sorted(slices.Values(want[v.Version]))
		if !slices.Equal(got, expected) || !v.Complete {
			t.Errorf("%v offers %v (all: %v), want %v", v.Version, v.Suites, v.Complete, expected)
		}
		if v.Order != inventory.ServerOrder {
			t.Errorf("the order of %v is %q", v.Version, v.Order)
		}
	}
	for _, g := range groups {
		if !slices.ContainsFunc(r.Groups, func(x inventory.Group) bool { return x.Group == tlswire.Group(g) }) {
			t.Errorf("%v is missing in %v", g, r.Groups)
		}
	}
	if got := r.Properties["client-renegotiation"].Answer; got != inventory.No {
		t.Errorf("renegotiation is %v", got)
	}
	if s := r.Server(); !s.Versions[tlswire.TLS13] || s.Versions[tlswire.SSL3] || !s.SuitesComplete || !s.OwnOrder || !slices.Equal(s.Keys, []tlswire.Authentication{tlswire.AuthRSA}) {
		t.Errorf("as facts: %+v", s)
	}
}

// TestSilent takes a bounded time for a server that accepts and never answers.
func TestSilent(t *testing.T) {
	t.Parallel()
	at := serve(t, nil, func(c net.Conn) net.Conn {
		var b [1]byte
		for {
			if _, err := c.Read(b[:]); err != nil {
				return nil
			}
		}
	})
	r := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost", Timeout: 200 * time.Millisecond})
	if r.Reached || r.End == nil || r.Connections > 10 {
		t.Errorf("reached %v, end %+v, %d connections", r.Reached, r.End, r.Connections)
	}
	for _, v := range r.Versions {
		if v.Offered != inventory.Unknown {
			t.Errorf("%v is %v", v.Version, v.Offered)
		}
	}
}

// TestOrder holds the order of a server with two certificates to what it picks
// of any two neighbours.
func TestOrder(t *testing.T) {
	t.Parallel()
	at := serve(t, &tls.Config{Certificates: []tls.Certificate{pair(t, false), pair(t, true)}, MinVersion: tls.VersionTLS12, MaxVersion: tls.VersionTLS12}, nil)
	r := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost"})
	v := r.Versions[slices.IndexFunc(r.Versions, func(v *inventory.Version) bool { return v.Version == tlswire.TLS12 })]
	if v.Order != inventory.ServerOrder || len(v.Suites) < 6 {
		t.Fatalf("the order of %v is %q", v.Suites, v.Order)
	}
	for i, c := range v.Suites[1:] {
		two := []uint16{uint16(v.Suites[i]), uint16(c)}
		if v.Suites[i].Info().Cipher != c.Info().Cipher && (v.Suites[i].Info().Cipher == "CHACHA20_POLY1305" || c.Info().Cipher == "CHACHA20_POLY1305") {
			continue // Go follows the head of the client's list there
		}
		conn, err := tls.Dial("tcp", at, &tls.Config{ServerName: "localhost", InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12, CipherSuites: two})
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
		if got := conn.ConnectionState().CipherSuite; got != two[0] {
			t.Errorf("it prefers %s to %v", tls.CipherSuiteName(got), v.Suites[i])
		}
	}
}

// TestEncryptedHello asks servers with and without keys of Encrypted Client
// Hello.
func TestEncryptedHello(t *testing.T) {
	t.Parallel()
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	body := append([]byte{7, 0, 0x20, 0, 32}, key.PublicKey().Bytes()...) // number, DHKEM(X25519), its key
	body = append(body, 0, 4, 0, 1, 0, 1, 32)                             // HKDF-SHA256 with AES-128-GCM, longest name
	body = append(append(body, 9), "localhost\x00\x00"...)
	config := append([]byte{0xFE, 0x0D, 0, byte(len(body))}, body...)
	for want, keys := range map[inventory.Answer][]tls.EncryptedClientHelloKey{inventory.No: nil, inventory.Yes: {{Config: config, PrivateKey: key.Bytes(), SendAsRetry: true}}} {
		at := serve(t, &tls.Config{Certificates: []tls.Certificate{pair(t, true)}, EncryptedClientHelloKeys: keys}, nil)
		r := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost", Quick: true})
		if got := r.Properties["ech"].Answer; got != want {
			t.Errorf("with %d keys: %v, want %v", len(keys), got, want)
		}
	}
}

// TestQuick holds what is found without the server's order to what is found
// with it.
func TestQuick(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]*tls.Config{
		"one key":  {Certificates: []tls.Certificate{pair(t, false)}, MinVersion: tls.VersionTLS10},
		"two keys": {Certificates: []tls.Certificate{pair(t, false), pair(t, true)}, MinVersion: tls.VersionTLS10},
		"apart": {Certificates: []tls.Certificate{pair(t, false)}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12,
			CipherSuites: []uint16{tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_RSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA256}},
	} {
		at := serve(t, config, nil)
		slow := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost"})
		quick := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost", Quick: true})
		for i, v := range slow.Versions {
			got := quick.Versions[i]
			if got.Offered != v.Offered || got.Complete != v.Complete || !slices.Equal(slices.Sorted(slices.Values(got.Suites)), slices.Sorted(slices.Values(v.Suites))) {
				t.Errorf("%s: %v: got %v (all: %v), want %v (all: %v)", name, v.Version, got.Suites, got.Complete, v.Suites, v.Complete)
			}
		}
	}
}

// TestManyNames reads a certificate that is larger than clients take.
func TestManyNames(t *testing.T) {
	t.Parallel()
	c := pair(t, true)
	template, err := x509.ParseCertificate(c.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for i := range 10_000 {
		template.DNSNames = append(template.DNSNames, fmt.Sprintf("host-%05d.of-a-department-with-a-long-name.localhost", i))
	}
	if c.Certificate[0], err = x509.CreateCertificate(rand.Reader, template, template, c.PrivateKey.(crypto.Signer).Public(), c.PrivateKey); err != nil {
		t.Fatal(err)
	}
	at := serve(t, &tls.Config{Certificates: []tls.Certificate{c}}, nil)
	r := inventory.Take(context.Background(), inventory.Options{Address: at, Name: "localhost", Timeout: 30 * time.Second})
	if len(r.Certificates) != 1 || len(r.Certificates[0].Chain[0].DNSNames) != 10_001 || r.Certificates[0].Size < 500_000 {
		t.Fatalf("got %d certificates", len(r.Certificates))
	}
	for _, v := range r.Versions {
		if v.Offered == inventory.Unknown || v.Offered == inventory.Yes && !v.Complete {
			t.Errorf("%v: %v, all: %v (%s)", v.Version, v.Offered, v.Complete, v.How)
		}
	}
	if r.Properties["resumption-psk"].Answer != inventory.Yes {
		t.Errorf("resumption is %+v", r.Properties["resumption-psk"])
	}
}
