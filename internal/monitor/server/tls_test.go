package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pair writes a certificate with its key into one file, as renewals do.
func pair(t *testing.T, path string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})...)
	put(t, path, string(text), serial)
}

// put writes a file with a time of its own, since those of the disk are coarse.
func put(t *testing.T, path, text string, n int64) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1_700_000_000+n*60, 0)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// TestCertificateReload serves the renewed certificate in the next handshake, and
// the last good one while the file is broken, which is told once.
func TestCertificateReload(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "own.pem")
	pair(t, file, 1)
	var said bytes.Buffer
	c, err := LoadCertificate(file, file, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	ln, err := tls.Listen("tcp", "127.0.0.1:0", c.Config())
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).HandshakeContext(t.Context()) // the client says what came of it
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = ln.Close(); <-ended })
	served := func() int64 {
		t.Helper()
		c.mu.Lock()
		c.checked = time.Time{} // the files may be looked at again
		c.mu.Unlock()
		conn, err := tls.Dial("tcp", ln.Addr().String(), &tls.Config{InsecureSkipVerify: true}) // which one is the question, not whether it is trusted
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	if got := served(); got != 1 {
		t.Errorf("got %d", got)
	}
	pair(t, file, 2)
	if got := served(); got != 2 {
		t.Errorf("after the renewal got %d", got)
	}
	put(t, file, "half a certif", 3)
	for range 3 {
		if got := served(); got != 2 {
			t.Errorf("with a broken file got %d", got)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if got := served(); got != 2 {
		t.Errorf("without a file got %d", got)
	}
	pair(t, file, 4)
	if got := served(); got != 4 {
		t.Errorf("after it was mended got %d", got)
	}
	if n := strings.Count(said.String(), "cannot be read again"); n != 2 {
		t.Errorf("told %d times of two troubles:\n%s", n, said.String())
	}
	if _, err := LoadCertificate(file, filepath.Join(t.TempDir(), "none"), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("a key that is not there: got %v", err)
	}
}
