package capture

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// large writes a capture of about size bytes: connections side by side, each a
// handshake and much data after it, some that fail, one packet in a hundred
// lost. It returns how many handshakes begin and fail.
func large(t testing.TB, out io.Writer, size int64) (begun, failed int) {
	t.Helper()
	good, bad := template(t, "tls13", 400), template(t, "version", 0)
	w := bufio.NewWriterSize(out, 1<<20)
	header := &wire{}
	if _, err := w.Write(header.pcap()); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	at, written := began, int64(0)
	record := make([]byte, 16)
	for round := 0; written < size; round++ {
		const beside = 64
		frames := [beside][]frame{}
		longest := 0
		for i := range frames {
			frames[i] = good
			if i%32 == 31 {
				frames[i] = bad
				failed++
			}
			begun++
			longest = max(longest, len(frames[i]))
		}
		for n := range longest {
			for i := range frames {
				if n >= len(frames[i]) || n > 20 && r.IntN(100) == 0 {
					continue
				}
				data := frames[i][n].data
				id := uint32(round*beside + i)
				patch(data, id)
				at = at.Add(2 * time.Microsecond)
				binary.LittleEndian.PutUint32(record, uint32(at.Unix()))
				binary.LittleEndian.PutUint32(record[4:], uint32(at.Nanosecond()/1000))
				binary.LittleEndian.PutUint32(record[8:], uint32(len(data)))
				binary.LittleEndian.PutUint32(record[12:], uint32(len(data)))
				_, _ = w.Write(record)
				_, _ = w.Write(data)
				written += int64(len(record) + len(data))
			}
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return begun, failed
}

// template is one connection with n segments of data after its handshake.
func template(t testing.TB, name string, n int) []frame {
	w := &wire{mss: 1448}
	x := w.dial("10.0.0.1:40000", testServer)
	x.play(shakes(t)[name])
	data := append([]byte{23, 3, 3, 0x40, 0}, make([]byte, 1<<14)...)
	for range n * 1448 / len(data) {
		x.say(tlswire.SideServer, data)
	}
	x.fin(closer(name))
	return w.packets
}

// patch makes a frame another client's. Nobody checks the checksums, since
// network cards fill them in after the capture.
func patch(data []byte, id uint32) {
	const ipSource, ipDestination, tcpSource, tcpDestination = 26, 30, 34, 36
	client := netip.AddrFrom4([4]byte{10, byte(id >> 16), byte(id >> 8), byte(id)}).AsSlice()
	port := 20000 + uint16(id%40000)
	if data[ipSource] == 10 {
		copy(data[ipSource:], client)
		binary.BigEndian.PutUint16(data[tcpSource:], port)
	} else {
		copy(data[ipDestination:], client)
		binary.BigEndian.PutUint16(data[tcpDestination:], port)
	}
}

// TestLarge reads a capture that is larger than what may be kept of it: no byte
// of a connection that is settled stays, and the bounds of the rest hold.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("a large capture takes a moment")
	}
	path := filepath.Join(t.TempDir(), "large.pcap")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	begun, failed := large(t, f, 96<<20)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	got := map[Outcome]int{}
	_, err = Read(context.Background(), f, Options{}, func(c *Connection) { got[c.Outcome]++ })
	if err != nil || got[Failed] != failed || got[Complete]+got[Failed] != begun {
		t.Errorf("got %v, %v; want %d failed of %d", got, err, failed, begun)
	}
}

// TestFlood: connections that begin and never go on are bounded, in number and
// in bytes, and each is told once.
func TestFlood(t *testing.T) {
	t.Parallel()
	told := 0
	table := &table{conns: map[flow]*conn{}, keys: &facts.KeyLog{}, stats: &Stats{}, report: func(*conn, *facts.Attempt) { told++ }}
	hello := append([]byte{22, 3, 1, 0x3F, 0xFF, 1, 0, 0x3F, 0xFB, 3, 3}, make([]byte, 9000)...)
	const begun = maxConns + 4000
	for i := range begun {
		s := segment{mark: mark{At: began.Add(time.Duration(i) * time.Microsecond), Packet: 2*i + 1}, dst: addrPort(testServer),
			src: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 40000), seq: 9, flags: flagSYN}
		table.add(&s)
		s.flags, s.seq, s.payload = flagACK, 10, hello
		if i%3 == 0 {
			s.seq += 5000 // out of order
		}
		table.add(&s)
		if len(table.conns) > maxConns || table.recording > maxRecording || table.held > maxHeld {
			t.Fatalf("after %d: %d connections, %d recording, %d bytes", i, len(table.conns), table.recording, table.held)
		}
	}
	table.end()
	if told != begun || table.held != 0 || table.recording != 0 || len(table.conns) != 0 {
		t.Errorf("%d of %d told; %d bytes, %d recording and %d connections stay", told, begun, table.held, table.recording, len(table.conns))
	}
}

// BenchmarkRead reads a large capture.
func BenchmarkRead(b *testing.B) {
	var data bytes.Buffer
	large(b, &data, 64<<20)
	b.SetBytes(int64(data.Len()))
	for b.Loop() {
		if _, err := Read(context.Background(), bytes.NewReader(data.Bytes()), Options{}, func(*Connection) {}); err != nil {
			b.Fatal(err)
		}
	}
}
