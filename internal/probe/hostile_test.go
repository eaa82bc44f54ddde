package probe

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// scriptConn is a server that says fixed bytes, whatever it hears.
type scriptConn struct {
	net.Conn
	in  io.Reader
	out *bytes.Buffer
}

func (c scriptConn) Read(p []byte) (int, error)  { return c.in.Read(p) }
func (c scriptConn) Write(p []byte) (int, error) { return c.out.Write(p) }
func (scriptConn) Close() error                  { return nil }
func (scriptConn) SetDeadline(time.Time) error   { return nil }

func script(data []byte) Prober {
	return Prober{Dial: func(context.Context, string, string) (net.Conn, error) {
		return scriptConn{in: bytes.NewReader(data), out: &bytes.Buffer{}}, nil
	}}
}

// tapConn keeps what the server says, cuts it off after some bytes, or alters
// one of them.
type tapConn struct {
	net.Conn
	said *[]byte
	cut  int // -1: nowhere
	flip int // -1: nothing
	at   int
}

func (c *tapConn) Read(p []byte) (int, error) {
	if c.cut >= 0 {
		if c.at >= c.cut {
			return 0, io.EOF
		}
		p = p[:min(len(p), c.cut-c.at)]
	}
	n, err := c.Conn.Read(p)
	if i := c.flip - c.at; i >= 0 && i < n {
		p[i] ^= 0x11
	}
	c.at += n
	if c.said != nil {
		*c.said = append(*c.said, p[:n]...)
	}
	return n, err
}

func tap(said *[]byte, cut, flip int) Prober {
	return Prober{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &tapConn{Conn: c, said: said, cut: cut, flip: flip}, err
	}}
}

// record returns all that a server says in a good attempt.
func record(t *testing.T, address string) []byte {
	t.Helper()
	var said []byte
	a := tap(&said, -1, -1).Attempt(context.Background(), Spec{Address: address, Hello: template(), Request: request()})
	wantCompleted(t, a)
	return said
}

// A replayed flight of TLS 1.2 is read to its end; only its signature is bad,
// since it is made for another client random.
func TestReplayAndTruncations(t *testing.T) {
	t.Parallel()
	said := record(t, goServer(t, &tls.Config{MaxVersion: tls.VersionTLS12, ClientAuth: tls.RequestClientCert}))
	hello := template()
	a := script(said).Attempt(context.Background(), Spec{Hello: hello})
	if a.KeyProof.Result != facts.ProofInvalid || a.KeyProof.Reason == "" || a.Request == nil || a.End.Kind != facts.EndLocal {
		t.Errorf("replay: got %+v, %v %v", a.KeyProof, a.End.Kind, a.End.Err)
	}
	last := -1
	for n := range said {
		a := script(said[:n]).Attempt(context.Background(), Spec{Hello: hello})
		if a.End.Kind != facts.EndClosed && a.End.Kind != facts.EndLocal {
			t.Fatalf("cut after %d bytes: got %v at %v %v", n, a.End.Kind, a.End.Stage, a.End.Err)
		}
		if rank := a.End.Stage.Rank(); rank < last {
			t.Fatalf("cut after %d bytes: stage went back to %v", n, a.End.Stage)
		} else {
			last = rank
		}
		if a.BytesReceived > n {
			t.Fatalf("cut after %d bytes: received %d", n, a.BytesReceived)
		}
	}
}

func TestTruncationsOfTLS13(t *testing.T) {
	t.Parallel()
	address := goServer(t, &tls.Config{ClientAuth: tls.RequestClientCert})
	said := record(t, address)
	last := -1
	for n := 0; n < len(said)-60; n += 11 {
		a := tap(nil, n, -1).Attempt(context.Background(), Spec{Address: address, Hello: template(), Request: request()})
		if a.End.Kind != facts.EndClosed && a.End.Kind != facts.EndCompleted {
			t.Fatalf("cut after %d bytes: got %v at %v %v", n, a.End.Kind, a.End.Stage, a.End.Err)
		}
		if rank := a.End.Stage.Rank(); rank < last {
			t.Fatalf("cut after %d bytes: stage went back to %v", n, a.End.Stage)
		} else {
			last = rank
		}
	}
}

