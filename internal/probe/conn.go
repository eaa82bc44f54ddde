package probe

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// errLimit means that the peer sent more than we are willing to read.
var errLimit = errors.New("the peer sent more bytes than the limit of this attempt")

// readers are reused: an attempt reads a few kilobytes.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4096) }}

// conn is the transport with its counters, limits and one deadline, which also
// comes when ctx ends. Reads of one record go through in.
type conn struct {
	net.Conn          // what carries TLS
	raw      net.Conn // what was dialled
	ctx      context.Context
	in       *bufio.Reader
	stop     func() bool // releases the watch over ctx

	mu       sync.Mutex
	deadline time.Time
	ended    bool // ctx has ended

	sent     int
	received int
	limit    int // of received
}

func newConn(ctx context.Context, transport net.Conn) *conn {
	c := &conn{Conn: transport, raw: transport, ctx: ctx, in: readers.Get().(*bufio.Reader)}
	c.in.Reset(reader{c})
	c.stop = context.AfterFunc(ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.ended = true
		c.Conn.SetDeadline(time.Unix(1, 0))
	})
	return c
}

// until sets the deadline of all reads and writes.
func (c *conn) until(deadline time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if from, ok := c.ctx.Deadline(); ok && from.Before(deadline) {
		deadline = from
	}
	if c.ended {
		deadline = time.Unix(1, 0)
	}
	c.deadline = deadline
	c.Conn.SetDeadline(deadline)
}

// left is the time until the deadline.
func (c *conn) left() time.Duration { return time.Until(c.deadline) }

// reader counts and bounds what in reads.
type reader struct{ c *conn }

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if r.c.limit > 0 && r.c.received >= r.c.limit {
		return 0, errLimit
	}
	n, err := r.c.Conn.Read(p)
	r.c.received += n
	return n, err
}

// write sends all of data.
func (c *conn) write(data []byte) error {
	n, err := c.Conn.Write(data)
	c.sent += n
	return err
}

// close ends the connection.
func (c *conn) close() {
	c.stop()
	c.Conn.Close()
	c.in.Reset(nil)
	readers.Put(c.in)
}

// counted is the transport as a preamble sees it.
type counted struct {
	net.Conn
	c *conn
}

// Read implements net.Conn.
func (t counted) Read(p []byte) (int, error) {
	n, err := t.Conn.Read(p)
	t.c.received += n
	return n, err
}

// Write implements net.Conn.
func (t counted) Write(p []byte) (int, error) {
	n, err := t.Conn.Write(p)
	t.c.sent += n
	return n, err
}
