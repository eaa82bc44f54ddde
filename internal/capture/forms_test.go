package capture

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gopacket/gopacket/layers"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// byteOrder writes numbers, as both orders of package binary do.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// pcapAs is the capture in classic form in any byte order, with micro- or
// nanoseconds.
func (w *wire) pcapAs(order byteOrder, nano bool) []byte {
	magic, unit := uint32(0xA1B2C3D4), 1000
	if nano {
		magic, unit = 0xA1B23C4D, 1
	}
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(order.AppendUint16(b, 2), 4)
	b = append(b, make([]byte, 8)...)
	b = order.AppendUint32(order.AppendUint32(b, 262144), uint32(layers.LinkTypeEthernet))
	for _, f := range w.packets {
		b = order.AppendUint32(b, uint32(f.at.Unix()))
		b = order.AppendUint32(b, uint32(f.at.Nanosecond()/unit))
		b = order.AppendUint32(order.AppendUint32(b, uint32(len(f.data))), uint32(f.full))
		b = append(b, f.data...)
	}
	return b
}

// ng writes blocks of pcapng.
type ng struct {
	order byteOrder
	b     []byte
}

func (n *ng) block(kind uint32, body []byte) {
	body = padded(body)
	length := uint32(12 + len(body))
	n.b = n.order.AppendUint32(n.order.AppendUint32(n.b, kind), length)
	n.b = n.order.AppendUint32(append(n.b, body...), length)
}

func padded(b []byte) []byte { return append(slices.Clone(b), make([]byte, (4-len(b)%4)%4)...) }

func (n *ng) option(code uint16, value []byte) []byte {
	return append(n.order.AppendUint16(n.order.AppendUint16(nil, code), uint16(len(value))), padded(value)...)
}

// section begins a section, in the order of n.
func (n *ng) section() {
	body := n.order.AppendUint32(nil, 0x1A2B3C4D)
	body = n.order.AppendUint16(n.order.AppendUint16(body, 1), 0)
	body = append(body, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF)
	n.block(blockSection, append(body, n.option(1, []byte("a comment"))...))
}

func (n *ng) iface(link layers.LinkType, snap uint32, options ...[]byte) {
	body := n.order.AppendUint32(n.order.AppendUint16(n.order.AppendUint16(nil, uint16(link)), 0), snap)
	n.block(1, append(body, slices.Concat(options...)...))
}

// packet is an Enhanced Packet Block with a comment; ticks is its time in the
// unit of its interface.
func (n *ng) packet(iface uint32, ticks uint64, f frame) {
	body := n.order.AppendUint32(nil, iface)
	body = n.order.AppendUint32(n.order.AppendUint32(body, uint32(ticks>>32)), uint32(ticks))
	body = n.order.AppendUint32(n.order.AppendUint32(body, uint32(len(f.data))), uint32(f.full))
	body = append(body, padded(f.data)...)
	n.block(blockPacketE, append(body, n.option(1, []byte("look here"))...))
}

func (n *ng) simple(f frame) {
	n.block(blockSimple, append(n.order.AppendUint32(nil, uint32(f.full)), f.data...))
}

func (n *ng) secrets(log string) {
	n.block(blockSecrets, append(n.order.AppendUint32(n.order.AppendUint32(nil, secretsTLS), uint32(len(log))), log...))
}

