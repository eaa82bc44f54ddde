package capture

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"net"
	"slices"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

type stack = []gopacket.SerializableLayer

// wrapping is a link or tunnel around the packets of a wire.
type wrapping struct {
	link layers.LinkType
	wrap func(stack) stack
	six  bool // IPv6 inside
}

func raw(b ...byte) gopacket.SerializableLayer { return gopacket.Payload(b) }

func ether(kind layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: kind}
}

func outer(protocol layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, TTL: 9, Protocol: protocol, SrcIP: net.IP{10, 9, 9, 1}, DstIP: net.IP{10, 9, 9, 2}}
}

func outer6(next layers.IPProtocol) *layers.IPv6 {
	return &layers.IPv6{Version: 6, HopLimit: 9, NextHeader: next, SrcIP: net.ParseIP("fd00::1"), DstIP: net.ParseIP("fd00::2")}
}

// behind puts layers after an Ethernet header, or after Ethernet and IPv4.
func behind(kind layers.EthernetType, l ...gopacket.SerializableLayer) func(stack) stack {
	return func(n stack) stack { return append(append(stack{ether(kind)}, l...), n...) }
}

func inIP(protocol layers.IPProtocol, l ...gopacket.SerializableLayer) func(stack) stack {
	return func(n stack) stack {
		return append(append(stack{ether(layers.EthernetTypeIPv4), outer(protocol)}, l...), n...)
	}
}

func inUDP(port layers.UDPPort, l ...gopacket.SerializableLayer) func(stack) stack {
	return func(n stack) stack {
		ip := outer(layers.IPProtocolUDP)
		u := &layers.UDP{SrcPort: 5555, DstPort: port}
		_ = u.SetNetworkLayerForChecksum(ip)
		return append(append(stack{ether(layers.EthernetTypeIPv4), ip, u}, l...), n...)
	}
}

// on puts bytes before the packet, on a link of its own.
func on(b ...byte) func(stack) stack {
	return func(n stack) stack { return append(stack{raw(b...)}, n...) }
}

// wireless is a radiotap header of 8 bytes that says nothing, then a data frame of
// 802.11 to the access point (QoS where asked for), LLC and SNAP.
func wireless(radio, qos bool) []byte {
	var b []byte
	if radio {
		b = append(b, 0, 0, 8, 0, 0, 0, 0, 0)
	}
	kind := byte(0x08)
	if qos {
		kind = 0x88
	}
	b = append(b, kind, 1, 0, 0)
	b = append(b, make([]byte, 20)...)
	if qos {
		b = append(b, 0, 0)
	}
	return append(b, 0xAA, 0xAA, 3, 0, 0, 0, 8, 0)
}

