package renewal

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/tlswhy/tlswhy/internal/chain"
)

// pebble runs Let's Encrypt's test CA, and returns its directory and a client
// that trusts it. It is built from the module of the tools.
func pebble(t *testing.T) (directory string, client *http.Client) {
	t.Helper()
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("it builds and runs Pebble")
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "pebble")
	if out, err := exec.Command("go", "build", "-modfile=../../../tools/go.mod", "-o", bin, "github.com/letsencrypt/pebble/v2/cmd/pebble").CombinedOutput(); err != nil {
		t.Skipf("Pebble cannot be built: %v: %s", err, out)
	}
	// Its own certificate is that of httptest.
	s := httptest.NewUnstartedServer(nil)
	s.StartTLS()
	pair, roots := s.TLS.Certificates[0], x509.NewCertPool()
	roots.AddCert(s.Certificate())
	client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}
	t.Cleanup(client.CloseIdleConnections)
	s.Close()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name string, data []byte) string {
		t.Helper()
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	cert := write("cert.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))
	keyFile := write("key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	for range 5 { // it takes no port 0, and a free port need not stay free
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		address := ln.Addr().String()
		_ = ln.Close()
		config, err := json.Marshal(map[string]any{"pebble": map[string]any{"listenAddress": address, "certificate": cert, "privateKey": keyFile, "httpPort": 5002, "tlsPort": 5001, "keyAlgorithm": "ecdsa"}})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(bin, "-config", write("config.json", config))
		cmd.Env = append(os.Environ(), "PEBBLE_VA_ALWAYS_VALID=1", "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { defer close(ended); _ = cmd.Wait() }()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
		directory = "https://" + address + "/dir"
		for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			select {
			case <-ended:
				end = time.Time{} // another program took the port
			default:
			}
			resp, err := client.Get(directory)
			if err == nil {
				_ = resp.Body.Close()
				return directory, client
			}
		}
	}
	t.Fatal("Pebble does not start")
	return "", nil
}

// issue orders a certificate as an ACME client does.
func issue(ctx context.Context, t *testing.T, c *acme.Client, name string) [][]byte {
	t.Helper()
	order, err := c.AuthorizeOrder(ctx, acme.DomainIDs(name))
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range order.AuthzURLs {
		z, err := c.GetAuthorization(ctx, u)
		if err != nil {
			t.Fatal(err)
		}
		for _, ch := range z.Challenges {
			if ch.Type == "http-01" && z.Status == acme.StatusPending {
				if _, err := c.Accept(ctx, ch); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := c.WaitAuthorization(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{DNSNames: []string{name}}, key)
	if err != nil {
		t.Fatal(err)
	}
	chain, _, err := c.CreateCertFromOrder(ctx, order, csr, true)
	if err != nil {
		t.Fatal(err)
	}
	return chain
}

// TestPebble asks a real CA when it wants a certificate of its own to be renewed,
// and again after it was revoked, when the window lies in the past.
func TestPebble(t *testing.T) {
	t.Parallel()
	directory, client := pebble(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &acme.Client{Key: key, DirectoryURL: directory, HTTPClient: client}
	if _, err := c.Register(ctx, &acme.Account{}, acme.AcceptTOS); err != nil {
		t.Fatal(err)
	}
	der := issue(ctx, t, c, "shop.example.com")
	certs, _ := chain.ParsePEM(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der[0]}))
	served := certs[0]
	fingerprint := hex.EncodeToString(served.SHA256[:])
	now := time.Now()
	k := &Keeper{Now: func() time.Time { return now }}
	k.Set(client, []Directory{{Issuer: "Pebble", URL: directory}})
	k.Note(served)
	ask := func() {
		t.Helper()
		for n := 0; k.Step(ctx); n++ {
			if n > 10 {
				t.Fatal("it asks without end")
			}
		}
	}
	ask()
	w, ok := k.Windows()[fingerprint]
	if !ok || !w.From.After(served.NotBefore) || !w.Until.Before(served.NotAfter) || !w.Until.After(w.From) {
		t.Fatalf("got %+v, %v for a certificate from %v to %v", w, ok, served.NotBefore, served.NotAfter)
	}
	if err := c.RevokeCert(ctx, nil, der[0], acme.CRLReasonKeyCompromise); err != nil {
		t.Fatal(err)
	}
	now = now.Add(25 * time.Hour)
	k.Knows(fingerprint) // it is still served
	ask()
	if w := k.Windows()[fingerprint]; !w.Until.Before(now) {
		t.Errorf("after the revocation got %+v, want a window in the past", w)
	}
}