// TestForms reads one handshake in every form that captures come in. The time
// must survive: certificates are judged by it.
func TestForms(t *testing.T) {
	t.Parallel()
	w := &wire{}
	c := w.dial(testClient, testServer)
	c.play(shakes(t)["version"])
	c.fin(tlswire.SideServer)
	zip := func(b []byte) []byte {
		var out bytes.Buffer
		z := gzip.NewWriter(&out)
		_, _ = z.Write(b)
		_ = z.Close()
		return out.Bytes()
	}
	pair := func(order byteOrder) []byte { // two interfaces, of different link types and clocks
		n := &ng{order: order}
		n.section()
		n.iface(layers.LinkTypeEthernet, 262144)                                                                               // microseconds
		n.iface(layers.LinkTypeRaw, 0, n.option(9, []byte{9}), n.option(14, order.AppendUint64(nil, uint64(began.Unix()-10)))) // nanoseconds, with an offset
		for i, f := range w.packets {
			if i%2 == 0 {
				n.packet(0, uint64(f.at.UnixMicro()), f)
				continue
			}
			length := int(binary.BigEndian.Uint16(f.data[16:]))
			f.data = f.data[14 : 14+length]
			f.full = len(f.data)
			n.packet(1, uint64(f.at.Sub(began.Add(-10*time.Second))), f)
		}
		return n.b
	}
	sections := func() []byte { // one big-endian, one little-endian, as cat makes them
		var out []byte
		for i, order := range []byteOrder{binary.BigEndian, binary.LittleEndian} {
			n := &ng{order: order}
			n.section()
			n.iface(layers.LinkTypeEthernet, 262144, n.option(9, []byte{0x80 | 20})) // 2^-20 s
			half := len(w.packets) / 2
			for _, f := range w.packets[i*half : half+i*(len(w.packets)-half)] {
				n.packet(0, uint64(f.at.Unix())<<20|uint64(f.at.Nanosecond())<<20/1e9, f)
			}
			out = append(out, n.b...)
		}
		return out
	}
	strange := func() []byte { // blocks that nobody knows, and a DSB of WireGuard
		n := &ng{order: binary.LittleEndian}
		n.section()
		n.block(0x0BAD, []byte("custom"))
		n.iface(layers.LinkTypeEthernet, 0)
		n.block(blockSecrets, append(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, 0x57474B4C), 4), "abcd"...))
		for i, f := range w.packets {
			n.packet(0, uint64(f.at.UnixMicro()), f)
			n.block(0x80000001+uint32(i), make([]byte, 40))
		}
		return n.b
	}
	simple := func() []byte {
		n := &ng{order: binary.LittleEndian}
		n.section()
		n.iface(layers.LinkTypeEthernet, 262144)
		for _, f := range w.packets {
			n.simple(f)
		}
		return n.b
	}
	plain := w.pcap()
	for name, data := range map[string][]byte{
		"pcap": plain, "gzip": zip(plain), "gzip members": append(zip(plain[:500]), zip(plain[500:])...), "pcapng": w.pcapng(t, ""), "pcapng gzip": zip(w.pcapng(t, "")),
		"little-endian": w.pcapAs(binary.LittleEndian, false), "big-endian": w.pcapAs(binary.BigEndian, false),
		"nanoseconds": w.pcapAs(binary.LittleEndian, true), "nanoseconds big-endian": w.pcapAs(binary.BigEndian, true),
		"two interfaces": pair(binary.LittleEndian), "two interfaces big-endian": pair(binary.BigEndian),
		"two sections": sections(), "strange blocks": strange(), "simple packets": simple(),
	} {
		for kind, in := range map[string]io.Reader{"whole": bytes.NewReader(data), "byte by byte": iotest.OneByteReader(bytes.NewReader(data))} {
			t.Run(name+" "+kind, func(t *testing.T) {
				t.Parallel()
				var got []*Connection
				stats, err := Read(context.Background(), in, Options{}, func(c *Connection) { got = append(got, c) })
				if err != nil {
					t.Fatal(err)
				}
				check(t, "version", got)
				if stats.Packets != len(w.packets) {
					t.Errorf("got %d packets, want %d", stats.Packets, len(w.packets))
				}
				first, last := stats.First.Sub(w.packets[0].at).Abs(), stats.Last.Sub(w.packets[len(w.packets)-1].at).Abs()
				switch {
				case name == "simple packets":
					if stats.Untimed != len(w.packets) {
						t.Errorf("%d packets without a time", stats.Untimed)
					}
				case first > 2*time.Millisecond || last > 2*time.Millisecond || stats.Untimed != 0: // gopacket rounds binary fractions
					t.Errorf("from %v to %v, %d without a time", stats.First, stats.Last, stats.Untimed)
				}
			})
		}
	}
}

// TestBlockSecrets finds key logs in big-endian sections, in the middle and
// more than once.
func TestBlockSecrets(t *testing.T) {
	t.Parallel()
	line := "CLIENT_RANDOM " + strings.Repeat("ab", 32) + " " + strings.Repeat("cd", 48) + "\n"
	for name, order := range map[string]byteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		n := &ng{order: order}
		n.section()
		n.iface(layers.LinkTypeEthernet, 0)
		w := &wire{}
		w.dial(testClient, testServer)
		n.secrets(line)
		n.packet(0, 1, w.packets[0])
		n.secrets(strings.ReplaceAll(line, "ab", "ef"))
		_, stats, err := read(t, n.b, Options{})
		if err != nil || stats.Secrets != 2 {
			t.Errorf("%s: %d secrets, %v", name, stats.Secrets, err)
		}
	}
}

