package relay

import (
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
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
	// Certificates are the client's, leaf first, in DER; AskedNot says that it was
	// not asked for one.
	Certificates [][]byte
	AskedNot     bool
	// Left says that the client said nothing after the handshake.
	Left bool
	// Err says how the handshake ended when it did not complete, Alert the
	// client's own word for it.
	Err   string
	Alert tlswire.AlertDescription
	// Refused says that Alert is set.
	Refused bool
}

// HostOptions say what a Host does with those who come.
type HostOptions struct {
	// Visit is called once per connection, one after the other.
	Visit func(*Visit)
	// AskNot leaves the request for a client certificate out.
	AskNot bool
	// Wait bounds a visit; 0 = 10 s.
	Wait time.Duration
}

// Host is a TLS server that wants to know who comes. It serves a certificate of
// a CA of its own for whatever name is asked for, and asks for a client
// certificate without insisting.
type Host struct {
	o  HostOptions
	ln net.Listener
	ca *x509.Certificate
	wg sync.WaitGroup

	key  *ecdsa.PrivateKey // of the CA
	leaf *ecdsa.PrivateKey // of all certificates
	rsa  func() (*rsa.PrivateKey, error)

	telling sync.Mutex // Visit
	mu      sync.Mutex
	certs   map[string]*tls.Certificate
	conns   map[net.Conn]bool
	silent  []net.Conn // have not said their hello yet, the oldest first
}

// The bounds of a Host.
const (
	maxHello  = 128 << 10
	maxNames  = 1000
	maxVisits = 2000 // at a time
)

// NewHost listens at addr.
func NewHost(addr string, o HostOptions) (*Host, error) {
	if o.Wait == 0 {
		o.Wait = 10 * time.Second
	}
	h := &Host{o: o, certs: map[string]*tls.Certificate{}, conns: map[net.Conn]bool{}}
	// Making an RSA key takes a while, and few clients need one.
	h.rsa = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })
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
		h.arrive(conn)
		h.wg.Go(func() {
			defer h.leave(conn)
			if v := h.visit(conn); v != nil {
				h.telling.Lock()
				defer h.telling.Unlock()
				h.o.Visit(v)
			}
		})
	}
}

// arrive notes a client. When there are too many, the one that has kept silent
// for the longest time must go.
func (h *Host) arrive(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.conns) >= maxVisits && len(h.silent) > 0 {
		_ = h.silent[0].Close()
		h.silent = h.silent[1:]
	}
	h.conns[c] = true
	h.silent = append(h.silent, c)
}

// heard says that a client has said its hello.
func (h *Host) heard(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if i := slices.Index(h.silent, c); i >= 0 {
		h.silent = slices.Delete(h.silent, i, i+1)
	}
}

func (h *Host) leave(c net.Conn) {
	_ = c.Close()
	h.heard(c)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.conns, c)
}

// visit reads the hello itself, byte for byte, and lets crypto/tls go on from
// there. It gives nothing for a connection on which nothing was said.
func (h *Host) visit(conn net.Conn) *Visit {
	_ = conn.SetDeadline(time.Now().Add(h.o.Wait))
	v := &Visit{From: conn.RemoteAddr().String(), At: time.Now()}
	v.read(conn)
	h.heard(conn)
	if len(v.Raw) == 0 && len(v.Words) == 0 {
		return nil
	}
	if v.Hello == nil || v.Hello.SSL2 || v.Err != "" {
		if v.Err == "" {
			v.Err = "no TLS"
		}
		return v
	}
	ask := tls.RequestClientCert
	if v.AskedNot = h.o.AskNot; h.o.AskNot {
		ask = tls.NoClientCert
	}
	heard := &overhear{Conn: &buffered{Conn: conn, ahead: v.Raw}}
	server := tls.Server(heard, &tls.Config{
		GetCertificate: func(i *tls.ClientHelloInfo) (*tls.Certificate, error) { return h.certificateFor(i, conn) },
		ClientAuth:     ask,
		MinVersion:     tls.VersionTLS10,
		CipherSuites:   allSuites(),
		NextProtos:     offered(v.Hello),
	})
	ctx, cancel := context.WithTimeout(context.Background(), h.o.Wait)
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
		} else if v.Left = rerr != nil; !v.Left {
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
