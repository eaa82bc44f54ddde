package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Proxy stands between the client and the server. A correct one is changed by
// one fault, as servers are. The zero value speaks HTTP CONNECT and lets all
// pass.
type Proxy struct {
	// Speaks is http (the default), https, or socks5; Named is the scheme of the
	// URL that the client was given, "" = the same. socks5h is a Named.
	Speaks, Named string
	// Login is the user:password that it wants, Given the one in the client's URL.
	Login, Given string
	// Answer is said to every request for a tunnel, as it is.
	Answer string
	// Reply is the code of RFC 1928, Section 6, with which it refuses.
	Reply byte
	// Tunnel says what becomes of a tunnel once the ClientHello is in it: "reset",
	// "close", "silence", or "http", an answer in plain HTTP.
	Tunnel string
	// Connect says what becomes of a request: "reset", "close", "silence", or
	// "late", an answer after a while.
	Connect string
	// Leads is the server that answers at the end of the tunnel, nil for the true
	// one. One that makes certificates on demand inspects.
	Leads *Server
	// TLS is its own server, of scheme https: its chain and leaf count.
	TLS *Server
	// Away says that nothing listens at its address, Unknown that its name does
	// not resolve.
	Away, Unknown bool
}

// lateBy is how late.
const lateBy = 300 * time.Millisecond

// serveProxy starts the scenario's proxy, and the server behind it.
func (r *Running) serveProxy(ctx context.Context, aia *aiaServer, issuers *issuerServer) error {
	p := r.Scenario.Proxy
	if p == nil {
		return nil
	}
	box := &proxyServer{Proxy: *p, ctx: ctx}
	if p.Leads != nil {
		e, err := r.newEngine(*p.Leads, aia, issuers)
		if err == nil {
			box.leads, err = r.listen(ctx, e)
		}
		if err != nil {
			return err
		}
	}
	if p.Speaks == "https" {
		own := r.Scenario
		own.Server, own.Client = Server{}, ClientHint{Name: proxyName}
		if p.TLS != nil {
			own.Server = *p.TLS
		}
		m, err := newMaterial(&own, aia.url, issuers)
		if err != nil {
			return err
		}
		box.secure = &tls.Config{Certificates: []tls.Certificate{{Certificate: m.chain, PrivateKey: m.key}}}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	at := ln.Addr().String()
	if p.Away {
		err = ln.Close()
	} else {
		r.atEnd(ln.Close)
		r.tasks.Go(func() { r.acceptProxied(ln, box) })
	}
	if p.Speaks == "https" {
		_, port, _ := net.SplitHostPort(at)
		at = net.JoinHostPort(proxyName, port)
	}
	if p.Unknown {
		at = "proxy.lab.invalid:3128"
	}
	r.Proxy = orElse(orElse(p.Named, p.Speaks), "http") + "://" + at
	if p.Given != "" {
		r.Proxy = strings.Replace(r.Proxy, "://", "://"+p.Given+"@", 1)
	}
	return err
}

// proxyName is what an https proxy is called: a name that every system resolves
// to this machine.
const proxyName = "localhost"

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (r *Running) acceptProxied(ln net.Listener, p *proxyServer) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		if !r.keep(conn) {
			_ = conn.Close()
			return
		}
		r.tasks.Go(func() {
			defer r.forget(conn)
			_ = conn.SetDeadline(time.Now().Add(serveFor)) // fails only when closed
			p.serve(conn.(*net.TCPConn))
		})
	}
}

type proxyServer struct {
	Proxy
	ctx    context.Context
	secure *tls.Config
	leads  string
}

