package capture

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net/netip"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
)

// segment is one TCP segment, or what stands in its place.
type segment struct {
	mark
	src, dst netip.AddrPort
	seq, ack uint32
	flags    uint8
	payload  []byte // shared with the reader's buffer
	cut      int    // bytes of payload that the snap length left out
	ttl      uint8
	window   uint16
}

// The flags of TCP that matter here.
const (
	flagFIN = 0x01
	flagSYN = 0x02
	flagRST = 0x04
	flagACK = 0x10
)

// decoder finds the innermost TCP segment of a packet. Its layers are reused.
type decoder struct {
	stats     *Stats
	layers    gopacket.DecodingLayerSparse
	decoded   []gopacket.LayerType
	first     map[gopacket.LayerType]gopacket.DecodingLayerFunc
	fragments fragments

	ip4   layers.IPv4
	ip6   ip6Layer
	frag6 layers.IPv6Fragment
	tcp   tcpLayer
	udp   layers.UDP
	icmp4 layers.ICMPv4
	icmp6 layers.ICMPv6
}

// tcpLayer ends the decoding: what TCP carries is followed elsewhere.
type tcpLayer struct{ layers.TCP }

// NextLayerType implements gopacket.DecodingLayer.
func (*tcpLayer) NextLayerType() gopacket.LayerType { return gopacket.LayerTypeZero }

// ip6Layer reads the length 0 of packets that a network card cuts to size after
// the capture as "to the end", as layers.IPv4 does.
type ip6Layer struct{ layers.IPv6 }

// DecodeFromBytes implements gopacket.DecodingLayer.
func (l *ip6Layer) DecodeFromBytes(data []byte, df gopacket.DecodeFeedback) error {
	const header, longest, hopByHop = 40, 65535, 0
	if len(data) > header && data[4] == 0 && data[5] == 0 && data[6] != hopByHop {
		binary.BigEndian.PutUint16(data[4:], uint16(min(len(data)-header, longest)))
	}
	return l.IPv6.DecodeFromBytes(data, df)
}

func newDecoder(stats *Stats) *decoder {
	d := &decoder{stats: stats, first: map[gopacket.LayerType]gopacket.DecodingLayerFunc{}}
	var c gopacket.DecodingLayerContainer = gopacket.DecodingLayerSparse(nil)
	for _, l := range []gopacket.DecodingLayer{&layers.IPv6ExtensionSkipper{}, &layers.Ethernet{}, &layers.Dot1Q{}, &layers.LinuxSLL{},
		&layers.LinuxSLL2{}, &layers.Loopback{}, &d.ip4, &d.ip6, &d.frag6, &d.tcp, &d.udp, &d.icmp4, &d.icmp6, &layers.GRE{}, &layers.VXLAN{},
		&layers.Geneve{}, &layers.EtherIP{}, &layers.ERSPANII{}, &layers.GTPv1U{}, &layers.LLC{}, &layers.SNAP{},
		newShim(layers.LayerTypeMPLS, mpls), newShim(layers.LayerTypePPPoE, pppoe), newShim(layers.LayerTypePPP, ppp),
		newShim(layers.LayerTypeIPSecAH, authentication)} {
		c = c.Put(l)
	}
	d.layers, _ = c.(gopacket.DecodingLayerSparse)
	return d
}

// SetTruncated implements gopacket.DecodeFeedback; lengths say it better.
func (d *decoder) SetTruncated() {}

// shim is a thin header between two layers.
type shim struct {
	kind    gopacket.LayerType
	decode  func([]byte) (gopacket.LayerType, []byte)
	next    gopacket.LayerType
	payload []byte
}

func newShim(kind gopacket.LayerType, decode func([]byte) (gopacket.LayerType, []byte)) *shim {
	return &shim{kind: kind, decode: decode}
}

// DecodeFromBytes implements gopacket.DecodingLayer.
func (s *shim) DecodeFromBytes(data []byte, _ gopacket.DecodeFeedback) error {
	s.next, s.payload = s.decode(data)
	if s.payload == nil {
		return fmt.Errorf("%v header of %d bytes cannot be read", s.kind, len(data))
	}
	return nil
}

// CanDecode implements gopacket.DecodingLayer.
func (s *shim) CanDecode() gopacket.LayerClass { return s.kind }

// NextLayerType implements gopacket.DecodingLayer.
func (s *shim) NextLayerType() gopacket.LayerType { return s.next }

// LayerPayload implements gopacket.DecodingLayer.
func (s *shim) LayerPayload() []byte { return s.payload }

