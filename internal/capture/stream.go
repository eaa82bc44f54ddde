package capture

import (
	"slices"
)

// Bounds of one direction.
const (
	maxWaiting   = 64       // segments out of order
	maxWaitBytes = 256 << 10
	window       = 16 << 20 // a segment further ahead is another connection's
	// patience is how many packets of the connection may pass after the peer
	// has acknowledged bytes that the capture did not show: captures put
	// packets out of order themselves.
	patience = 12
)

// half is what one side sends.
type half struct {
	next    uint32 // the next byte that is wanted
	started bool
	waiting []piece // beyond a hole, in order
	bytes   int     // of waiting
	overdue int     // packets since the peer acknowledged what is missing
	fin     bool
	finSeq  uint32
	acked   uint32 // the highest that the peer acknowledged
	hasAck  bool

	retransmits, reordered int
	ttl                    uint8 // of its first packet
	packets                int
}

// piece is a segment that waits for what lies before it.
type piece struct {
	seq  uint32
	data []byte
	cut  int
	mark mark
}

// after compares sequence numbers on their circle (RFC 9293, Section 3.4).
func after(a, b uint32) bool { return int32(a-b) > 0 }

// sink takes the bytes of a half in order, and the holes that stay.
type sink interface {
	data(mark, []byte)
	lost(n int, cut bool)
}

// add takes one segment with payload. It returns by how much bytes grew.
func (h *half) add(m mark, seq uint32, payload []byte, cut int, to sink) {
	if !h.started {
		h.started, h.next = true, seq
	}
	end := seq + uint32(len(payload)+cut)
	switch ahead := int32(seq - h.next); {
	case !after(end, h.next):
		if len(payload) > 1 || cut > 0 { // one byte may be a keep-alive
			h.retransmits++
		}
	case ahead <= 0:
		skip := int(-ahead)
		if skip >= len(payload) { // only bytes that were cut are new
			cut, payload = int(end-h.next), nil
		} else {
			payload = payload[skip:]
		}
		h.deliver(piece{h.next, payload, cut, m}, to)
		h.drain(to)
	case ahead > window:
	default:
		h.reordered++
		h.wait(piece{seq, payload, cut, m})
		if len(h.waiting) > maxWaiting || h.bytes > maxWaitBytes {
			h.jump(to)
		}
	}
}

// deliver hands a piece on that begins at next.
func (h *half) deliver(p piece, to sink) {
	if len(p.data) > 0 {
		to.data(p.mark, p.data)
	}
	if p.cut > 0 {
		to.lost(p.cut, true)
	}
	h.next += uint32(len(p.data) + p.cut)
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
	if same {
		h.bytes -= len(h.waiting[at].data)
		h.waiting[at] = p
		return
	}
	h.waiting = slices.Insert(h.waiting, at, p)
}

// drain delivers what no longer waits.
func (h *half) drain(to sink) {
	for len(h.waiting) > 0 && !after(h.waiting[0].seq, h.next) {
		p := h.waiting[0]
		h.waiting = h.waiting[1:]
		h.bytes -= len(p.data)
		if skip := int(h.next - p.seq); skip < len(p.data) {
			p.data = p.data[skip:]
			h.deliver(p, to)
		}
	}
	h.overdue = 0
}

// jump gives the hole before the first piece up.
func (h *half) jump(to sink) {
	if len(h.waiting) == 0 {
		return
	}
	to.lost(int(h.waiting[0].seq-h.next), false)
	h.next = h.waiting[0].seq
	h.drain(to)
}

// acknowledge takes an acknowledgement by the peer: what it has received, and
// the capture has not, will not come any more.
func (h *half) acknowledge(ack uint32, to sink) {
	if !h.hasAck || after(ack, h.acked) {
		h.acked, h.hasAck = ack, true
	}
	if len(h.waiting) == 0 || !after(h.acked, h.next) {
		return
	}
	if h.overdue++; h.overdue > patience {
		h.jump(to)
	}
}

// flush delivers all that is there, holes included: the connection is over.
func (h *half) flush(to sink) {
	for len(h.waiting) > 0 {
		h.jump(to)
	}
	if h.started && h.hasAck && after(h.acked, h.next) {
		missing := int(h.acked - h.next)
		if h.fin && missing > 0 {
			missing-- // the FIN counts as one
		}
		if missing < window {
			to.lost(missing, false)
		}
	}
}
