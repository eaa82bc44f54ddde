package capture

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// flow names a connection, whichever side sends.
type flow struct{ a, b netip.AddrPort }

func flowOf(src, dst netip.AddrPort) (f flow, swapped bool) {
	if c := src.Addr().Compare(dst.Addr()); c > 0 || c == 0 && src.Port() > dst.Port() {
		return flow{dst, src}, true
	}
	return flow{src, dst}, false
}

// conn is one TCP connection under way.
type conn struct {
	flow           flow
	client, server netip.AddrPort
	halves         [2]half // client, server
	rec            *facts.Recorder
	done           bool // reported, or nothing to report

	first, last  mark
	syn, synAck  mark
	syns         int
	isn          uint32
	rtt          time.Duration
	gave         tlswire.Side // who ended it first
	gaveBy       facts.EndKind
	gaveAt       mark
	notes        []facts.SeenNote
	held         int // bytes counted in the table
	bulk         int // bytes of a recorder that is not settled
	newer, older *conn
	in           *queue
	midstream    bool
	refused      bool
	acked        bool // the client acknowledged something
	startTLS     string
	tls          bool // some TLS was seen
	spoke        bool // the client said something
}

// side is who sends from src.
func (c *conn) side(src netip.AddrPort) (tlswire.Side, int) {
	if src == c.client {
		return tlswire.SideClient, 0
	}
	return tlswire.SideServer, 1
}

// laneSink feeds the recorder with one side's bytes.
type laneSink struct {
	c    *conn
	from tlswire.Side
}

func (s laneSink) data(m mark, b []byte) {
	s.c.spoke = s.c.spoke || s.from == tlswire.SideClient
	s.c.rec.Write(s.from, m, b)
	s.c.bulk += len(b)
}

func (s laneSink) lost(n int, cut bool) { s.c.rec.Lose(s.from, n, cut) }

// tlsPorts are those on which TLS is expected, from the first byte or after a
// dialogue; a refused or unanswered SYN elsewhere is not our affair.
var tlsPorts = map[uint16]bool{443: true, 465: true, 563: true, 587: true, 636: true, 853: true, 989: true, 990: true, 992: true,
	993: true, 994: true, 995: true, 1443: true, 2083: true, 2087: true, 2096: true, 2376: true, 2377: true, 2379: true, 2380: true,
	3269: true, 4433: true, 4443: true, 5061: true, 5223: true, 5269: true, 5349: true, 5671: true, 5986: true, 6379: false,
	6443: true, 6514: true, 6697: true, 8000: false, 8443: true, 8883: true, 9093: true, 9443: true, 10250: true}

// take follows one segment. It reports that the connection is over.
func (c *conn) take(s *segment) bool {
	from, n := c.side(s.src)
	h, peer := &c.halves[n], &c.halves[1-n]
	c.last = s.mark
	h.packets++
	if h.ttl == 0 {
		h.ttl = s.ttl
	}
	switch {
	case s.flags&(flagSYN|flagRST|flagFIN) != 0:
	case s.window != 0:
		h.full = mark{}
	case h.full.Packet == 0:
		h.full = s.mark
	}
	if c.done {
		return s.flags&flagRST != 0 || s.flags&flagFIN != 0 && c.finished(h)
	}
	switch {
	case s.flags&flagSYN != 0 && s.flags&flagACK == 0:
		c.takeSYN(s, h)
	case s.flags&flagSYN != 0:
		c.takeSYNACK(s, h, peer)
	case s.flags&flagRST != 0:
		return c.takeRST(s, from, h)
	}
	seq := s.seq
	if s.flags&flagSYN != 0 {
		seq++ // the SYN counts as one; bytes with it are TCP Fast Open (RFC 7413)
	} else if s.flags&flagACK != 0 {
		peer.acknowledge(s.ack)
		c.acked = c.acked || from == tlswire.SideClient
	}
	if len(s.payload) > 0 || s.cut > 0 {
		h.add(piece{mark: s.mark, seq: seq, ack: s.ack, data: s.payload, cut: s.cut})
	}
	if s.flags&flagFIN != 0 {
		c.end(from, facts.EndClosed, s.mark)
		return c.finished(h)
	}
	return false
}

// finished reports that both sides have sent their FIN.
func (c *conn) finished(h *half) bool {
	h.fin = true
	return c.halves[0].fin && c.halves[1].fin
}

