package server

import (
	stdtls "crypto/tls"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	ztls "github.com/zmap/zcrypto/tls"
)

var zVersions = map[string]uint16{"ssl3": ztls.VersionSSL30, "1.0": ztls.VersionTLS10, "1.1": ztls.VersionTLS11, "1.2": ztls.VersionTLS12}

// startZcrypto serves what no current library serves any more: SSLv3, RC4,
// 3DES, export suites. Ciphers are code points in hex, colon-separated; Min and
// Max may be "ssl3".
func startZcrypto(t testing.TB, _ string, eps []*Endpoint) {
	t.Helper()
	for _, e := range eps {
		conf := zcryptoConfig(t, e)
		ServeConns(t, e, func(c net.Conn) {
			tc := ztls.Server(c, conf)
			if tc.Handshake() != nil {
				return
			}
			buf := make([]byte, 4096)
			if _, err := tc.Read(buf); err != nil {
				return
			}
			fmt.Fprintf(tc, "HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", e.status(), len(e.body()))
			_, _ = io.WriteString(tc, e.body())
			_ = tc.Close()
		})
	}
}

func zcryptoConfig(t testing.TB, e *Endpoint) *ztls.Config {
	t.Helper()
	pair, err := stdtls.LoadX509KeyPair(e.Chain, e.Key)
	if err != nil {
		t.Fatalf("%s: %v", e.Name, err)
	}
	low, high := zVersions[e.Min], zVersions[e.Max]
	if low == 0 {
		low = ztls.VersionSSL30
	}
	if high == 0 {
		high = ztls.VersionTLS12
	}
	c := &ztls.Config{
		Certificates: []ztls.Certificate{{Certificate: pair.Certificate, PrivateKey: pair.PrivateKey}},
		MinVersion:   low, MaxVersion: high, SessionTicketsDisabled: true, PreferServerCipherSuites: true,
	}
	for _, s := range strings.Split(e.Ciphers, ":") {
		if s == "" {
			continue
		}
		n, err := strconv.ParseUint(s, 16, 16)
		if err != nil {
			t.Fatalf("%s: cipher suite %q: %v", e.Name, s, err)
		}
		c.CipherSuites = append(c.CipherSuites, uint16(n))
	}
	return c
}
