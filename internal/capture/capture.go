// Package capture reads packet captures and tells of each TLS handshake in
// them what was seen: pcap and pcapng, gzipped or not, from a file or as they
// are made. It puts TCP together where packets were lost, repeated or out of
// order, looks into tunnels, and keeps only handshakes, so that a capture may
// be larger than the memory.
//
// It knows packets and no causes: a connection becomes a facts.Attempt, made by
// a facts.Recorder, and an Outcome that says what became of it.
//
//	stats, err := capture.Read(ctx, file, capture.Options{}, func(c *capture.Connection) {
//		fmt.Println(c.Client, c.Server, c.Outcome)
//	})
package capture

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/gopacket/gopacket/layers"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Options say how to read.
type Options struct {
	// Keys are the secrets of SSLKEYLOGFILE; those that a pcapng carries are
	// added to it. nil is an empty log.
	Keys *facts.KeyLog
	// Decompress adds certificate compression algorithms to zlib.
	Decompress map[uint16]tlswire.Decompressor
	// Want leaves connections out that are not asked for; nil wants all.
	Want func(client, server netip.AddrPort) bool
}

// Stats are what was read.
type Stats struct {
	Packets     int
	First, Last time.Time
	Connections int // of TCP, with or without TLS
	QUIC, DTLS  int // packets of those, which are not followed
	UDP443      int // further packets to or from port 443: QUIC, most likely
	Fragments   int
	Undecoded   int // packets in which no TCP, UDP or ICMP was found
	Evicted     int // connections given up for want of room
	Secrets     int // taken from the capture itself
	// Short are the packets that the snap length cut, SnapLength the longest of
	// them as it was kept.
	Short, SnapLength int
	// OneSided are connections of which the capture shows one direction only,
	// HalfOpen those to a port of TLS whose SYN/ACK the client never answered.
	OneSided, HalfOpen int
	// Untimed are packets without a time that can be true: before TLS was.
	Untimed int
	// Links are link types that cannot be read, with the number of packets.
	Links map[string]int
}

// Add adds the figures of another capture.
func (s *Stats) Add(o *Stats) {
	if s.First.IsZero() || !o.First.IsZero() && o.First.Before(s.First) {
		s.First = o.First
	}
	if o.Last.After(s.Last) {
		s.Last = o.Last
	}
	for _, x := range []struct {
		sum *int
		n   int
	}{{&s.Packets, o.Packets}, {&s.Connections, o.Connections}, {&s.QUIC, o.QUIC}, {&s.DTLS, o.DTLS}, {&s.UDP443, o.UDP443},
		{&s.Fragments, o.Fragments}, {&s.Undecoded, o.Undecoded}, {&s.Evicted, o.Evicted}, {&s.Secrets, o.Secrets},
		{&s.Short, o.Short}, {&s.OneSided, o.OneSided}, {&s.HalfOpen, o.HalfOpen}, {&s.Untimed, o.Untimed}} {
		*x.sum += x.n
	}
	s.SnapLength = max(s.SnapLength, o.SnapLength)
	for link, n := range o.Links {
		if s.Links == nil {
			s.Links = map[string]int{}
		}
		s.Links[link] += n
	}
}

func (s *Stats) unknownLink(link layers.LinkType) {
	if s.Links == nil {
		s.Links = map[string]int{}
	}
	s.Links[link.String()]++
}

// Connection is one connection that had to do with TLS.
type Connection struct {
	Client, Server netip.AddrPort
	// StartTLS is the dialogue before TLS, in the words of package starttls;
	// "connect" is an HTTP proxy, "proxy" a PROXY header.
	StartTLS string
	Attempt  *facts.Attempt
	Outcome  Outcome
}

// Read reads a capture to its end and reports each connection with TLS as soon
// as nothing more is to be learned of it. An *UnreadableError says where it
// broke; what was read before has been reported. When ctx ends, what is under
// way is reported too.
func Read(ctx context.Context, r io.Reader, o Options, report func(*Connection)) (*Stats, error) {
	stats := &Stats{}
	if o.Keys == nil {
		o.Keys = &facts.KeyLog{}
	}
	src, err := openSource(r, func(log []byte) {
		n, _ := o.Keys.Add(bytes.NewReader(log))
		stats.Secrets += n
	})
	if err != nil {
		return stats, err
	}
	t := &table{conns: map[flow]*conn{}, keys: o.Keys, decompress: o.Decompress, stats: stats, report: func(c *conn, a *facts.Attempt) {
		if outcome := outcomeOf(c, a); outcome != None {
			report(&Connection{Client: c.client, Server: c.server, StartTLS: c.startTLS, Attempt: a, Outcome: outcome})
		}
	}}
	d := newDecoder(stats)
	err = loop(ctx, src, d, t, o.Want)
	t.end()
	return stats, err
}

// loop reads packets until the end.
func loop(ctx context.Context, src *source, d *decoder, t *table, want func(client, server netip.AddrPort) bool) error {
	stats := t.stats
	var s segment
	for {
		if stats.Packets&0xFF == 0 && ctx.Err() != nil {
			return nil
		}
		data, link, at, err := src.next(stats)
		if err != nil {
			return readEnd(err, src, stats)
		}
		stats.Packets++
		if stats.First.IsZero() {
			stats.First = at
		}
		stats.Last = at
		m := mark{At: at, Packet: stats.Packets}
		switch d.decode(link, data, m, &s) {
		case kindTCP:
			if want == nil || want(s.src, s.dst) || want(s.dst, s.src) {
				t.add(&s)
			}
		case kindUDP:
			d.datagram()
		case kindICMP:
			d.icmp(m, t)
		default:
			stats.Undecoded++
		}
	}
}

// readEnd says how the capture ended: at a packet's end, within one, or in
// bytes that are none.
func readEnd(err error, src *source, stats *Stats) error {
	if err == io.EOF {
		return nil
	}
	e := &UnreadableError{Reason: err.Error(), After: stats.Packets, Offset: src.start}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), "unexpected EOF"):
		e.Reason = "the capture breaks off in the middle of a packet"
		e.Hint = "it was still being written, or its writer was killed; all packets before were read"
		e.Harmless = stats.Packets > 0
	case errors.Is(err, context.Canceled):
		return nil
	default:
		e.Reason = "the capture is corrupt: " + err.Error()
		e.Hint = "what came before was read; what comes after was not"
	}
	return e
}
