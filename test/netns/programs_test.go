//go:build linux

package netns

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

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
// "corrupt 3000", "truncate 200", "hide13", "slowly 20".
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
			up, err := net.Dial("tcp", to)
			if err != nil {
				return
			}
			defer up.Close()
			word, value, _ := strings.Cut(rule, " ")
			n, _ := strconv.Atoi(value)
			go func() {
				defer up.Close()
				pass(up, c, func(p []byte, at int) []byte {
					if word == "hide13" && at == 0 {
						return bytes.Replace(p, []byte{0, 0x2b}, []byte{0x7f, 0x2b}, 1)
					}
					return p
				})
			}()
			pass(c, up, func(p []byte, at int) []byte {
				switch {
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
