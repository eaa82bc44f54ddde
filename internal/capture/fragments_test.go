package capture

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// fragmentsOf cuts a packet that is longer into fragments of size bytes.
func fragmentsOf(f frame, size int, id uint32, six bool) []frame {
	const ethernet = 14
	header, end := ethernet+20, ethernet+int(binary.BigEndian.Uint16(f.data[ethernet+2:])) // behind it is padding
	if six {
		header = ethernet + 40
		end = header + int(binary.BigEndian.Uint16(f.data[ethernet+4:]))
	}
	body := f.data[header:end]
	if len(body) <= size {
		return []frame{f}
	}
	var out []frame
	for at := 0; at < len(body); at += size {
		part := body[at:min(len(body), at+size)]
		more := at+size < len(body)
		h := slices.Clone(f.data[:header])
		if six {
			x := make([]byte, 8)
			x[0] = h[ethernet+6]
			h[ethernet+6] = 44
			binary.BigEndian.PutUint16(x[2:], uint16(at)|uint16(bit(more)))
			binary.BigEndian.PutUint32(x[4:], id)
			binary.BigEndian.PutUint16(h[ethernet+4:], uint16(len(x)+len(part)))
			h = append(h, x...)
		} else {
			binary.BigEndian.PutUint16(h[ethernet+2:], uint16(20+len(part)))
			binary.BigEndian.PutUint16(h[ethernet+4:], uint16(id))
			binary.BigEndian.PutUint16(h[ethernet+6:], uint16(at/8)|uint16(bit(more))<<13)
		}
		data := append(h, part...)
		out = append(out, frame{data, len(data), f.at})
	}
	return out
}

// TestFragments carries a handshake in fragments: in order, shuffled, repeated.
func TestFragments(t *testing.T) {
	t.Parallel()
	lines := shakes(t)["version"]
	for name, six := range map[string]bool{"ipv4": false, "ipv6": true} {
		for seed := range uint64(20) {
			r := rand.New(rand.NewPCG(seed, 5))
			w := &wire{}
			client, server := testClient, testServer
			if six {
				client, server = "[2001:db8::1]:40000", "[2001:db8::2]:443"
			}
			x := w.dial(client, server)
			x.play(lines)
			x.fin(tlswire.SideServer)
			var out []frame
			for n, f := range w.packets {
				parts := fragmentsOf(f, 8*(1+r.IntN(20)), uint32(n), six)
				if seed > 0 {
					r.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
				}
				if seed > 5 {
					parts = append(parts, parts[0])
				}
				out = append(out, parts...)
			}
			w.packets = out
			got, stats, err := read(t, w.pcap(), Options{})
			if err != nil || stats.Fragments == 0 {
				t.Fatalf("%s: %d fragments, %v", name, stats.Fragments, err)
			}
			check(t, "version", got)
			if t.Failed() {
				t.Fatalf("%s, seed %d", name, seed)
			}
		}
	}
}

// TestFragmentBounds: what no receiver would put together is not put together,
// and what never becomes complete takes no room.
func TestFragmentBounds(t *testing.T) {
	t.Parallel()
	key := datagramKey{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), 1, layers.IPProtocolTCP}
	type part struct {
		at, n int
		more  bool
	}
	for name, tc := range map[string]struct {
		parts []part
		whole int // 0: nothing comes of it
	}{
		"two":                  {[]part{{0, 16, true}, {16, 5, false}}, 21},
		"last first":           {[]part{{16, 5, false}, {0, 16, true}}, 21},
		"twice":                {[]part{{0, 16, true}, {0, 16, true}, {16, 5, false}}, 21},
		"overlap":              {[]part{{0, 16, true}, {8, 16, true}, {24, 5, false}}, 0},
		"same place, longer":   {[]part{{0, 16, true}, {0, 24, true}, {24, 5, false}}, 0},
		"beyond the end":       {[]part{{16, 8, false}, {24, 8, true}, {0, 16, true}}, 0},
		"two ends":             {[]part{{16, 8, false}, {24, 8, false}, {0, 16, true}}, 0},
		"empty":                {[]part{{0, 0, true}, {0, 16, false}}, 0},
		"longer than a packet": {[]part{{65528, 16, false}, {0, 65528, true}}, 0},
		"a hole":               {[]part{{0, 8, true}, {16, 8, false}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f fragments
			var whole []byte
			for _, p := range tc.parts {
				if b := f.add(key, fragment{p.at, make([]byte, p.n)}, p.more, began); b != nil {
					whole = b
				}
			}
			if len(whole) != tc.whole {
				t.Errorf("got %d bytes, want %d", len(whole), tc.whole)
			}
		})
	}
	t.Run("old", func(t *testing.T) {
		t.Parallel()
		var f fragments
		f.add(key, fragment{0, make([]byte, 16)}, true, began)
		if b := f.add(key, fragment{16, make([]byte, 8)}, false, began.Add(2*time.Minute)); b != nil {
			t.Error("fragments of two minutes were put together")
		}
	})
	t.Run("endless", func(t *testing.T) {
		t.Parallel()
		var f fragments
		data := make([]byte, 8000)
		for i := range 20_000 {
			k := key
			k.id = uint32(i)
			f.add(k, fragment{8 * (i % 8), data}, true, began)
		}
		for i := range 20_000 { // of one datagram
			f.add(key, fragment{8 * (i % 8000), data[:8]}, true, began)
		}
		kept := 0
		for _, g := range f.open {
			for _, p := range g.parts {
				kept += len(p.data)
			}
		}
		if len(f.open) > maxDatagrams || len(f.order) > 4*maxDatagrams || kept > maxDatagrams*len(data)+maxDatagramBytes {
			t.Errorf("%d datagrams, %d in order, %d bytes", len(f.open), len(f.order), kept)
		}

	})
}
