package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket/layers"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// icmp tells the connection that an ICMP error is about. The error repeats the
// header of the packet that caused it.
func (d *decoder) icmp(m mark, t *table) {
	from, _ := d.addresses()
	var text string
	var note facts.NoteKind
	var about []byte
	switch d.network() {
	case layers.LayerTypeIPv4:
		code := d.icmp4.TypeCode
		switch {
		case code == layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, layers.ICMPv4CodeFragmentationNeeded):
			note, text = facts.NotePacketTooBig, fmt.Sprintf("ICMP from %v: fragmentation needed, next-hop MTU %d", from, d.icmp4.Seq)
		case code.Type() == layers.ICMPv4TypeDestinationUnreachable:
			note, text = facts.NoteUnreachable, fmt.Sprintf("ICMP from %v: %v", from, code)
		default:
			return
		}
		about = d.icmp4.Payload
	case layers.LayerTypeIPv6:
		code := d.icmp6.TypeCode
		const unused = 4 // between the header and the packet
		if len(d.icmp6.Payload) < unused {
			return
		}
		switch code.Type() {
		case layers.ICMPv6TypePacketTooBig:
			note, text = facts.NotePacketTooBig, fmt.Sprintf("ICMPv6 from %v: packet too big, MTU %d", from, binary.BigEndian.Uint32(d.icmp6.Payload))
		case layers.ICMPv6TypeDestinationUnreachable:
			note, text = facts.NoteUnreachable, fmt.Sprintf("ICMPv6 from %v: %v", from, code)
		default:
			return
		}
		about = d.icmp6.Payload[unused:]
	}
	if src, dst, ok := quoted(about); ok {
		t.icmp(src, dst, facts.SeenNote{Kind: note, Text: text, Packet: m.Packet})
	}
}

// quoted reads the addresses and ports of a TCP packet that an ICMP error
// repeats the beginning of.
func quoted(b []byte) (src, dst netip.AddrPort, ok bool) {
	const ip4Header, ip6Header, tcp = 20, 40, 6
	var a, z netip.Addr
	var rest []byte
	switch {
	case len(b) >= ip4Header && b[0]>>4 == 4 && b[9] == tcp && len(b) >= int(b[0]&0x0F)*4 && b[0]&0x0F >= 5:
		a, _ = netip.AddrFromSlice(b[12:16])
		z, _ = netip.AddrFromSlice(b[16:20])
		rest = b[int(b[0]&0x0F)*4:]
	case len(b) >= ip6Header && b[0]>>4 == 6 && b[6] == tcp:
		a, _ = netip.AddrFromSlice(b[8:24])
		z, _ = netip.AddrFromSlice(b[24:40])
		rest = b[ip6Header:]
	}
	if len(rest) < 4 {
		return src, dst, false
	}
	return netip.AddrPortFrom(a, binary.BigEndian.Uint16(rest)), netip.AddrPortFrom(z, binary.BigEndian.Uint16(rest[2:])), true
}