// wrappings are the links and tunnels that are followed.
func wrappings() map[string]wrapping {
	const eth = layers.LinkTypeEthernet
	ip4 := ether(layers.EthernetTypeIPv4)
	loopback6 := binary.BigEndian.AppendUint32(nil, 24) // AF_INET6 of OpenBSD
	pflog := make([]byte, 64)
	pflog[0], pflog[1] = 61, 2
	return map[string]wrapping{
		"ipv6": {link: eth, wrap: behind(layers.EthernetTypeIPv6), six: true},
		"vlan": {link: eth, wrap: behind(layers.EthernetTypeDot1Q, &layers.Dot1Q{VLANIdentifier: 7, Type: layers.EthernetTypeIPv4})},
		"qinq": {link: eth, wrap: behind(layers.EthernetTypeQinQ, &layers.Dot1Q{VLANIdentifier: 7, Type: layers.EthernetTypeDot1Q}, &layers.Dot1Q{VLANIdentifier: 8, Type: layers.EthernetTypeIPv4})},
		"raw":  {link: layers.LinkTypeRaw, wrap: on()}, "raw6": {link: layers.LinkTypeRaw, wrap: on(), six: true},
		"ipv4": {link: layers.LinkTypeIPv4, wrap: on()}, "linktype ipv6": {link: layers.LinkTypeIPv6, wrap: on(), six: true},
		"null":            {link: layers.LinkTypeNull, wrap: on(2, 0, 0, 0)},
		"null big-endian": {link: layers.LinkTypeNull, wrap: on(0, 0, 0, 2)},
		"null macOS 6":    {link: layers.LinkTypeNull, wrap: on(30, 0, 0, 0), six: true},
		"loop":            {link: layers.LinkTypeLoop, wrap: on(0, 0, 0, 2)},
		"loop 6":          {link: layers.LinkTypeLoop, wrap: on(loopback6...), six: true},
		"sll":             {link: layers.LinkTypeLinuxSLL, wrap: on(0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0)},
		"sll vlan":        {link: layers.LinkTypeLinuxSLL, wrap: on(0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x81, 0, 0, 7, 8, 0)},
		"sll2":            {link: layers.LinkTypeLinuxSLL2, wrap: on(8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0)},
		"ppp":             {link: layers.LinkTypePPP, wrap: on(0xFF, 3, 0, 0x21)},
		"ppp compressed":  {link: layers.LinkTypePPP, wrap: on(0x21)},
		"802.11":          {link: layers.LinkTypeIEEE802_11, wrap: on(wireless(false, false)...)},
		"radiotap":        {link: layers.LinkTypeIEEE80211Radio, wrap: on(wireless(true, false)...)},
		"radiotap qos":    {link: layers.LinkTypeIEEE80211Radio, wrap: on(wireless(true, true)...)},
		"pflog":           {link: layers.LinkTypePFLog, wrap: on(pflog...)},
		"llc snap":        {link: eth, wrap: behind(layers.EthernetTypeLLC, raw(0xAA, 0xAA, 3, 0, 0, 0, 8, 0))},
		"mpls":            {link: eth, wrap: behind(layers.EthernetTypeMPLSUnicast, raw(0, 1, 0, 64, 0, 2, 1, 64))},
		"mpls pseudowire": {link: eth, wrap: behind(layers.EthernetTypeMPLSUnicast, raw(0, 2, 1, 64), ip4)},
		"gre":             {link: eth, wrap: inIP(layers.IPProtocolGRE, raw(0, 0, 8, 0))},
		"gre key seq":     {link: eth, wrap: inIP(layers.IPProtocolGRE, raw(0x30, 0, 8, 0, 0, 0, 0, 5, 0, 0, 0, 9))},
		"nvgre":           {link: eth, wrap: inIP(layers.IPProtocolGRE, raw(0x20, 0, 0x65, 0x58, 0, 0, 5, 0), ip4)},
		"pptp":            {link: eth, wrap: inIP(layers.IPProtocolGRE, raw(0x30, 1, 0x88, 0x0B, 0, 9, 0, 1, 0, 0, 0, 9, 0xFF, 3, 0, 0x21))},
		"erspan":          {link: eth, wrap: inIP(layers.IPProtocolGRE, raw(0x10, 0, 0x88, 0xBE, 0, 0, 0, 9), raw(0x10, 1, 0, 1, 0, 0, 0, 0), ip4)},
		"ipip":            {link: eth, wrap: inIP(layers.IPProtocolIPv4)},
		"6in4":            {link: eth, wrap: inIP(layers.IPProtocolIPv6), six: true},
		"4in6":            {link: eth, wrap: behind(layers.EthernetTypeIPv6, outer6(layers.IPProtocolIPv4))},
		"6in6":            {link: eth, wrap: behind(layers.EthernetTypeIPv6, outer6(layers.IPProtocolIPv6)), six: true},
		"etherip":         {link: eth, wrap: inIP(layers.IPProtocolEtherIP, raw(0x30, 0), ip4)},
		"ah":              {link: eth, wrap: inIP(layers.IPProtocolAH, raw(4, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12))},
		"vxlan":           {link: eth, wrap: inUDP(4789, raw(8, 0, 0, 0, 0, 0, 1, 0), ip4)},
		"vxlan of Linux":  {link: eth, wrap: inUDP(8472, raw(8, 0, 0, 0, 0, 0, 1, 0), ip4)},
		"geneve":          {link: eth, wrap: inUDP(6081, raw(0, 0, 0x65, 0x58, 0, 0, 1, 0), ip4)},
		"mpls in udp":     {link: eth, wrap: inUDP(6635, raw(0, 2, 1, 64))},
		"gre in udp":      {link: eth, wrap: inUDP(4754, raw(0, 0, 8, 0))},
		"vlan vxlan vlan": {link: eth, wrap: func(n stack) stack {
			in := append(stack{raw(8, 0, 0, 0, 0, 0, 1, 0), ether(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 9, Type: layers.EthernetTypeIPv4}}, n...)
			return append(stack{ether(layers.EthernetTypeDot1Q), &layers.Dot1Q{VLANIdentifier: 7, Type: layers.EthernetTypeIPv4}}, inUDP(4789, in...)(nil)[1:]...)
		}},
		// These state a length.
		"pppoe": {link: eth, wrap: func(n stack) stack {
			b := append([]byte{0, 0x21}, bytesOf(n)...)
			return stack{ether(layers.EthernetTypePPPoESession), raw(append([]byte{0x11, 0, 0, 1, byte(len(b) >> 8), byte(len(b))}, b...)...)}
		}},
		"gtp": {link: eth, wrap: func(n stack) stack {
			b := bytesOf(n)
			return inUDP(2152, raw(append([]byte{0x30, 0xFF, byte(len(b) >> 8), byte(len(b)), 0, 0, 0, 1}, b...)...))(nil)
		}},
	}
}

