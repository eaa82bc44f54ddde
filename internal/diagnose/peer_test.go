package diagnose_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/lab"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// startLab starts a scenario of the lab for the duration of the test.
func startLab(t testing.TB, id string) *lab.Running {
	t.Helper()
	s, ok := lab.Lookup(id)
	if !ok {
		t.Fatalf("the lab has no scenario %q", id)
	}
	r, err := lab.Start(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// serve accepts connections on 127.0.0.1 until the test ends. Each is closed
// when its handler returns, and at the end.
func serve(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	return serveOn(t, "127.0.0.1:0", handle)
}

func serveOn(t testing.TB, address string, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var tasks sync.WaitGroup
	var mu sync.Mutex
	open := map[net.Conn]bool{}
	tasks.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open[c] = true
			mu.Unlock()
			tasks.Go(func() {
				handle(c)
				c.Close()
				mu.Lock()
				delete(open, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range open {
			c.Close()
		}
		mu.Unlock()
		tasks.Wait()
	})
	return l.Addr().String()
}

// hear reads and forgets, so that the peer can write.
func hear(c net.Conn) { _, _ = io.Copy(io.Discard, c) } // ends with the connection

// greet reads the ClientHello, or whatever comes first.
func greet(c net.Conn) bool {
	_, err := c.Read(make([]byte, 1<<16))
	return err == nil
}

// flood writes the same bytes until the peer has enough of them.
func flood(c net.Conn, data []byte) {
	go hear(c)
	for {
		if _, err := c.Write(data); err != nil {
			return
		}
	}
}

// issued is a certificate for shop.lab.test and the root that it comes from.
var issued = sync.OnceValues(func() (root []byte, pair tls.Certificate) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	now := time.Now()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		must(err)
		return k
	}
	rootKey, leafKey := key(), key()
	top := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Hostile Root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, top, top, rootKey.Public(), rootKey)
	must(err)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "shop.lab.test"}, DNSNames: []string{"shop.lab.test"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 2, 0), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, top, leafKey.Public(), rootKey)
	must(err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}
})

// secured is the server's end of a connection on which the handshake stands.
type secured struct {
	*tls.Conn
	log bytes.Buffer // of its secrets
}

// overTLS serves connections with crypto/tls; it returns the address and the
// file of anchors. Without certificates the config gets one for shop.lab.test.
func overTLS(t testing.TB, config *tls.Config, handle func(*secured)) (address, ca string) {
	t.Helper()
	anchor, pair := issued()
	if len(config.Certificates) == 0 {
		config.Certificates = []tls.Certificate{pair}
	}
	config.SessionTicketsDisabled = true
	return serve(t, func(c net.Conn) {
		s := &secured{}
		own := config.Clone()
		own.KeyLogWriter = &s.log
		s.Conn = tls.Server(c, own)
		if s.Handshake() == nil {
			handle(s)
		}
	}), file(t, "ca.pem", anchor)
}

// protector seals what the server says next in TLS 1.3, so that it can say what
// crypto/tls never would.
func (s *secured) protector() (*tlswire.Protector, error) {
	_, line, _ := strings.Cut(s.log.String(), "SERVER_TRAFFIC_SECRET_0 ")
	line, _, _ = strings.Cut(line, "\n")
	_, secretHex, _ := strings.Cut(line, " ")
	secret, err := hex.DecodeString(secretHex)
	if err != nil || len(secret) == 0 {
		return nil, fmt.Errorf("reading the key log %q: %v", s.log.String(), err)
	}
	p, _ := tlswire.ProtectionOf(tlswire.CipherSuite(s.ConnectionState().CipherSuite))
	return tlswire.NewProtector(tlswire.TLS13, p, tlswire.TrafficKeys(p, secret), false)
}

// file writes a file for the duration of the test.
func file(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// run diagnoses a target and demands that the options are accepted.
func run(t testing.TB, target string, o diagnose.Options) *diag.Diagnosis {
	t.Helper()
	return runEnv(t, target, o, diagnose.Env{})
}

// runEnv is run with what a program lends.
func runEnv(t testing.TB, target string, o diagnose.Options, env diagnose.Env) *diag.Diagnosis {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	d, err := diagnose.Run(ctx, target, o, env)
	if err != nil {
		t.Fatal(err)
	}
	if ctx.Err() != nil {
		t.Fatal(errors.New("the diagnosis took more than a minute"))
	}
	return d
}