// An altered byte is noticed in some way, and never more than that.
func TestAlteredBytes(t *testing.T) {
	t.Parallel()
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		address := goServer(t, &tls.Config{MaxVersion: version})
		said := record(t, address)
		for n := 0; n < len(said); n += 11 {
			t.Run(fmt.Sprintf("%04x/%d", version, n), func(t *testing.T) {
				t.Parallel()
				a := tap(nil, -1, n).Attempt(context.Background(), Spec{Address: address, Hello: template(), Request: request(),
					Timeouts: Timeouts{Total: 200 * time.Millisecond}})
				clean := a.End.Kind == facts.EndCompleted && len(a.Violations) == 0 &&
					a.KeyProof.Result == facts.ProofValid && a.Finished.Result == facts.ProofValid
				// The version of a record is ignored (RFC 8446, Section 5.1), and
				// the last bytes follow a complete answer. An ECDSA signature is a
				// byte or two longer at one time than at another.
				near := false
				for i := n - 4; i <= n+4; i++ {
					near = near || recordVersion(said, i)
				}
				if clean && !near && n < len(said)-100 {
					t.Error("got a clean attempt")
				}
			})
		}
	}
}

// recordVersion says whether a byte belongs to the version of a record.
func recordVersion(stream []byte, n int) bool {
	for at := 0; at+5 <= len(stream); at += 5 + int(stream[at+3])<<8 + int(stream[at+4]) {
		if n == at+1 || n == at+2 {
			return true
		}
	}
	return false
}

// serverHello is a ServerHello of TLS 1.2 in its record, changed.
func serverHello(change func(*tlswire.ServerHello)) []byte {
	h := &tlswire.ServerHello{Version: tlswire.TLS12, Random: make([]byte, 32), CipherSuite: 0xC02B}
	change(h)
	raw, err := h.Marshal()
	if err != nil {
		panic(err)
	}
	out, err := tlswire.MarshalRecords(tlswire.ContentHandshake, tlswire.TLS12, raw, 0)
	if err != nil {
		panic(err)
	}
	return out
}

