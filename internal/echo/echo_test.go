package echo

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

const testSecret = Secret("correct-horse-battery-staple")

func serve(t *testing.T) *Server {
	t.Helper()
	s, err := Listen("127.0.0.1:0", testSecret, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func dial(t *testing.T, address string) *Client {
	t.Helper()
	c, err := Dial(t.Context(), (&net.Dialer{}).DialContext, address, testSecret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// arrivals asks until n hellos are there and done is satisfied.
func arrivals(t *testing.T, c *Client, n int, done func(Arrival) bool) []Arrival {
	t.Helper()
	first := c.last
	for limit := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		c.last = first
		list, err := c.Arrivals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == n && !slices.ContainsFunc(list, func(a Arrival) bool { return !done(a) }) {
			return list
		}
		if time.Now().After(limit) {
			t.Fatalf("got %+v", list)
		}
	}
}

// a sample of a ClientHello, as crypto/tls makes it.
func sample(t *testing.T, name string) (records, message []byte) {
	t.Helper()
	one, two := net.Pipe()
	defer two.Close()
	go func() {
		_ = tls.Client(one, &tls.Config{ServerName: name}).Handshake()
	}()
	buf := make([]byte, 16<<10)
	n, err := two.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	h := hello(buf[:n])
	if h == nil {
		t.Fatal("no ClientHello")
	}
	return buf[:n], h.Raw
}

func TestWhole(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := dial(t, s.Addr())
	if c.Channel != InClear || !strings.HasPrefix(c.From, "127.0.0.1:") {
		t.Errorf("got channel %q from %q", c.Channel, c.From)
	}
	conn, err := tls.Dial("tcp", s.Addr(), &tls.Config{InsecureSkipVerify: true, ServerName: "shop.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got := arrivals(t, c, 1, func(a Arrival) bool { return a.Ended != "" })[0]
	if !got.Whole || !got.Answered || got.Leaf != s.leaf || got.From != conn.LocalAddr().String() {
		t.Errorf("got %+v", got)
	}
	if h := hello(got.Raw); h == nil || h.ServerName() != "shop.example.com" {
		t.Error("the hello did not come")
	}
	if n := 0; len(got.Pieces) == 0 {
		t.Errorf("%d pieces", n)
	}
}

func TestHalf(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c := dial(t, s.Addr())
	conn, err := net.Dial("tcp", s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	records, _ := sample(t, "shop.example.com")
	if _, err := conn.Write(records[:100]); err != nil {
		t.Fatal(err)
	}
	got := arrivals(t, c, 1, func(a Arrival) bool { return len(a.Raw) == 100 })[0]
	if got.Whole || got.Answered {
		t.Errorf("got %+v", got)
	}
}

// TestWithinTLS speaks the dialogue where only TLS gets through; it is no
// arrival.
func TestWithinTLS(t *testing.T) {
	t.Parallel()
	s := serve(t)
	c, err := open(t.Context(), (&net.Dialer{}).DialContext, s.Addr(), testSecret, WithinTLS)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.last = 0
	if list, err := c.Arrivals(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("got %v, %v", list, err)
	}
}

// TestStrangers learn nothing.
func TestStrangers(t *testing.T) {
	t.Parallel()
	s := serve(t)
	_, err := Dial(t.Context(), (&net.Dialer{}).DialContext, s.Addr(), "another-secret-altogether")
	if err == nil || !strings.Contains(err.Error(), "did not accept the secret") {
		t.Errorf("got %v", err)
	}
	for name, words := range map[string]string{
		"no nonce":    greeting + "\n",
		"bad nonce":   greeting + "xyz\n",
		"no proof":    greeting + strings.Repeat("ab", 16) + "\n\n",
		"own proof":   greeting + strings.Repeat("ab", 16) + "\n" + strings.Repeat("cd", 32) + "\nreport 0\n",
		"long line":   greeting + strings.Repeat("ab", 8000) + "\n",
		"other words": "GET / HTTP/1.1\r\n\r\n",
		"no hello":    "\x16\x03\x01\x00\x04\x01\x00\x00\x00",
		"an alert":    "\x15\x03\x01\x00\x02\x02\x28",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", s.Addr())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_, _ = io.WriteString(conn, words)
			_ = conn.(*net.TCPConn).CloseWrite()
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			said, _ := io.ReadAll(conn)
			if len(said) > 40 {
				t.Errorf("it said %q", said)
			}
		})
	}
}

// TestImpostor knows no secret and may not be believed.
func TestImpostor(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, strings.Repeat("ab", 16)+"\n"+strings.Repeat("cd", 32)+"\n")
		}
	}()
	if _, err := open(t.Context(), (&net.Dialer{}).DialContext, ln.Addr().String(), testSecret, InClear); !errors.Is(err, ErrSecret) {
		t.Errorf("got %v", err)
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	var b book
	for range maxArrivals + 10 {
		b.note(b.open(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}), func(a *Arrival) { a.Raw = make([]byte, 100) })
	}
	list, last := b.since(0)
	if len(list) != maxArrivals || last != maxArrivals+10 || list[0].N != 11 || b.kept != 100*maxArrivals {
		t.Errorf("%d kept of %d, from %d, %d bytes", len(list), last, list[0].N, b.kept)
	}
	for range 3 * maxKept / maxHello {
		b.note(b.open(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1}), func(a *Arrival) { a.Raw = make([]byte, maxHello) })
	}
	if b.kept > maxKept {
		t.Errorf("%d bytes are kept", b.kept)
	}
	s := serve(t)
	one, two := net.Pipe()
	defer one.Close()
	defer two.Close()
	for range maxPerHost {
		if !s.admit(one) {
			t.Fatal("refused too early")
		}
	}
	if s.admit(two) {
		t.Error("one address may come as often as it likes")
	}
	s.leave(one)
}

