package diagnose_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// alterConn changes one byte of what the server sends.
type alterConn struct {
	*net.TCPConn
	at, said int
	mask     byte
}

func (c *alterConn) Write(p []byte) (int, error) {
	if i := c.at - c.said; i >= 0 && i < len(p) {
		p = slices.Clone(p)
		p[i] ^= c.mask
	}
	n, err := c.TCPConn.Write(p)
	c.said += n
	return n, err
}

// TestAlteredBytes changes bytes of a good server, in a sample of places. No
// client is to blame for that, nor what the hello offers.
func TestAlteredBytes(t *testing.T) {
	t.Parallel()
	anchor, pair := issued()
	ca := file(t, "ca.pem", anchor)
	may := []string{"decrypt-error", "protocol-violation", "private-key-mismatch-server", "handshake-timeout", "legacy-renegotiation", "protocol-version",
		"chain-too-large", "cert-bad-signature", "cert-malformed", "unknown-ca", "eof-during-handshake", "unexplained",
		"tcp-timeout"} // of a busy machine: the time is short
	for version, length := range map[uint16]int{tls.VersionTLS12: 690, tls.VersionTLS13: 1900} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			t.Parallel()
			config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: version, MaxVersion: version, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true}
			for n := 0; n < length; n += 11 {
				t.Run(fmt.Sprint(n), func(t *testing.T) {
					t.Parallel()
					address := serve(t, func(c net.Conn) {
						s := tls.Server(&alterConn{TCPConn: c.(*net.TCPConn), at: n, mask: 1 << (n % 8)}, config)
						if s.Handshake() == nil && greet(s) {
							_, _ = io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") // cut off, perhaps
							hear(s)
						}
					})
					diagnosed := func(timeout time.Duration) (*diag.Diagnosis, bool) {
						d := run(t, "https://shop.lab.test", diagnose.Options{Connect: []string{address}, CAFile: ca, Timeout: timeout})
						first := d.FirstFailure()
						return d, first == nil || slices.Contains(may, first.ID) || first.ID == "server-speaks-plaintext" && d.Attempts[0].Version == ""
					}
					// Many of these servers keep silent; on a busy machine good ones
					// may look as if they did.
					d, ok := diagnosed(400 * time.Millisecond)
					if !ok {
						d, ok = diagnosed(20 * time.Second)
					}
					for _, problem := range coherent(d) {
						t.Error(problem)
					}
					if !ok {
						t.Errorf("got %s\n%s", d.FirstFailure().ID, describe(d))
					}
					if len(d.Attempts) > 14 {
						t.Errorf("%d connections", len(d.Attempts))
					}
				})
			}
		})
	}
}
