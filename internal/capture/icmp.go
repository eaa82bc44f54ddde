package capture

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"github.com/gopacket/gopacket/layers"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// unreachable4 and unreachable6 are the codes of Destination Unreachable in
// words (RFC 792, RFC 1812 5.2.7.1; RFC 4443, Section 3.1).
var (
	unreachable4 = map[uint8]string{0: "network unreachable", 1: "host unreachable", 2: "protocol unreachable", 3: "port unreachable", 5: "source route failed",
		6: "network unknown", 7: "host unknown", 9: "network administratively prohibited", 10: "host administratively prohibited",
		11: "network unreachable for this type of service", 12: "host unreachable for this type of service", 13: "communication administratively prohibited"}
	unreachable6 = map[uint8]string{0: "no route to the destination", 1: "communication administratively prohibited", 2: "beyond the scope of the source address",
		3: "address unreachable", 4: "port unreachable", 5: "source address refused by policy", 6: "route rejected"}
)

// icmp tells the connection that an ICMP error is about. The error repeats the
// header of the packet that caused it.
func (d *decoder) icmp(m mark, t *table) {
	from, _ := d.addresses()
	n := facts.SeenNote{Packet: m.Packet}
	var words string
	var about []byte
	switch d.network() {
	case layers.LayerTypeIPv4:
		n.Kind, words = icmp4(d.icmp4.TypeCode, d.icmp4.Seq)
		about = d.icmp4.Payload
	case layers.LayerTypeIPv6:
		const word = 4 // between the header and the packet
		if len(d.icmp6.Payload) < word {
			return
		}
		n.Kind, words = icmp6(d.icmp6.TypeCode, binary.BigEndian.Uint32(d.icmp6.Payload))
		about = d.icmp6.Payload[word:]
	}
	if words == "" {
		return
	}
	src, dst, ok := quoted(about)
	if !ok {
		return
	}
	n.Text = fmt.Sprintf("ICMP from %v%s about a packet to %v: %s", from, whose(from, dst.Addr()), dst, words)
	t.icmp(src, dst, n)
}

// whose says whether the address that was wanted speaks for itself.
func whose(from, wanted netip.Addr) string {
	if from == wanted {
		return ""
	}
	return " (a router or firewall on the path)"
}

// icmp4 reads the errors that end a connection or let it hang.
func icmp4(code layers.ICMPv4TypeCode, mtu uint16) (facts.NoteKind, string) {
	switch {
	case code == layers.CreateICMPv4TypeCode(layers.ICMPv4TypeDestinationUnreachable, layers.ICMPv4CodeFragmentationNeeded):
		return facts.NotePacketTooBig, fmt.Sprintf("fragmentation needed, the next hop takes %d bytes", mtu)
	case code.Type() == layers.ICMPv4TypeDestinationUnreachable:
		return facts.NoteUnreachable, wordsOf(unreachable4, code.Code())
	case code.Type() == layers.ICMPv4TypeTimeExceeded && code.Code() == 0:
		return facts.NoteUnreachable, "time exceeded on the way: a routing loop, or a TTL that is too small"
	case code.Type() == layers.ICMPv4TypeTimeExceeded:
		return facts.NoteOther, "time exceeded while fragments were put together: one of them is lost"
	}
	return facts.NoteOther, ""
}

func icmp6(code layers.ICMPv6TypeCode, mtu uint32) (facts.NoteKind, string) {
	switch {
	case code.Type() == layers.ICMPv6TypePacketTooBig:
		return facts.NotePacketTooBig, fmt.Sprintf("packet too big, the next hop takes %d bytes", mtu)
	case code.Type() == layers.ICMPv6TypeDestinationUnreachable:
		return facts.NoteUnreachable, wordsOf(unreachable6, code.Code())
	case code.Type() == layers.ICMPv6TypeTimeExceeded && code.Code() == 0:
		return facts.NoteUnreachable, "hop limit exceeded on the way: a routing loop, or a hop limit that is too small"
	case code.Type() == layers.ICMPv6TypeTimeExceeded:
		return facts.NoteOther, "time exceeded while fragments were put together: one of them is lost"
	}
	return facts.NoteOther, ""
}

func wordsOf(table map[uint8]string, code uint8) string {
	if s, ok := table[code]; ok {
		return s
	}
	return fmt.Sprintf("destination unreachable, code %d", code)
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
