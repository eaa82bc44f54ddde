package capture

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

const (
	testClient = "192.0.2.10:40000"
	testServer = "198.51.100.7:443"
)

// shakes are the handshakes that the tests carry through all kinds of packets.
func shakes(t testing.TB) map[string][]line {
	pool, cert := authority(t, "shop.example")
	server := func(change func(*tls.Config)) *tls.Config {
		c := &tls.Config{Certificates: []tls.Certificate{cert}}
		if change != nil {
			change(c)
		}
		return c
	}
	client := func(change func(*tls.Config)) *tls.Config {
		c := &tls.Config{RootCAs: pool, ServerName: "shop.example"}
		if change != nil {
			change(c)
		}
		return c
	}
	v12 := func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }
	return map[string][]line{
		"tls13":         converse(t, client(nil), server(nil)),
		"tls12":         converse(t, client(v12), server(nil)),
		"tls13-unknown": converse(t, client(func(c *tls.Config) { c.RootCAs = x509.NewCertPool() }), server(nil)),
		"tls12-unknown": converse(t, client(func(c *tls.Config) { c.RootCAs = x509.NewCertPool(); v12(c) }), server(nil)),
		"version":       converse(t, client(v12), server(func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 })),
		"mtls13-none":   converse(t, client(nil), server(func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, pool })),
		"mtls12-none":   converse(t, client(v12), server(func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, pool })),
		"mtls13":        converse(t, client(func(c *tls.Config) { c.Certificates = []tls.Certificate{cert} }), server(func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, pool })),
		"hrr": converse(t, client(func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519, tls.CurveP384} }),
			server(func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP384} })),
	}
}

// want says what each of them must be seen as.
var want = map[string]struct {
	outcome Outcome
	end     facts.EndKind
	by      tlswire.Side
	alert   tlswire.AlertDescription
	hidden  tlswire.Side // whose last record is alert-sized
}{
	"tls13":         {outcome: Complete, end: facts.EndCompleted},
	"tls12":         {outcome: Complete, end: facts.EndCompleted},
	"hrr":           {outcome: Complete, end: facts.EndCompleted},
	"mtls13":        {outcome: Complete, end: facts.EndCompleted},
	"tls13-unknown": {outcome: Failed, end: facts.EndClosed, by: tlswire.SideClient, hidden: tlswire.SideClient},
	"tls12-unknown": {outcome: Failed, end: facts.EndAlert, by: tlswire.SideClient, alert: tlswire.AlertBadCertificate},
	"version":       {outcome: Failed, end: facts.EndAlert, by: tlswire.SideServer, alert: tlswire.AlertProtocolVersion},
	"mtls13-none":   {outcome: Failed, end: facts.EndClosed, by: tlswire.SideServer, hidden: tlswire.SideServer},
	"mtls12-none":   {outcome: Failed, end: facts.EndAlert, by: tlswire.SideServer, alert: tlswire.AlertHandshakeFailure},
}

// closer is the side that ends the connection.
func closer(name string) tlswire.Side {
	if want[name].by == tlswire.SideServer {
		return tlswire.SideServer
	}
	return tlswire.SideClient
}

func check(t *testing.T, name string, got []*Connection) {
	t.Helper()
	if len(got) != 1 {
		t.Fatalf("got %d connections, want 1", len(got))
	}
	c, w := got[0], want[name]
	a := c.Attempt
	if c.Outcome != w.outcome || a.End.Kind != w.end || a.End.By != w.by && w.outcome == Failed || a.Seen.AlertSized != w.hidden {
		t.Errorf("got %v: %v by %v at %v, alert-sized from %v (lost %d); want %v: %v by %v, %v", c.Outcome, a.End.Kind, a.End.By, a.End.Stage, a.Seen.AlertSized, a.Seen.Lost,
			w.outcome, w.end, w.by, w.hidden)
	}
	if w.end == facts.EndAlert && a.End.Alert.Description != w.alert {
		t.Errorf("got %v, want %v", a.End.Alert.Description, w.alert)
	}
	if a.Sent == nil || a.Sent.ServerName() != "shop.example" {
		t.Error("the ClientHello was not read")
	}
}

func TestHandshakes(t *testing.T) {
	t.Parallel()
	for name, lines := range shakes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := &wire{}
			c := w.dial(testClient, testServer)
			c.play(lines)
			c.fin(closer(name))
			got, _, err := read(t, w.pcap(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			check(t, name, got)
		})
	}
}

