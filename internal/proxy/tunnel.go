package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Trouble is where the way through a proxy ended.
type Trouble uint8

// The places; none of them concerns the server itself.
const (
	NoTrouble Trouble = iota
	Unknown           // the variable that names it makes no sense
	Away              // no connection to the proxy
	TLS               // no handshake with a proxy of scheme https
	Refuses           // it did not open the tunnel
)

// Error is an error of the proxy, not of the server behind it.
type Error struct {
	Where Trouble
	Via   string // host:port
	// Lines and Body are the proxy's answer in clear, bounded.
	Lines []string
	Body  []byte
	Data  []byte // its first bytes
	Err   error
}

// Error implements error.
func (e *Error) Error() string { return "the proxy " + e.Via + ": " + e.Err.Error() }

// Unwrap gives the reason.
func (e *Error) Unwrap() error { return e.Err }

// Way is how servers are reached.
type Way struct {
	// Proxy is the proxy, with its credentials; nil goes directly.
	Proxy *url.URL
	// Roots are trusted to vouch for a proxy of scheme https; nil = the system's.
	Roots *x509.CertPool
	// Dial makes TCP connections; nil is a net.Dialer's.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Timeout bounds each step; 0 leaves that to the context.
	Timeout time.Duration
}

// Connect reaches hostport.
func (w Way) Connect(ctx context.Context, hostport string) (net.Conn, error) {
	if w.Proxy == nil {
		return w.dial(ctx, hostport)
	}
	conn, err := w.Reach(ctx)
	if err != nil {
		return nil, err
	}
	if err := w.Open(ctx, conn, hostport); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

// Reach connects to the proxy itself.
func (w Way) Reach(ctx context.Context) (net.Conn, error) {
	conn, err := w.TCP(ctx)
	if err != nil {
		return nil, err
	}
	return w.Secure(ctx, conn)
}

// TCP makes the TCP connection to the proxy. The error is an *Error.
func (w Way) TCP(ctx context.Context) (net.Conn, error) {
	conn, err := w.dial(ctx, w.Proxy.Host)
	if err != nil {
		return nil, &Error{Where: Away, Via: w.Proxy.Host, Err: err}
	}
	return conn, nil
}

// Secure speaks TLS with a proxy of scheme https; conn is closed where that
// fails. The error is an *Error.
func (w Way) Secure(ctx context.Context, conn net.Conn) (net.Conn, error) {
	if w.Proxy.Scheme != "https" {
		return conn, nil
	}
	if w.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, w.Timeout)
		defer cancel()
	}
	secure := tls.Client(conn, &tls.Config{ServerName: w.Proxy.Hostname(), NextProtos: []string{"http/1.1"}, RootCAs: w.Roots})
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, &Error{Where: TLS, Via: w.Proxy.Host, Err: err}
	}
	return secure, nil
}

// Open asks the proxy behind conn for a way to hostport. The error is an *Error.
func (w Way) Open(ctx context.Context, conn net.Conn, hostport string) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if until, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(until)
	}
	if w.Timeout > 0 {
		_ = conn.SetDeadline(time.Now().Add(w.Timeout))
	}
	heard := &first{Conn: conn}
	lines, err := tunnel(ctx, heard, w.Proxy, hostport)
	if err != nil {
		refused := &Error{Where: Refuses, Via: w.Proxy.Host, Lines: lines, Data: heard.data, Err: err}
		if len(lines) > 0 {
			refused.Body = page(conn, lines)
		}
		return refused
	}
	return conn.SetDeadline(time.Time{})
}

// first keeps the first bytes that are read.
type first struct {
	net.Conn
	data []byte
}

// Read implements net.Conn.
func (f *first) Read(p []byte) (int, error) {
	const enough = 64
	n, err := f.Conn.Read(p)
	f.data = append(f.data, p[:min(n, max(0, enough-len(f.data)))]...)
	return n, err
}

func (w Way) dial(ctx context.Context, address string) (net.Conn, error) {
	if w.Dial != nil {
		return w.Dial(ctx, "tcp", address)
	}
	return (&net.Dialer{Timeout: w.Timeout}).DialContext(ctx, "tcp", address)
}

// Tells reports that a line of a proxy's answer says why it refuses.
func Tells(line string) bool {
	name, _, header := strings.Cut(strings.ToLower(line), ":")
	return !header || strings.HasPrefix(name, "http/") || slices.Contains([]string{"server", "via", "proxy-authenticate", "www-authenticate", "x-squid-error", "proxy-status"}, name)
}

// The bounds of the page that comes with a refusal.
const (
	pageLimit = 16 << 10
	pageWait  = 500 * time.Millisecond
)

// page reads what comes with a refusal.
func page(conn net.Conn, lines []string) []byte {
	limit := pageLimit
	for _, l := range lines {
		if name, value, _ := strings.Cut(l, ":"); strings.EqualFold(name, "Content-Length") {
			if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil && n >= 0 {
				limit = min(limit, n)
			}
		}
	}
	_ = conn.SetReadDeadline(time.Now().Add(pageWait))
	body, _ := io.ReadAll(io.LimitReader(conn, int64(limit)))
	return body
}

