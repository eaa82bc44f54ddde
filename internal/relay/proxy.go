package relay

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/proxy"
)

// replier tells the client whether the server was reached.
type replier func(conn net.Conn, err error) error

var errNoProxyRequest = errors.New("no request to a proxy")

// negotiate reads what the client asks of the proxy.
func (r *Relay) negotiate(client *buffered, c *Conversation) (replier, error) {
	in := bufio.NewReaderSize(client.Conn, 4096)
	first, err := in.Peek(1)
	if err != nil {
		return nil, err
	}
	var answer replier
	if first[0] == 5 {
		answer, err = socks5(in, client.Conn, c)
	} else {
		answer, err = httpProxy(in, client, c)
	}
	if rest, _ := in.Peek(in.Buffered()); len(rest) > 0 {
		client.ahead = append(client.ahead, rest...)
	}
	return answer, err
}

// httpProxy takes CONNECT, and requests for http:// pages.
func httpProxy(in *bufio.Reader, client *buffered, c *Conversation) (replier, error) {
	head, err := readHead(in)
	if err != nil {
		return nil, err
	}
	req, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
	if err != nil {
		return nil, errNoProxyRequest
	}
	c.Request = proxy.Request{Scheme: "https", Host: req.Host, Agent: agent(head, req.UserAgent())}
	if req.Method != http.MethodConnect {
		if req.URL.Host == "" || req.URL.Scheme != "http" {
			return nil, refuse(client.Conn)
		}
		c.Request.Scheme, c.Request.Host, c.Plain, c.head = "http", req.URL.Host, true, head
		if req.URL.Port() == "" {
			c.Request.Host = net.JoinHostPort(req.URL.Hostname(), "80")
		}
	}
	host, port, err := net.SplitHostPort(c.Request.Host)
	if n, numErr := strconv.Atoi(port); err != nil || numErr != nil || n < 1 || n > 65535 || host == "" {
		return nil, refuse(client.Conn)
	}
	return func(conn net.Conn, err error) error {
		if err != nil {
			// Programs that print the reason print ours.
			body := "tlswhy run: " + err.Error() + "\n"
			_, werr := fmt.Fprintf(conn, "HTTP/1.1 502 Bad Gateway (tlswhy run: %s)\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", short(err), len(body), body)
			return werr
		}
		if c.Plain {
			return nil
		}
		_, werr := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		return werr
	}, nil
}

// refuse answers what is no request to a proxy.
func refuse(conn net.Conn) error {
	_, _ = io.WriteString(conn, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	return errNoProxyRequest
}

// readHead reads a request up to its empty line, and not a byte more.
func readHead(in *bufio.Reader) ([]byte, error) {
	var head []byte
	for len(head) <= headerLimit {
		line, err := in.ReadSlice('\n')
		head = append(head, line...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, err
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			return head, nil
		}
	}
	return nil, errNoProxyRequest
}

// agent names the client; Node.js sends no name, but writes its headers in small
// letters.
func agent(head []byte, userAgent string) string {
	if userAgent == "" && bytes.Contains(head, []byte("\r\nproxy-connection: keep-alive\r\n")) {
		return proxy.AgentNode
	}
	return userAgent
}

// pageRequest turns a request to a proxy into one to the server, or to the next
// proxy, which log in with auth. It asks for the connection to end with the
// answer: a further request could be for another server.
func pageRequest(head []byte, auth string, toProxy bool) []byte {
	lines := strings.SplitAfter(string(head), "\n")
	upgrade := false
	for _, l := range lines {
		upgrade = upgrade || hasName(l, "upgrade")
	}
	var b strings.Builder
	for i, l := range lines {
		switch {
		case i == 0 && !toProxy:
			method, rest, _ := strings.Cut(l, " ")
			target, version, _ := strings.Cut(rest, " ")
			_, target, _ = strings.Cut(target, "://")
			at := strings.IndexAny(target, "/?#")
			if at < 0 {
				at = len(target)
			}
			if target = target[at:]; !strings.HasPrefix(target, "/") {
				target = "/" + target
			}
			b.WriteString(method + " " + target + " " + version)
		case hasName(l, "proxy-connection"), hasName(l, "proxy-authorization"), hasName(l, "keep-alive"), hasName(l, "connection") && !upgrade:
		case strings.TrimRight(l, "\r\n") == "" && l != "":
			b.WriteString(auth)
			if !upgrade {
				b.WriteString("Connection: close\r\n")
			}
			b.WriteString(l)
		default:
			b.WriteString(l)
		}
	}
	return []byte(b.String())
}

func hasName(line, name string) bool {
	n, _, ok := strings.Cut(line, ":")
	return ok && strings.EqualFold(strings.TrimSpace(n), name)
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
	c.Request = proxy.Request{Host: net.JoinHostPort(host, strconv.Itoa(int(binary.BigEndian.Uint16(rest[length:]))))}
	return func(conn net.Conn, err error) error {
		_, werr := conn.Write([]byte{5, socksCode(err), 0, 1, 0, 0, 0, 0, 0, 0})
		return werr
	}, nil
}

// socksCode is the reply of RFC 1928, Section 6, for an error.
func socksCode(err error) byte {
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &dns):
		return 4
	case errors.As(err, &timeout) && timeout.Timeout():
		return 6
	}
	return 5
}

// short is an error for a status line.
func short(err error) string {
	s := err.Error()
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '.'
		}
		return c
	}, s[:min(len(s), 200)])
}
