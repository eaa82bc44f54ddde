package probe

import (
	"context"
	"crypto/tls"
	"net"
	"runtime"
	"testing"

	"golang.org/x/crypto/cryptobyte"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// newEngine is an engine that has got as far as the server's Certificate.
func newEngine(hello *tlswire.ClientHello, spec Spec) *engine {
	return &engine{ctx: context.Background(), spec: spec, hello: hello, a: &facts.Attempt{Version: tlswire.TLS13}}
}

func TestCompressedCertificate(t *testing.T) {
	t.Parallel()
	certificate := &tlswire.Certificate{Entries: []tlswire.CertificateEntry{{Data: identity("p256").Certificate[0]}}}
	copied := func(data []byte) ([]byte, error) { return data, nil }
	undo := map[uint16]func([]byte, int) ([]byte, error){2: func(data []byte, _ int) ([]byte, error) { return data, nil }}
	for _, c := range []struct {
		name       string
		algorithm  uint16
		compress   func([]byte) ([]byte, error)
		spec       Spec
		offered    []uint16
		fails      bool
		violations int
	}{
		{"zlib", compressZlib, nil, Spec{}, []uint16{1}, false, 0},
		{"given", 2, copied, Spec{Decompress: undo}, []uint16{2}, false, 0},
		{"unknown", 3, copied, Spec{}, []uint16{3}, true, 0},
		{"not offered", compressZlib, nil, Spec{}, nil, false, 1},
		{"corrupt", compressZlib, copied, Spec{}, []uint16{1}, true, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			raw, err := certificate.MarshalCompressed(c.algorithm, c.compress)
			if err != nil {
				t.Fatal(err)
			}
			e := newEngine(template(func(h *tlswire.ClientHello) { h.SetCompressCertificate(c.offered) }), c.spec)
			err = e.takeCertificate(tlswire.Handshake{Type: tlswire.TypeCompressedCertificate, Body: raw[4:], Raw: raw})
			if (err != nil) != c.fails || len(e.a.Violations) != c.violations {
				t.Fatalf("got %v, violations %v", err, e.a.Violations)
			}
			if !c.fails && (len(e.a.Chain) != 1 || e.a.Certificate.Compression != c.algorithm) {
				t.Errorf("got %d certificates, compression %d", len(e.a.Chain), e.a.Certificate.Compression)
			}
		})
	}
}

// With a delegated credential its key makes the proof, not the certificate's
// (RFC 9345).
func TestDelegatedCredential(t *testing.T) {
	t.Parallel()
	delegate := newKey("p384")
	spki := issue(nil, delegate, delegate.Public(), "delegate").RawSubjectPublicKeyInfo
	var b cryptobyte.Builder
	b.AddUint32(3600)
	b.AddUint16(0x0503)
	b.AddUint24LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(spki) })
	credential := tlswire.Extension{Type: tlswire.ExtDelegatedCredential, Data: b.BytesOrPanic()}
	certificate := &tlswire.Certificate{Entries: []tlswire.CertificateEntry{
		{Data: identity("p256").Certificate[0], Extensions: []tlswire.Extension{credential}}}}
	raw, err := certificate.Marshal(tlswire.TLS13)
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(template(func(h *tlswire.ClientHello) { h.SetExtension(tlswire.ExtDelegatedCredential, nil) }), Spec{})
	if err := e.takeCertificate(tlswire.Handshake{Type: tlswire.TypeCertificate, Body: raw[4:], Raw: raw}); err != nil {
		t.Fatal(err)
	}
	signature, err := tlswire.Sign(delegate, 0x0503, []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	e.proveKey(0x0503, []byte("content"), signature)
	if e.a.KeyProof.Result != facts.ProofValid || len(e.a.Violations) > 0 {
		t.Errorf("got %+v, violations %v", e.a.KeyProof, e.a.Violations)
	}
}

// SSL 3.0 ends after the server's flight, which is read like any other.
func TestSSL3(t *testing.T) {
	t.Parallel()
	said := serverHello(func(h *tlswire.ServerHello) { h.Version, h.CipherSuite = tlswire.SSL3, 0x002F })
	certificate, err := (&tlswire.Certificate{Entries: []tlswire.CertificateEntry{{Data: identity("rsa").Certificate[0]}}}).Marshal(tlswire.SSL3)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := tlswire.MarshalRecords(tlswire.ContentHandshake, tlswire.SSL3, append(certificate, 14, 0, 0, 0), 0)
	if err != nil {
		t.Fatal(err)
	}
	hello := template(suites(0x002F))
	hello.Version, hello.Extensions = tlswire.SSL3, nil
	a := script(append(said, rest...)).Attempt(context.Background(), Spec{Hello: hello})
	if a.End.Kind != facts.EndStopped || a.End.Stage != diag.StageFinished || a.Version != tlswire.SSL3 || len(a.Chain) != 1 || len(a.Violations) > 0 {
		t.Errorf("got %v at %v: %v, violations %v", a.End.Kind, a.End.Stage, a.End.Err, a.Violations)
	}
}

func TestTCPInfo(t *testing.T) {
	t.Parallel()
	a := attempt(t, Spec{Address: goServer(t, &tls.Config{})})
	if runtime.GOOS != "linux" {
		return
	}
	if a.TCP == nil || a.TCP.RTT <= 0 || a.TCP.SndMSS <= 0 || a.TCP.BytesReceived < int64(a.BytesReceived) {
		t.Errorf("got %+v for %d bytes", a.TCP, a.BytesReceived)
	}
	one, two := net.Pipe()
	defer one.Close()
	defer two.Close()
	if got := tcpInfo(one); got != nil {
		t.Errorf("pipe: got %+v", got)
	}
}

// The engine sends what it was given, and where it is told to, byte for byte.
func TestVerbatim(t *testing.T) {
	t.Parallel()
	hello, _ := Arm(template())
	want, err := hello.MarshalRecord()
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan []byte, 1)
	address := serve(t, func(c net.Conn) {
		buf := make([]byte, 4096)
		n, _ := c.Read(buf)
		got <- buf[:n]
		c.Write([]byte(alert40))
		fin(c)
	})
	attempt(t, Spec{Address: address, Hello: hello, Verbatim: true})
	if g := <-got; string(g) != string(want) {
		t.Errorf("got %x, want %x", g, want)
	}
}