func TestSecret(t *testing.T) {
	t.Parallel()
	if _, err := ParseSecret("short\n"); err == nil {
		t.Error("a short secret was taken")
	}
	s, err := ParseSecret(" a-secret-of-some-length \n")
	if err != nil || s.Reveal() != "a-secret-of-some-length" || strings.Contains(s.String(), "length") {
		t.Errorf("got %q, %v", s.Reveal(), err)
	}
	if testSecret.sign("a", "bc") == testSecret.sign("ab", "c") {
		t.Error("words run into one another")
	}
}

// TestFate compares what was sent with what arrived.
func TestFate(t *testing.T) {
	t.Parallel()
	const from = "203.0.113.5:4000"
	records, message := sample(t, "shop.example.com")
	own := Arrival{From: from, Raw: records, Whole: true, Answered: true, Leaf: "aa"}
	with := func(change func(*tlswire.ClientHello)) Arrival {
		h, err := tlswire.ParseClientHello(message)
		if err != nil {
			t.Fatal(err)
		}
		h = h.Clone()
		change(h)
		h.Raw = nil
		b, err := h.MarshalRecord()
		if err != nil {
			t.Fatal(err)
		}
		a := own
		a.Raw = b
		return a
	}
	remade, _ := sample(t, "shop.example.com")
	for _, x := range []struct {
		name     string
		answered bool
		leaf     string
		came     []Arrival
		fate     string
		says     string
	}{
		{"as sent", true, "aa", []Arrival{own}, Same, ""},
		{"as sent, among others", true, "", []Arrival{{From: from, Raw: remade, Whole: true}, own}, Same, ""},
		{"nothing", false, "", nil, Lost, ""},
		{"a stranger's", false, "", []Arrival{{From: "192.0.2.1:1", Raw: []byte{1}}}, Lost, ""},
		{"nothing, but an answer", true, "bb", nil, Elsewhere, ""},
		{"as sent, but another certificate", true, "bb", []Arrival{own}, Elsewhere, ""},
		{"no answer", false, "", []Arrival{own}, Unheard, ""},
		{"a part", false, "", []Arrival{{From: from, Raw: records[:100]}}, Short, "100 bytes came"},
		{"made anew", true, "bb", []Arrival{{From: from, Raw: remade, Whole: true}}, Remade, "the random is another one"},
		{"made anew, from another address", true, "bb", []Arrival{{From: "192.0.2.1:1", Raw: remade, Whole: true}}, Remade, "the random is another one"},
		{"without TLS 1.3", true, "aa", []Arrival{with(func(h *tlswire.ClientHello) { h.RemoveExtension(tlswire.ExtSupportedVersions) })}, Rewritten, "highest version: sent TLS 1.3, arrived TLS 1.2"},
		{"another name", true, "aa", []Arrival{with(func(h *tlswire.ClientHello) { h.SetServerName("other.example") })}, Rewritten, "server_name: sent shop.example.com, arrived other.example"},
		{"fewer suites", true, "aa", []Arrival{with(func(h *tlswire.ClientHello) { h.CipherSuites = h.CipherSuites[1:] })}, Rewritten, "cipher suites: without "},
		{"another order", true, "aa", []Arrival{with(func(h *tlswire.ClientHello) { slices.Reverse(h.CipherSuites) })}, Rewritten, "cipher suites: in another order"},
		{"another session ID", true, "aa", []Arrival{with(func(h *tlswire.ClientHello) { h.SessionID = bytes.Repeat([]byte{1}, 32) })}, Rewritten, "the session ID is another one"},
		{"another key", true, "aa", []Arrival{with(func(h *tlswire.ClientHello) {
			k, _ := h.Extension(tlswire.ExtKeyShare)
			k[len(k)-1] ^= 1
		})}, Rewritten, "the contents of key_share"},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			fate, _, diffs := Fate(Sent{Hello: message, Answered: x.answered, Leaf: x.leaf}, x.came, from)
			if fate != x.fate || !strings.Contains(strings.Join(diffs, "; "), x.says) {
				t.Errorf("got %s, %q", fate, diffs)
			}
		})
	}
}

// FuzzServe says anything to a server.
func FuzzServe(f *testing.F) {
	f.Add([]byte(greeting + strings.Repeat("ab", 16) + "\nx\n"))
	f.Add([]byte("\x16\x03\x01\x00\x04\x01\x00\x00\x00"))
	s, err := Listen("127.0.0.1:0", testSecret, Options{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(s.Close)
	f.Fuzz(func(t *testing.T, said []byte) {
		one, two := net.Pipe()
		go func() {
			_, _ = two.Write(said)
			_ = two.Close()
		}()
		s.serve(addressed{one})
		_ = one.Close()
		Fate(Sent{Hello: said}, []Arrival{{Raw: said, Whole: true}}, "")
	})
}

type addressed struct{ net.Conn }

func (addressed) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
