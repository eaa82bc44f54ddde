package relay

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/proxy"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Options say how a Relay reaches servers. The zero value dials directly.
type Options struct {
	// Target is the one server (host:port) to which every connection leads, in
	// place of what a client asks a proxy for; "" makes a proxy.
	Target string
	// Upstream names the proxy behind this one for a request, nil for none.
	Upstream func(proxy.Request) (*url.URL, error)
	// Lead names the addresses that stand in for a host:port (in lower case) which
	// the client resolves by itself; behind a proxy they count for nothing.
	Lead map[string]string
	// Roots are trusted to vouch for proxies of scheme https; nil = the system's.
	Roots *x509.CertPool
	// DialTimeout bounds a connect; 0 = 10 s.
	DialTimeout time.Duration
	// Done is called with each conversation when it has ended; nil for none.
	Done func(*Conversation)
}

// Conversation is one connection of the client.
type Conversation struct {
	Asked string // host:port that the client asked for
	// Request is how it asked; zero where every connection leads to one target.
	Request proxy.Request
	// Attempt is what passed; nil when the server was not reached, or when
	// nothing was asked for. Where a proxy behind this one refused, it is that.
	Attempt *facts.Attempt
	// Protocol is the plaintext dialogue before TLS, "" for none.
	Protocol string
	Plain    bool          // the client asked the proxy for an http:// page
	Err      error         // why the server was not reached
	Via      string        // host:port of the proxy behind this one
	Trouble  proxy.Trouble // where the way through that proxy ended

	head  []byte   // of the request for a page
	proxy *url.URL // behind Via
	roots *x509.CertPool
}

// Dial connects to what the client asked for in the way in which the Relay did.
func (c *Conversation) Dial(ctx context.Context) (net.Conn, error) {
	return proxy.Way{Proxy: c.proxy, Roots: c.roots, Timeout: dialTimeout}.Connect(ctx, c.Asked)
}

// The bounds of a Relay. A conversation beyond the last one is passed on, too,
// but not kept.
const (
	maxKept     = 2000
	maxOpen     = 500
	headerLimit = 64 << 10
	helloWait   = 30 * time.Second // for the client to say what it wants
	lingerWait  = 2 * time.Second  // for conversations to end after Close
	dialTimeout = 10 * time.Second
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

// Listen starts a Relay at an address such as 127.0.0.1:0, or at the path of a
// Unix socket, such as unix:/run/user/1000/db.sock or ./db.sock.
func Listen(addr string, o Options) (*Relay, error) {
	network := "tcp"
	if path, ok := strings.CutPrefix(addr, "unix:"); ok || strings.Contains(addr, "/") {
		network, addr = "unix", path
	}
	ln, err := net.Listen(network, addr)
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
	answer := func(net.Conn, error) error { return nil }
	if r.o.Target == "" {
		_ = conn.SetReadDeadline(time.Now().Add(helloWait))
		a, err := r.negotiate(client, c)
		if err != nil {
			return // no proxy request
		}
		answer, c.Asked = a, c.Request.Host
		_ = conn.SetReadDeadline(time.Time{})
	}
	r.keep(c)
	defer r.ended(c)
	server, err := r.dial(c)
	if err != nil {
		c.Err = err
		c.refused(conn.RemoteAddr().String(), err)
		_ = answer(conn, err)
		return
	}
	r.own(server)
	defer r.disown(server)
	if answer(conn, nil) == nil {
		pass(client, server, c)
	}
}

// dial reaches what the client asked for, through the proxy behind this one
// where there is one. A request for a page goes out with it.
func (r *Relay) dial(c *Conversation) (net.Conn, error) {
	c.roots = r.o.Roots
	if r.o.Upstream != nil {
		var err error
		if c.proxy, err = r.o.Upstream(c.Request); err != nil {
			c.Trouble = proxy.Unknown
			return nil, err
		}
	}
	if c.proxy != nil {
		c.Via = c.proxy.Host
	}
	toProxy := c.Plain && c.proxy != nil && !strings.HasPrefix(c.proxy.Scheme, "socks")
	way := proxy.Way{Proxy: c.proxy, Roots: c.roots, Timeout: cmp.Or(r.o.DialTimeout, dialTimeout)}
	var conn net.Conn
	var err error
	if toProxy {
		conn, err = way.Reach(r.ctx)
	} else {
		to := c.Asked
		if lead := r.o.Lead[strings.ToLower(to)]; lead != "" && c.proxy == nil {
			to = lead
		}
		conn, err = way.Connect(r.ctx, to)
	}
	if err != nil || !c.Plain {
		return conn, err
	}
	auth := ""
	if toProxy {
		auth = proxy.Authorization(c.proxy)
	}
	if _, err = conn.Write(pageRequest(c.head, auth, toProxy)); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// refused makes an attempt of a proxy's refusal.
func (c *Conversation) refused(client string, err error) {
	var p *proxy.Error
	if !errors.As(err, &p) {
		return
	}
	if c.Trouble = p.Where; p.Where != proxy.Refuses {
		return
	}
	now := time.Now()
	c.Attempt = &facts.Attempt{Address: p.Via, Started: now, Alone: true,
		Seen: &facts.Seen{Client: client, Target: c.Asked, Began: true},
		End:  facts.End{Kind: facts.EndPreamble, Stage: diag.StageProxy, By: tlswire.SideServer, Preamble: "refused", Err: strings.Replace(p.Err.Error(), "it answers", "the proxy answers", 1)}}
	if len(p.Lines) > 0 {
		said := "CONNECT " + c.Asked + " HTTP/1.1"
		if c.proxy.User != nil {
			said += ", with Proxy-Authorization"
		}
		c.Attempt.Preamble = append(c.Attempt.Preamble, facts.PreambleLine{From: tlswire.SideClient, Text: said})
	}
	for _, l := range p.Lines {
		if !proxy.Tells(l) {
			continue
		}
		c.Attempt.Preamble = append(c.Attempt.Preamble, facts.PreambleLine{From: tlswire.SideServer, Text: l[:min(len(l), 200)]})
	}
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
