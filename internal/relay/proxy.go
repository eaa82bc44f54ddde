package relay

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// replier tells the client whether the server was reached.
type replier func(conn net.Conn, err error) error

var errNoProxyRequest = errors.New("no request to a proxy")

// negotiate reads what the client asks of the proxy. A nil replier says that
// the request was answered.
func (r *Relay) negotiate(client *buffered, c *Conversation) (replier, error) {
	in := bufio.NewReaderSize(io.LimitReader(client.Conn, headerLimit), headerLimit)
	first, err := in.Peek(1)
	if err != nil {
		return nil, err
	}
	var answer replier
	if first[0] == 5 {
		answer, err = socks5(in, client.Conn, c)
	} else {
		answer, err = r.httpProxy(in, client.Conn, c)
	}
	if rest, _ := in.Peek(in.Buffered()); len(rest) > 0 {
		client.ahead = bytes.Clone(rest)
	}
	return answer, err
}

// httpProxy takes CONNECT, and answers requests for http:// pages itself.
func (r *Relay) httpProxy(in *bufio.Reader, conn net.Conn, c *Conversation) (replier, error) {
	req, err := http.ReadRequest(in)
	if err != nil {
		return nil, errNoProxyRequest
	}
	if req.Method != http.MethodConnect {
		return nil, r.fetch(req, conn, c)
	}
	host, port, err := net.SplitHostPort(req.Host)
	if n, numErr := strconv.Atoi(port); err != nil || numErr != nil || n < 1 || n > 65535 || host == "" {
		_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		return nil, errNoProxyRequest
	}
	c.Asked = req.Host
	return func(conn net.Conn, err error) error {
		if err != nil {
			body := err.Error() + "\n"
			_, werr := fmt.Fprintf(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", len(body), body)
			return werr
		}
		_, werr := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		return werr
	}, nil
}

// fetch answers one request for a page in clear.
func (r *Relay) fetch(req *http.Request, conn net.Conn, c *Conversation) error {
	if req.URL.Host == "" {
		_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return errNoProxyRequest
	}
	c.Asked, c.Plain = req.URL.Host, true
	r.keep(c)
	_ = conn.SetReadDeadline(time.Time{})
	t := &http.Transport{DisableCompression: true, DisableKeepAlives: true}
	defer t.CloseIdleConnections()
	for _, name := range []string{"Proxy-Connection", "Proxy-Authorization", "Connection"} {
		req.Header.Del(name)
	}
	req.RequestURI = ""
	resp, err := t.RoundTrip(req.WithContext(r.ctx))
	if err != nil {
		c.Err = err.Error()
		_, err = io.WriteString(conn, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		return err
	}
	defer resp.Body.Close()
	resp.Close = true
	return resp.Write(conn)
}

// socks5 is RFC 1928 without authentication, CONNECT only.
func socks5(in *bufio.Reader, conn net.Conn, c *Conversation) (replier, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(in, head); err != nil {
		return nil, err
	}
	if _, err := in.Discard(int(head[1])); err != nil {
		return nil, err
	}
	if _, err := conn.Write([]byte{5, 0}); err != nil {
		return nil, err
	}
	req := make([]byte, 4)
	if _, err := io.ReadFull(in, req); err != nil {
		return nil, err
	}
	length := map[byte]int{1: 4, 4: 16}[req[3]]
	if req[3] == 3 {
		n, err := in.ReadByte()
		if err != nil {
			return nil, err
		}
		length = int(n)
	}
	if req[0] != 5 || req[1] != 1 || length == 0 {
		_, _ = conn.Write([]byte{5, 7, 0, 1, 0, 0, 0, 0, 0, 0}) // command not supported
		return nil, errNoProxyRequest
	}
	rest := make([]byte, length+2)
	if _, err := io.ReadFull(in, rest); err != nil {
		return nil, err
	}
	host := string(rest[:length])
	if req[3] != 3 {
		host = net.IP(rest[:length]).String()
	}
	c.Asked = net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(rest[length:]))))
	return func(conn net.Conn, err error) error {
		code := byte(0)
		if err != nil {
			code = 5 // connection refused
		}
		_, werr := conn.Write([]byte{5, code, 0, 1, 0, 0, 0, 0, 0, 0})
		return werr
	}, nil
}

// dial reaches what the client asked for, through the proxy behind this one
// where there is one.
func (r *Relay) dial(c *Conversation) (net.Conn, error) {
	timeout := r.o.DialTimeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	d := net.Dialer{Timeout: timeout}
	if r.o.Upstream == nil {
		return d.DialContext(r.ctx, "tcp", c.Asked)
	}
	up, err := r.o.Upstream(c.Asked)
	if err != nil {
		return nil, err
	}
	if up == nil {
		return d.DialContext(r.ctx, "tcp", c.Asked)
	}
	if up.Scheme != "http" {
		return nil, fmt.Errorf("a proxy of scheme %q cannot be chained", up.Scheme)
	}
	c.Via = up.Host
	if up.Port() == "" {
		c.Via = net.JoinHostPort(up.Hostname(), "80")
	}
	conn, err := d.DialContext(r.ctx, "tcp", c.Via)
	if err != nil {
		return nil, fmt.Errorf("the proxy %s: %w", c.Via, err)
	}
	auth := ""
	if up.User != nil {
		password, _ := up.User.Password()
		auth = "Proxy-Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(up.User.Username()+":"+password)) + "\r\n"
	}
	_ = conn.SetDeadline(time.Now().Add(timeout))
	if _, err = fmt.Fprintf(conn, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", c.Asked, c.Asked, auth); err == nil {
		err = tunnelled(conn)
	}
	if err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("the proxy %s: %w", c.Via, err)
	}
	_ = conn.SetDeadline(time.Time{})
	return conn, nil
}

// tunnelled reads the answer to CONNECT, byte by byte: what follows it is the
// server's.
func tunnelled(conn net.Conn) error {
	var head []byte
	one := make([]byte, 1)
	for !bytes.HasSuffix(head, []byte("\r\n\r\n")) {
		if len(head) > headerLimit {
			return errors.New("its answer has no end")
		}
		if _, err := conn.Read(one); err != nil {
			return fmt.Errorf("reading its answer: %w", err)
		}
		head = append(head, one[0])
	}
	line, _, _ := strings.Cut(string(head), "\r\n")
	if f := strings.Fields(line); len(f) < 2 || f[1] != "200" {
		return fmt.Errorf("it answers %q", line)
	}
	return nil
}