// TestDisorder loses nothing but order: packets are repeated, delayed, split
// and overlap.
func TestDisorder(t *testing.T) {
	t.Parallel()
	all := shakes(t)
	for name, lines := range all {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(40) {
				r := rand.New(rand.NewPCG(seed, 1))
				w := &wire{mss: 1 + r.IntN(700)}
				c := w.dial(testClient, testServer)
				c.play(lines)
				tail := len(w.packets)
				c.fin(closer(name))
				// Neighbours swap, up to three places; some come twice.
				body := w.packets[3:tail]
				for i := range body {
					if j := i + r.IntN(3); j < len(body) && r.IntN(4) == 0 {
						body[i], body[j] = body[j], body[i]
					}
				}
				var mixed []frame
				for i, f := range w.packets {
					mixed = append(mixed, f)
					if r.IntN(5) == 0 && i > 2 {
						mixed = append(mixed, w.packets[max(3, i-r.IntN(4))])
					}
				}
				w.packets = mixed
				got, _, err := read(t, w.pcap(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				check(t, name, got)
				if t.Failed() {
					t.Fatalf("seed %d, segments of %d", seed, w.mss)
				}
			}
		})
	}
}

// TestLoss drops packets from the capture that the peers did receive: nothing
// healthy may be called failed, and what fails in clear is still found.
func TestLoss(t *testing.T) {
	t.Parallel()
	for name, lines := range shakes(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for drop := range 40 {
				w := &wire{mss: 400}
				c := w.dial(testClient, testServer)
				c.play(lines)
				c.fin(closer(name))
				if drop >= len(w.packets) {
					return
				}
				w.packets = slices.Delete(w.packets, drop, drop+1)
				got, _, err := read(t, w.pcap(), Options{})
				if err != nil {
					t.Fatal(err)
				}
				for _, x := range got {
					if want[name].outcome == Complete && x.Outcome == Failed {
						t.Errorf("without packet %d: failed, %v by %v at %v", drop+1, x.Attempt.End.Kind, x.Attempt.End.By, x.Attempt.End.Stage)
					}
				}
			}
		})
	}
}

// TestSecrets reads an encrypted handshake with the key log that the capture
// carries.
func TestSecrets(t *testing.T) {
	t.Parallel()
	pool, cert := authority(t, "shop.example")
	for name, version := range map[string]uint16{"tls13": tls.VersionTLS13, "tls12": tls.VersionTLS12} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			lines := converse(t, &tls.Config{RootCAs: pool, ServerName: "shop.example", MaxVersion: version, KeyLogWriter: &log},
				&tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert})
			w := &wire{}
			c := w.dial(testClient, testServer)
			c.play(lines)
			c.fin(tlswire.SideServer)
			got, stats, err := read(t, w.pcapng(t, log.String()), Options{})
			if err != nil || len(got) != 1 {
				t.Fatalf("got %d connections, %v", len(got), err)
			}
			a := got[0].Attempt
			if stats.Secrets == 0 || len(a.Chain) != 1 || a.Request == nil || a.KeyProof.Result != facts.ProofValid {
				t.Errorf("secrets %d, chain %d, request %v, proof %+v", stats.Secrets, len(a.Chain), a.Request != nil, a.KeyProof)
			}
			if a.End.Kind != facts.EndAlert || a.End.By != tlswire.SideServer {
				t.Errorf("got %v by %v, want the server's alert", a.End.Kind, a.End.By)
			}
			if version == tls.VersionTLS13 && (a.Finished.Result != facts.ProofValid || !a.Seen.Read) {
				t.Errorf("Finished %+v, read %v", a.Finished, a.Seen.Read)
			}
		})
	}
}

func TestBrokenInput(t *testing.T) {
	t.Parallel()
	w := &wire{}
	c := w.dial(testClient, testServer)
	c.play(shakes(t)["version"])
	c.fin(tlswire.SideServer)
	good := w.pcap()
	bad := bytes.Clone(good)
	bad[len(bad)-60] = 0xFF // somewhere in the last packets
	huge := bytes.Clone(good)
	copy(huge[24+8:], []byte{0xFF, 0xFF, 0xFF, 0x7F}) // the first packet's length
	for name, tc := range map[string]struct {
		data []byte
		want string
	}{
		"empty":      {nil, "empty"},
		"junk":       {[]byte("hello, I am no capture at all"), "no capture"},
		"zstd":       {[]byte{0x28, 0xB5, 0x2F, 0xFD, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "compressed"},
		"snoop":      {[]byte("snoop\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x04"), "Solaris"},
		"cut header": {good[:10], "header"},
		"cut packet": {good[:len(good)-7], "middle of a packet"},
		"corrupt":    {huge, "corrupt"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, _, err := read(t, tc.data, Options{})
			var unreadable *UnreadableError
			if !errors.As(err, &unreadable) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if name == "cut packet" {
				check(t, "version", got)
			}
		})
	}
}
