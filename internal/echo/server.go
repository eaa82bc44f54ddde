package echo

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// The bounds of a Server.
const (
	maxConns    = 256 // at a time
	maxPerHost  = 240 // connections of one address in a minute
	maxHosts    = 10_000
	maxReports  = 500 // of one dialogue
	greetWait   = 10 * time.Second
	sessionWait = 5 * time.Minute
)

// Options say how a Server behaves.
type Options struct {
	// Tell is called with each arrival, and with "" or what a client of the
	// dialogue did; nil tells nobody.
	Tell func(from, what string)
}

// Server notes the ClientHellos that come.
type Server struct {
	secret Secret
	o      Options
	ln     net.Listener
	cert   tls.Certificate
	leaf   string
	book   book
	wg     sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
	hosts map[string]int // connections in the minute that began at since
	since time.Time
}

// Listen starts a Server at addr.
func Listen(addr string, secret Secret, o Options) (*Server, error) {
	if o.Tell == nil {
		o.Tell = func(string, string) {}
	}
	s := &Server{secret: secret, o: o, conns: map[net.Conn]bool{}, hosts: map[string]int{}}
	if err := s.certify(); err != nil {
		return nil, err
	}
	var err error
	if s.ln, err = net.Listen("tcp", addr); err != nil {
		return nil, err
	}
	s.wg.Go(s.accept)
	return s, nil
}

// Addr is the host:port at which it listens.
func (s *Server) Addr() string { return s.ln.Addr().String() }

// Close ends all connections.
func (s *Server) Close() {
	_ = s.ln.Close()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// certify makes the one certificate that everybody is shown. Nobody need trust
// it: the dialogue says which one it is.
func (s *Server) certify() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	now := time.Now()
	tmpl := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "tlswhy echo"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, DNSNames: []string{"echo.tlswhy.invalid"}}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(der)
	s.cert, s.leaf = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, hex.EncodeToString(sum[:])
	return nil
}

func (s *Server) accept() {
	for {
		conn, err := s.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if !s.admit(conn) {
			_ = conn.Close()
			continue
		}
		s.wg.Go(func() {
			defer s.leave(conn)
			s.serve(conn)
		})
	}
}

// admit bounds how many come, in all and from one address.
func (s *Server) admit(c net.Conn) bool {
	host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.Sub(s.since) > time.Minute || len(s.hosts) > maxHosts {
		clear(s.hosts)
		s.since = now
	}
	s.hosts[host]++
	if len(s.conns) >= maxConns || s.hosts[host] > maxPerHost {
		return false
	}
	s.conns[c] = true
	return true
}

func (s *Server) leave(c net.Conn) {
	_ = c.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
}

// serve reads what comes first: the dialogue, or a ClientHello.
func (s *Server) serve(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(greetWait))
	a := s.book.open(conn.RemoteAddr())
	raw, clear := s.hear(conn, a)
	switch {
	case clear:
		s.dialogue(conn, bufio.NewReaderSize(io.MultiReader(bytes.NewReader(raw), conn), maxLine))
	case a.Whole:
		s.answer(conn, a, raw)
	}
	if a.N > 0 && !clear {
		s.o.Tell(a.From, a.words())
	}
}

// hear reads up to the end of the ClientHello and notes each piece at once, so
// that half a hello is known as well.
func (s *Server) hear(conn net.Conn, a *Arrival) (raw []byte, clear bool) {
	var split tlswire.RecordSplitter
	var join tlswire.Reassembler
	buf := make([]byte, 16<<10)
	for len(raw) < maxHello {
		n, err := conn.Read(buf)
		if n > 0 {
			raw = append(raw, buf[:n]...)
			if bytes.HasPrefix(raw, []byte(greeting)) || len(raw) < len(greeting) && strings.HasPrefix(greeting, string(raw)) {
				return raw, true
			}
			s.book.note(a, func(a *Arrival) {
				a.Raw, a.Pieces = raw, append(a.Pieces, n)
				a.Segments = segments(conn)
			})
			split.Push(buf[:n])
		}
		for {
			record, ok, e := split.Next()
			if e != nil || ok && (record.Type != tlswire.ContentHandshake || join.Push(record.Fragment) != nil) {
				return raw, false
			}
			if !ok {
				break
			}
			if _, whole, e := join.Next(); e != nil {
				return raw, false
			} else if whole {
				s.book.note(a, func(a *Arrival) { a.Whole = true })
				return raw, false
			}
		}
		if err != nil {
			return raw, false
		}
	}
	return raw, false
}

