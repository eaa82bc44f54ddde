package server_test

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// TestKinds checks the servers with a client that is not ours: what the
// scenarios call healthy is healthy to Go's own TLS.
func TestKinds(t *testing.T) {
	t.Parallel()
	p := pki.New(t, "Test")
	chain, key := p.Files("shop", p.Leaf(pki.Spec{DNS: []string{"shop.test"}}), p.Intermediate)
	pool := x509.NewCertPool()
	pool.AddCert(p.Root.X)
	for _, k := range server.AllKinds {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			e := &server.Endpoint{Name: k.Name + "/healthy", Hosts: []string{"shop.test"}, Chain: chain, Key: key}
			server.Start(t, k, e)
			conf := &tls.Config{RootCAs: pool, ServerName: "shop.test", MinVersion: tls.VersionTLS12}
			if k == server.Zcrypto {
				conf.CipherSuites = []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA} // the newest that it knows
			}
			c := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: conf, DisableKeepAlives: true}}
			res, err := c.Get("https://" + e.Target() + "/")
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != http.StatusOK {
				t.Errorf("got status %d, want 200", res.StatusCode)
			}
		})
	}
}
