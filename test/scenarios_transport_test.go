package test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// transportFaults are ports that do not speak TLS, or not all the way.
func transportFaults(_ *world) []fault {
	type change = func(*world, *server.Kind, *server.Endpoint, *tlswhy.Options)
	row := func(name string, on []*server.Kind, want string, f change) fault {
		return fault{name: name, class: "transport", on: on, want: []string{want}, make: f}
	}
	extra := func(lines ...string) change {
		return func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Plain, e.Extra = true, lines }
	}
	rows := []fault{
		row("plaintext-http", kinds(nginx, apache, haproxy, java, golang), "server-speaks-plaintext", extra()),
		row("eof-no-backend", kinds(haproxy), "eof-during-handshake", extra("mode tcp", "default_backend none", "backend none", "mode tcp")),
		row("silent", kinds(haproxy), "handshake-timeout", extra("mode tcp", "tcp-request inspect-delay 10s", "tcp-request content accept if WAIT_END")),
		row("internal-error-missing-file", kinds(nginx), "internal-error",
			func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Chain, e.Key = "$ssl_server_name.pem", "$ssl_server_name.key"
			}),
		row("ca-file-without-certificates", kinds(nginx), "file-or-config-error",
			func(w *world, _ *server.Kind, _ *server.Endpoint, o *tlswhy.Options) { o.CAFile = w.good.key }),
		row("client-key-garbage", kinds(nginx), "file-or-config-error",
			func(w *world, _ *server.Kind, _ *server.Endpoint, o *tlswhy.Options) {
				o.CertFile, o.KeyFile = w.client.chain, w.Write("garbage.key", []byte("this is no key\n"))
			}),
	}
	plain := row("client-speaks-plaintext", kinds(nginx, apache, golang, haproxy, openssl, java), "client-speaks-plaintext", nil)
	plain.target = "http://" + host
	return append(rows, plain)
}

// ownServers are what no server does in good faith: they stand for crashed,
// misplaced or half-configured ones.
func ownServers(w *world) []scenario {
	own := func(name, class, want string, handle func(net.Conn)) scenario {
		return scenario{name: name, class: class, want: []string{want},
			ep:    server.Endpoint{Name: "own/" + name, Hosts: []string{host}},
			opts:  tlswhy.Options{CAFile: w.RootFile},
			serve: func(t testing.TB, e *server.Endpoint) { server.ServeConns(t, e, handle) }}
	}
	banner := func(text string) func(net.Conn) {
		return func(c net.Conn) {
			_, _ = io.WriteString(c, text)
			_, _ = io.Copy(io.Discard, c)
		}
	}
	refused := own("tcp-refused", "transport", "tcp-refused", nil)
	refused.serve = func(t testing.TB, e *server.Endpoint) { e.Port = server.FreePort(t) }
	smtp := own("starttls-missing-smtp", "transport", "starttls-missing", dialogue("220 mail.shop.test ESMTP\r\n", map[string]string{
		"EHLO": "250-mail.shop.test\r\n250 SIZE 1000\r\n", "STARTTLS": "502 5.5.1 not implemented\r\n", "QUIT": "221 bye\r\n"}))
	smtp.target = "smtp://" + host
	imap := own("starttls-missing-imap", "transport", "starttls-missing", func(c net.Conn) {
		_, _ = io.WriteString(c, "* OK ready\r\n")
		lines := bufio.NewScanner(c)
		for lines.Scan() {
			tag, cmd, _ := strings.Cut(lines.Text(), " ")
			if strings.EqualFold(cmd, "CAPABILITY") {
				_, _ = io.WriteString(c, "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n"+tag+" OK done\r\n")
				continue
			}
			_, _ = io.WriteString(c, tag+" BAD unknown command\r\n")
		}
	})
	imap.target = "imap://" + host
	reset := own("reset-after-hello", "transport", "connection-reset", func(c net.Conn) {
		buf := make([]byte, 100)
		_, _ = io.ReadFull(c, buf)
		if tc, ok := c.(*net.TCPConn); ok {
			_ = tc.SetLinger(0)
		}
	})
	return append(brokenKeys(w), refused, smtp, imap, reset,
		own("ssh", "transport", "server-speaks-plaintext", banner("SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n")),
		own("smtp-banner", "transport", "server-speaks-plaintext", banner("220 mail.shop.test ESMTP Postfix (Debian/GNU)\r\n")),
		own("mysql-banner", "transport", "server-speaks-plaintext", banner("\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00abcdefgh\x00\xff\xf7\xff\x02\x00\xff\xdf\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00ijklmnopqrst\x00caching_sha2_password\x00")),
		own("eof-after-hello", "transport", "eof-during-handshake", func(c net.Conn) { _, _ = io.ReadAtLeast(c, make([]byte, 4096), 200) }),
		own("silent-after-hello", "transport", "handshake-timeout", func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }),
	)
}