// answer makes the handshake, and speaks the dialogue if the client wants to.
func (s *Server) answer(conn net.Conn, a *Arrival, raw []byte) {
	out := &spoken{Conn: conn, ahead: raw, first: func() {
		s.book.note(a, func(a *Arrival) { a.Answered, a.Leaf = true, s.leaf })
	}}
	c := tls.Server(out, &tls.Config{Certificates: []tls.Certificate{s.cert}, MinVersion: tls.VersionTLS10})
	ctx, cancel := context.WithTimeout(context.Background(), greetWait)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		s.book.note(a, func(a *Arrival) { a.Ended = ended(err) })
		return
	}
	s.book.note(a, func(a *Arrival) { a.Ended = "the handshake completed" })
	r := bufio.NewReaderSize(c, maxLine)
	if first, err := r.Peek(len(greeting)); err == nil && string(first) == greeting {
		s.book.forget(a)
		s.dialogue(c, r)
	}
	_ = c.Close()
}

// ended is an error without what is ours in it.
func ended(err error) string {
	var n net.Error
	switch {
	case errors.Is(err, io.EOF):
		return "the client left"
	case errors.As(err, &n) && n.Timeout():
		return "the client said no more"
	}
	return err.Error()
}

// spoken gives what was read ahead, and says when the first answer leaves.
type spoken struct {
	net.Conn
	ahead []byte
	once  sync.Once
	first func()
}

func (c *spoken) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	return c.Conn.Read(p)
}

func (c *spoken) Write(p []byte) (int, error) {
	if len(p) > 0 && p[0] == byte(tlswire.ContentHandshake) {
		c.once.Do(c.first)
	}
	return c.Conn.Write(p)
}

// dialogue proves both ends to each other and reports as often as it is asked.
func (s *Server) dialogue(conn net.Conn, r *bufio.Reader) {
	from := conn.RemoteAddr().String()
	hello, err := readLine(r)
	theirs, ok := strings.CutPrefix(hello, greeting)
	if err != nil || !ok || !isNonce(theirs) {
		return
	}
	ours := nonce()
	if _, err := io.WriteString(conn, ours+"\n"); err != nil {
		return
	}
	proof, err := readLine(r)
	if err != nil {
		return
	}
	if !same(proof, s.secret.sign("client", theirs, ours)) {
		s.o.Tell(from, "asked for reports with a wrong secret")
		return
	}
	if _, err := io.WriteString(conn, s.secret.sign("server", theirs, ours)+"\n"); err != nil {
		return
	}
	s.o.Tell(from, "asks for reports")
	key := []byte(s.secret.sign("session", theirs, ours))
	_ = conn.SetDeadline(time.Now().Add(sessionWait))
	for count := range maxReports {
		line, err := readLine(r)
		word, number, _ := strings.Cut(line, " ")
		since, convErr := strconv.Atoi(number)
		if err != nil || convErr != nil || word != "report" {
			return
		}
		rep := report{From: from}
		rep.Arrivals, rep.Last = s.book.since(since)
		body, err := json.Marshal(rep)
		if err != nil {
			return
		}
		if _, err := fmt.Fprintf(conn, "%s %s\n", body, sign(key, strconv.Itoa(count), string(body))); err != nil {
			return
		}
	}
}

// words are an arrival in one line.
func (a *Arrival) words() string {
	if !a.Whole {
		return fmt.Sprintf("%d bytes, and no complete ClientHello", len(a.Raw))
	}
	return fmt.Sprintf("a ClientHello of %d bytes in pieces of %s", len(a.Raw), strings.Trim(fmt.Sprint(a.Pieces), "[]"))
}
