package lab

import (
	"context"
	"io"
	"net"
	"time"
)

// lingerFor is how long a closing server still reads, so that its last bytes
// are not overtaken by a reset.
const lingerFor = 2 * time.Second

// serverConn is the server's end of a connection with the faults of transport.
// It is used by one goroutine.
type serverConn struct {
	*net.TCPConn
	ctx      context.Context
	faults   Transport
	replay   []byte      // read already, to be read again
	tds      *tdsPackets // around the handshake; nil for none
	limited  bool        // one connection too many
	sent     int
	received int
}

// Read reads what was put back first.
func (c *serverConn) Read(p []byte) (int, error) {
	if len(c.replay) > 0 {
		n := copy(p, c.replay)
		c.replay = c.replay[n:]
		return n, nil
	}
	n, err := c.take(p)
	if at := c.faults.GarbleReceived - 1 - c.received; at >= 0 && at < n {
		p[at] ^= 1
	}
	c.received += n
	return n, err
}

// take reads from the network, out of packets where there are some.
func (c *serverConn) take(p []byte) (int, error) {
	if c.tds != nil {
		return c.tds.read(c.TCPConn, p)
	}
	return c.TCPConn.Read(p)
}

// putBack makes data the next bytes to be read.
func (c *serverConn) putBack(data []byte) {
	c.replay = append(append([]byte(nil), data...), c.replay...)
}

// Write sends in the manner of the faults.
func (c *serverConn) Write(p []byte) (int, error) {
	total := 0
	if c.tds != nil {
		return c.tds.write(c.TCPConn, p)
	}
	for len(p) > 0 {
		piece := p
		if c.faults.Segment > 0 {
			piece = piece[:min(len(piece), c.faults.Segment)]
		}
		if c.faults.Trickle > 0 {
			piece = piece[:1]
		}
		cut := c.faults.CutAfter - c.sent
		if c.faults.CutAfter > 0 {
			piece = piece[:min(len(piece), max(cut, 0))]
		}
		if at := c.faults.GarbleSent - 1 - c.sent; at >= 0 && at < len(piece) {
			piece = append([]byte(nil), piece...)
			piece[at] ^= 1
		}
		n, err := c.TCPConn.Write(piece)
		total += n
		c.sent += n
		if err != nil {
			return total, err
		}
		if c.faults.CutAfter > 0 && c.sent >= c.faults.CutAfter {
			return total, c.faults.CutBy.do(c, nil)
		}
		p = p[n:]
		if len(p) > 0 && (c.faults.Trickle > 0 || c.faults.Segment > 0) && !c.pause(max(c.faults.Trickle, time.Millisecond)) {
			return total, c.ctx.Err()
		}
	}
	return total, nil
}

// pause waits and reports whether the server is still wanted.
func (c *serverConn) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c.ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// linger ends the server's direction and reads for a while.
func (c *serverConn) linger() {
	if c.CloseWrite() == nil {
		_ = c.SetReadDeadline(time.Now().Add(lingerFor)) // fails only when closed
		_, _ = io.Copy(io.Discard, c.TCPConn)
	}
	c.Close()
}

// abort resets the connection.
func (c *serverConn) abort() {
	_ = c.SetLinger(0) // fails only when closed
	c.Close()
}

// drain reads until the client goes or the server is stopped, which closes the
// connection.
func (c *serverConn) drain() {
	_ = c.SetDeadline(time.Time{}) // fails only when closed
	_, _ = io.Copy(io.Discard, c.TCPConn)
	c.Close()
}
