//go:build linux

package netns

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	nfqueue "github.com/florianl/go-nfqueue"
	"golang.org/x/sys/unix"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// dpiVariable makes the test's own program the filter of a box: it reads packets
// from a queue of the kernel, understands what is in them, and decides.
const (
	dpiVariable   = "TLSWHY_NETNS_DPI"
	readyVariable = "TLSWHY_NETNS_READY" // the file that it makes then
)

// dpi runs this program as a filter of the box: "drop name X", "reset name X",
// "inject name X", "drop version 1.3", "reset bytes 1000", "reset group X".
func (b *bed) dpi(rule string) {
	b.t.Helper()
	b.queue("b", "FORWARD", rule)
}

// queue gives the packets to port 443 to this program.
func (b *bed) queue(side, chain, rule string) {
	b.t.Helper()
	program, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	ready := filepath.Join(b.dir, "ready-"+side)
	b.daemon(side, func() bool { _, err := os.Stat(ready); return err == nil }, "env", dpiVariable+"="+rule, readyVariable+"="+ready, program)
	b.in(side, "iptables", "-A", chain, "-p", "tcp", "--dport", "443", "-j", "NFQUEUE", "--queue-num", "7")
}

// inspect is the filter's program.
func inspect(rule string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	q, err := nfqueue.Open(&nfqueue.Config{NfQueue: 7, MaxPacketLen: 0xffff, MaxQueueLen: 4096, Copymode: nfqueue.NfQnlCopyPacket})
	if err != nil {
		return err
	}
	defer q.Close()
	f := &filter{words: strings.Fields(rule), flows: map[string]*flow{}}
	if f.words[0] == "inject" || f.words[0] == "twice" {
		if f.raw, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_RAW); err != nil {
			return err
		}
	}
	decide := func(a nfqueue.Attribute) int {
		if a.PacketID == nil || a.Payload == nil {
			return 0
		}
		id := *a.PacketID
		if f.words[0] == "delay" || f.words[0] == "shuffle" {
			ms, _ := strconv.Atoi(f.words[1])
			if f.words[0] == "shuffle" {
				ms = rand.IntN(ms)
			}
			time.AfterFunc(time.Duration(ms)*time.Millisecond, func() { _ = q.SetVerdict(id, nfqueue.NfAccept) })
			return 0
		}
		verdict := nfqueue.NfAccept
		switch {
		case f.words[0] == "twice":
			f.again(*a.Payload)
		case f.drops(*a.Payload):
			verdict = nfqueue.NfDrop
		}
		_ = q.SetVerdict(id, verdict)
		return 0
	}
	if err := q.RegisterWithErrorFunc(ctx, decide, func(error) int { return 0 }); err != nil {
		return err
	}
	if err := os.WriteFile(os.Getenv(readyVariable), nil, 0o644); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// flow is what came of one connection, put together.
type flow struct {
	next uint32 // sequence number
	said []byte
	dead bool
}

// filter reads ClientHellos wherever segments are cut, as such boxes do.
type filter struct {
	words []string
	raw   int
	mu    sync.Mutex
	flows map[string]*flow
}

// packet is what the filter needs of one.
type packet struct {
	from, to netip.AddrPort
	seq, ack uint32
	flags    byte
	data     []byte
}

func parse(b []byte) (p packet, ok bool) {
	if len(b) < 40 || b[0]>>4 != 4 || b[9] != 6 {
		return p, false
	}
	ip := int(b[0]&15) * 4
	if len(b) < ip+20 {
		return p, false
	}
	t := b[ip:]
	head := int(t[12]>>4) * 4
	if len(t) < head {
		return p, false
	}
	p.from = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:16])), binary.BigEndian.Uint16(t))
	p.to = netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[16:20])), binary.BigEndian.Uint16(t[2:]))
	p.seq, p.ack, p.flags, p.data = binary.BigEndian.Uint32(t[4:]), binary.BigEndian.Uint32(t[8:]), t[13], t[head:]
	return p, true
}

