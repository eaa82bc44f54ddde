package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// newEngine makes the server of faults f; its anchors are added to the
// client's.
func (r *Running) newEngine(f Server, aia *aiaServer, issuers *issuerServer) (*engine, error) {
	s := r.Scenario
	s.Server = f
	m, err := newMaterial(&s, aia.url, issuers)
	if err != nil {
		return nil, err
	}
	e := &engine{running: r, material: m, faults: f}
	if f.SecondLeaf != nil {
		second := s
		second.Server.Leaf = *f.SecondLeaf
		if e.second, err = newMaterial(&second, aia.url, issuers); err != nil {
			return nil, err
		}
	}
	for _, b := range f.Backends {
		other, err := r.newEngine(b, aia, issuers)
		if err != nil {
			return nil, err
		}
		e.backends = append(e.backends, other)
	}
	return e, nil
}

// listen serves an engine on an address of its own.
func (r *Running) listen(ctx context.Context, e *engine) (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	r.atEnd(listener.Close)
	r.tasks.Go(func() { r.accept(ctx, listener.(*net.TCPListener), e) })
	return listener.Addr().String(), nil
}

// turn is the backend whose turn it is.
func (e *engine) turn(n int) *engine {
	if i := n % (len(e.backends) + 1); i > 0 {
		return e.backends[i-1]
	}
	return e
}

// limited counts a connection and reports whether it is one too many.
func (e *engine) limited() bool {
	if e.faults.Limit == 0 {
		return false
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if f := e.faults.LimitFor; f > 0 && time.Since(e.last) > f {
		e.served = 0
	}
	e.last = time.Now()
	e.served++
	return e.served > e.faults.Limit
}

var errNoHeader = errors.New("there is no header of the PROXY protocol")

// proxyHeader reads the header's line, a byte at a time so that nothing behind
// it is lost.
func proxyHeader(conn *serverConn) error {
	const begin, longest = "PROXY ", 107
	var line []byte
	for b := make([]byte, 1); len(line) < longest && !strings.HasSuffix(string(line), "\r\n"); {
		if _, err := conn.Read(b); err != nil {
			return err
		}
		line = append(line, b[0])
		if n := min(len(line), len(begin)); string(line[:n]) != begin[:n] {
			return errNoHeader
		}
	}
	return nil
}

// offersSession reports whether a hello offers to resume a session by ticket or
// pre-shared key.
func offersSession(hello *tlswire.ClientHello) bool {
	ticket, _ := hello.SessionTicket()
	return len(ticket) > 0 || hello.HasExtension(tlswire.ExtPreSharedKey)
}

// sessions sets up the resumption of crypto/tls: all connections share the keys
// of the tickets.
func (e *engine) sessions(c *tls.Config) {
	f := &e.faults
	c.SessionTicketsDisabled = !f.Tickets && f.Resumption.IsZero() && !f.WrongSession && !f.ForeignTickets
	if c.SessionTicketsDisabled || f.ForeignTickets {
		return // the keys of a fresh configuration are random
	}
	c.SetSessionTicketKeys([][32]byte{{1}})
	if !f.WrongSession {
		return
	}
	c.UnwrapSession = func(identity []byte, cs tls.ConnectionState) (*tls.SessionState, error) {
		if state, err := c.DecryptTicket(identity, cs); err != nil || state == nil {
			return nil, err // it is none of ours
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		return tls.ParseSessionState(e.stranger)
	}
	c.WrapSession = func(cs tls.ConnectionState, state *tls.SessionState) ([]byte, error) {
		ticket, err := c.EncryptTicket(cs, state)
		if err != nil {
			return nil, err
		}
		stranger, err := state.Bytes()
		if err != nil {
			return nil, err
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		e.stranger = otherSecret(stranger)
		return ticket, nil
	}
}

// otherSecret changes the secret of an encoded session: version, type, suite and
// time stand before it (crypto/tls, SessionState).
func otherSecret(state []byte) []byte {
	const secretAt = 2 + 1 + 2 + 8 + 1
	if len(state) > secretAt {
		state[secretAt] ^= 1
	}
	return state
}

// statusFor is the status of the answer to a client that asked for this name.
func (e *engine) statusFor(conn *serverConn, name string) int {
	switch f := &e.faults; {
	case f.Misdirected && name != e.running.Name:
		return http.StatusMisdirectedRequest
	case conn.limited && f.LimitStatus != 0:
		return f.LimitStatus
	case f.Status != 0:
		return f.Status
	}
	return http.StatusOK
}
