package capture

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// mark says when a packet passed, and its number in the capture, from 1.
type mark = facts.Mark

// packets reads the packets of one capture.
type packets interface {
	ZeroCopyReadPacketData() ([]byte, gopacket.CaptureInfo, error)
}

// source is a capture that is being read.
type source struct {
	packets
	link  layers.LinkType // of all packets; of pcapng each packet has its own
	mixed bool
	at    *counter
	ahead *bufio.Reader // what at has handed on and nobody has read
	start int64         // where the packet at hand begins
}

// UnreadableError is an input that is no capture, or breaks off in a way that
// leaves nothing to follow.
type UnreadableError struct {
	Reason string
	Hint   string
	// After is the last packet that could be read, Offset where in the
	// (uncompressed) input the next one begins, which could not.
	After  int
	Offset int64
	// Harmless says that only the last packet is cut off, as in a capture that
	// is still being written.
	Harmless bool
}

// Error implements error.
func (e *UnreadableError) Error() string {
	if e.After > 0 {
		return fmt.Sprintf("after packet %d, at byte %d: %s", e.After, e.Offset, e.Reason)
	}
	return e.Reason
}

const readBuffer = 1 << 20

// counter counts the bytes that were handed on.
type counter struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// The first bytes of captures.
var (
	gzipMagic  = []byte{0x1F, 0x8B}
	ngMagic    = []byte{0x0A, 0x0D, 0x0D, 0x0A}
	pcapMagics = [][]byte{{0xD4, 0xC3, 0xB2, 0xA1}, {0xA1, 0xB2, 0xC3, 0xD4}, {0x4D, 0x3C, 0xB2, 0xA1}, {0xA1, 0xB2, 0x3C, 0x4D}}
	// Others that people have, with what to do about them.
	foreign = []struct {
		magic []byte
		what  string
	}{
		{[]byte("snoop\x00\x00\x00"), "a snoop capture of Solaris"},
		{[]byte("\x34\xCD\xB2\xA1"), "a pcap of Kuznetzov's variant"},
		{[]byte("\xCD\xAB\x4D\x3C"), "a pcap of IXIA's variant"},
		{[]byte("GMBU"), "a capture of Microsoft Network Monitor"},
		{[]byte("RTSS"), "a capture of Microsoft Network Monitor"},
		{[]byte("TRSNIFF data"), "a capture of Network General Sniffer"},
	}
	compressed = []struct {
		magic []byte
		what  string
	}{
		{[]byte{0x28, 0xB5, 0x2F, 0xFD}, "zstd -dc"}, {[]byte{0xFD, '7', 'z', 'X', 'Z'}, "xz -dc"},
		{[]byte("BZh"), "bzip2 -dc"}, {[]byte{0x04, 0x22, 0x4D, 0x18}, "lz4 -dc"}, {[]byte("PK\x03\x04"), "unzip -p"},
	}
)

// Known tells by its first bytes whether an input may be a capture.
func Known(r io.Reader) bool {
	first := make([]byte, 4)
	if _, err := io.ReadFull(r, first); err != nil {
		return false
	}
	return bytes.HasPrefix(first, gzipMagic) || bytes.Equal(first, ngMagic) || slices.ContainsFunc(pcapMagics, func(m []byte) bool { return bytes.Equal(first, m) })
}

// openSource finds out what the input is.
func openSource(r io.Reader, secrets func([]byte)) (*source, error) {
	in := bufio.NewReaderSize(r, readBuffer)
	first, err := in.Peek(2)
	if len(first) == 0 {
		if err != nil && err != io.EOF {
			return nil, err
		}
		return nil, &UnreadableError{Reason: "the input is empty", Hint: "tcpdump -w new.pcap port 443 makes a capture"}
	}
	if bytes.HasPrefix(first, gzipMagic) {
		unzipped, err := gzip.NewReader(in)
		if err != nil {
			return nil, &UnreadableError{Reason: "the gzip header cannot be read: " + err.Error()}
		}
		in = bufio.NewReaderSize(unzipped, readBuffer)
	}
	first, err = in.Peek(12)
	if err != nil && err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, &UnreadableError{Reason: err.Error()}
	}
	s := &source{}
	for _, m := range pcapMagics {
		if bytes.HasPrefix(first, m) {
			return s, s.pcap(in)
		}
	}
	if bytes.HasPrefix(first, ngMagic) {
		return s, s.pcapng(in, secrets)
	}
	return nil, notACapture(first)
}

func notACapture(first []byte) error {
	for _, c := range compressed {
		if bytes.HasPrefix(first, c.magic) {
			return &UnreadableError{Reason: "the input is compressed", Hint: c.what + " FILE | tlswhy capture -"}
		}
	}
	for _, f := range foreign {
		if bytes.HasPrefix(first, f.magic) {
			return &UnreadableError{Reason: "the input is " + f.what, Hint: "editcap -F pcapng FILE new.pcapng turns it into a form that can be read"}
		}
	}
	return &UnreadableError{Reason: fmt.Sprintf("the input is no capture: it begins % x", first),
		Hint: "pcap and pcapng can be read, also gzipped: tcpdump -w new.pcap port 443 makes one; what Wireshark can open, editcap -F pcapng FILE new.pcapng turns into one"}
}