// TestHugeBlock: a packet that says it is of gigabytes is not waited for.
func TestHugeBlock(t *testing.T) {
	t.Parallel()
	n := &ng{order: binary.LittleEndian}
	n.section()
	n.iface(layers.LinkTypeEthernet, 0)
	for _, kind := range []uint32{blockPacketE, blockPacket, blockSimple} {
		data := append(slices.Clone(n.b), binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, kind), 0xFFFFFF00)...)
		in := &counter{r: io.MultiReader(bytes.NewReader(data), zeros{})}
		_, err := Read(context.Background(), in, Options{}, func(*Connection) {})
		var unreadable *UnreadableError
		if !errors.As(err, &unreadable) || in.n > 64<<20 {
			t.Errorf("%d bytes read, %v", in.n, err)
		}
	}
}

// zeros never ends.
type zeros struct{}

// Read implements io.Reader.
func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestOffset: the error says where the packet begins that could not be read.
func TestOffset(t *testing.T) {
	t.Parallel()
	w := &wire{}
	c := w.dial(testClient, testServer)
	c.play(shakes(t)["version"])
	const header, record = 24, 16
	data, at := w.pcap(), header
	for i, f := range w.packets[:len(w.packets)-1] {
		at += record + len(f.data)
		for cut, want := range map[int]bool{at + 5: true, at + record + 3: true, at: false} {
			_, _, err := read(t, data[:cut], Options{})
			var unreadable *UnreadableError
			if errors.As(err, &unreadable) != want || want && (unreadable.Offset != int64(at) || unreadable.After != i+1 || !unreadable.Harmless) {
				t.Errorf("cut at %d: %v, want packet %d at %d", cut, err, i+1, at)
			}
		}
	}
}

// TestUDP counts QUIC and DTLS, which are not followed.
func TestUDP(t *testing.T) {
	t.Parallel()
	w := &wire{}
	datagram := func(port uint16, payload ...byte) {
		b := make([]byte, 28)
		b[0], b[8], b[9] = 0x45, 64, 17
		binary.BigEndian.PutUint16(b[2:], uint16(28+len(payload)))
		binary.BigEndian.PutUint16(b[20:], 50000)
		binary.BigEndian.PutUint16(b[22:], port)
		binary.BigEndian.PutUint16(b[24:], uint16(8+len(payload)))
		b = append(b, payload...)
		w.packets = append(w.packets, frame{b, len(b), began})
	}
	datagram(443, 0xC3, 0, 0, 0, 1, 8, 1, 2, 3, 4)                                   // QUIC v1, Initial
	datagram(8443, 0xD0, 0x6B, 0x33, 0x43, 0xCF, 8, 1, 2)                            // QUIC v2
	datagram(443, 0x40, 1, 2, 3, 4, 5, 6, 7)                                         // its short header
	datagram(5684, 22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 0)               // DTLS 1.2
	datagram(53, 0xC3, 0x10, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0)                           // DNS
	datagram(5684, 22, 0xFE, 0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 99, 1, 0)                 // too long for its datagram
	datagram(2000, 0x80, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15) // RTP
	w.link = layers.LinkTypeRaw
	_, stats, err := read(t, w.pcap(), Options{})
	if err != nil || stats.QUIC != 2 || stats.DTLS != 1 || stats.UDP443 != 1 || stats.Undecoded != 0 {
		t.Errorf("got %+v, %v", stats, err)
	}
}

// TestUntimed: what was seen without a clock has its durations all the same.
func TestUntimed(t *testing.T) {
	t.Parallel()
	w := &wire{}
	c := w.dial(testClient, testServer)
	c.say(tlswire.SideClient, shakes(t)["tls13"][0].data)
	w.at = w.at.Add(5 * time.Second)
	c.fin(tlswire.SideClient)
	for i := range w.packets {
		w.packets[i].at = time.Unix(0, 0).Add(w.packets[i].at.Sub(began))
	}
	got, stats, err := read(t, w.pcap(), Options{})
	if err != nil || len(got) != 1 || got[0].Outcome != Failed || got[0].Attempt.End.Kind != facts.EndClosed || stats.Untimed != len(w.packets) {
		t.Errorf("got %+v, %+v, %v", got, stats, err)
	}
}