func (c *conn) takeSYN(s *segment, h *half) {
	c.syns++
	if c.syns == 1 {
		c.syn, c.isn = s.mark, s.seq
		if !h.started {
			h.started, h.next = true, s.seq+1
		}
	}
}

// takeSYNACK takes the server's answer, which tells the client's number too,
// should its SYN come late or be missing.
func (c *conn) takeSYNACK(s *segment, h, peer *half) {
	if h.started {
		return
	}
	h.started, h.next = true, s.seq+1
	c.synAck = s.mark
	if c.syns > 0 {
		c.rtt = s.At.Sub(c.syn.At)
	} else if !peer.started {
		peer.started, peer.next = true, s.ack
	}
}

// halfOpen reports that the server answered the SYN and the client never went
// on.
func (c *conn) halfOpen() bool {
	return c.synAck.Packet != 0 && !c.acked && c.gaveBy != facts.EndReset
}

// takeRST ends the connection. A RST whose TTL is not its sender's may come
// from a box on the path; that is a fact and no proof, since some systems send
// RSTs with a TTL of their own.
func (c *conn) takeRST(s *segment, from tlswire.Side, h *half) bool {
	c.refused = c.syns > 0 && !c.halves[1].started && from == tlswire.SideServer
	const slack = 1 // a route may change by a hop
	if !c.refused && h.packets > 1 && h.ttl != 0 && (s.ttl > h.ttl+slack || s.ttl+slack < h.ttl) {
		c.note(facts.SeenNote{Kind: facts.NoteForeignReset, Packet: s.Packet,
			Text: fmt.Sprintf("the RST came with TTL %d, the other packets of its sender with TTL %d", s.ttl, h.ttl)})
	}
	c.end(from, facts.EndReset, s.mark)
	return true
}

// end notes who ended it first.
func (c *conn) end(by tlswire.Side, kind facts.EndKind, m mark) {
	if c.gave == tlswire.SideNone {
		c.gave, c.gaveBy, c.gaveAt = by, kind, m
	}
}

// maxNotes bounds the notes of one connection.
const maxNotes = 6

func (c *conn) note(n facts.SeenNote) {
	if len(c.notes) < maxNotes {
		c.notes = append(c.notes, n)
	}
}

// close completes the attempt. open says that the capture, or our patience,
// ended before the connection did.
func (c *conn) close(open bool) *facts.Attempt {
	c.halves[0].flush()
	c.halves[1].flush()
	kind, by, at := c.gaveBy, c.gave, c.gaveAt
	if by == tlswire.SideNone {
		kind, at = facts.EndTimeout, c.last
	}
	a := c.rec.Close(kind, by, at)
	for n, name := range []string{"client", "server"} {
		if full := c.halves[n].full; full.Packet != 0 {
			c.note(facts.SeenNote{Packet: full.Packet, Text: fmt.Sprintf("the %s's receive window is zero from here on: its program does not read what it is sent", name)})
		}
	}
	if a.Sent == nil && len(a.Preamble) == 0 && a.End.Kind != facts.EndAlert {
		c.connectEnd(a)
	}
	a.Connect = c.rtt
	a.Seen.Open = open && by == tlswire.SideNone
	a.Seen.Last = max(a.Seen.Last, c.last.Packet)
	a.Seen.Notes = c.notes
	a.TCP = &facts.TCPInfo{RTT: c.rtt, Retransmits: c.halves[0].retransmits + c.halves[1].retransmits,
		OutOfOrder: c.halves[0].reordered + c.halves[1].reordered}
	c.startTLS, c.tls = c.rec.StartTLS(), c.rec.InTLS()
	c.done, c.rec = true, nil
	for n := range c.halves {
		c.halves[n].waiting, c.halves[n].bytes = nil, 0
	}
	return a
}

// connectEnd says how a connection ended that never stood.
func (c *conn) connectEnd(a *facts.Attempt) {
	switch {
	case c.refused:
		a.End.Kind, a.End.Stage = facts.EndRefused, diag.StageConnect
		a.End.After = c.gaveAt.At.Sub(c.syn.At)
	case c.syns > 0 && !c.halves[1].started:
		a.End.Kind, a.End.Stage = facts.EndNoConnect, diag.StageConnect
		a.End.After = c.last.At.Sub(c.syn.At)
		for _, n := range c.notes {
			if n.Kind == facts.NoteUnreachable {
				a.End.Kind, a.End.Err = facts.EndUnreachable, n.Text
				a.Seen.EndPacket = n.Packet
			}
		}
	}
}
