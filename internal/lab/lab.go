package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// serveFor bounds one connection, so that no client can hold the lab for ever.
const serveFor = 2 * time.Minute

// Running is a started scenario.
type Running struct {
	Scenario Scenario
	// Addr is where the server listens, Name what the client asks for.
	Addr string
	Name string
	// Others are further addresses of the name.
	Others []string
	// Control is the control's address, "" where there is none.
	Control string
	// Proxy is the URL of the client's proxy, "" where there is none.
	Proxy string
	// CA is the client's file of anchors (PEM).
	CA []byte
	// ClientCert and ClientKey are the client's files (PEM), nil when the
	// scenario has no client certificate.
	ClientCert []byte
	ClientKey  []byte
	// Pins and TLSA are what the hint says, as the flags take it.
	Pins, TLSA []string
	// Root is the root's certificate (DER).
	Root []byte
	// List is the client's revocation list, nil when it has none.
	List []byte

	stop  context.CancelFunc
	tasks sync.WaitGroup
	mu    sync.Mutex
	conns map[net.Conn]bool
	ends  []func() error
	once  sync.Once
	err   error
}

// Start starts the scenario's server on 127.0.0.1. It runs until Close or until
// ctx ends.
func Start(ctx context.Context, s Scenario) (*Running, error) {
	ctx, stop := context.WithCancel(ctx)
	r := &Running{Scenario: s, Name: s.Client.name(), stop: stop, conns: map[net.Conn]bool{}}
	if err := r.start(ctx); err != nil {
		_ = r.Close() // the first error is the one that says something
		return nil, fmt.Errorf("starting scenario %q: %w", s.ID, err)
	}
	unbind := context.AfterFunc(ctx, func() { _ = r.Close() })
	r.atEnd(func() error { unbind(); return nil })
	return r, nil
}

func (r *Running) start(ctx context.Context) error {
	aia, err := r.serveAIA(ctx)
	if err != nil {
		return err
	}
	issuers, err := r.serveIssuer(ctx)
	if err != nil {
		return err
	}
	server, err := r.newEngine(r.Scenario.Server, aia, issuers)
	if err != nil {
		return err
	}
	m := server.material
	aia.set(m.issuer)
	r.CA, r.ClientCert, r.ClientKey, r.List = m.anchors, m.clientCert, m.clientKey, m.list
	r.Pins, r.TLSA, r.Root = m.pins.pins(r.Scenario.Client.Pins), m.pins.tlsa(r.Scenario.Client.TLSA), m.pins.root
	if err := r.serveProxy(ctx, aia, issuers); err != nil {
		return err
	}
	switch {
	case r.Scenario.Server.BacklogFull:
		return r.fillBacklog(ctx)
	case r.Scenario.Server.Refuse:
		return r.reserve()
	}
	if r.Addr, err = r.listen(ctx, server); err != nil {
		return err
	}
	if f := r.Scenario.Control; f != nil {
		control, err := Start(ctx, Scenario{ID: r.Scenario.ID, Server: *f, Client: ClientHint{Name: ControlName}})
		if err != nil {
			return err
		}
		r.Control = control.Addr
		r.atEnd(control.Close)
	}
	for _, f := range r.Scenario.Server.Addresses {
		other, err := r.newEngine(f, aia, issuers)
		if err != nil {
			return err
		}
		address, err := r.listen(ctx, other)
		if err != nil {
			return err
		}
		r.Others = append(r.Others, address)
	}
	return nil
}

// errBacklog says that this system cannot leave SYNs unanswered. It is an
// errors.ErrUnsupported.
var errBacklog = fmt.Errorf("a full accept queue cannot be made on this system: %w", errors.ErrUnsupported)

// reserve finds a port on which nothing listens.
func (r *Running) reserve() error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	r.Addr = listener.Addr().String()
	return listener.Close()
}

// accept serves connections until the listener is closed.
func (r *Running) accept(ctx context.Context, listener *net.TCPListener, server *engine) {
	for n := 0; ; n++ {
		conn, err := listener.AcceptTCP()
		if err != nil {
			return
		}
		if !r.keep(conn) {
			conn.Close()
			return
		}
		serve := func() {
			defer r.forget(conn)
			_ = conn.SetDeadline(time.Now().Add(serveFor)) // fails only when closed
			one := server.turn(n)
			one.serve(&serverConn{TCPConn: conn, ctx: ctx, faults: one.faults.Transport}, n)
		}
		if server.faults.OneAtATime {
			serve()
			continue
		}
		r.tasks.Go(serve)
	}
}

func (r *Running) keep(conn net.Conn) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.conns == nil {
		return false
	}
	r.conns[conn] = true
	return true
}

func (r *Running) forget(conn net.Conn) {
	conn.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, conn)
}

// atEnd registers something that Close closes.
func (r *Running) atEnd(end func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, end)
}

// Close stops the server, ends its connections and waits for its goroutines.
// It may be called several times.
func (r *Running) Close() error {
	r.once.Do(func() {
		r.mu.Lock()
		ends := r.ends
		for conn := range r.conns {
			conn.Close()
		}
		r.conns = nil
		r.mu.Unlock()
		var errs []error
		for _, end := range ends {
			errs = append(errs, end())
		}
		r.stop()
		r.err = errors.Join(errs...)
	})
	r.tasks.Wait()
	return r.err
}

// ControlFlags are the options that name the control and say where it is.
func (r *Running) ControlFlags() map[string]string {
	host, port, err := net.SplitHostPort(r.Control)
	if err != nil {
		return nil
	}
	name := net.JoinHostPort(ControlName, port)
	return map[string]string{"--control": name, "--resolve": name + ":" + host}
}
