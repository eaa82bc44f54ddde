package lab

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"testing"
	"time"
)

func TestSlice(t *testing.T) {
	t.Parallel()
	for _, s := range Scenarios() {
		t.Run(s.ID, func(t *testing.T) {
			t.Parallel()
			r, err := Start(t.Context(), s)
			if errors.Is(err, errBacklog) {
				t.Skip(err)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			pool := x509.NewCertPool()
			pool.AppendCertsFromPEM(r.CA)
			config := &tls.Config{ServerName: r.Name, RootCAs: pool}
			conn, err := tls.DialWithDialer(&net.Dialer{Timeout: 3 * time.Second}, "tcp", r.Addr, config)
			t.Log(err)
			if err == nil {
				conn.Close()
			}
		})
	}
}
