package capture

import (
	"net/netip"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Bounds of the fragments that wait for their kin.
const (
	maxDatagrams     = 512
	maxDatagramBytes = 1 << 16
	maxFragments     = 128 // of one datagram
	// kept is how long fragments wait (RFC 8200, Section 4.5): after it the
	// number of a datagram may be another one's.
	kept = time.Minute
)

// datagramKey names the datagram that a fragment belongs to.
type datagramKey struct {
	src, dst netip.Addr
	id       uint32
	protocol layers.IPProtocol
}

// datagram is one that is not complete.
type datagram struct {
	parts  []fragment // in order, none twice
	size   int        // of the whole, 0 before the last fragment came
	began  time.Time
	broken bool // nothing will come of it
}

type fragment struct {
	offset int
	data   []byte
}

func (f fragment) end() int { return f.offset + len(f.data) }

// fragments puts IP datagrams together. When there are too many the oldest
// goes.
type fragments struct {
	open  map[datagramKey]*datagram
	order []datagramKey // as they came; some are complete
}

// defragment takes the fragment at hand; the payload is nil until its datagram
// is complete.
func (d *decoder) defragment(m mark) (gopacket.LayerType, []byte) {
	src, dst := d.addresses()
	var key datagramKey
	var offset int
	var more bool
	var data []byte
	if d.decoded[len(d.decoded)-1] == layers.LayerTypeIPv4 {
		ip := &d.ip4
		more, offset = ip.Flags&layers.IPv4MoreFragments != 0, int(ip.FragOffset)*8
		if !more && offset == 0 {
			return gopacket.LayerTypeZero, nil // a protocol that is not followed
		}
		key, data = datagramKey{src, dst, uint32(ip.Id), ip.Protocol}, ip.Payload
	} else {
		f := &d.frag6
		more, offset = f.MoreFragments, int(f.FragmentOffset)*8
		key, data = datagramKey{src, dst, f.Identification, f.NextHeader}, f.Payload
	}
	d.stats.Fragments++
	whole := d.fragments.add(key, fragment{offset, data}, more, m.At)
	if whole == nil {
		return gopacket.LayerTypeZero, nil
	}
	return key.protocol.LayerType(), whole
}

// add takes a fragment and returns its datagram once that is complete.
func (f *fragments) add(key datagramKey, part fragment, more bool, at time.Time) []byte {
	if f.open == nil {
		f.open = map[datagramKey]*datagram{}
	}
	g := f.open[key]
	if g != nil && at.Sub(g.began) > kept {
		g = nil
	}
	if g == nil {
		f.makeRoom()
		g = &datagram{began: at}
		f.open[key] = g
		f.order = append(f.order, key)
	}
	whole := g.add(part, more)
	if whole != nil {
		delete(f.open, key)
	}
	return whole
}

// makeRoom drops the oldest datagrams where there are too many.
func (f *fragments) makeRoom() {
	for len(f.open) >= maxDatagrams || len(f.order) >= 4*maxDatagrams {
		delete(f.open, f.order[0])
		f.order = f.order[1:]
	}
}

// add puts a fragment into its place and returns the datagram, nil while
// something is missing. Fragments that overlap and are no mere repetition spoil
// the datagram, as they do for its receiver (RFC 5722; Linux for IPv4 too).
func (g *datagram) add(part fragment, more bool) []byte {
	if g.broken {
		return nil
	}
	at, same := slices.BinarySearchFunc(g.parts, part.offset, func(p fragment, offset int) int { return p.offset - offset })
	if same && len(g.parts[at].data) == len(part.data) {
		return nil
	}
	g.broken = same || at > 0 && g.parts[at-1].end() > part.offset || at < len(g.parts) && part.end() > g.parts[at].offset ||
		len(part.data) == 0 || part.end() > maxDatagramBytes || len(g.parts) >= maxFragments || g.size != 0 && (!more || part.end() > g.size)
	if g.broken {
		g.parts = nil
		return nil
	}
	part.data = slices.Clone(part.data)
	g.parts = slices.Insert(g.parts, at, part)
	if !more {
		g.size = part.end()
	}
	return g.join()
}

// join returns the datagram, nil while something is missing.
func (g *datagram) join() []byte {
	if last := g.parts[len(g.parts)-1]; g.size == 0 || last.end() != g.size {
		return nil
	}
	whole := make([]byte, 0, g.size)
	for _, p := range g.parts {
		if p.offset != len(whole) {
			return nil
		}
		whole = append(whole, p.data...)
	}
	return whole
}
