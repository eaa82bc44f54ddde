package capture

import "slices"

// Bounds of one direction.
const (
	maxWaiting   = 64 // segments out of order
	maxWaitBytes = 256 << 10
	window       = 16 << 20 // a segment further ahead is another connection's
	// patience is how many packets of the connection may pass after the peer
	// has acknowledged bytes that the capture did not show: captures put
	// packets out of order themselves.
	patience = 12
)

// half is what one side sends. Its bytes are delivered in order, and not before
// the bytes of the peer that they answer.
type half struct {
	peer    *half
	to      sink
	next    uint32 // the next byte that is wanted
	started bool
	waiting []piece // in order
	bytes   int     // of waiting
	acked   uint32  // the highest that the peer acknowledged
	hasAck  bool
	overdue int // packets since the peer acknowledged what is missing
	fin     bool
	full    mark // its receive window is zero since then

	idle                   int // skips since a piece was delivered
	retransmits, reordered int
	ttl                    uint8 // of its first packet
	packets                int
}

// piece is a segment that waits for what lies before it.
type piece struct {
	mark mark
	seq  uint32
	ack  uint32 // what its sender had received
	data []byte
	cut  int // bytes behind data that the snap length left out
}

func (p piece) end() uint32 { return p.seq + uint32(len(p.data)+p.cut) }

// after compares sequence numbers on their circle (RFC 9293, Section 3.4).
func after(a, b uint32) bool { return int32(a-b) > 0 }

// sink takes the bytes of a half in order, and the holes that stay.
type sink interface {
	data(mark, []byte)
	lost(n int, cut bool)
}

// add takes one segment with payload.
func (h *half) add(p piece) {
	if !h.started {
		h.started, h.next = true, p.seq
	}
	switch {
	case !after(p.end(), h.next):
		if len(p.data) > 1 { // one byte may be a keep-alive
			h.retransmits++
		}
		return
	case int32(p.seq-h.next) > window:
		return
	case h.ready(p) && len(h.waiting) == 0:
		h.deliver(p)
		h.peer.drain()
		return
	}
	if after(p.seq, h.next) {
		h.reordered++
	}
	h.wait(p)
	h.drain()
	for len(h.waiting) > maxWaiting || h.bytes > maxWaitBytes {
		h.skip()
	}
}

// ready reports that nothing is missing before a piece: neither its sender's
// bytes nor those of the peer that the sender had seen. The FIN counts as one.
func (h *half) ready(p piece) bool {
	return !after(p.seq, h.next) && (!h.peer.started || !after(p.ack, h.peer.next+1))
}

// deliver hands on what is new in a piece.
func (h *half) deliver(p piece) {
	if !after(p.end(), h.next) {
		return
	}
	old := int(h.next - p.seq)
	if fresh := p.data[min(old, len(p.data)):]; len(fresh) > 0 {
		h.to.data(p.mark, fresh)
	}
	if cut := min(p.cut, int(p.end()-h.next)); cut > 0 {
		h.to.lost(cut, true)
	}
	h.next = p.end()
}

// wait keeps a piece, in order.
func (h *half) wait(p piece) {
	at, same := slices.BinarySearchFunc(h.waiting, p.seq, func(q piece, seq uint32) int { return int(int32(q.seq - seq)) })
	if same && len(h.waiting[at].data) >= len(p.data) {
		h.retransmits++
		return
	}
	p.data = slices.Clone(p.data)
	h.bytes += len(p.data)
	h.waiting = slices.Insert(h.waiting, at, p)
}

// drain delivers what no longer waits, on both sides.
func (h *half) drain() {
	moved := false
	for len(h.waiting) > 0 && h.ready(h.waiting[0]) {
		p := h.waiting[0]
		h.waiting = h.waiting[1:]
		h.bytes -= len(p.data)
		h.deliver(p)
		moved = true
	}
	if moved {
		h.overdue = 0
		h.peer.drain()
	}
}

// skip gives up what is missing before the first piece, here or at the peer.
// Each hole ends at a piece, so that there are no more of them than pieces;
// numbers that contradict each other go round the circle for ever, and then the
// piece is taken as it is.
func (h *half) skip() {
	if h.drain(); len(h.waiting) == 0 {
		return
	}
	n := len(h.waiting)
	if p := h.waiting[0]; after(p.seq, h.next) {
		h.hole(p.seq)
	} else {
		h.peer.hole(p.ack)
	}
	if h.drain(); len(h.waiting) < n {
		h.idle = 0
		return
	}
	if h.idle++; h.idle > 2*(n+len(h.peer.waiting)) {
		p := h.waiting[0]
		h.idle, h.waiting, h.bytes = 0, h.waiting[1:], h.bytes-len(p.data)
		h.deliver(p)
	}
}

// hole passes over bytes up to a sequence number, or to what waits before it.
func (h *half) hole(to uint32) {
	if len(h.waiting) > 0 && after(to, h.waiting[0].seq) && after(h.waiting[0].seq, h.next) {
		to = h.waiting[0].seq
	}
	n := int32(to - h.next)
	if n <= 0 {
		return
	}
	if n < window {
		h.to.lost(int(n), false)
	}
	h.next = to
}

// acknowledge takes an acknowledgement by the peer: what it has received, and
// the capture has not, will not come any more.
func (h *half) acknowledge(ack uint32) {
	if !h.hasAck || after(ack, h.acked) {
		h.acked, h.hasAck = ack, true
	}
	if !h.started || !after(h.acked, h.next+1) {
		h.overdue = 0
		return
	}
	if h.overdue++; h.overdue > patience {
		h.overdue = 0
		h.hole(h.acked)
		h.drain()
		h.peer.drain()
	}
}

// flush delivers all that is there, holes included: the connection is over.
func (h *half) flush() {
	for len(h.waiting)+len(h.peer.waiting) > 0 {
		h.skip()
		h.peer.skip()
	}
	// One byte may be the FIN.
	if h.started && h.hasAck && after(h.acked, h.next+1) {
		h.hole(h.acked)
	}
}
