package relay

import (
	"context"
	"errors"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// Options say how a Relay reaches servers. The zero value dials directly.
type Options struct {
	// Target is the one server (host:port) to which every connection leads, in
	// place of what a client asks a proxy for; "" makes a proxy.
	Target string
	// Upstream names the proxy through which a host:port is reached, nil for
	// none.
	Upstream func(hostport string) (*url.URL, error)
	// DialTimeout bounds a connect; 0 = 10 s.
	DialTimeout time.Duration
	// Done is called with each conversation when it has ended; nil for none.
	Done func(*Conversation)
}

// Conversation is one connection of the client.
type Conversation struct {
	Asked string // host:port that the client asked for
	// Attempt is what passed; nil when the server was not reached, or when
	// nothing was asked for.
	Attempt *facts.Attempt
	// Protocol is the plaintext dialogue before TLS, "" for none.
	Protocol string
	Plain    bool   // the client asked the proxy for an http:// page
	Err      string // why the server was not reached
	Via      string // host:port of the proxy behind this one
}

// The bounds of a Relay. A conversation beyond the last one is passed on, too,
// but not kept.
const (
	maxKept     = 2000
	maxOpen     = 500
	headerLimit = 64 << 10
	helloWait   = 30 * time.Second // for the client to say what it wants
	lingerWait  = 2 * time.Second  // for conversations to end after Close
)

// Relay accepts connections until it is closed.
type Relay struct {
	o      Options
	ln     net.Listener
	ctx    context.Context
	cancel context.CancelFunc
	slots  chan struct{}
	wg     sync.WaitGroup

	mu    sync.Mutex
	kept  []*Conversation
	conns map[net.Conn]bool
}

// Listen starts a Relay at an address such as 127.0.0.1:0.
func Listen(addr string, o Options) (*Relay, error) {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	r := &Relay{o: o, ln: ln, slots: make(chan struct{}, maxOpen), conns: map[net.Conn]bool{}}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.wg.Go(r.accept)
	return r, nil
}

// Addr is the host:port at which it listens.
func (r *Relay) Addr() string { return r.ln.Addr().String() }

// Close ends the Relay and returns all conversations in the order in which they
// began. Those that are still open get a moment to end.
func (r *Relay) Close() []*Conversation {
	_ = r.ln.Close()
	done := make(chan struct{})
	go func() { r.wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(lingerWait):
	}
	r.cancel()
	r.mu.Lock()
	for c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	<-done
	return r.kept
}

func (r *Relay) accept() {
	for {
		conn, err := r.ln.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) || r.ctx.Err() != nil {
				return
			}
			time.Sleep(10 * time.Millisecond) // out of file descriptors, perhaps
			continue
		}
		r.slots <- struct{}{}
		r.wg.Go(func() {
			defer func() { <-r.slots }()
			r.serve(conn)
		})
	}
}

// serve handles one connection of the client.
func (r *Relay) serve(conn net.Conn) {
	r.own(conn)
	defer r.disown(conn)
	c := &Conversation{Asked: r.o.Target}
	client := &buffered{Conn: conn}
	var answer replier
	if r.o.Target == "" {
		_ = conn.SetReadDeadline(time.Now().Add(helloWait))
		var err error
		if answer, err = r.negotiate(client, c); err != nil || answer == nil {
			return // no proxy request, or one that was answered already
		}
		_ = conn.SetReadDeadline(time.Time{})
	}
	r.keep(c)
	server, err := r.dial(c)
	if err != nil {
		c.Err = err.Error()
		if answer != nil {
			answer(conn, err)
		}
		r.ended(c)
		return
	}
	r.own(server)
	defer r.disown(server)
	if answer != nil && answer(conn, nil) != nil {
		return
	}
	pass(client, server, c)
	r.ended(c)
}

func (r *Relay) ended(c *Conversation) {
	if r.o.Done != nil {
		r.o.Done(c)
	}
}

func (r *Relay) keep(c *Conversation) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.kept) < maxKept {
		r.kept = append(r.kept, c)
	}
}

func (r *Relay) own(c net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns[c] = true
}

func (r *Relay) disown(c net.Conn) {
	_ = c.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, c)
}
