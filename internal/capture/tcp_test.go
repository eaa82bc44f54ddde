package capture

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gopacket/gopacket/layers"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

func TestConnectEnds(t *testing.T) {
	t.Parallel()
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		w := &wire{}
		c := &talk{w: w, client: peer{addrPort(testClient), 1, 64}, server: peer{addrPort(testServer), 0, 60}}
		c.packet(&c.client, &c.server, func(p *layers.TCP) { p.SYN, p.ACK = true, false }, nil)
		c.client.seq++
		c.packet(&c.server, &c.client, func(p *layers.TCP) { p.RST = true }, nil)
		got, _, _ := read(t, w.pcap(), Options{})
		if len(got) != 1 || got[0].Attempt.End.Kind != facts.EndRefused || got[0].Outcome != Failed {
			t.Fatalf("got %+v", got)
		}
	})
	t.Run("no answer", func(t *testing.T) {
		t.Parallel()
		w := &wire{}
		c := &talk{w: w, client: peer{addrPort(testClient), 1, 64}, server: peer{addrPort(testServer), 0, 60}}
		for range 3 {
			c.packet(&c.client, &c.server, func(p *layers.TCP) { p.SYN, p.ACK = true, false }, nil)
			w.at = w.at.Add(time.Second)
		}
		got, _, _ := read(t, w.pcap(), Options{})
		if len(got) != 1 || got[0].Attempt.End.Kind != facts.EndNoConnect || got[0].Outcome != Failed {
			t.Fatalf("got %+v", got)
		}
	})
	t.Run("foreign reset", func(t *testing.T) {
		t.Parallel()
		w := &wire{}
		c := w.dial(testClient, testServer)
		c.say(tlswire.SideClient, shakes(t)["tls13"][0].data)
		c.reset(tlswire.SideServer, 200)
		got, _, _ := read(t, w.pcap(), Options{})
		if len(got) != 1 || got[0].Attempt.End.Kind != facts.EndReset || got[0].Attempt.End.By != tlswire.SideServer {
			t.Fatalf("got %+v", got)
		}
		if n := got[0].Attempt.Seen.Notes; len(n) != 1 || n[0].Kind != facts.NoteForeignReset || n[0].Packet != got[0].Attempt.Seen.EndPacket {
			t.Errorf("notes %+v", n)
		}
	})
}