func bytesOf(n stack) []byte {
	b := gopacket.NewSerializeBuffer()
	_ = gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, n...)
	return slices.Clone(b.Bytes())
}

// carried is a handshake over a wrapping, from a port of the client.
func carried(x wrapping, port int, lines []line) *wire {
	w := &wire{link: x.link, wrap: x.wrap}
	client, server := "192.0.2.10", testServer
	if x.six {
		client, server = "[2001:db8::1]", "[2001:db8::2]:443"
	}
	c := w.dial(fmt.Sprintf("%s:%d", client, port), server)
	c.play(lines)
	c.fin(tlswire.SideServer)
	return w
}

// TestWrappings carries a handshake over every kind of link and tunnel.
func TestWrappings(t *testing.T) {
	t.Parallel()
	lines := shakes(t)["version"]
	for name, x := range wrappings() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, stats, err := read(t, carried(x, 40000, lines).pcap(), Options{})
			if err != nil || stats.Undecoded > 0 {
				t.Fatalf("%d packets not decoded, %v", stats.Undecoded, err)
			}
			check(t, "version", got)
		})
	}
}

// TestChecksum reads frames of 802.11 that end with their checksum; TestWrappings
// has those without.
func TestChecksum(t *testing.T) {
	t.Parallel()
	w := carried(wrappings()["802.11"], 40000, shakes(t)["version"])
	for i, f := range w.packets {
		f.data = binary.LittleEndian.AppendUint32(f.data, crc32.ChecksumIEEE(f.data))
		f.full = len(f.data)
		w.packets[i] = f
	}
	got, _, err := read(t, w.pcap(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	check(t, "version", got)
}

// TestOffloaded reads packets that a network card cuts to size after they were
// captured: their length is 0.
func TestOffloaded(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]wrapping{"ipv4": {wrap: behind(layers.EthernetTypeIPv4)}, "ipv6": {wrap: behind(layers.EthernetTypeIPv6), six: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x.link = layers.LinkTypeEthernet
			w := carried(x, 40000, shakes(t)["version"])
			for _, f := range w.packets {
				if len(f.data) <= 60+20 {
					continue // only large ones are cut, and short ones are padded
				}
				at := 14 + 2
				if x.six {
					at = 14 + 4
				}
				f.data[at], f.data[at+1] = 0, 0
			}
			got, _, err := read(t, w.pcap(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			check(t, "version", got)
		})
	}
}

// TestHostileLayer: a packet that makes a decoder of gopacket panic is passed
// over. The lengths of these GTP extension headers wrap around.
func TestHostileLayer(t *testing.T) {
	t.Parallel()
	b := make([]byte, 65480)
	b[0], b[1] = 0x34, 0xFF
	for i := 12; i < len(b); i += 1020 {
		b[i-1], b[i] = 0xC0, 255
	}
	header := make([]byte, 28) // IPv4 and UDP
	header[0], header[8], header[9] = 0x45, 9, 17
	binary.BigEndian.PutUint16(header[2:], uint16(len(header)+len(b)))
	binary.BigEndian.PutUint16(header[22:], 2152)
	binary.BigEndian.PutUint16(header[24:], uint16(8+len(b)))
	w := carried(wrapping{link: layers.LinkTypeRaw, wrap: on()}, 40000, shakes(t)["version"])
	bad := append(header, b...)
	w.packets = append([]frame{{bad, len(bad), began}}, w.packets...)
	got, stats, err := read(t, w.pcap(), Options{})
	if err != nil || stats.Undecoded != 1 {
		t.Errorf("%d not decoded, %v", stats.Undecoded, err)
	}
	check(t, "version", got)
}