// drops judges one packet from the client.
func (f *filter) drops(b []byte) bool {
	p, ok := parse(b)
	if !ok {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := p.from.String() + p.to.String()
	const syn = 2
	if p.flags&syn != 0 {
		f.flows[key] = &flow{next: p.seq + 1}
		return false
	}
	fl := f.flows[key]
	if fl == nil || len(p.data) == 0 {
		return false
	}
	if p.seq == fl.next && len(fl.said) < 64<<10 {
		fl.said, fl.next = append(fl.said, p.data...), fl.next+uint32(len(p.data))
	}
	if fl.dead {
		return f.words[0] != "inject"
	}
	if !f.forbids(fl.said) {
		return false
	}
	fl.dead = true
	switch f.words[0] {
	case "reset":
		f.reset(p, 64)
	case "inject":
		f.reset(p, 200) // beside the way: the packet itself goes on
		return false
	}
	return true
}

// forbids tells whether what was said so far is what the rule is about.
func (f *filter) forbids(said []byte) bool {
	h := helloIn(said)
	if h == nil {
		return false
	}
	switch value := f.words[2]; f.words[1] {
	case "name":
		return h.ServerName() == value
	case "version":
		return h.Offers(tlswire.TLS13)
	case "bytes":
		n, _ := strconv.Atoi(value)
		return len(h.Raw) >= n
	case "group":
		return slices.ContainsFunc(h.Groups(), func(g tlswire.Group) bool { return g.String() == value })
	}
	return false
}

func helloIn(said []byte) *tlswire.ClientHello {
	var split tlswire.RecordSplitter
	var join tlswire.Reassembler
	split.Push(said)
	for {
		record, ok, err := split.Next()
		if err != nil || !ok || join.Push(record.Fragment) != nil {
			return nil
		}
		if m, whole, err := join.Next(); err != nil {
			return nil
		} else if whole {
			h, _ := tlswire.ParseClientHello(m.Raw)
			return h
		}
	}
}

// reset forges an RST to the client, in the server's name.
func (f *filter) reset(p packet, ttl byte) {
	fd := f.raw
	if fd == 0 {
		var err error
		if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_RAW); err != nil {
			return
		}
		f.raw = fd
	}
	b := make([]byte, 40)
	b[0], b[8], b[9] = 0x45, ttl, 6
	binary.BigEndian.PutUint16(b[2:], 40)
	from, to := p.to.Addr().As4(), p.from.Addr().As4()
	copy(b[12:], from[:])
	copy(b[16:], to[:])
	binary.BigEndian.PutUint16(b[10:], sum(b[:20], 0))
	t := b[20:]
	binary.BigEndian.PutUint16(t, p.to.Port())
	binary.BigEndian.PutUint16(t[2:], p.from.Port())
	binary.BigEndian.PutUint32(t[4:], p.ack)
	binary.BigEndian.PutUint32(t[8:], p.seq+uint32(len(p.data)))
	t[12], t[13] = 5<<4, 0x14 // RST, ACK
	binary.BigEndian.PutUint16(t[16:], sum(append(append(append([]byte{}, b[12:20]...), 0, 6, 0, 20), t...), 0))
	_ = unix.Sendto(fd, b, 0, &unix.SockaddrInet4{Addr: to})
}

// again sends a packet beside the one that goes on.
func (f *filter) again(b []byte) {
	to := &unix.SockaddrInet4{Addr: [4]byte(b[16:20])}
	_ = unix.Sendto(f.raw, b, 0, to)
}

// sum is the Internet checksum (RFC 1071).
func sum(b []byte, s uint32) uint16 {
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

// canQueue tells whether packets can be given to programs here.
func canQueue(t *testing.T) {
	t.Helper()
	name := fmt.Sprint("tlswhy-queue-", os.Getpid())
	defer func() { _ = exec.Command("ip", "netns", "del", name).Run() }()
	for _, command := range []string{"ip netns add " + name, "ip netns exec " + name + " iptables -A FORWARD -p tcp -j NFQUEUE --queue-num 7"} {
		words := strings.Fields(command)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Skipf("this system has no packet queues: %s: %s", command, out)
		}
	}
}
