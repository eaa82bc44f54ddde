package capture

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// wire writes the packets of TCP connections. The zero value speaks Ethernet
// and IPv4.
type wire struct {
	packets []frame
	at      time.Time
	wrap    func(network []gopacket.SerializableLayer) []gopacket.SerializableLayer // nil: Ethernet
	link    layers.LinkType
	mss     int
}

type frame struct {
	data []byte
	full int // length before the snap length cut it
	at   time.Time
}

var began = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

// peer is one side of a connection.
type peer struct {
	addr netip.AddrPort
	seq  uint32
	ttl  uint8
}

// talk is one connection.
type talk struct {
	w              *wire
	client, server peer
}

func (w *wire) dial(client, server string) *talk {
	t := &talk{w: w, client: peer{netip.MustParseAddrPort(client), 1000, 64}, server: peer{netip.MustParseAddrPort(server), 900_000_000, 57}}
	t.open()
	return t
}

// open is the three-way handshake.
func (t *talk) open() {
	t.packet(&t.client, &t.server, func(p *layers.TCP) { p.SYN, p.ACK = true, false }, nil)
	t.client.seq++
	t.packet(&t.server, &t.client, func(p *layers.TCP) { p.SYN = true }, nil)
	t.server.seq++
	t.packet(&t.client, &t.server, nil, nil)
}

func (t *talk) packet(from, to *peer, change func(*layers.TCP), payload []byte) {
	tcp := &layers.TCP{SrcPort: layers.TCPPort(from.addr.Port()), DstPort: layers.TCPPort(to.addr.Port()), Seq: from.seq, Ack: to.seq, ACK: true, Window: 65535}
	if change != nil {
		change(tcp)
	}
	t.w.emit(from.addr.Addr(), to.addr.Addr(), from.ttl, tcp, payload)
}

func (w *wire) emit(src, dst netip.Addr, ttl uint8, tcp *layers.TCP, payload []byte) {
	var ip gopacket.SerializableLayer
	network := []gopacket.SerializableLayer{nil, tcp, gopacket.Payload(payload)}
	ethernet := layers.EthernetTypeIPv4
	if src.Is6() {
		l := &layers.IPv6{Version: 6, HopLimit: ttl, NextHeader: layers.IPProtocolTCP, SrcIP: net.IP(src.AsSlice()), DstIP: net.IP(dst.AsSlice())}
		_ = tcp.SetNetworkLayerForChecksum(l)
		ip, ethernet = l, layers.EthernetTypeIPv6
	} else {
		l := &layers.IPv4{Version: 4, TTL: ttl, Id: uint16(len(w.packets)), Protocol: layers.IPProtocolTCP, SrcIP: net.IP(src.AsSlice()), DstIP: net.IP(dst.AsSlice())}
		_ = tcp.SetNetworkLayerForChecksum(l)
		ip = l
	}
	network[0] = ip
	stack := append([]gopacket.SerializableLayer{&layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: ethernet}}, network...)
	if w.wrap != nil {
		stack = w.wrap(network)
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, stack...); err != nil {
		panic(err) // a mistake in the test
	}
	if w.at.IsZero() {
		w.at = began
	}
	w.at = w.at.Add(time.Millisecond)
	data := bytes.Clone(b.Bytes())
	w.packets = append(w.packets, frame{data, len(data), w.at})
}

// say sends bytes, in segments of the wire's size.
func (t *talk) say(from tlswire.Side, data []byte) {
	a, b := &t.client, &t.server
	if from == tlswire.SideServer {
		a, b = b, a
	}
	size := t.w.mss
	if size == 0 {
		size = 1400
	}
	for len(data) > 0 {
		n := min(size, len(data))
		t.packet(a, b, func(p *layers.TCP) { p.PSH = true }, data[:n])
		a.seq += uint32(n)
		data = data[n:]
	}
	t.packet(b, a, nil, nil)
}

func (t *talk) fin(from tlswire.Side) {
	a, b := &t.client, &t.server
	if from == tlswire.SideServer {
		a, b = b, a
	}
	t.packet(a, b, func(p *layers.TCP) { p.FIN = true }, nil)
	a.seq++
	t.packet(b, a, func(p *layers.TCP) { p.FIN = true }, nil)
	b.seq++
	t.packet(a, b, nil, nil)
}

func (t *talk) reset(from tlswire.Side, ttl uint8) {
	a, b := &t.client, &t.server
	if from == tlswire.SideServer {
		a, b = b, a
	}
	old := a.ttl
	if ttl != 0 {
		a.ttl = ttl
	}
	t.packet(a, b, func(p *layers.TCP) { p.RST = true }, nil)
	a.ttl = old
}

// pcap is the capture in classic form.
func (w *wire) pcap() []byte {
	var b bytes.Buffer
	out := pcapgo.NewWriter(&b)
	link := w.link
	if link == 0 && w.wrap == nil {
		link = layers.LinkTypeEthernet
	}
	_ = out.WriteFileHeader(262144, link)
	for _, f := range w.packets {
		_ = out.WritePacket(gopacket.CaptureInfo{Timestamp: f.at, CaptureLength: len(f.data), Length: f.full}, f.data)
	}
	return b.Bytes()
}

// pcapng is the capture with a Decryption Secrets Block before its packets,
// where there are secrets.
func (w *wire) pcapng(t testing.TB, secrets string) []byte {
	var b bytes.Buffer
	out, err := pcapgo.NewNgWriter(&b, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	if secrets != "" {
		body := append([]byte(secrets), make([]byte, (4-len(secrets)%4)%4)...)
		length := uint32(20 + len(body))
		for _, v := range []uint32{blockSecrets, length, secretsTLS, uint32(len(secrets))} {
			b.Write(binary.LittleEndian.AppendUint32(nil, v))
		}
		b.Write(body)
		b.Write(binary.LittleEndian.AppendUint32(nil, length))
	}
	for _, f := range w.packets {
		if err := out.WritePacket(gopacket.CaptureInfo{Timestamp: f.at, CaptureLength: len(f.data), Length: f.full}, f.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads a capture from memory.
func read(t testing.TB, data []byte, o Options) ([]*Connection, *Stats, error) {
	t.Helper()
	var out []*Connection
	stats, err := Read(context.Background(), bytes.NewReader(data), o, func(c *Connection) { out = append(out, c) })
	return out, stats, err
}
