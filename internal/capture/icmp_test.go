package capture

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/gopacket/gopacket/layers"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// icmpAbout is an ICMP error from an address about a packet (Ethernet and IP).
func icmpAbout(from string, kind, code byte, word uint32, about []byte) frame {
	src := netip.MustParseAddr(from)
	const ethernet = 14
	b := append([]byte{kind, code, 0, 0}, binary.BigEndian.AppendUint32(nil, word)...)
	b = append(b, about[ethernet:min(len(about), ethernet+48)]...)
	var ip []byte
	out := make([]byte, ethernet)
	if src.Is4() {
		binary.BigEndian.PutUint16(out[12:], 0x0800)
		ip = make([]byte, 20)
		ip[0], ip[8], ip[9] = 0x45, 250, 1
		binary.BigEndian.PutUint16(ip[2:], uint16(20+len(b)))
		copy(ip[12:], src.AsSlice())
		copy(ip[16:], about[ethernet+12:ethernet+16])
	} else {
		binary.BigEndian.PutUint16(out[12:], 0x86DD)
		ip = make([]byte, 40)
		ip[0], ip[6], ip[7] = 0x60, 58, 250
		binary.BigEndian.PutUint16(ip[4:], uint16(len(b)))
		copy(ip[8:], src.AsSlice())
		copy(ip[24:], about[ethernet+8:ethernet+24])
	}
	out = append(append(out, ip...), b...)
	return frame{out, len(out), began}
}

// TestICMP: who sent the error, about what, in which packet, and what it means
// for the connection.
func TestICMP(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		from       string
		kind, code byte
		word       uint32
		six        bool
		want       string
		note       facts.NoteKind
	}{
		"frag needed":   {"10.0.0.254", 3, 4, 1400, false, "router or firewall on the path) about a packet to 198.51.100.7:443: fragmentation needed, the next hop takes 1400 bytes", facts.NotePacketTooBig},
		"host":          {"10.0.0.254", 3, 1, 0, false, "host unreachable", facts.NoteUnreachable},
		"prohibited":    {"10.0.0.254", 3, 13, 0, false, "administratively prohibited", facts.NoteUnreachable},
		"port":          {"198.51.100.7", 3, 3, 0, false, "ICMP from 198.51.100.7 about a packet to 198.51.100.7:443: port unreachable", facts.NoteUnreachable},
		"time exceeded": {"10.0.0.254", 11, 0, 0, false, "routing loop", facts.NoteUnreachable},
		"reassembly":    {"198.51.100.7", 11, 1, 0, false, "fragments", facts.NoteOther},
		"too big 6":     {"2001:db8::fe", 2, 0, 1280, true, "packet too big, the next hop takes 1280 bytes", facts.NotePacketTooBig},
		"no route 6":    {"2001:db8::fe", 1, 0, 0, true, "no route", facts.NoteUnreachable},
		"policy 6":      {"2001:db8::fe", 1, 5, 0, true, "refused by policy", facts.NoteUnreachable},
		"hop limit 6":   {"2001:db8::fe", 3, 0, 0, true, "hop limit exceeded", facts.NoteUnreachable},
		"redirect":      {"10.0.0.254", 5, 1, 0, false, "", 0},
	} {
		for _, open := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				w := &wire{}
				client, server := testClient, testServer
				if tc.six {
					client, server = "[2001:db8::1]:40000", "[2001:db8::2]:443"
				}
				x := &talk{w: w, client: peer{addrPort(client), 1, 64}, server: peer{addrPort(server), 0, 60}}
				if open {
					x.open()
					x.say(tlswire.SideClient, shakes(t)["tls13"][0].data)
				} else {
					x.packet(&x.client, &x.server, func(p *layers.TCP) { p.SYN, p.ACK = true, false }, nil)
				}
				w.packets = append(w.packets, icmpAbout(tc.from, tc.kind, tc.code, tc.word, w.packets[len(w.packets)-1-bit(open)].data))
				at := len(w.packets)
				w.at = w.at.Add(10 * lively)
				w.dial("192.0.2.99:4000", "198.51.100.9:22") // the capture goes on
				got, _, err := read(t, w.pcap(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				if tc.note != facts.NoteUnreachable && !open {
					return // one SYN without an answer, and nothing that ends it
				}
				if len(got) != 1 {
					t.Fatalf("got %d connections", len(got))
				}
				a := got[0].Attempt
				i := slices.IndexFunc(a.Seen.Notes, func(n facts.SeenNote) bool {
					return n.Packet == at && n.Kind == tc.note && strings.Contains(n.Text, tc.want) && strings.Contains(n.Text, "from "+tc.from)
				})
				if tc.want != "" && i < 0 || tc.want == "" && len(a.Seen.Notes) > 0 {
					t.Errorf("notes %+v, want %q", a.Seen.Notes, tc.want)
				}
				if !open && tc.note == facts.NoteUnreachable && (a.End.Kind != facts.EndUnreachable || a.Seen.EndPacket != at) {
					t.Errorf("ended as %v in packet %d", a.End.Kind, a.Seen.EndPacket)
				}
			})
		}
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
