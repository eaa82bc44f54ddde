package probe

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// template is a hello that offers TLS 1.0 to 1.3 and everything that the
// engine can compute.
func template(change ...func(*tlswire.ClientHello)) *tlswire.ClientHello {
	h := &tlswire.ClientHello{
		Version: tlswire.TLS12,
		CipherSuites: []tlswire.CipherSuite{0x1301, 0x1302, 0x1303, 0xC02B, 0xC02F, 0xC02C, 0xC030, 0xCCA9, 0xCCA8,
			0xC009, 0xC013, 0xC00A, 0xC014, 0xC023, 0xC027, 0x009C, 0x009D, 0x002F, 0x0035, 0x003C},
		Compression: []uint8{0},
		Extensions:  []tlswire.Extension{},
	}
	h.SetServerName("probe.test")
	h.SetExtendedMasterSecret(true)
	h.SetRenegotiationInfo(true)
	h.SetGroups([]tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384, tlswire.GroupP521})
	h.SetPointFormats([]uint8{0})
	h.SetSessionTicket([]byte{})
	h.SetEncryptThenMAC(true)
	h.SetStatusRequest(true)
	h.SetSignatureSchemes([]tlswire.SignatureScheme{0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201})
	h.SetSupportedVersions([]tlswire.Version{tlswire.TLS13, tlswire.TLS12, tlswire.TLS11, tlswire.TLS10})
	h.SetPSKModes([]uint8{1})
	h.SetKeyShares([]tlswire.KeyShare{{Group: tlswire.GroupX25519}})
	for _, f := range change {
		f(h)
	}
	return h
}

func only(versions ...tlswire.Version) func(*tlswire.ClientHello) {
	return func(h *tlswire.ClientHello) { h.SetSupportedVersions(versions) }
}

func suites(s ...tlswire.CipherSuite) func(*tlswire.ClientHello) {
	return func(h *tlswire.ClientHello) { h.SetCipherSuites(s) }
}

func alpn(names ...string) func(*tlswire.ClientHello) {
	return func(h *tlswire.ClientHello) { h.SetALPN(names) }
}

func groups(g ...tlswire.Group) func(*tlswire.ClientHello) {
	return func(h *tlswire.ClientHello) {
		h.SetGroups(g)
		h.SetKeyShares([]tlswire.KeyShare{{Group: g[0]}})
	}
}

// authority issues the certificates of the tests.
type authority struct {
	key  crypto.Signer
	cert *x509.Certificate
}

var testAuthority = sync.OnceValue(func() *authority {
	key := newKey("p256")
	cert := issue(nil, key, key.Public(), "probe test CA")
	return &authority{key, cert}
})

func newKey(kind string) crypto.Signer {
	switch kind {
	case "rsa":
		key, _ := rsa.GenerateKey(rand.Reader, 2048)
		return key
	case "p384":
		key, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
		return key
	case "p521":
		key, _ := ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
		return key
	case "ed25519":
		_, key, _ := ed25519.GenerateKey(rand.Reader)
		return key
	}
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return key
}

func issue(ca *authority, signer crypto.Signer, pub crypto.PublicKey, name string) *x509.Certificate {
	t := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"probe.test"}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true, IsCA: ca == nil,
	}
	parent := t
	if ca != nil {
		parent = ca.cert
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, pub, signer)
	if err != nil {
		panic(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return cert
}

var (
	identitiesMu sync.Mutex
	identities   = map[string]tls.Certificate{}
)

// identity is a certificate of the test authority with a key of the kind.
func identity(kind string) tls.Certificate {
	ca := testAuthority()
	identitiesMu.Lock()
	defer identitiesMu.Unlock()
	if c, ok := identities[kind]; ok {
		return c
	}
	key := newKey(kind)
	cert := issue(ca, ca.key, key.Public(), "probe.test")
	c := tls.Certificate{Certificate: [][]byte{cert.Raw}, PrivateKey: key}
	identities[kind] = c
	return c
}

func pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(testAuthority().cert)
	return p
}

// serve accepts connections until the test ends and gives each to handle.
func serve(t testing.TB, handle func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				c.SetDeadline(time.Now().Add(20 * time.Second))
				handle(c)
			})
		}
	})
	t.Cleanup(func() { l.Close(); wg.Wait() })
	return l.Addr().String()
}

// goServer is a crypto/tls server that answers any data with an HTTP response.
func goServer(t testing.TB, config *tls.Config) string {
	t.Helper()
	if config.Certificates == nil {
		config.Certificates = []tls.Certificate{identity("p256")}
	}
	return serve(t, func(c net.Conn) {
		s := tls.Server(c, config)
		if s.Handshake() != nil {
			// Let the alert reach the client before the socket is reset.
			c.(*net.TCPConn).CloseWrite()
			c.Read(make([]byte, 4096))
			return
		}
		buf := make([]byte, 4096)
		if n, _ := s.Read(buf); n > 0 {
			s.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: test\r\n\r\nhello"))
		}
		s.Close()
	})
}

func attempt(t testing.TB, spec Spec) *facts.Attempt {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if spec.Hello == nil {
		spec.Hello = template()
	}
	return Attempt(ctx, spec)
}

// wantCompleted fails unless the attempt came to its good end with valid
// proofs.
func wantCompleted(t testing.TB, a *facts.Attempt) {
	t.Helper()
	if a.End.Kind != facts.EndCompleted {
		t.Fatalf("end: got %v at %v: %v %v %v, want completed", a.End.Kind, a.End.Stage, a.End.Alert, a.End.Err, a.Violations)
	}
	if a.KeyProof.Result != facts.ProofValid && !a.Session.Resumed || a.Finished.Result != facts.ProofValid {
		t.Errorf("proofs: got key %+v, finished %+v", a.KeyProof, a.Finished)
	}
	if len(a.Violations) > 0 {
		t.Errorf("violations: got %+v", a.Violations)
	}
}

func newSigner(c tls.Certificate) crypto.Signer { return c.PrivateKey.(crypto.Signer) }
