package relay

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Visit is one client that came to a Host: what it said, and what became of it.
type Visit struct {
	From string // ip:port
	At   time.Time

	Hello    *tlswire.ClientHello // nil when no ClientHello came
	Raw      []byte               // the bytes up to the end of the hello, as they arrived
	Records  int                  // that carried the hello
	Segments []int                // sizes of the reads that brought it: segments, where the network kept them apart
	Words    []byte               // the first bytes, where they are no TLS

	// Version, Suite and Protocol were agreed on; zero when nothing was.
	Version  tlswire.Version
	Suite    tlswire.CipherSuite
	Protocol string
	// Certificates are the client's, leaf first, in DER.
	Certificates [][]byte
	// Err says how the handshake ended when it did not complete, Alert the
	// client's own word for it.
	Err   string
	Alert tlswire.AlertDescription
	// Refused says that Alert is set.
	Refused bool
}

// Host is a TLS server that wants to know who comes. It serves a certificate of
// a CA of its own for whatever name is asked for, and asks for a client
// certificate without insisting.
type Host struct {
	ln     net.Listener
	visits func(*Visit)
	ca     *x509.Certificate
	key    *ecdsa.PrivateKey
	wg     sync.WaitGroup
	slots  chan struct{}

	mu    sync.Mutex
	certs map[string]*tls.Certificate
	conns map[net.Conn]bool
}

// The bounds of a visit.
const (
	maxHello  = 128 << 10
	maxNames  = 1000
	visitTime = 10 * time.Second
)

// NewHost listens at addr and calls visits once per connection, one after the
// other.
func NewHost(addr string, visits func(*Visit)) (*Host, error) {
	h := &Host{certs: map[string]*tls.Certificate{}, conns: map[net.Conn]bool{}, slots: make(chan struct{}, 64)}
	var mu sync.Mutex
	h.visits = func(v *Visit) {
		mu.Lock()
		defer mu.Unlock()
		visits(v)
	}
	if err := h.makeCA(); err != nil {
		return nil, err
	}
	var err error
	if h.ln, err = net.Listen("tcp", addr); err != nil {
		return nil, err
	}
	h.wg.Go(h.accept)
	return h, nil
}

// Addr is the host:port at which it listens.
func (h *Host) Addr() string { return h.ln.Addr().String() }

// CA is the certificate, in DER, that a client must trust to go on.
func (h *Host) CA() []byte { return h.ca.Raw }

// Close ends all visits.
func (h *Host) Close() {
	_ = h.ln.Close()
	h.mu.Lock()
	for c := range h.conns {
		_ = c.Close()
	}
	h.mu.Unlock()
	h.wg.Wait()
}

func (h *Host) accept() {
	for {
		conn, err := h.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		h.slots <- struct{}{}
		h.wg.Go(func() {
			defer func() { <-h.slots }()
			h.track(conn, true)
			defer h.track(conn, false)
			defer conn.Close()
			if v := h.visit(conn); v != nil {
				h.visits(v)
			}
		})
	}
}

func (h *Host) track(c net.Conn, on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if on {
		h.conns[c] = true
	} else {
		delete(h.conns, c)
	}
}