// serve speaks with one client.
func (p *proxyServer) serve(tcp *net.TCPConn) {
	conn := net.Conn(tcp)
	if p.secure != nil {
		conn = tls.Server(tcp, p.secure)
	}
	in := bufio.NewReader(conn)
	var to string
	var ok bool
	if p.Speaks == "socks5" {
		to, ok = p.socks(in, conn)
	} else {
		to, ok = p.connect(in, conn, tcp)
	}
	if !ok {
		return
	}
	if p.leads != "" {
		to = p.leads
	}
	server, err := (&net.Dialer{}).DialContext(p.ctx, "tcp", to)
	if err != nil {
		p.refuse(conn, "502 Bad Gateway", 5)
		return
	}
	defer server.Close()
	p.agree(conn)
	if p.Tunnel != "" {
		if _, err := in.Peek(6); err != nil { // of the ClientHello
			return
		}
		p.end(p.Tunnel, conn, tcp)
		return
	}
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(server, in); _ = server.(*net.TCPConn).CloseWrite() })
	_, _ = io.Copy(conn, server)
	_ = conn.Close()
	both.Wait()
}

// connect is the server's side of HTTP CONNECT.
func (p *proxyServer) connect(in *bufio.Reader, conn net.Conn, tcp *net.TCPConn) (to string, ok bool) {
	if first, err := in.Peek(1); err == nil && first[0] == 5 && p.Answer != "" { // SOCKS
		_, _ = io.WriteString(conn, p.Answer)
		return "", false
	}
	req, err := http.ReadRequest(in)
	if err != nil {
		return "", false
	}
	switch {
	case p.Connect == "late":
		time.Sleep(lateBy)
	case p.Connect != "":
		p.end(p.Connect, conn, tcp)
		return "", false
	}
	if p.Answer != "" {
		_, _ = io.WriteString(conn, p.Answer)
		return "", false
	}
	if p.Login != "" && req.Header.Get("Proxy-Authorization") != "Basic "+base64.StdEncoding.EncodeToString([]byte(p.Login)) {
		_, _ = io.WriteString(conn, "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"lab\"\r\nContent-Length: 0\r\n\r\n")
		return "", false
	}
	if req.Method != http.MethodConnect {
		p.refuse(conn, "405 Method Not Allowed", 7)
		return "", false
	}
	return req.Host, true
}

// socks is the server's side of RFC 1928.
func (p *proxyServer) socks(in *bufio.Reader, conn net.Conn) (to string, ok bool) {
	read := func(n int) []byte {
		b := make([]byte, n)
		if _, err := io.ReadFull(in, b); err != nil {
			return make([]byte, n)
		}
		return b
	}
	if head := read(2); head[0] != 5 {
		return "", false
	} else {
		read(int(head[1]))
	}
	if p.Login != "" {
		_, _ = conn.Write([]byte{5, 2})
		user := read(int(read(2)[1]))
		password := read(int(read(1)[0]))
		if string(user)+":"+string(password) != p.Login {
			_, _ = conn.Write([]byte{1, 1})
			return "", false
		}
		_, _ = conn.Write([]byte{1, 0})
	} else {
		_, _ = conn.Write([]byte{5, 0})
	}
	var host string
	switch head := read(4); head[3] {
	case 1:
		host = net.IP(read(4)).String()
	case 4:
		host = net.IP(read(16)).String()
	default:
		host = string(read(int(read(1)[0])))
	}
	port := read(2)
	if p.Reply != 0 {
		p.refuse(conn, "", p.Reply)
		return "", false
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port[0])<<8|int(port[1]))), true
}

// agree says that the tunnel stands, refuse that it does not.
func (p *proxyServer) agree(conn net.Conn) {
	if p.Speaks == "socks5" {
		_, _ = conn.Write([]byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
}

func (p *proxyServer) refuse(conn net.Conn, status string, code byte) {
	if p.Speaks == "socks5" {
		_, _ = conn.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0})
		return
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 "+status+"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

// end ends a connection without a word, or with one that is no TLS.
func (p *proxyServer) end(how string, conn net.Conn, tcp *net.TCPConn) {
	switch how {
	case "reset":
		_ = tcp.SetLinger(0)
	case "silence":
		_, _ = io.Copy(io.Discard, conn)
	case "http":
		_, _ = io.WriteString(conn, "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html\r\n\r\n<h1>This site is blocked</h1>")
		_ = tcp.CloseWrite()
		_, _ = io.Copy(io.Discard, conn)
	}
}