// mpls skips the label stack (RFC 3032). It does not say what it carries: the
// first nibble does, and a pseudowire begins with an Ethernet frame.
func mpls(data []byte) (gopacket.LayerType, []byte) {
	const label = 4
	for len(data) > label {
		bottom := data[2]&1 != 0
		data = data[label:]
		if bottom {
			return ipVersion(data, layers.LayerTypeEthernet), data
		}
	}
	return gopacket.LayerTypeZero, nil
}

// authentication skips the header that only signs a packet (RFC 4302).
func authentication(data []byte) (gopacket.LayerType, []byte) {
	const least = 12
	if len(data) < least || len(data) < (int(data[1])+2)*4 {
		return gopacket.LayerTypeZero, nil
	}
	return layers.IPProtocol(data[0]).LayerType(), data[(int(data[1])+2)*4:]
}

// ipVersion chooses by the first nibble.
func ipVersion(data []byte, other gopacket.LayerType) gopacket.LayerType {
	if len(data) == 0 {
		return gopacket.LayerTypeZero
	}
	switch data[0] >> 4 {
	case 4:
		return layers.LayerTypeIPv4
	case 6:
		return layers.LayerTypeIPv6
	}
	return other
}

// pppoe skips the header of a session packet (RFC 2516, Section 6).
func pppoe(data []byte) (gopacket.LayerType, []byte) {
	const header = 6
	if len(data) < header || data[1] != 0 {
		return gopacket.LayerTypeZero, nil
	}
	return layers.LayerTypePPP, data[header:]
}

// ppp skips the protocol field, and the HDLC framing before it.
func ppp(data []byte) (gopacket.LayerType, []byte) {
	if len(data) > 2 && data[0] == 0xFF && data[1] == 3 {
		data = data[2:]
	}
	switch {
	case len(data) > 1 && data[0] == 0x21: // protocol field compression
		return layers.LayerTypeIPv4, data[1:]
	case len(data) > 1 && data[0] == 0x57:
		return layers.LayerTypeIPv6, data[1:]
	case len(data) < 3:
		return gopacket.LayerTypeZero, nil
	}
	switch binary.BigEndian.Uint16(data) {
	case 0x0021:
		return layers.LayerTypeIPv4, data[2:]
	case 0x0057:
		return layers.LayerTypeIPv6, data[2:]
	case 0x0281:
		return layers.LayerTypeMPLS, data[2:]
	}
	return gopacket.LayerTypeZero, nil
}

// linkLayer is the first layer of a link type, and where it begins. known is
// false for link types that carry no IP that could be read.
func linkLayer(link layers.LinkType, data []byte) (first gopacket.LayerType, known bool) {
	switch link {
	case layers.LinkTypeEthernet:
		return layers.LayerTypeEthernet, true
	case layers.LinkTypeNull, layers.LinkTypeLoop:
		return layers.LayerTypeLoopback, true
	case layers.LinkTypeLinuxSLL:
		return layers.LayerTypeLinuxSLL, true
	case layers.LinkTypeLinuxSLL2:
		return layers.LayerTypeLinuxSLL2, true
	case layers.LinkTypeRaw, layers.LinkTypeIPv4, layers.LinkTypeIPv6, 12, 14: // DLT_RAW of the BSDs
		return ipVersion(data, gopacket.LayerTypeZero), true
	case layers.LinkTypePPP, layers.LinkTypePPP_HDLC:
		return layers.LayerTypePPP, true
	case layers.LinkTypePPPEthernet:
		return layers.LayerTypePPPoE, true
	case layers.LinkTypeIEEE80211Radio, layers.LinkTypeIEEE802_11, layers.LinkTypePrismHeader, layers.LinkTypePFLog, layers.LinkTypeFDDI:
		return gopacket.LayerTypeZero, true // see whole
	}
	return 0, false
}