// TestTCP carries handshakes through what TCP does when it is not simple.
func TestTCP(t *testing.T) {
	t.Parallel()
	all := shakes(t)
	lines := all["version"]
	hello := lines[0].data
	syn := func(p *layers.TCP) { p.SYN, p.ACK = true, false }
	synAck := func(p *layers.TCP) { p.SYN = true }
	for name, play := range map[string]func(w *wire){
		"sequence wraps": func(w *wire) {
			x := &talk{w: w, client: peer{addrPort(testClient), 1<<32 - 100, 64}, server: peer{addrPort(testServer), 1<<32 - 2, 57}}
			x.open()
			x.play(lines)
			x.fin(tlswire.SideServer)
		},
		"fast open": func(w *wire) {
			x := &talk{w: w, client: peer{addrPort(testClient), 1000, 64}, server: peer{addrPort(testServer), 9000, 57}}
			x.packet(&x.client, &x.server, syn, hello)
			x.client.seq += 1 + uint32(len(hello))
			x.packet(&x.server, &x.client, synAck, nil)
			x.server.seq++
			x.play(lines[1:])
			x.fin(tlswire.SideServer)
		},
		"fast open refused": func(w *wire) { // the SYN alone is acknowledged, the hello comes again
			x := &talk{w: w, client: peer{addrPort(testClient), 1000, 64}, server: peer{addrPort(testServer), 9000, 57}}
			x.packet(&x.client, &x.server, syn, hello)
			x.client.seq++
			x.packet(&x.server, &x.client, synAck, nil)
			x.server.seq++
			x.play(lines)
			x.fin(tlswire.SideServer)
		},
		"SYN/ACK before SYN": func(w *wire) {
			x := w.dial(testClient, testServer)
			x.play(lines)
			x.fin(tlswire.SideServer)
			w.packets[0], w.packets[1] = w.packets[1], w.packets[0]
		},
		"no SYN, SYN/ACK only": func(w *wire) {
			x := w.dial(testClient, testServer)
			x.play(lines)
			x.fin(tlswire.SideServer)
			w.packets = w.packets[1:]
		},
		"keep-alives": func(w *wire) {
			x := w.dial(testClient, testServer)
			alive := func() {
				x.client.seq--
				x.packet(&x.client, &x.server, nil, nil)
				x.packet(&x.client, &x.server, nil, []byte{0})
				x.client.seq++
				x.packet(&x.server, &x.client, nil, nil)
			}
			x.say(tlswire.SideClient, hello)
			for range 5 {
				alive()
			}
			x.play(lines[1:])
			x.fin(tlswire.SideServer)
		},
		"overlapping retransmissions": func(w *wire) {
			w.mss = 100
			x := w.dial(testClient, testServer)
			x.play(lines[:1])
			last := *x
			last.client.seq -= uint32(len(hello)) // all of it again, in one piece, and parts
			x.packet(&last.client, &x.server, nil, hello)
			last.client.seq += 50
			x.packet(&last.client, &x.server, nil, hello[50:170])
			x.play(lines[1:])
			x.fin(tlswire.SideServer)
		},
		"retransmission with other bytes": func(w *wire) { // what came first counts
			x := w.dial(testClient, testServer)
			x.say(tlswire.SideClient, hello)
			again := x.client
			again.seq -= uint32(len(hello))
			x.packet(&again, &x.server, nil, slices.Repeat([]byte{'x'}, len(hello)))
			x.play(lines[1:])
			x.fin(tlswire.SideServer)
		},
		"SYN again": func(w *wire) {
			x := w.dial(testClient, testServer)
			x.play(lines)
			x.fin(tlswire.SideServer)
			w.packets = slices.Insert(w.packets, 1, w.packets[0], w.packets[0])
		},
		"out of window": func(w *wire) { // a segment of an old connection
			x := w.dial(testClient, testServer)
			old := x.client
			old.seq += 1 << 30
			x.packet(&old, &x.server, nil, []byte("old"))
			x.play(lines)
			x.fin(tlswire.SideServer)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{}
			play(w)
			got, _, err := read(t, w.pcap(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			check(t, "version", got)
			if !got[0].Attempt.Seen.Began {
				t.Error("the beginning was not seen")
			}
		})
	}
}

// TestPortReuse: two connections with the same ports, the second failed.
func TestPortReuse(t *testing.T) {
	t.Parallel()
	all := shakes(t)
	for _, ended := range []bool{true, false} {
		w := &wire{}
		x := w.dial(testClient, testServer)
		x.play(all["tls13"])
		if ended {
			x.fin(tlswire.SideClient)
		}
		y := &talk{w: w, client: peer{addrPort(testClient), 77_000_000, 64}, server: peer{addrPort(testServer), 5, 57}}
		y.open()
		y.play(all["version"])
		y.fin(tlswire.SideServer)
		got, stats, err := read(t, w.pcap(), Options{})
		if err != nil || len(got) != 2 || stats.Connections != 2 {
			t.Fatalf("ended %v: got %d of %d connections, %v", ended, len(got), stats.Connections, err)
		}
		if got[0].Outcome != Complete {
			t.Errorf("the first: %v", got[0].Outcome)
		}
		check(t, "version", got[1:])
	}
}

// TestOneDirection: of the other nothing was captured. What is in clear is
// found all the same, nothing healthy is called failed, and it is told.
func TestOneDirection(t *testing.T) {
	t.Parallel()
	for name, lines := range shakes(t) {
		for _, from := range []string{testClient, testServer} {
			t.Run(name+" from "+from, func(t *testing.T) {
				t.Parallel()
				w := &wire{mss: 300}
				x := w.dial(testClient, testServer)
				x.play(lines)
				x.fin(closer(name))
				src := addrPort(from).Addr().AsSlice()
				w.packets = slices.DeleteFunc(w.packets, func(f frame) bool { return string(f.data[26:30]) != string(src) })
				got, stats, err := read(t, w.pcap(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				if stats.OneSided != 1 {
					t.Errorf("%d one-sided", stats.OneSided)
				}
				for _, c := range got {
					if want[name].outcome == Complete && c.Outcome == Failed {
						t.Errorf("failed: %v by %v at %v", c.Attempt.End.Kind, c.Attempt.End.By, c.Attempt.End.Stage)
					}
					if c.Client != addrPort(testClient) {
						t.Errorf("the client is %v", c.Client)
					}
				}
				if w := want[name]; w.end == facts.EndAlert && (w.by == tlswire.SideClient) == (from == testClient) &&
					(len(got) != 1 || got[0].Attempt.End.Alert.Description != w.alert) {
					t.Errorf("the alert is not told: %+v", got)
				}
			})
		}
	}
}

// TestHalfOpen: a server whose SYN/ACK nobody answers is no failure of TLS.
func TestHalfOpen(t *testing.T) {
	t.Parallel()
	w := &wire{}
	x := &talk{w: w, client: peer{addrPort(testClient), 1, 64}, server: peer{addrPort(testServer), 7, 60}}
	x.packet(&x.client, &x.server, func(p *layers.TCP) { p.SYN, p.ACK = true, false }, nil)
	x.client.seq++
	for range 4 {
		x.packet(&x.server, &x.client, func(p *layers.TCP) { p.SYN = true }, nil)
		w.at = w.at.Add(2 * time.Second)
	}
	got, stats, err := read(t, w.pcap(), Options{})
	if err != nil || len(got) != 0 || stats.HalfOpen != 1 {
		t.Errorf("got %d, %d half-open, %v", len(got), stats.HalfOpen, err)
	}
}

// TestZeroWindow: a server that does not read what it is sent.
func TestZeroWindow(t *testing.T) {
	t.Parallel()
	for _, opens := range []bool{false, true} {
		w := &wire{}
		x := w.dial(testClient, testServer)
		x.say(tlswire.SideClient, shakes(t)["tls13"][0].data)
		x.packet(&x.server, &x.client, func(p *layers.TCP) { p.Window = 0 }, nil)
		full := len(w.packets)
		if opens {
			x.packet(&x.server, &x.client, nil, nil)
		}
		w.at = w.at.Add(10 * time.Second)
		x.fin(tlswire.SideClient)
		got, _, err := read(t, w.pcap(), Options{})
		if err != nil || len(got) != 1 || got[0].Outcome != Failed {
			t.Fatalf("got %+v, %v", got, err)
		}
		i := slices.IndexFunc(got[0].Attempt.Seen.Notes, func(n facts.SeenNote) bool { return strings.Contains(n.Text, "window is zero") && n.Packet == full })
		if opens == (i >= 0) {
			t.Errorf("opens again %v: notes %+v", opens, got[0].Attempt.Seen.Notes)
		}
	}
}

// TestForgedReset: the hint is given for a TTL that is another's, not for one
// that a router changed by a hop.
func TestForgedReset(t *testing.T) {
	t.Parallel()
	for ttl, foreign := range map[uint8]bool{57: false, 58: false, 56: false, 64: true, 255: true, 40: true} {
		w := &wire{}
		x := w.dial(testClient, testServer)
		x.say(tlswire.SideClient, shakes(t)["tls13"][0].data)
		x.reset(tlswire.SideServer, ttl)
		got, _, err := read(t, w.pcap(), Options{})
		if err != nil || len(got) != 1 {
			t.Fatalf("got %d, %v", len(got), err)
		}
		if n := got[0].Attempt.Seen.Notes; (len(n) > 0) != foreign {
			t.Errorf("TTL %d: notes %+v", ttl, n)
		}
	}
}

// TestMute is a server that complains of a client which connects and goes.
func TestMute(t *testing.T) {
	t.Parallel()
	alert := []byte{21, 3, 3, 0, 2, 2, 50}
	for name, c := range map[string]struct {
		said []byte // by the client
		lost bool   // and not captured
		want Outcome
	}{
		"a health check":                   {want: None},
		"a client that was not understood": {said: []byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 3}, want: Failed},
		"and not captured":                 {said: []byte{22, 3, 1, 0, 5, 1, 0, 0, 1, 3}, lost: true, want: Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{}
			x := w.dial(testClient, testServer)
			if n := len(w.packets); c.said != nil {
				x.say(tlswire.SideClient, c.said)
				if c.lost {
					w.packets = slices.Delete(w.packets, n, n+1)
				}
			}
			x.packet(&x.client, &x.server, func(p *layers.TCP) { p.FIN = true }, nil)
			x.client.seq++
			x.say(tlswire.SideServer, alert)
			x.fin(tlswire.SideServer)
			got, _, err := read(t, w.pcap(), Options{})
			if err != nil || c.want == None && len(got) != 0 || c.want != None && (len(got) != 1 || got[0].Outcome != c.want) {
				t.Errorf("got %+v, %v, want %v", got, err, c.want)
			}
		})
	}
}
