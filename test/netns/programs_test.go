//go:build linux

package netns

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// mitm runs mitmproxy as a transparent proxy.
func (b *bed) mitm() {
	b.t.Helper()
	b.start("b", boxIP+":8080", server.Need(b.t, "mitmdump"), "-q", "--mode", "transparent", "--listen-port", "8080",
		"--set", "confdir="+filepath.Join(b.dir, "mitm"), "--set", "ssl_verify_upstream_trusted_ca="+b.pki.RootFile)
	b.redirect("443", "8080")
}

// house writes a CA of a network's own, with its key.
func (b *bed) house() string {
	b.t.Helper()
	return b.pem("house.pem", b.pki.Issue(nil, pki.Spec{CN: "Office Network CA", CA: true, KeyID: "house-rsa", Key: "rsa2048"}))
}

// sslsplit runs sslsplit as a transparent proxy.
func (b *bed) sslsplit() {
	b.t.Helper()
	ca := b.house()
	b.start("b", boxIP+":8443", server.Need(b.t, "sslsplit"), "-D", "-k", ca, "-c", ca, "ssl", "0.0.0.0", "8443")
	b.redirect("443", "8443")
}

// tinyproxy runs a proxy that lets CONNECT through to one port.
func (b *bed) tinyproxy(port string) {
	b.t.Helper()
	conf := b.file("tinyproxy.conf", fmt.Sprintf("Port 3128\nListen %s\nTimeout 20\nMaxClients 20\nLogLevel Error\nConnectPort %s\n", boxIP, port))
	b.start("b", boxIP+":3128", server.Need(b.t, "tinyproxy"), "-d", "-c", conf)
}

// explicit is the option that leads through the proxy of the box.
var explicit = []string{"--proxy", "http://" + boxIP + ":3128"}

// relayVariable makes the test's own program a relay that changes bytes:
// "corrupt 3000", "truncate 200", "change 002b 7f2b"; or one that lets pass but
// for "idle 1000" or "drip 1000" (milliseconds), or none: "swallow", "say 503",
// and "alert 40" for connections that say the target's name.
const relayVariable = "TLSWHY_NETNS_RELAY"

// relay runs this program as a relay on the box.
func (b *bed) relay(rule string) {
	b.t.Helper()
	program, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	b.start("b", boxIP+":8443", "env", relayVariable+"="+rule, program)
	b.redirect("443", "8443")
}

// alter is the relay's program.
func alter(rule string) error {
	ln, err := net.Listen("tcp", ":8443")
	if err != nil {
		return err
	}
	for {
		c, err := ln.Accept()
		if err != nil {
			return err
		}
		go func() {
			defer c.Close()
			to, err := original(c.(*net.TCPConn))
			if err != nil || strings.HasSuffix(to, ":8443") {
				return // somebody looks whether we listen
			}
			word, value, _ := strings.Cut(rule, " ")
			n, _ := strconv.Atoi(value)
			if ownAnswer(c, word, n) {
				return
			}
			up, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer up.Close()
			hello := firstRecord(c)
			switch bad, good, _ := strings.Cut(value, " "); {
			case word == "change":
				from, _ := hex.DecodeString(bad)
				into, _ := hex.DecodeString(good)
				hello = bytes.Replace(hello, from, into, 1)
			case word == "alert" && bytes.Contains(hello, []byte(target)):
				_, _ = c.Write([]byte{21, 3, 3, 0, 2, 2, byte(n)})
				return
			}
			if _, err := up.Write(hello); err != nil {
				return
			}
			go func() {
				defer up.Close()
				pass(up, c, func(p []byte, _ int) []byte { return p })
			}()
			var from io.Reader = up
			if word == "idle" {
				from = &impatient{up, time.Duration(n) * time.Millisecond}
			}
			pass(c, from, func(p []byte, at int) []byte {
				switch {
				case word == "drip":
					for _, b := range p {
						time.Sleep(time.Duration(n) * time.Millisecond)
						if _, err := c.Write([]byte{b}); err != nil {
							break
						}
					}
					return nil
				case word == "corrupt" && n >= at && n < at+len(p):
					p[n-at] ^= 4
				case word == "truncate" && at+len(p) >= n:
					return p[:max(0, n-at)]
				}
				return p
			})
		}()
	}
}

// firstRecord reads the record of the hello, so that what is in it stays in one
// piece, or what it can.
func firstRecord(c net.Conn) []byte {
	head := make([]byte, 5)
	n, err := io.ReadFull(c, head)
	if err != nil || head[0] != 22 {
		return head[:n]
	}
	body := make([]byte, binary.BigEndian.Uint16(head[3:]))
	n, _ = io.ReadFull(c, body)
	return append(head, body[:n]...)
}

// impatient gives up where nothing comes for a while.
type impatient struct {
	net.Conn
	most time.Duration
}

func (i *impatient) Read(p []byte) (int, error) {
	_ = i.SetReadDeadline(time.Now().Add(i.most))
	return i.Conn.Read(p)
}

// ownAnswer is what a relay says that asks no server.
func ownAnswer(c net.Conn, word string, n int) bool {
	switch word {
	case "say":
		_, _ = c.Read(make([]byte, 4096))
		fmt.Fprintf(c, "HTTP/1.1 %d Service Unavailable\r\nServer: gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", n)
	case "swallow":
		_, _ = io.Copy(io.Discard, c)
	default:
		return false
	}
	return true
}

// pass copies until the end, through change, which is told the place; it ends
// where that leaves something out.
func pass(to io.Writer, from io.Reader, change func(p []byte, at int) []byte) {
	buf := make([]byte, 32<<10)
	for at := 0; ; {
		n, err := from.Read(buf)
		p := change(buf[:n], at)
		if _, e := to.Write(p); e != nil || err != nil || len(p) < n {
			return
		}
		at += n
	}
}

// original is where a redirected connection was meant to go.
func original(c *net.TCPConn) (addr string, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return "", err
	}
	e := raw.Control(func(fd uintptr) {
		var m *unix.IPv6Mreq
		if m, err = unix.GetsockoptIPv6Mreq(int(fd), unix.IPPROTO_IP, unix.SO_ORIGINAL_DST); err == nil {
			b := m.Multiaddr // struct sockaddr_in
			addr = fmt.Sprintf("%s:%d", net.IP(b[4:8]), binary.BigEndian.Uint16(b[2:]))
		}
	})
	if err == nil {
		err = e
	}
	return addr, err
}
