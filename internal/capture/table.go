package capture

import (
	"net/netip"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Bounds of the table.
const (
	maxConns     = 1 << 16
	maxRecording = 1 << 13  // connections whose handshake is under way
	maxHeld      = 48 << 20 // bytes of those
	maxHandshake = 1 << 20  // bytes of one
	// silence is how long a connection may be quiet, by the capture's clock,
	// before it is taken for over.
	silence = 90 * time.Second
	// lively is how long after its last packet the end of the capture says
	// nothing about a connection.
	lively = 3 * time.Second
)

// table holds the connections: those under way, and those that were told, whose
// further packets must not be taken for another connection.
type table struct {
	conns      map[flow]*conn
	live, told queue
	recording  int
	held       int
	keys       *facts.KeyLog
	decompress map[uint16]tlswire.Decompressor
	report     func(*conn, *facts.Attempt)
	stats      *Stats
	now        time.Time
	swept      time.Time
}

// lookup finds the connection of a segment, or begins one.
func (t *table) lookup(s *segment) *conn {
	f, _ := flowOf(s.src, s.dst)
	c := t.conns[f]
	if c != nil && s.flags&(flagSYN|flagACK) == flagSYN && t.again(c, s) {
		t.remove(c)
		c = nil
	}
	if c == nil {
		if c = t.begin(f, s); c == nil {
			return nil
		}
	}
	t.touch(c)
	return c
}

// again reports a SYN of a new connection on the ports of an old one. It is no
// new one where it comes again, or after its SYN/ACK: captures put packets out
// of order.
func (t *table) again(c *conn, s *segment) bool {
	if c.syns == 0 && c.synAck.Packet != 0 && !c.done {
		return c.client != s.src || c.halves[0].next != s.seq+1
	}
	return c.syns == 0 || c.isn != s.seq || c.client != s.src
}

// begin makes a connection; nil for segments that begin nothing.
func (t *table) begin(f flow, s *segment) *conn {
	syn := s.flags&flagSYN != 0
	if !syn && len(s.payload) == 0 && s.cut == 0 {
		return nil // acknowledgements of a connection that was before us
	}
	c := &conn{flow: f, first: s.mark, client: s.src, server: s.dst, midstream: !syn}
	if syn && s.flags&flagACK != 0 || !syn && fromServer(s) {
		c.client, c.server = s.dst, s.src
	}
	c.rec = facts.NewRecorder(c.server.String(), c.client.String(), s.mark)
	c.rec.Keys, c.rec.Decompress = t.keys, t.decompress
	if syn {
		c.rec.Began()
	}
	c.halves[0].peer, c.halves[0].to = &c.halves[1], laneSink{c, tlswire.SideClient}
	c.halves[1].peer, c.halves[1].to = &c.halves[0], laneSink{c, tlswire.SideServer}
	switch {
	case len(t.conns) < maxConns:
	case t.told.oldest != nil:
		t.remove(t.told.oldest)
	default:
		t.stats.Evicted++
		t.remove(t.live.oldest)
	}
	t.conns[f] = c
	t.recording++
	t.stats.Connections++
	return c
}

// fromServer guesses who is who in the middle of a connection: a ClientHello is
// the client's, else the lower port is the server's.
func fromServer(s *segment) bool {
	if b := s.payload; len(b) > 5 && b[0] == byte(tlswire.ContentHandshake) {
		switch tlswire.HandshakeType(b[5]) {
		case tlswire.TypeClientHello:
			return false
		case tlswire.TypeServerHello:
			return true
		}
	}
	if tlsPorts[s.src.Port()] != tlsPorts[s.dst.Port()] {
		return tlsPorts[s.src.Port()]
	}
	return s.src.Port() < s.dst.Port()
}

// queue is a list of connections, the latest first. A connection is in one.
type queue struct{ newest, oldest *conn }

func (q *queue) push(c *conn) {
	c.in, c.newer, c.older = q, nil, q.newest
	if q.newest != nil {
		q.newest.newer = c
	}
	q.newest = c
	if q.oldest == nil {
		q.oldest = c
	}
}

// unlink takes a connection out of its queue, if it is in one.
func (c *conn) unlink() {
	q := c.in
	if q == nil {
		return
	}
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		q.newest = c.older
	}
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		q.oldest = c.newer
	}
	c.in, c.newer, c.older = nil, nil, nil
}

// touch moves a connection to the front.
func (t *table) touch(c *conn) {
	q := &t.live
	if c.done {
		q = &t.told
	}
	if q.newest != c {
		c.unlink()
		q.push(c)
	}
}

// add follows one segment.
func (t *table) add(s *segment) {
	if s.At.After(t.now) {
		t.now = s.At
	}
	c := t.lookup(s)
	if c == nil {
		return
	}
	over := c.take(s)
	switch {
	case over: // the entry stays: what still comes is not another connection
		t.finish(c, false)
	case !c.done:
		t.account(c)
		if c.rec.Settled() || c.bulk > maxHandshake {
			t.finish(c, false)
		}
	}
	const every = time.Second
	if t.now.Sub(t.swept) > every {
		t.sweep()
	}
}

// account keeps the bytes that wait within bounds.
func (t *table) account(c *conn) {
	now := c.bulk + c.halves[0].bytes + c.halves[1].bytes
	t.held += now - c.held
	c.held = now
	for (t.held > maxHeld || t.recording > maxRecording) && t.evict() {
		t.stats.Evicted++
	}
}

// evict gives the recording up that has been quiet longest.
func (t *table) evict() bool {
	c := t.live.oldest
	if c == nil {
		return false
	}
	t.finish(c, true)
	return true
}

// finish reports a connection and forgets its bytes; the entry stays, so that
// what follows is not taken for another.
func (t *table) finish(c *conn, open bool) {
	if c.done {
		return
	}
	t.held -= c.held
	t.recording--
	c.held = 0
	const several = 4 // packets; fewer may be a stray
	if a, z := c.halves[0].packets, c.halves[1].packets; a == 0 && z >= several || z == 0 && a >= several && c.acked {
		t.stats.OneSided++
	}
	if c.halfOpen() && tlsPorts[c.server.Port()] {
		t.stats.HalfOpen++
	}
	t.report(c, c.close(open))
	t.touch(c)
}

// remove reports a connection, where that was not done, and drops it.
func (t *table) remove(c *conn) {
	t.finish(c, false)
	c.unlink()
	delete(t.conns, c.flow)
}

// sweep drops the connections that have been quiet for long.
func (t *table) sweep() {
	t.swept = t.now
	for _, q := range []*queue{&t.live, &t.told} {
		for c := q.oldest; c != nil && t.now.Sub(c.last.At) > silence; c = q.oldest {
			t.remove(c)
		}
	}
}

// end reports what was under way when the capture ended, the oldest first.
func (t *table) end() {
	for c := t.live.oldest; c != nil; c = t.live.oldest {
		t.finish(c, t.now.Sub(c.last.At) < lively)
		t.remove(c)
	}
	clear(t.conns)
	t.told = queue{}
}

// icmp takes an error message about one of the connections.
func (t *table) icmp(client, server netip.AddrPort, n facts.SeenNote) {
	f, _ := flowOf(client, server)
	if c := t.conns[f]; c != nil && !c.done {
		c.note(n)
	}
}
