package tlswire

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"slices"
	"sync"
	"testing"
	"time"
)

// tap keeps what is written to a connection.
type tap struct {
	net.Conn
	mu      sync.Mutex
	written []byte
}

func (c *tap) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.written = append(c.written, b...)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{"example.com"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf, OCSPStaple: []byte("staple")}
}

// shake runs a handshake of crypto/tls with client authentication and returns
// what both sides sent.
func shake(t *testing.T, version uint16, certificate tls.Certificate) (client, server []byte) {
	t.Helper()
	a, b := net.Pipe()
	clientTap, serverTap := &tap{Conn: a}, &tap{Conn: b}
	pool := x509.NewCertPool()
	pool.AddCert(certificate.Leaf)
	cs := tls.Client(clientTap, &tls.Config{ServerName: "example.com", RootCAs: pool, MinVersion: version, MaxVersion: version,
		Certificates: []tls.Certificate{certificate}, NextProtos: []string{"h2"}})
	ss := tls.Server(serverTap, &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: version, MaxVersion: version,
		ClientAuth: tls.RequireAnyClientCert, ClientCAs: pool, NextProtos: []string{"h2"}})
	done := make(chan error, 1)
	go func() { done <- ss.Handshake() }()
	if err := cs.Handshake(); err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = cs.Read(make([]byte, 1)) }() // takes the tickets of TLS 1.3
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	a.Close()
	b.Close()
	return clientTap.written, serverTap.written
}

// clearMessages returns the handshake messages that a side sent before its
// ChangeCipherSpec.
func clearMessages(t *testing.T, stream []byte) []Handshake {
	t.Helper()
	var splitter RecordSplitter
	var messages Reassembler
	var out []Handshake
	splitter.Push(stream)
	for {
		record, ok, err := splitter.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok || record.Type != ContentHandshake {
			return out
		}
		if err := messages.Push(record.Fragment); err != nil {
			t.Fatal(err)
		}
		for {
			m, ok, err := messages.Next()
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				break
			}
			out = append(out, m)
		}
	}
}

// The messages of an independent implementation are read and written alike.
func TestAgainstCryptoTLS12(t *testing.T) {
	t.Parallel()
	certificate := selfSigned(t)
	client, server := shake(t, tls.VersionTLS12, certificate)
	var hello *ServerHello
	var types []HandshakeType
	for _, m := range append(clearMessages(t, client), clearMessages(t, server)...) {
		types = append(types, m.Type)
		if m.Type == TypeServerHello {
			var err error
			if hello, err = ParseServerHello(m.Raw); err != nil {
				t.Fatal(err)
			}
		}
	}
	want := []HandshakeType{TypeClientHello, TypeCertificate, TypeClientKeyExchange, TypeCertificateVerify,
		TypeServerHello, TypeCertificate, TypeCertificateStatus, TypeServerKeyExchange, TypeCertificateRequest, TypeServerHelloDone}
	if !slices.Equal(types, want) {
		t.Fatalf("got %v, want %v", types, want)
	}
	if hello.NegotiatedVersion() != TLS12 || hello.ALPN() != "h2" || !hello.SecureRenegotiation() || !hello.StatusRequest() {
		t.Errorf("ServerHello: got %v, %q", hello.NegotiatedVersion(), hello.ALPN())
	}
	kex := hello.CipherSuite.Info().Kex
	for _, m := range append(clearMessages(t, client), clearMessages(t, server)...) {
		var again []byte
		var err, err2 error
		switch m.Type {
		case TypeClientHello:
			var h *ClientHello
			h, err = ParseClientHello(m.Raw)
			again, err2 = h.Marshal()
			if h.ServerName() != "example.com" || !slices.Equal(h.ALPN(), []string{"h2"}) {
				t.Errorf("ClientHello: got %q, %q", h.ServerName(), h.ALPN())
			}
		case TypeServerHello:
			again, err2 = hello.Marshal()
		case TypeCertificate:
			var c *Certificate
			c, err = ParseCertificate(m.Raw, TLS12)
			again, err2 = c.Marshal(TLS12)
			if len(c.Entries) != 1 || !bytes.Equal(c.Entries[0].Data, certificate.Certificate[0]) {
				t.Errorf("Certificate: got %d entries", len(c.Entries))
			}
		case TypeCertificateStatus:
			var s *CertificateStatus
			s, err = ParseCertificateStatus(m.Raw)
			again, err2 = s.Marshal()
			if string(s.Response) != "staple" {
				t.Errorf("CertificateStatus: got %q", s.Response)
			}
		case TypeServerKeyExchange:
			var k *ServerKeyExchange
			k, err = ParseServerKeyExchange(m.Raw, hello.CipherSuite, TLS12)
			again, err2 = k.Marshal()
			if k.CurveType != 3 || len(k.Signature) == 0 || k.Scheme.Key() != "ecdsa" {
				t.Errorf("ServerKeyExchange: got %+v", k)
			}
		case TypeCertificateRequest:
			var c *CertificateRequest
			c, err = ParseCertificateRequest(m.Raw, TLS12)
			again, err2 = c.Marshal(TLS12)
			if len(c.CAs) != 1 || !bytes.Equal(c.CAs[0], certificate.Leaf.RawSubject) || !slices.Contains(c.Types, 64) {
				t.Errorf("CertificateRequest: got %+v", c)
			}
		case TypeClientKeyExchange:
			var k *ClientKeyExchange
			k, err = ParseClientKeyExchange(m.Raw, kex, TLS12)
			again, err2 = k.Marshal(TLS12)
		case TypeCertificateVerify:
			var c *CertificateVerify
			c, err = ParseCertificateVerify(m.Raw, TLS12)
			again, err2 = c.Marshal()
		case TypeServerHelloDone:
			again, err2 = MarshalHandshake(TypeServerHelloDone, nil)
		}
		if err != nil || err2 != nil || !bytes.Equal(again, m.Raw) {
			t.Errorf("%v: %v, %v, got %x, want %x", m.Type, err, err2, again, m.Raw)
		}
	}
}

func TestAgainstCryptoTLS13(t *testing.T) {
	t.Parallel()
	client, server := shake(t, tls.VersionTLS13, selfSigned(t))
	ch, err := ParseClientHello(clearMessages(t, client)[0].Raw)
	if err != nil {
		t.Fatal(err)
	}
	sh, err := ParseServerHello(clearMessages(t, server)[0].Raw)
	if err != nil {
		t.Fatal(err)
	}
	again, err := ch.Marshal()
	if err != nil || !bytes.Equal(again, ch.Raw) || ch.MaxVersion() != TLS13 || len(ch.KeyShares()) == 0 {
		t.Errorf("ClientHello: %v, got %x", err, again)
	}
	again, err = sh.Marshal()
	if err != nil || !bytes.Equal(again, sh.Raw) || sh.NegotiatedVersion() != TLS13 || sh.SelectedGroup() != ch.KeyShares()[0].Group {
		t.Errorf("ServerHello: %v, got %x, group %v", err, again, sh.SelectedGroup())
	}
	if !slices.Contains(ch.CipherSuites, sh.CipherSuite) || sh.CipherSuite.Info().Kex != KexTLS13 {
		t.Errorf("suite: got %v", sh.CipherSuite)
	}
}