func TestViolations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		change  func(*tlswire.ServerHello)
		count   int
		kind    facts.EndKind
		version tlswire.Version
	}{
		{"none", func(*tlswire.ServerHello) {}, 0, facts.EndClosed, tlswire.TLS12},
		{"suite-not-offered", func(h *tlswire.ServerHello) { h.CipherSuite = 0xC09C }, 1, facts.EndClosed, tlswire.TLS12},
		{"suite-unknown", func(h *tlswire.ServerHello) { h.CipherSuite = 0xFE01 }, 1, facts.EndClosed, tlswire.TLS12},
		{"suite-of-1.3", func(h *tlswire.ServerHello) { h.CipherSuite = 0x1301 }, 1, facts.EndClosed, tlswire.TLS12},
		{"version-not-offered", func(h *tlswire.ServerHello) { h.Version = tlswire.SSL3 }, 1, facts.EndClosed, tlswire.SSL3},
		{"version-unknown", func(h *tlswire.ServerHello) { h.Version = 0x0399 }, 1, facts.EndLocal, 0x0399},
		{"extension-not-offered", func(h *tlswire.ServerHello) { h.SetExtension(0x5555, nil) }, 1, facts.EndClosed, tlswire.TLS12},
		{"extension-twice", func(h *tlswire.ServerHello) {
			h.Extensions = []tlswire.Extension{{Type: tlswire.ExtSessionTicket}, {Type: tlswire.ExtSessionTicket}}
		}, 1, facts.EndClosed, tlswire.TLS12},
		{"compression", func(h *tlswire.ServerHello) { h.Compression = 1 }, 1, facts.EndLocal, tlswire.TLS12},
		{"downgrade-1.2", func(h *tlswire.ServerHello) { copy(h.Random[24:], "DOWNGRD\x01") }, 1, facts.EndClosed, tlswire.TLS12},
		{"downgrade-1.1", func(h *tlswire.ServerHello) {
			h.Version, h.CipherSuite = tlswire.TLS11, 0xC013
			copy(h.Random[24:], "DOWNGRD\x00")
		}, 1, facts.EndClosed, tlswire.TLS11},
		{"1.3-without-key-share", func(h *tlswire.ServerHello) {
			h.CipherSuite = 0x1301
			h.SetNegotiatedVersion(tlswire.TLS13)
		}, 2, facts.EndLocal, tlswire.TLS13},
		{"1.3-foreign-share", func(h *tlswire.ServerHello) {
			h.CipherSuite = 0x1301
			h.SetNegotiatedVersion(tlswire.TLS13)
			h.SetKeyShare(tlswire.KeyShare{Group: tlswire.GroupP256, Data: []byte{1}})
		}, 2, facts.EndLocal, tlswire.TLS13},
		{"1.3-bad-share", func(h *tlswire.ServerHello) {
			h.CipherSuite = 0x1301
			h.SetNegotiatedVersion(tlswire.TLS13)
			h.SetKeyShare(tlswire.KeyShare{Group: tlswire.GroupX25519, Data: make([]byte, 32)})
		}, 2, facts.EndLocal, tlswire.TLS13},
		{"1.3-with-cbc", func(h *tlswire.ServerHello) {
			h.CipherSuite = 0xC013
			h.SetNegotiatedVersion(tlswire.TLS13)
			h.SetKeyShare(tlswire.KeyShare{Group: tlswire.GroupX25519, Data: bytes.Repeat([]byte{9}, 32)})
		}, 2, facts.EndLocal, tlswire.TLS13},
		{"retry-for-a-sent-share", func(h *tlswire.ServerHello) {
			h.Random, h.CipherSuite = tlswire.HelloRetryRequestRandom(), 0x1301
			h.SetNegotiatedVersion(tlswire.TLS13)
			h.SetKeyShare(tlswire.KeyShare{Group: tlswire.GroupX25519})
		}, 1, facts.EndClosed, 0},
		{"retry-for-nothing", func(h *tlswire.ServerHello) {
			h.Random, h.CipherSuite = tlswire.HelloRetryRequestRandom(), 0x1301
			h.SetNegotiatedVersion(tlswire.TLS13)
		}, 1, facts.EndClosed, 0},
		{"retry-unknown-group", func(h *tlswire.ServerHello) {
			h.Random, h.CipherSuite = tlswire.HelloRetryRequestRandom(), 0x1301
			h.SetNegotiatedVersion(tlswire.TLS13)
			h.SetKeyShare(tlswire.KeyShare{Group: 0x7777})
		}, 1, facts.EndLocal, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := script(serverHello(c.change)).Attempt(context.Background(), Spec{Hello: template()})
			a.Violations = butSessionID(a.Violations)
			if len(a.Violations) != c.count || a.End.Kind != c.kind || a.Version != c.version {
				t.Errorf("got %v %v, %v, violations %v", a.End.Kind, a.End.Err, a.Version, a.Violations)
			}
		})
	}
	twice := serverHello(func(h *tlswire.ServerHello) {
		h.Random, h.CipherSuite = tlswire.HelloRetryRequestRandom(), 0x1301
		h.SetNegotiatedVersion(tlswire.TLS13)
		h.SetKeyShare(tlswire.KeyShare{Group: tlswire.GroupP256})
	})
	a := script(append(twice, twice...)).Attempt(context.Background(), Spec{Hello: template()})
	a.Violations = butSessionID(a.Violations)
	if a.End.Kind != facts.EndLocal || len(a.Violations) != 1 || a.Retry == nil {
		t.Errorf("second retry: got %v, %v", a.End.Kind, a.Violations)
	}
}