// dialogue answers lines by their first word.
func dialogue(greeting string, answers map[string]string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.WriteString(c, greeting)
		lines := bufio.NewScanner(c)
		for lines.Scan() {
			word, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " ")
			answer, ok := answers[word]
			if !ok {
				answer = "500 what?\r\n"
			}
			_, _ = io.WriteString(c, answer)
		}
	}
}

// brokenKeys are servers whose key does not do what their certificate says,
// and certificates that no server program loads.
func brokenKeys(w *world) []scenario {
	leaf := w.Leaf(pki.Spec{DNS: []string{host}})
	stranger := w.Issue(nil, pki.Spec{CN: "x", KeyID: "another key"})
	mismatch := tls.Certificate{Certificate: [][]byte{leaf.DER, w.Intermediate.DER}, PrivateKey: stranger.Key}
	garbage := leaf.DER[:len(leaf.DER)/2]
	broken := tls.Certificate{Certificate: [][]byte{garbage, w.Intermediate.DER}, PrivateKey: leaf.Key}
	row := func(name, want string, conf *tls.Config) scenario {
		return scenario{name: name, class: "certificate", want: []string{want},
			ep:   server.Endpoint{Name: "own/" + name, Hosts: []string{host}},
			opts: tlswhy.Options{CAFile: w.RootFile},
			serve: func(t testing.TB, e *server.Endpoint) {
				e.Port = server.FreePort(t)
				server.ServeHTTP(t, e, conf)
			}}
	}
	with := func(c tls.Certificate, high uint16) *tls.Config {
		return &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &c, nil }, MaxVersion: high}
	}
	return []scenario{
		row("key-mismatch-tls13", "private-key-mismatch-server", with(mismatch, tls.VersionTLS13)),
		row("key-mismatch-tls12", "private-key-mismatch-server", with(mismatch, tls.VersionTLS12)),
		row("malformed-leaf", "cert-malformed", with(broken, tls.VersionTLS13)),
		row("altered-on-the-way", "decrypt-error", nil).through(w, alterRecords),
	}
}

// through puts a relay between the client and a healthy server.
func (s scenario) through(w *world, alter func(n int, record []byte)) scenario {
	s.serve = func(t testing.TB, e *server.Endpoint) {
		behind := &server.Endpoint{Name: "behind", Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key, Port: server.FreePort(t)}
		server.ServeHTTP(t, behind, server.GoConfig(t, behind))
		server.ServeConns(t, e, func(c net.Conn) {
			up, err := net.Dial("tcp", behind.Target())
			if err != nil {
				return
			}
			defer up.Close()
			_ = up.SetDeadline(time.Now().Add(20 * time.Second))
			go func() { _, _ = io.Copy(c, up) }()
			relayRecords(up, c, alter)
		})
	}
	return s
}

// relayRecords passes TLS records on, after alter saw each.
func relayRecords(to io.Writer, from io.Reader, alter func(n int, record []byte)) {
	header := make([]byte, 5)
	for n := 0; ; n++ {
		if _, err := io.ReadFull(from, header); err != nil {
			return
		}
		body := make([]byte, int(header[3])<<8|int(header[4]))
		if _, err := io.ReadFull(from, body); err != nil {
			return
		}
		alter(n, body)
		if _, err := to.Write(append(header[:5:5], body...)); err != nil {
			return
		}
	}
}

// alterRecords flips a bit in everything after the ClientHello that is long
// enough to be encrypted.
func alterRecords(n int, record []byte) {
	if n > 0 && len(record) > 20 {
		record[len(record)-3] ^= 1
	}
}
