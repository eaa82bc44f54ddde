package relay

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// tap records what both directions of a conversation say.
type tap struct {
	mu   sync.Mutex
	rec  *facts.Recorder
	over bool
	kind facts.EndKind
	by   tlswire.Side
	at   time.Time
}

func (t *tap) write(from tlswire.Side, data []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// What a server still says after the client has left answers nothing.
	answered := t.over && from != t.by && t.rec.Attempt().ServerHello != nil
	if !answered && !t.rec.Settled() {
		t.rec.Write(from, facts.Mark{At: time.Now()}, data)
	}
}

// end notes how the first side left.
func (t *tap) end(by tlswire.Side, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return
	}
	t.over, t.by, t.at, t.kind = true, by, time.Now(), facts.EndClosed
	switch {
	case errors.Is(err, syscall.ECONNRESET):
		t.kind = facts.EndReset
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, net.ErrClosed):
		t.kind, t.by = facts.EndCanceled, tlswire.SideNone // we gave up, not they
	}
}

// pass carries bytes both ways until both sides have ended, and hands every end
// on as it was: a FIN as a FIN, a reset as a reset.
func pass(client, server net.Conn, c *Conversation) {
	start := time.Now()
	t := &tap{rec: facts.NewRecorder(server.RemoteAddr().String(), client.RemoteAddr().String(), facts.Mark{At: start})}
	t.rec.Began()
	if c.Plain {
		t.write(tlswire.SideClient, c.head)
	}
	var wg sync.WaitGroup
	wg.Go(func() { t.copy(server, client, tlswire.SideClient) })
	wg.Go(func() { t.copy(client, server, tlswire.SideServer) })
	wg.Wait()
	c.Attempt = t.rec.Close(t.kind, t.by, facts.Mark{At: t.at})
	if c.Via != "" {
		c.Attempt.Seen.Target = c.Asked
	}
	c.Protocol = t.rec.StartTLS()
}

// copy carries one direction.
func (t *tap) copy(to, from net.Conn, side tlswire.Side) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			t.write(side, buf[:n])
			if _, werr := to.Write(buf[:n]); werr != nil {
				// The other side is gone; what it said last is still read by the
				// other direction.
				_, _ = io.Copy(io.Discard, io.LimitReader(from, 1<<20))
				return
			}
		}
		if err == nil {
			continue
		}
		t.end(side, err)
		if errors.Is(err, io.EOF) {
			if w, ok := unwrap(to).(interface{ CloseWrite() error }); ok {
				_ = w.CloseWrite()
			}
			return
		}
		if tcp, ok := unwrap(to).(*net.TCPConn); ok && errors.Is(err, syscall.ECONNRESET) {
			_ = tcp.SetLinger(0)
		}
		_ = to.Close()
		return
	}
}

func unwrap(c net.Conn) net.Conn {
	if b, ok := c.(*buffered); ok {
		return b.Conn
	}
	return c
}
