package capture

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// line is what one side said, in the order in which it was said.
type line struct {
	from tlswire.Side
	data []byte
}

// tapped is one end of a pipe that writes down what is sent through it.
type tapped struct {
	net.Conn
	from tlswire.Side
	log  *transcript
}

type transcript struct {
	mu    sync.Mutex
	lines []line
}

// Write implements net.Conn.
func (c tapped) Write(b []byte) (int, error) {
	c.log.mu.Lock()
	c.log.lines = append(c.log.lines, line{c.from, append([]byte(nil), b...)})
	c.log.mu.Unlock()
	return c.Conn.Write(b)
}

// authority is a throw-away CA and one server certificate for a name.
func authority(t testing.TB, name string) (*x509.CertPool, tls.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Test CA"}, NotBefore: began.Add(-time.Hour), NotAfter: began.Add(10 * 365 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotBefore: began.Add(-time.Hour), NotAfter: began.Add(90 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(caDER)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(parsed)
	return pool, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// listen is a listener on a port of its own.
func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// pipe is a connection over loopback: the ends of net.Pipe wait for each other,
// and peers that break off both write.
func pipe(t testing.TB, l net.Listener) (a, b net.Conn) {
	t.Helper()
	a, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if b, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return a, b
}

// converse runs a handshake and one exchange between Go's client and server and
// returns all that was said.
func converse(t testing.TB, client, server *tls.Config) []line {
	t.Helper()
	return converseOn(t, listen(t), client, server)
}

// shakesAt makes a handshake that fails over its version.
func shakesAt(t testing.TB, l net.Listener) []line {
	pool, cert := authority(t, "shop.example")
	return converseOn(t, l, &tls.Config{RootCAs: pool, ServerName: "shop.example", MaxVersion: tls.VersionTLS12},
		&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13})
}

func converseOn(t testing.TB, l net.Listener, client, server *tls.Config) []line {
	t.Helper()
	log := &transcript{}
	a, b := pipe(t, l)
	client.Time = func() time.Time { return began }
	server.Time = client.Time
	var wg sync.WaitGroup
	wg.Go(func() {
		c := tls.Server(tapped{b, tlswire.SideServer, log}, server)
		defer b.Close()
		if c.Handshake() != nil {
			return
		}
		buf := make([]byte, 64)
		if _, err := c.Read(buf); err == nil {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
		}
		_, _ = io.Copy(io.Discard, c)
	})
	c := tls.Client(tapped{a, tlswire.SideClient, log}, client)
	if err := c.Handshake(); err == nil {
		_, _ = c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		_, _ = c.Read(make([]byte, 64))
	}
	a.Close()
	wg.Wait()
	return log.lines
}

// play writes what was said into packets.
func (t *talk) play(lines []line) {
	for _, l := range lines {
		t.say(l.from, l.data)
	}
}