// whole decodes the link types whose layers have no fast form: 802.11, PFLog.
func (d *decoder) whole(link layers.LinkType, data []byte) {
	d.decoded = d.decoded[:0]
	if n := len(data) - 4; link == layers.LinkTypeIEEE802_11 && n > 0 && crc32.ChecksumIEEE(data[:n]) != binary.LittleEndian.Uint32(data[n:]) {
		data = append(data[:len(data):len(data)], 0, 0, 0, 0) // gopacket takes the last bytes for a checksum, which not every system keeps
	}
	p := gopacket.NewPacket(data, link, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	network := p.NetworkLayer()
	if network == nil {
		return
	}
	d.run(network.LayerType(), append(network.LayerContents(), network.LayerPayload()...))
}

// run decodes data from a layer on; decoded holds what was found. What a packet
// does to the decoders of gopacket must not end the reading of a capture.
func (d *decoder) run(first gopacket.LayerType, data []byte) {
	defer func() {
		if recover() != nil {
			d.decoded = d.decoded[:0]
		}
	}()
	f := d.first[first]
	if f == nil {
		f = d.layers.LayersDecoder(first, d)
		d.first[first] = f
	}
	d.decoded = d.decoded[:0]
	if first != gopacket.LayerTypeZero {
		_, _ = f(data, &d.decoded) // what it could not read, decoded does not hold
	}
}

// tunnelPorts are those that gopacket does not know: VXLAN as Linux had it
// first (flannel, Swarm), MPLS and GRE in UDP (RFC 7510, RFC 8086).
var tunnelPorts = map[layers.UDPPort]gopacket.LayerType{8472: layers.LayerTypeVXLAN, 6635: layers.LayerTypeMPLS, 4754: layers.LayerTypeGRE}

// kind is what decode found.
type kind uint8

const (
	kindNone kind = iota
	kindTCP
	kindUDP
	kindICMP
)

// decode finds what a packet carries; a segment is in s, an ICMP message in
// d.icmp4 or d.icmp6.
func (d *decoder) decode(link layers.LinkType, data []byte, m mark, s *segment) kind {
	first, known := linkLayer(link, data)
	if !known {
		d.stats.unknownLink(link)
		return kindNone
	}
	if first == gopacket.LayerTypeZero {
		d.whole(link, data)
	} else {
		d.run(first, data)
	}
	const nested = 4
	for range nested {
		if len(d.decoded) == 0 {
			return kindNone
		}
		switch d.decoded[len(d.decoded)-1] {
		case layers.LayerTypeTCP:
			s.mark = m
			d.segment(s)
			return kindTCP
		case layers.LayerTypeUDP:
			inner := tunnelPorts[d.udp.DstPort]
			if inner == 0 {
				return kindUDP
			}
			d.run(inner, d.udp.Payload)
		case layers.LayerTypeICMPv4, layers.LayerTypeICMPv6:
			return kindICMP
		case layers.LayerTypeIPv4, layers.LayerTypeIPv6Fragment:
			next, payload := d.defragment(m)
			if payload == nil {
				return kindNone
			}
			network := d.network()
			d.run(next, payload)
			d.decoded = append([]gopacket.LayerType{network}, d.decoded...)
			d.ip4.Length, d.ip6.Length = 0, 0 // of one fragment only
		default:
			return kindNone
		}
	}
	return kindNone
}

// network is the innermost network layer.
func (d *decoder) network() gopacket.LayerType {
	for i := len(d.decoded) - 1; i >= 0; i-- {
		if t := d.decoded[i]; t == layers.LayerTypeIPv4 || t == layers.LayerTypeIPv6 {
			return t
		}
	}
	return gopacket.LayerTypeZero
}

// addresses are those of the innermost network layer.
func (d *decoder) addresses() (src, dst netip.Addr) {
	switch d.network() {
	case layers.LayerTypeIPv4:
		src, _ = netip.AddrFromSlice(d.ip4.SrcIP)
		dst, _ = netip.AddrFromSlice(d.ip4.DstIP)
	case layers.LayerTypeIPv6:
		src, _ = netip.AddrFromSlice(d.ip6.SrcIP)
		dst, _ = netip.AddrFromSlice(d.ip6.DstIP)
	}
	return src, dst
}

// segment fills s from the layers.
func (d *decoder) segment(s *segment) {
	src, dst := d.addresses()
	t := &d.tcp
	s.src, s.dst = netip.AddrPortFrom(src, uint16(t.SrcPort)), netip.AddrPortFrom(dst, uint16(t.DstPort))
	s.seq, s.ack, s.payload, s.flags, s.window = t.Seq, t.Ack, t.Payload, t.Contents[13], t.Window
	switch d.network() {
	case layers.LayerTypeIPv4:
		s.ttl = d.ip4.TTL
		s.cut = int(d.ip4.Length) - len(d.ip4.Contents) - len(d.ip4.Payload)
	case layers.LayerTypeIPv6:
		const header = 40
		s.ttl = d.ip6.HopLimit
		s.cut = int(d.ip6.Length) + header - len(d.ip6.Contents) - len(d.ip6.Payload)
		if d.ip6.HopByHop != nil {
			s.cut = 0 // lengths of jumbograms are elsewhere
		}
	}
	s.cut = max(0, s.cut)
}
