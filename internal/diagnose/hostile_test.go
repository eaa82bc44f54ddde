package diagnose_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"math"
	"net"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/diagnose"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// hostile is a peer that nobody wishes for, and what may be said of it.
type hostile struct {
	name   string
	target string // "" = https://shop.lab.test
	peer   func(net.Conn)
	may    []string // first failures that make sense; "" = none
}

// What makes sense of bytes that are TLS in form and nonsense otherwise.
var nonsense = []string{"protocol-violation", "unexplained", "eof-during-handshake", "connection-reset", "server-speaks-plaintext", "handshake-timeout",
	"decrypt-error", "internal-error", "version-intolerance", "cert-malformed"}

func hostilePeers() []hostile {
	noise := make([]byte, 8192)
	rand.Read(noise)
	noise[0], noise[1] = 0x83, 0x11 // no TLS, no text
	endless := func(data []byte) func(net.Conn) {
		return func(c net.Conn) {
			if greet(c) {
				flood(c, data)
			}
		}
	}
	once := func(data []byte) func(net.Conn) {
		return func(c net.Conn) {
			if greet(c) {
				_, _ = c.Write(data) // the peer may have enough
			}
		}
	}
	record := func(kind byte, fragment string) []byte {
		return append([]byte{kind, 3, 3, byte(len(fragment) >> 8), byte(len(fragment))}, fragment...)
	}
	many := func(data []byte) []byte { return bytes.Repeat(data, 1+4096/len(data)) }
	slowly := func(data []byte, pause time.Duration) func(net.Conn) {
		return func(c net.Conn) {
			if !greet(c) {
				return
			}
			for i := 0; ; i = (i + 1) % len(data) {
				if _, err := c.Write(data[i : i+1]); err != nil {
					return
				}
				time.Sleep(pause)
			}
		}
	}
	hello := &tlswire.ServerHello{Version: tlswire.TLS12, Random: make([]byte, 32), CipherSuite: 0xC02B,
		Extensions: []tlswire.Extension{{Type: tlswire.ExtRenegotiationInfo, Data: []byte{0}}}}
	raw, err := hello.Marshal()
	if err != nil {
		panic(err)
	}
	flight := record(22, string(raw))
	after := func(head, data []byte) func(net.Conn) {
		return func(c net.Conn) {
			if !greet(c) {
				return
			}
			if _, err := c.Write(head); err == nil {
				flood(c, data)
			}
		}
	}
	big := strings.Repeat("\x00", 16384)
	const mail, post = "smtp://shop.lab.test:25", "imap://shop.lab.test:143"
	plain := []string{"server-speaks-plaintext"}
	noMail := []string{"starttls-missing", "server-speaks-plaintext", "handshake-timeout", "eof-during-handshake", "unexplained"}
	return []hostile{
		{"noise without end", "", endless(noise), plain},
		{"zeros without end", "", endless(make([]byte, 4096)), nonsense},
		{"text without end or line", "", endless(bytes.Repeat([]byte("a"), 4096)), plain},
		{"lines without end", "", endless(many([]byte("500 what?\r\n"))), plain},
		{"HTTP header without end", "", endless(many([]byte("HTTP/1.1 200 OK\r\nX: y\r\n"))), plain},
		{"noise before our hello", "", func(c net.Conn) { flood(c, noise) }, plain},
		{"noise and close", "", once(noise[:300]), plain},
		{"one byte", "", once([]byte{0x16}), nonsense},
		{"half a record header", "", once([]byte{0x16, 3, 3}), nonsense},
		{"a byte now and then", "", slowly(flight, 120*time.Millisecond), nonsense},
		{"noise byte by byte", "", slowly(noise, 120*time.Millisecond), append(plain, nonsense...)},

		{"record longer than any", "", once(append([]byte{22, 3, 3, 0xFF, 0xFF}, noise...)), nonsense},
		{"message of 16 MB announced", "", after(record(22, "\x02\xFF\xFF\xFF"), many(record(22, big))), nonsense},
		{"message of 16 MB, in single bytes", "", after(record(22, "\x0B\xFF\xFF\xFF"), many(record(22, "\x00"))), nonsense},
		{"empty handshake records", "", endless(many(record(22, ""))), nonsense},
		{"empty application records", "", endless(many(record(23, ""))), nonsense},
		{"empty alert records", "", endless(many(record(21, ""))), nonsense},
		{"warnings without end", "", endless(many(record(21, "\x01\x64"))), append(nonsense, "sni-unrecognized")},
		{"unrecognized_name without end", "", endless(many(record(21, "\x01\x70"))), append(nonsense, "sni-unrecognized")},
		{"user_canceled without end", "", endless(many(record(21, "\x01\x5A"))), nonsense},
		{"warnings of every kind in one record", "", endless(many(record(21, strings.Repeat("\x01\x29", 8000)))), nonsense},
		{"ChangeCipherSpec without end", "", endless(many(record(20, "\x01"))), nonsense},
		{"wrong ChangeCipherSpec without end", "", endless(many(record(20, strings.Repeat("\x05", 30)))), nonsense},
		{"heartbeats without end", "", endless(many(record(24, "\x01\x00\x03abc"))), nonsense},
		{"records of unknown type", "", endless(many(record(99, "abc"))), append(plain, nonsense...)},
		{"HelloRequest without end", "", endless(many(record(22, "\x00\x00\x00\x00"))), nonsense},
		{"messages of unknown type", "", endless(many(record(22, "\xEE\x00\x00\x01x"))), nonsense},
		{"ServerHello without end", "", endless(many(flight)), nonsense},
		{"100 MB of certificate", "", after(slices.Concat(flight, record(22, "\x0B\xFF\xFF\xFF\xFF\xFF\xFC")), many(record(22, big))), []string{"chain-too-large"}},
		{"empty certificates in number", "", after(slices.Concat(flight, record(22, "\x0B\x01\x00\x03\x01\x00\x00")), many(record(22, big))), append(nonsense, "server-no-certificate")},
		{"tickets before their time", "", after(flight, many(record(22, "\x04\x00\x00\x06\x00\x00\x00\x01\x00\x00"))), nonsense},
		{"SSL 2.0 without end", "", endless(many([]byte("\x80\x0b\x04\x00\x01\x00\x02\x00\x00\x00\x00\x00\x00"))), []string{"protocol-version"}},
		{"our own hello back", "", func(c net.Conn) {
			buf := make([]byte, 1<<14)
			if n, err := c.Read(buf); err == nil {
				_, _ = c.Write(buf[:n]) // the peer may have enough
			}
		}, nonsense},
		{"a mirror", "", func(c net.Conn) { _, _ = io.Copy(c, c) }, nonsense}, // ends with the connection

		{"greeting without end", mail, func(c net.Conn) { flood(c, many([]byte("220-hello\r\n"))) }, noMail},
		{"greeting without line end", mail, func(c net.Conn) { flood(c, bytes.Repeat([]byte("2"), 4096)) }, noMail},
		{"EHLO without end", mail, after([]byte("220 mx ESMTP\r\n"), many([]byte("250-X\r\n"))), noMail},
		{"greeting of a byte now and then", mail, slowlyAtOnce("220 mx ready for you", 120*time.Millisecond), noMail},
		{"capabilities without end", post, after([]byte("* OK ready\r\n"), many([]byte("* CAPABILITY IMAP4rev1 STARTTLS\r\n"))), noMail},
		{"literal of 4 GB", post, after([]byte("* OK ready\r\n"), many([]byte("* X {4294967295}\r\n"))), noMail},
		{"noise to a plain request", "http://shop.lab.test/", endless(noise), append(noMail, "", "client-speaks-plaintext", "unexplained")},
		{"answer without end to a plain request", "http://shop.lab.test/", endless(many([]byte("HTTP/1.1 200 OK\r\nX: y\r\n"))), append(noMail, "")},
	}
}

