package lab

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// request fetches / over TLS as the configuration says and returns the status.
func request(t *testing.T, r *Running, config *tls.Config) (int, error) {
	t.Helper()
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r.CA)
	if config.ServerName == "" {
		config.ServerName = r.Name
	}
	config.RootCAs = pool
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{TLSClientConfig: config,
		ForceAttemptHTTP2: true, DisableKeepAlives: true}}
	response, err := client.Get("https://" + r.Addr + "/")
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

func start(t *testing.T, s Scenario) *Running {
	t.Helper()
	r, err := Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
	})
	return r
}

// The scripted server without a fault completes handshakes with crypto/tls in
// every version, key exchange and kind of cipher that both have.
func TestScriptedServerIsCorrect(t *testing.T) {
	t.Parallel()
	cases := []struct {
		version tlswire.Version
		suite   tlswire.CipherSuite
		key     KeyType
	}{
		{tlswire.TLS13, tlswire.TLS_AES_128_GCM_SHA256, P256},
		{tlswire.TLS13, tlswire.TLS_AES_256_GCM_SHA384, Ed25519},
		{tlswire.TLS13, tlswire.TLS_CHACHA20_POLY1305_SHA256, RSA2048},
		{tlswire.TLS12, tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, P384},
		{tlswire.TLS12, tlswire.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, RSA2048},
		{tlswire.TLS12, tlswire.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, RSA2048},
		{tlswire.TLS12, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA256, RSA2048},
		{tlswire.TLS12, tlswire.TLS_RSA_WITH_RC4_128_SHA, RSA2048},
		{tlswire.TLS11, tlswire.TLS_RSA_WITH_3DES_EDE_CBC_SHA, RSA2048},
		{tlswire.TLS11, tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, P256},
		{tlswire.TLS10, tlswire.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, RSA2048},
		{tlswire.TLS10, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA, RSA2048},
	}
	for _, tc := range cases {
		t.Run(fmt.Sprintf("%v/%v", tc.version, tc.suite), func(t *testing.T) {
			t.Parallel()
			offer := Offer{Scripted: true, MinVersion: tc.version, MaxVersion: tc.version, Suites: []tlswire.CipherSuite{tc.suite}}
			if tc.version == tlswire.TLS13 {
				offer.Suites, offer.Suites13 = nil, offer.Suites
			}
			r := start(t, Scenario{ID: t.Name(), Server: Server{Offer: offer, Leaf: Leaf{Key: tc.key}}})
			config := &tls.Config{MinVersion: uint16(tc.version)}
			if tc.version != tlswire.TLS13 {
				config.CipherSuites = []uint16{uint16(tc.suite)}
			}
			status, err := request(t, r, config)
			if err != nil || status != http.StatusOK {
				t.Errorf("got %d, %v; want 200", status, err)
			}
		})
	}
}

// Client certificates pass and fail in both versions.
func TestScriptedServerChecksClients(t *testing.T) {
	t.Parallel()
	for _, version := range []tlswire.Version{tlswire.TLS12, tlswire.TLS13} {
		for _, tc := range []struct {
			cert string
			want string
		}{
			{"good", ""},
			{"chain", ""},
			{"", map[tlswire.Version]string{tlswire.TLS12: "remote error: tls: handshake failure", tlswire.TLS13: "remote error: tls: certificate required"}[version]},
			{"expired", "remote error: tls: expired certificate"},
			{"untrusted", "remote error: tls: unknown certificate authority"},
			{"server-purpose", "remote error: tls: unsupported certificate"},
		} {
			t.Run(fmt.Sprintf("%v/%s", version, tc.cert), func(t *testing.T) {
				t.Parallel()
				r := start(t, Scenario{ID: t.Name(), Client: ClientHint{Cert: tc.cert},
					Server: Server{Offer: Offer{Scripted: true, MaxVersion: version, NoALPN: true}, ClientAuth: ClientAuth{Ask: "required", NoCA: true}}})
				config := &tls.Config{}
				if tc.cert != "" {
					pair, err := tls.X509KeyPair(r.ClientCert, r.ClientKey)
					if err != nil {
						t.Fatal(err)
					}
					config.Certificates = []tls.Certificate{pair}
				}
				_, err := exchange(r, config)
				got := ""
				if err != nil {
					got = err.Error()
					if op, ok := err.(*net.OpError); ok {
						got = op.Op + ": " + op.Err.Error()
					}
				}
				if got != tc.want {
					t.Errorf("got %q, want %q", got, tc.want)
				}
			})
		}
	}
}

// exchange completes a handshake and reads the first bytes of an answer.
func exchange(r *Running, config *tls.Config) ([]byte, error) {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(r.CA)
	config.ServerName, config.RootCAs = r.Name, pool
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 5 * time.Second}, "tcp", r.Addr, config)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return nil, err
	}
	buf := make([]byte, 1024)
	n, err := conn.Read(buf)
	return buf[:n], err
}
