package capture

import (
	"net/netip"
	"slices"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// Bounds of the fragments that wait for their kin.
const (
	maxDatagrams     = 1024
	maxDatagramBytes = 1 << 16
	maxFragments     = 128 // of one datagram
)

// datagramKey names the datagram that a fragment belongs to.
type datagramKey struct {
	src, dst netip.Addr
	id       uint32
	protocol layers.IPProtocol
}

// datagram is one that is not complete.
type datagram struct {
	parts []fragment
	size  int // of the whole, 0 before the last fragment came
}

type fragment struct {
	offset int
	data   []byte
}

// fragments puts IP datagrams together. When there are too many the oldest
// goes.
type fragments struct {
	open  map[datagramKey]*datagram
	order []datagramKey
}

// defragment takes the fragment at hand; the payload is nil until its datagram
// is complete.
func (d *decoder) defragment(mark) (gopacket.LayerType, []byte) {
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
	whole := d.fragments.add(key, fragment{offset, data}, more)
	if whole == nil {
		return gopacket.LayerTypeZero, nil
	}
	return key.protocol.LayerType(), whole
}

func (f *fragments) add(key datagramKey, part fragment, more bool) []byte {
	if f.open == nil {
		f.open = map[datagramKey]*datagram{}
	}
	g := f.open[key]
	if g == nil {
		if len(f.order) >= maxDatagrams {
			delete(f.open, f.order[0])
			f.order = f.order[1:]
		}
		g = &datagram{}
		f.open[key] = g
		f.order = append(f.order, key)
	}
	if len(g.parts) >= maxFragments || part.offset+len(part.data) > maxDatagramBytes {
		return nil
	}
	part.data = slices.Clone(part.data)
	g.parts = append(g.parts, part)
	if !more {
		g.size = part.offset + len(part.data)
	}
	whole := g.join()
	if whole != nil {
		delete(f.open, key)
		f.order = slices.DeleteFunc(f.order, func(k datagramKey) bool { return k == key })
	}
	return whole
}

// join returns the datagram, nil while something is missing.
func (g *datagram) join() []byte {
	if g.size == 0 {
		return nil
	}
	slices.SortStableFunc(g.parts, func(a, b fragment) int { return a.offset - b.offset })
	var whole []byte
	for _, p := range g.parts {
		if p.offset > len(whole) {
			return nil
		}
		if end := p.offset + len(p.data); end > len(whole) {
			whole = append(whole, p.data[len(whole)-p.offset:]...)
		}
	}
	if len(whole) < g.size {
		return nil
	}
	return whole[:g.size]
}