// butSessionID leaves out what every HelloRetryRequest of a script lacks: it is
// written before the session ID is known.
func butSessionID(all []facts.Violation) []facts.Violation {
	return slices.DeleteFunc(all, func(x facts.Violation) bool {
		return x.Kind == facts.ViolationSessionID && x.Message == "HelloRetryRequest"
	})
}

func TestSSL2(t *testing.T) {
	t.Parallel()
	hello := &tlswire.ClientHello{SSL2: true, Version: tlswire.SSL2, SSL2Specs: []uint32{0x010080, 0x0700C0}, Random: make([]byte, 16)}
	answer := &tlswire.SSL2ServerHello{CertType: 1, Version: tlswire.SSL2, Certificate: identity("rsa").Certificate[0],
		Specs: []uint32{0x010080}, ConnectionID: make([]byte, 16)}
	body, err := answer.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	wire, err := tlswire.Record{Type: tlswire.ContentSSL2, Fragment: body}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	a := script(wire).Attempt(context.Background(), Spec{Hello: hello})
	if a.End.Kind != facts.EndStopped || a.SSL2 == nil || a.Version != tlswire.SSL2 || len(a.Chain) != 1 {
		t.Errorf("got %v %v, %v", a.End.Kind, a.End.Err, a.SSL2)
	}
	a = script([]byte("\x80\x03\x00\x00\x01")).Attempt(context.Background(), Spec{Hello: hello})
	if a.End.Kind != facts.EndAlert || a.End.Stage != diag.StageClientHello {
		t.Errorf("error message: got %v %v", a.End.Kind, a.End.Err)
	}
}

// flight12 is a Certificate, ServerKeyExchange, CertificateRequest and
// ServerHelloDone, with a signature of nothing.
func flight12(f *testing.F) []byte {
	point := newKey("p256").(*ecdsa.PrivateKey)
	public, err := point.PublicKey.ECDH()
	if err != nil {
		f.Fatal(err)
	}
	kx := &tlswire.ServerKeyExchange{Kex: tlswire.KexECDHE, Group: tlswire.GroupP256, Point: public.Bytes(),
		HasScheme: true, Scheme: 0x0403, Signature: []byte("nothing")}
	certificate := &tlswire.Certificate{Entries: []tlswire.CertificateEntry{{Data: identity("p256").Certificate[0]}}}
	wish := &tlswire.CertificateRequest{Types: []uint8{1, 64}, Schemes: []tlswire.SignatureScheme{0x0403}}
	var flight []byte
	for _, marshal := range []func() ([]byte, error){
		func() ([]byte, error) { return certificate.Marshal(tlswire.TLS12) },
		kx.Marshal,
		func() ([]byte, error) { return wish.Marshal(tlswire.TLS12) },
		func() ([]byte, error) { return tlswire.MarshalHandshake(tlswire.TypeServerHelloDone, nil) },
	} {
		raw, err := marshal()
		if err != nil {
			f.Fatal(err)
		}
		flight = append(flight, raw...)
	}
	out, err := tlswire.MarshalRecords(tlswire.ContentHandshake, tlswire.TLS12, flight, 0)
	if err != nil {
		f.Fatal(err)
	}
	return out
}

// FuzzAttempt gives the engine any bytes for a server.
func FuzzAttempt(f *testing.F) {
	f.Add([]byte(alert40))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"))
	f.Add(serverHello(func(*tlswire.ServerHello) {}))
	f.Add(slices.Concat(serverHello(func(*tlswire.ServerHello) {}), []byte("\x16\x03\x03\x00\x04\x0e\x00\x00\x00")))
	f.Add(slices.Concat(serverHello(func(h *tlswire.ServerHello) { h.CipherSuite = 0xC02F }), flight12(f)))
	f.Fuzz(func(t *testing.T, data []byte) {
		a := script(data).Attempt(context.Background(), Spec{Hello: template(), Request: request()})
		if a.End.Kind == facts.EndUnknown || a.End.Kind == facts.EndCompleted {
			t.Errorf("got %v", a.End.Kind)
		}
	})
}