// slowlyAtOnce says its words before it hears any.
func slowlyAtOnce(words string, pause time.Duration) func(net.Conn) {
	return func(c net.Conn) {
		go hear(c)
		for i := 0; ; i = (i + 1) % len(words) {
			if _, err := io.WriteString(c, words[i:i+1]); err != nil {
				return
			}
			time.Sleep(pause)
		}
	}
}

// hasty are options with which no test takes long.
func hasty(address string) diagnose.Options {
	return diagnose.Options{Connect: []string{address}, Timeout: 2 * time.Second, Trust: "mozilla"}
}

// endure diagnoses a hostile peer and holds what is demanded of all of them.
func endure(t *testing.T, target string, o diagnose.Options, may []string) *diag.Diagnosis {
	t.Helper()
	if target == "" {
		target = "https://shop.lab.test"
	}
	began := time.Now()
	d := run(t, target, o)
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
	contract(t, d)
	got := ""
	if first := d.FirstFailure(); first != nil {
		got = first.ID
	}
	if !slices.Contains(may, got) {
		t.Errorf("got %q, want one of %q\n%.4000s", got, may, describe(d))
	}
	return d
}

func TestHostilePeers(t *testing.T) {
	t.Parallel()
	for _, h := range hostilePeers() {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			endure(t, h.target, hasty(serve(t, h.peer)), h.may)
		})
	}
}

// TestHostileMemory runs peers that send without end, one after the other and
// with nothing beside them: what lives on the heap stays within bounds.
func TestHostileMemory(t *testing.T) {
	const limit = 64 << 20
	for _, h := range hostilePeers() {
		if !strings.HasSuffix(h.name, "without end") && !strings.Contains(h.name, "MB") && !strings.Contains(h.name, "empty") {
			continue
		}
		t.Run(h.name, func(t *testing.T) {
			peak := heapPeak()
			endure(t, h.target, hasty(serve(t, h.peer)), h.may)
			if grown := peak(); grown > limit {
				t.Errorf("the heap grew by %d MB", grown>>20)
			}
		})
	}
}

// heapPeak watches the live heap; the function that it returns says by how many
// bytes it grew at most.
func heapPeak() func() int64 {
	read := func() int64 {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return int64(min(sample[0].Value.Uint64(), math.MaxInt64))
	}
	runtime.GC()
	start := read()
	top := start
	stop := make(chan struct{})
	var task sync.WaitGroup
	task.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				top = max(top, read())
			}
		}
	})
	return func() int64 {
		close(stop)
		task.Wait()
		return max(top, read()) - start
	}
}
