package diagnose_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
)

// cutConn ends the server's direction after some bytes, by FIN or RST.
type cutConn struct {
	*net.TCPConn
	left  int
	reset bool
	said  *atomic.Int64
}

func (c *cutConn) Write(p []byte) (int, error) {
	p = p[:min(len(p), c.left)]
	c.said.Add(int64(len(p))) // first: what is written may end the client's part at once
	n, err := c.TCPConn.Write(p)
	c.left -= n
	if err == nil && c.left == 0 {
		if c.reset {
			_ = c.SetLinger(0) // fails only when closed
			c.Close()
		} else {
			_ = c.CloseWrite() // the client may be gone
			_ = c.SetReadDeadline(time.Now().Add(time.Second))
			hear(c.TCPConn)
		}
		return n, io.ErrClosedPipe
	}
	return n, err
}

// TestCutAtEveryByte closes a good connection at every byte that the server
// sends. Until the handshake stands, that is a failure which names the end; the
// last bytes of an answer are nobody's concern.
func TestCutAtEveryByte(t *testing.T) {
	t.Parallel()
	anchor, pair := issued()
	ca := file(t, "ca.pem", anchor)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		for _, reset := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s reset=%t", tls.VersionName(version), reset), func(t *testing.T) {
				t.Parallel()
				config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: version, MaxVersion: version, NextProtos: []string{"http/1.1"}, SessionTicketsDisabled: true}
				var handshake, total atomic.Int64 // bytes that the server sends; read after its first connection
				// server serves with the connection cut after n bytes.
				server := func(t *testing.T, n int) string {
					return serve(t, func(c net.Conn) {
						cut := &cutConn{TCPConn: c.(*net.TCPConn), left: n, reset: reset, said: &total}
						if n == 0 {
							if greet(c) && reset {
								_ = cut.SetLinger(0) // fails only when closed
							}
							return
						}
						s := tls.Server(cut, config)
						if s.Handshake() != nil {
							return
						}
						handshake.Store(total.Load())
						if greet(s) {
							_, _ = io.WriteString(s, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") // cut off, perhaps
							hear(s)
						}
					})
				}
				whole := server(t, 1<<20)
				d := run(t, "https://shop.lab.test", diagnose.Options{Connect: []string{whole}, CAFile: ca, MaxConnections: 1})
				if first := d.FirstFailure(); first != nil || total.Load() == 0 {
					t.Fatalf("the whole connection: %d of %d bytes\n%s", handshake.Load(), total.Load(), describe(d))
				}
				head, all := int(handshake.Load()), int(total.Load())
				step := 7
				switch {
				case testing.Short():
					step = 17
				case reset:
					step = 29
				}
				var task sync.WaitGroup
				slots := make(chan struct{}, 4)
				for n := 0; n < all; n += step {
					slots <- struct{}{}
					task.Go(func() {
						defer func() { <-slots }()
						cutOne(t, server(t, n), ca, n, head, reset)
					})
				}
				task.Wait()
			})
		}
	}
}

// margin is the length of the end of the server's flight in which another hello
// makes a difference: its answer is shorter by the extensions that are not
// answered, and a signature by a byte or two.
const margin = 48

func cutOne(t *testing.T, address, ca string, n, head int, reset bool) {
	o := diagnose.Options{Connect: []string{address}, CAFile: ca, Timeout: 20 * time.Second}
	if n%20 != 0 { // all experiments at every offset take minutes
		o.MaxConnections = 1
	}
	d := run(t, "https://shop.lab.test", o)
	for _, problem := range coherent(d) {
		t.Errorf("cut after %d of %d bytes: %s\n%.1500s", n, head, problem, describe(d))
	}
	first := d.FirstFailure()
	want := []string{"eof-during-handshake"}
	if reset {
		want = []string{"connection-reset"}
	}
	switch {
	case n >= head-margin:
	case first == nil || !slices.Contains(want, first.ID):
		t.Errorf("cut after %d of %d bytes: got %s, want one of %q\n%.1500s", n, head, d.Verdict, want, describe(d))
	case d.Verdict != diag.Failure || len(d.Attempts) > 12:
		t.Errorf("cut after %d bytes: verdict %s, %d connections", n, d.Verdict, len(d.Attempts))
	}
}