// tunnel asks the proxy for a way to hostport; lines are its answer in clear.
func tunnel(ctx context.Context, conn net.Conn, up *url.URL, hostport string) (lines []string, err error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	// socks5 and socks4 take an address, socks5h and socks4a a name.
	if _, err := netip.ParseAddr(host); err != nil && (up.Scheme == "socks5" || up.Scheme == "socks4" || up.Scheme == "socks") {
		network := map[bool]string{true: "ip", false: "ip4"}[up.Scheme == "socks5"]
		ips, err := net.DefaultResolver.LookupIP(ctx, network, host)
		if err != nil {
			return nil, err
		}
		host = ips[0].String()
	}
	switch up.Scheme {
	case "socks5", "socks5h":
		return nil, socks5Tunnel(conn, up.User, host, uint16(n))
	case "socks", "socks4", "socks4a":
		return nil, socks4Tunnel(conn, up.User, host, uint16(n))
	}
	if _, err := fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", hostport, hostport, Authorization(up)); err != nil {
		return nil, err
	}
	return connected(conn)
}

// Authorization is the header that logs in at a proxy, "" for none.
func Authorization(up *url.URL) string {
	if up.User == nil {
		return ""
	}
	password, _ := up.User.Password()
	return "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(up.User.Username()+":"+password)) + "\r\n"
}

// headerLimit bounds the header of an answer.
const headerLimit = 64 << 10

// connected reads the answer to CONNECT, byte by byte: what follows it is the
// server's.
func connected(conn net.Conn) (lines []string, err error) {
	var head []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) && !bytes.HasSuffix(head, []byte("\n\n")) {
		if len(head) > headerLimit {
			return nil, errors.New("its answer has no end")
		}
		if _, err := io.ReadFull(conn, one); err != nil {
			return nil, fmt.Errorf("reading its answer: %w", err)
		}
		head = append(head, one[0])
	}
	for line := range strings.Lines(string(head)) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			lines = append(lines, line)
		}
	}
	if f := strings.Fields(strings.Join(lines[:min(len(lines), 1)], "")); len(f) < 2 || len(f[1]) != 3 || f[1][0] != '2' {
		return lines, fmt.Errorf("it answers %q", strings.Join(lines[:min(len(lines), 1)], ""))
	}
	return lines, nil
}

// socksReplies are the codes of RFC 1928, Section 6.
var socksReplies = []string{"granted", "general failure", "not allowed by its rules", "network unreachable", "host unreachable", "connection refused", "TTL expired", "command not supported", "address type not supported"}

// socks5Tunnel is the client's side of RFC 1928 and RFC 1929.
func socks5Tunnel(conn net.Conn, user *url.Userinfo, host string, port uint16) error {
	hello := []byte{5, 1, 0}
	if user != nil {
		hello = []byte{5, 2, 0, 2}
	}
	choice := make([]byte, 2)
	if err := exchange(conn, hello, choice); err != nil {
		return err
	}
	switch {
	case choice[0] != 5:
		return fmt.Errorf("it speaks no SOCKS5: its first bytes are % x", choice)
	case choice[1] == 2 && user != nil:
		password, _ := user.Password()
		name := user.Username()
		if len(name) > 255 || len(password) > 255 {
			return errors.New("SOCKS5: the user name or password is longer than 255 bytes")
		}
		login := append([]byte{1, byte(len(name))}, name...)
		login = append(append(login, byte(len(password))), password...)
		if err := exchange(conn, login, choice); err != nil {
			return err
		}
		if choice[1] != 0 {
			return errors.New("SOCKS5: it does not accept the user name and password")
		}
	case choice[1] != 0:
		return errors.New("SOCKS5: it wants a user name and password")
	}
	request := []byte{5, 1, 0}
	if ip, err := netip.ParseAddr(host); err != nil {
		if len(host) > 255 {
			return errors.New("SOCKS5: the name is longer than 255 bytes")
		}
		request = append(append(request, 3, byte(len(host))), host...)
	} else {
		request = append(append(request, map[bool]byte{true: 1, false: 4}[ip.Is4()]), ip.AsSlice()...)
	}
	reply := make([]byte, 5)
	if err := exchange(conn, binary.BigEndian.AppendUint16(request, port), reply); err != nil {
		return err
	}
	if code := int(reply[1]); code != 0 {
		words := "unknown code"
		if code < len(socksReplies) {
			words = socksReplies[code]
		}
		return fmt.Errorf("SOCKS5: it answers %q (%d)", words, code)
	}
	rest := map[byte]int{1: 4 + 1, 3: int(reply[4]) + 2, 4: 16 + 1}[reply[3]]
	_, err := io.ReadFull(conn, make([]byte, rest))
	return err
}

// socks4Tunnel is SOCKS 4 with an address, or 4a with a name.
func socks4Tunnel(conn net.Conn, user *url.Userinfo, host string, port uint16) error {
	request := binary.BigEndian.AppendUint16([]byte{4, 1}, port)
	ip, err := netip.ParseAddr(host)
	switch {
	case err != nil:
		request = append(request, 0, 0, 0, 1)
	case ip.Is4():
		request = append(request, ip.AsSlice()...)
	default:
		return errors.New("SOCKS4 takes no IPv6 address")
	}
	request = append(append(request, user.Username()...), 0)
	if err != nil {
		request = append(append(request, host...), 0)
	}
	reply := make([]byte, 8)
	if err := exchange(conn, request, reply); err != nil {
		return err
	}
	if reply[1] != 90 {
		return fmt.Errorf("SOCKS4: it answers %d, rejected or failed", reply[1])
	}
	return nil
}

// exchange sends a message and reads an answer of known length.
func exchange(conn net.Conn, message, answer []byte) error {
	if _, err := conn.Write(message); err != nil {
		return err
	}
	if _, err := io.ReadFull(conn, answer); err != nil {
		return fmt.Errorf("reading its answer: %w", err)
	}
	return nil
}
