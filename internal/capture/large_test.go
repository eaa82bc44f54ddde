package capture

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

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

// TestLarge reads a capture that is larger than what may be kept of it.
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
	begun, failed := large(t, f, 200<<20)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	got := map[Outcome]int{}
	_, err = Read(context.Background(), f, Options{}, func(c *Connection) { got[c.Outcome]++ })
	if err != nil || got[Failed] != failed || got[Complete]+got[Failed] != begun {
		t.Errorf("got %v, %v; want %d failed of %d", got, err, failed, begun)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapSys > 200<<20 {
		t.Errorf("the heap grew to %d MB", m.HeapSys>>20)
	}
}

// BenchmarkRead reads a large capture, 2 GB with TLSWHY_BENCH_BYTES=2000000000,
// and lets tshark read the same where it is installed.
func BenchmarkRead(b *testing.B) {
	size := int64(256 << 20)
	if n, err := strconv.ParseInt(os.Getenv("TLSWHY_BENCH_BYTES"), 10, 64); err == nil {
		size = n
	}
	path := filepath.Join(b.TempDir(), "large.pcap")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	large(b, f, size)
	var took time.Duration
	for b.Loop() {
		_, _ = f.Seek(0, io.SeekStart)
		start := time.Now()
		if _, err := Read(context.Background(), f, Options{}, func(*Connection) {}); err != nil {
			b.Fatal(err)
		}
		took = time.Since(start)
	}
	b.SetBytes(size)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.Sys>>20), "MB-memory")
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		b.Log("tshark is not installed: nothing to compare with")
		return
	}
	start := time.Now()
	if err := exec.Command(tshark, "-r", path, "-Y", "tls").Run(); err != nil {
		b.Fatal(err)
	}
	peer := time.Since(start)
	b.ReportMetric(peer.Seconds()/took.Seconds(), "times-tshark")
	fmt.Fprintf(os.Stderr, "%d MB: %.1f s, tshark -Y tls %.1f s\n", size>>20, took.Seconds(), peer.Seconds())
}