func (s *source) pcap(in io.Reader) error {
	s.at = &counter{r: in}
	s.ahead = bufio.NewReaderSize(s.at, readBuffer)
	r, err := pcapgo.NewReader(s.ahead)
	if err != nil {
		return &UnreadableError{Reason: "the pcap header cannot be read: " + plainError(err)}
	}
	// Writers that do not keep to the snap length they declare are common.
	const longest = 256 << 10
	r.SetSnaplen(max(r.Snaplen(), longest))
	s.packets, s.link = r, r.LinkType()
	return nil
}

func (s *source) pcapng(in io.Reader, secrets func([]byte)) error {
	s.at, s.mixed = &counter{r: in}, true
	s.ahead = bufio.NewReaderSize(&secretsTap{r: s.at, found: secrets}, readBuffer)
	r, err := pcapgo.NewNgReader(s.ahead, pcapgo.NgReaderOptions{WantMixedLinkType: true, SkipUnknownVersion: true})
	if err != nil {
		return &UnreadableError{Reason: "the pcapng header cannot be read: " + plainError(err)}
	}
	s.packets = r
	return nil
}

func plainError(err error) string {
	if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
		return "it breaks off"
	}
	return err.Error()
}

// next returns one packet.
func (s *source) next(stats *Stats) (data []byte, link layers.LinkType, at time.Time, err error) {
	s.start = s.at.n - int64(s.ahead.Buffered())
	data, ci, err := s.ZeroCopyReadPacketData()
	if err != nil {
		return nil, 0, time.Time{}, err
	}
	if ci.Length > len(data) {
		stats.Short++
		stats.SnapLength = max(stats.SnapLength, len(data))
	}
	if ci.Timestamp.Before(facts.TLSBegan) {
		stats.Untimed++
	}
	link = s.link
	if s.mixed && len(ci.AncillaryData) > 0 {
		link, _ = ci.AncillaryData[0].(layers.LinkType)
	}
	return data, link, ci.Timestamp, nil
}

// secretsTap watches the blocks of a pcapng that pass through it and takes the
// key logs out of the Decryption Secrets Blocks, which the reader behind it
// keeps to itself.
type secretsTap struct {
	r     io.Reader
	found func([]byte)

	order  binary.ByteOrder
	head   []byte // of the block at hand: type, length, and of two kinds more
	left   int64  // bytes of the block that are still to come
	secret []byte
	inside bool // the block at hand is a DSB
	lost   bool // the framing broke; the reader will say so
	long   bool // a packet is said to be longer than any can be
}

// The blocks of pcapng that are looked at.
const (
	blockSection = 0x0A0D0D0A
	blockSecrets = 0x0000000A
	blockPacket  = 0x00000002
	blockSimple  = 0x00000003
	blockPacketE = 0x00000006
	maxBlock     = 16 << 20 // of a packet with its options
	secretsTLS   = 0x544C534B
	maxSecrets   = 64 << 20
)

// Read implements io.Reader.
func (t *secretsTap) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	for data := p[:n]; len(data) > 0 && !t.lost; {
		data = t.take(data)
	}
	if t.long {
		return 0, errLongBlock
	}
	return n, err
}

var errLongBlock = errors.New("a packet's block is longer than any packet can be")

// take consumes some of data.
func (t *secretsTap) take(data []byte) []byte {
	if t.left > 0 {
		n := min(t.left, int64(len(data)))
		if t.inside {
			t.secret = append(t.secret, data[:n]...)
		}
		if t.left -= n; t.left == 0 && t.inside {
			t.report()
		}
		return data[n:]
	}
	const header = 12 // the section's magic is the third word
	n := min(header-len(t.head), len(data))
	t.head = append(t.head, data[:n]...)
	data = data[n:]
	if len(t.head) < header {
		return data
	}
	kind := binary.LittleEndian.Uint32(t.head)
	if kind == blockSection {
		t.order = binary.LittleEndian
		if binary.BigEndian.Uint32(t.head[8:]) == 0x1A2B3C4D {
			t.order = binary.BigEndian
		}
	}
	if t.order == nil {
		t.lost = true
		return nil
	}
	kind = t.order.Uint32(t.head)
	length := int64(t.order.Uint32(t.head[4:]))
	// The length is a multiple of 4 and comes again at the end.
	t.left = (length+3)&^3 - header
	t.lost = length < header || t.left < 0
	t.long = t.long || length > maxBlock && (kind == blockPacket || kind == blockSimple || kind == blockPacketE)
	t.inside = kind == blockSecrets && t.order.Uint32(t.head[8:]) == secretsTLS && length < maxSecrets
	t.head, t.secret = t.head[:0], nil
	return data
}

// report hands the key log of a block on.
func (t *secretsTap) report() {
	t.inside = false
	if len(t.secret) < 8 {
		return
	}
	n := int(t.order.Uint32(t.secret))
	if body := t.secret[4:]; n <= len(body) {
		t.found(body[:n])
	}
	t.secret = nil
}