// visit reads the hello itself, byte for byte, and lets crypto/tls go on from
// there. It gives nothing for a connection on which nothing was said.
func (h *Host) visit(conn net.Conn) *Visit {
	_ = conn.SetDeadline(time.Now().Add(visitTime))
	v := &Visit{From: conn.RemoteAddr().String(), At: time.Now()}
	v.read(conn)
	if len(v.Raw) == 0 && len(v.Words) == 0 {
		return nil
	}
	if v.Hello == nil || v.Hello.SSL2 || v.Err != "" {
		if v.Err == "" {
			v.Err = "no TLS"
		}
		return v
	}
	heard := &overhear{Conn: &buffered{Conn: conn, ahead: v.Raw}}
	server := tls.Server(heard, &tls.Config{
		GetCertificate: func(i *tls.ClientHelloInfo) (*tls.Certificate, error) { return h.certificate(i.ServerName, conn) },
		ClientAuth:     tls.RequestClientCert,
		MinVersion:     tls.VersionTLS10,
		NextProtos:     offered(v.Hello),
	})
	ctx, cancel := context.WithTimeout(context.Background(), visitTime)
	defer cancel()
	err := server.HandshakeContext(ctx)
	if err == nil {
		// In TLS 1.3 a client's complaint comes after the server thinks that all
		// went well.
		_ = conn.SetReadDeadline(time.Now().Add(time.Second))
		one := make([]byte, 1024)
		_, rerr := server.Read(one)
		var alert tls.AlertError
		if rerr != nil && (errors.As(rerr, &alert) || strings.Contains(rerr.Error(), "remote error")) {
			err = rerr
		} else if rerr == nil {
			_, _ = io.WriteString(server, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
		}
		_ = server.Close()
	}
	state := server.ConnectionState()
	v.Version, v.Suite, v.Protocol = tlswire.Version(state.Version), tlswire.CipherSuite(state.CipherSuite), state.NegotiatedProtocol
	for _, c := range state.PeerCertificates {
		v.Certificates = append(v.Certificates, c.Raw)
	}
	v.fail(err)
	if heard.alert != nil && err != nil {
		v.Alert, v.Refused = *heard.alert, true
	}
	return v
}

// overhear notes an alert in clear after a ServerHello of TLS 1.3: OpenSSL sends
// its complaint about a certificate so, and crypto/tls sees garbage in it.
type overhear struct {
	net.Conn
	split tlswire.RecordSplitter
	alert *tlswire.AlertDescription
	over  bool
}

// Read passes bytes on and looks at the records in them.
func (o *overhear) Read(p []byte) (int, error) {
	n, err := o.Conn.Read(p)
	if o.over {
		return n, err
	}
	o.split.Push(p[:n])
	for {
		record, ok, e := o.split.Next()
		if o.over = e != nil; !ok || e != nil {
			return n, err
		}
		if record.Type == tlswire.ContentAlert && len(record.Fragment) == 2 && record.Fragment[0] <= 2 {
			d := tlswire.AlertDescription(record.Fragment[1])
			o.alert = &d
		}
	}
}

// fail notes why the handshake did not complete.
func (v *Visit) fail(err error) {
	if err == nil {
		return
	}
	v.Err = err.Error()
	var alert tls.AlertError
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "remote error" && errors.As(op.Err, &alert) {
		v.Alert, v.Refused = tlswire.AlertDescription(alert), true
		return
	}
	if rest, ok := strings.CutPrefix(v.Err, "remote error: "); ok {
		v.Err = rest
		for d := range 256 {
			if tls.AlertError(d).Error() == rest {
				v.Alert, v.Refused = tlswire.AlertDescription(d), true
			}
		}
	}
}

// read takes bytes until the hello is complete or cannot become one.
func (v *Visit) read(conn net.Conn) {
	var split tlswire.RecordSplitter
	var join tlswire.Reassembler
	buf := make([]byte, 16<<10)
	for len(v.Raw) < maxHello {
		n, err := conn.Read(buf)
		if n > 0 {
			v.Raw = append(v.Raw, buf[:n]...)
			v.Segments = append(v.Segments, n)
			if done, isSSL2 := v.ssl2(); done {
				return
			} else if !isSSL2 {
				split.Push(buf[:n])
			}
		}
		for {
			record, ok, e := split.Next()
			if e != nil {
				v.Words, v.Raw = v.Raw[:min(len(v.Raw), 512)], nil
				v.Err = "no TLS"
				return
			}
			if !ok {
				break
			}
			v.Records++
			if record.Type != tlswire.ContentHandshake {
				v.Err = fmt.Sprintf("the first record is no handshake message, but %s", record.Type)
				return
			}
			if e := join.Push(record.Fragment); e != nil {
				v.Err = e.Error()
				return
			}
			if m, ok, e := join.Next(); e == nil && ok {
				hello, e := tlswire.ParseClientHello(m.Raw)
				if v.Hello = hello; e != nil {
					v.Err = e.Error()
					if hello != nil && len(hello.CipherSuites) == 0 {
						v.Hello = nil
					}
				}
				return
			} else if e != nil {
				v.Err = e.Error()
				return
			}
		}
		if err != nil {
			if v.Err = "it left in the middle of its ClientHello"; errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
				v.Err = "the rest of its ClientHello never came"
			}
			return
		}
	}
	v.Err = "its ClientHello has no end"
}

// ssl2 reads a hello in the format of SSL 2.0, which begins with its length and
// the type 1.
func (v *Visit) ssl2() (done, is bool) {
	b := v.Raw
	if len(b) < 3 || b[0]&0x80 == 0 || b[2] != 1 {
		return false, false
	}
	length := int(b[0]&0x7f)<<8 | int(b[1])
	if len(b) < 2+length {
		return false, true
	}
	hello, err := tlswire.ParseSSL2ClientHello(b[2 : 2+length])
	if v.Hello = hello; err != nil {
		v.Err = err.Error()
	} else {
		v.Err = "its hello is in the format of SSL 2.0, which is not answered here"
	}
	return true, true
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// offered accepts the first protocol of the client's that a plain answer fits.
func offered(h *tlswire.ClientHello) []string {
	for _, p := range h.ALPN() {
		if p == "http/1.1" || p == "http/1.0" {
			return []string{p}
		}
	}
	return nil
}

func (h *Host) makeCA() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "tlswhy listen"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign, MaxPathLenZero: true}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return err
	}
	h.key = key
	h.ca, err = x509.ParseCertificate(der)
	return err
}

// certificate issues one for the name that the client asks for, or for our
// address.
func (h *Host) certificate(name string, conn net.Conn) (*tls.Certificate, error) {
	host, _, _ := net.SplitHostPort(conn.LocalAddr().String())
	if name == "" {
		name = host
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if c := h.certs[name]; c != nil {
		return c, nil
	}
	if len(h.certs) >= maxNames {
		clear(h.certs)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: serial(), Subject: pkix.Name{CommonName: "tlswhy"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(23 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(name); ip != nil {
		tmpl.IPAddresses = []net.IP{ip}
	} else {
		tmpl.DNSNames = []string{name}
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, h.ca, key.Public(), h.key)
	if err != nil {
		return nil, err
	}
	h.certs[name] = &tls.Certificate{Certificate: [][]byte{der, h.ca.Raw}, PrivateKey: key}
	return h.certs[name], nil
}

func serial() *big.Int {
	b := make([]byte, 16)
	rand.Read(b)
	b[0] &= 0x7f
	return new(big.Int).SetBytes(b)
}
