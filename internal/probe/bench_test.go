package probe

import (
	"context"
	"crypto/tls"
	"net"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// benchmarkServer answers handshakes in this process, so that half of the time
// that a benchmark shows is the server's.
func benchmarkServer(b *testing.B, version uint16) string {
	config := &tls.Config{MaxVersion: version, Certificates: []tls.Certificate{identity("p256")}, SessionTicketsDisabled: false}
	return serve(b, func(c net.Conn) {
		s := tls.Server(c, config)
		if s.Handshake() == nil {
			s.Read(make([]byte, 1))
		}
	})
}

func benchmarkAttempt(b *testing.B, version uint16, spec Spec) {
	spec.Address = benchmarkServer(b, version)
	spec.Hello = template()
	b.ReportAllocs()
	for b.Loop() {
		a := Attempt(context.Background(), spec)
		if a.End.Kind != facts.EndCompleted && a.End.Kind != facts.EndStopped {
			b.Fatalf("got %v at %v: %v", a.End.Kind, a.End.Stage, a.End.Err)
		}
	}
}

func BenchmarkAttemptTLS13(b *testing.B) { benchmarkAttempt(b, tls.VersionTLS13, Spec{}) }
func BenchmarkAttemptTLS12(b *testing.B) { benchmarkAttempt(b, tls.VersionTLS12, Spec{}) }

// The light check of the monitor: the certificate and no more.
func BenchmarkCertificateTLS13(b *testing.B) {
	benchmarkAttempt(b, tls.VersionTLS13, Spec{Stop: StopServerFlight})
}
func BenchmarkCertificateTLS12(b *testing.B) {
	benchmarkAttempt(b, tls.VersionTLS12, Spec{Stop: StopServerFlight, SkipKeyProof: true})
}

// BenchmarkCryptoTLS is the peer to compare with.
func BenchmarkCryptoTLS(b *testing.B) {
	address := benchmarkServer(b, tls.VersionTLS13)
	config := &tls.Config{RootCAs: pool(), ServerName: "probe.test", CurvePreferences: []tls.CurveID{tls.X25519}}
	b.ReportAllocs()
	for b.Loop() {
		c, err := tls.Dial("tcp", address, config)
		if err != nil {
			b.Fatal(err)
		}
		c.Close()
	}
}
