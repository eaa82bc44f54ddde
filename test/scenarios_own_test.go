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

// speaker is a server of our own: what it does with a connection.
type speaker func(t testing.TB, e *server.Endpoint, conf *tls.Config) func(net.Conn)

// unusualServers are healthy servers with odd manners, and mail servers, which
// no package of the tests brings along.
func unusualServers(w *world) []scenario {
	old := w.leaf("mail-old", pki.Spec{NotAfter: weeksAgo(2)})
	row := func(name, target string, p pair, want string, s speaker) scenario {
		sc := scenario{name: name, class: "healthy", healthy: want == "", target: target,
			ep:   server.Endpoint{Name: "own/" + name, Hosts: []string{host}, Chain: p.chain, Key: p.key},
			opts: tlswhy.Options{CAFile: w.RootFile}}
		if want != "" {
			sc.class, sc.want = "certificate", []string{want}
		}
		sc.serve = func(t testing.TB, e *server.Endpoint) { server.ServeConns(t, e, s(t, e, server.GoConfig(t, e))) }
		return sc
	}
	return []scenario{
		row("healthy-slow-accept", "", w.good, "", slowly),
		row("healthy-no-close-notify", "", w.good, "", bluntly),
		row("healthy-large-headers", "", w.good, "", answering("HTTP/1.1 200 OK\r\nX-Large: "+strings.Repeat("x", 60_000)+"\r\nContent-Length: 0\r\n\r\n")),
		row("healthy-not-http", "", w.good, "", answering("hello, this is no HTTP\r\n")),
		row("healthy-tls", "tls://"+host, w.good, "", answering("\x00\x01\x02")),
		row("healthy-byte-by-byte", "", w.good, "", inPieces(1, false)),
		row("healthy-small-records", "", w.good, "", inPieces(20, true)),
		row("healthy-smtps", "smtps://"+host, w.good, "", mail("220 mail.shop.test ESMTP\r\n", nil)),
		row("healthy-imaps", "imaps://"+host, w.good, "", mail("* OK ready\r\n", nil)),
		row("healthy-starttls-smtp", "smtp://"+host, w.good, "", mail("220 mail.shop.test ESMTP\r\n", smtpStartTLS)),
		row("healthy-starttls-imap", "imap://"+host, w.good, "", mail("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\n", imapStartTLS)),
		row("starttls-smtp-expired", "smtp://"+host, old, "cert-expired", mail("220 mail.shop.test ESMTP\r\n", smtpStartTLS)),
		row("starttls-imap-expired", "imap://"+host, old, "cert-expired", mail("* OK ready\r\n", imapStartTLS)),
	}
}

// slowly lets the client wait before the handshake begins.
func slowly(_ testing.TB, _ *server.Endpoint, conf *tls.Config) func(net.Conn) {
	return func(c net.Conn) {
		time.Sleep(1500 * time.Millisecond)
		answerHTTP(tls.Server(c, conf), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
}

// bluntly closes the connection without a close_notify.
func bluntly(_ testing.TB, _ *server.Endpoint, conf *tls.Config) func(net.Conn) {
	return func(c net.Conn) { answerHTTP(tls.Server(c, conf), "HTTP/1.0 200 OK\r\n\r\nok") }
}

func answering(text string) speaker {
	return func(_ testing.TB, _ *server.Endpoint, conf *tls.Config) func(net.Conn) {
		return func(c net.Conn) {
			tc := tls.Server(c, conf)
			answerHTTP(tc, text)
			_ = tc.CloseWrite()
		}
	}
}

// answerHTTP answers the first request. It waits for one for a moment only:
// targets of kind tls send none.
func answerHTTP(c *tls.Conn, answer string) {
	if c.Handshake() != nil {
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(2 * time.Second))
	buf := make([]byte, 4096)
	_, _ = c.Read(buf)
	_, _ = io.WriteString(c, answer)
}

// inPieces passes what a healthy server says on in writes of n bytes; with
// reframe the handshake records in clear are split too, as RFC 8446, Section
// 5.1 allows.
func inPieces(n int, reframe bool) speaker {
	return func(_ testing.TB, _ *server.Endpoint, conf *tls.Config) func(net.Conn) {
		return func(c net.Conn) {
			here, there := net.Pipe()
			go func() {
				defer there.Close()
				tc := tls.Server(there, conf)
				answerHTTP(tc, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
				_ = tc.CloseWrite()
			}()
			go func() {
				_, _ = io.Copy(here, c)
				here.Close()
			}()
			header := make([]byte, 5)
			for {
				if _, err := io.ReadFull(here, header); err != nil {
					return
				}
				body := make([]byte, int(header[3])<<8|int(header[4]))
				if _, err := io.ReadFull(here, body); err != nil {
					return
				}
				if writePieces(c, header, body, n, reframe && header[0] == 22) != nil {
					return
				}
			}
		}
	}
}

func writePieces(c net.Conn, header, body []byte, n int, reframe bool) error {
	if !reframe {
		all := append(append([]byte{}, header...), body...)
		for len(all) > 0 {
			k := min(n, len(all))
			if _, err := c.Write(all[:k]); err != nil {
				return err
			}
			all = all[k:]
		}
		return nil
	}
	for len(body) > 0 {
		k := min(n, len(body))
		record := append([]byte{header[0], header[1], header[2], byte(k >> 8), byte(k)}, body[:k]...)
		if _, err := c.Write(record); err != nil {
			return err
		}
		body = body[k:]
	}
	return nil
}

// mail is a mail server: with a dialogue before TLS, or TLS from the first byte.
func mail(greeting string, before func(c net.Conn, greeting string) bool) speaker {
	return func(_ testing.TB, _ *server.Endpoint, conf *tls.Config) func(net.Conn) {
		return func(c net.Conn) {
			if before != nil && !before(c, greeting) {
				return
			}
			tc := tls.Server(c, conf)
			if tc.Handshake() != nil {
				return
			}
			if before == nil {
				_, _ = io.WriteString(tc, greeting)
			}
			lines := bufio.NewScanner(tc)
			for lines.Scan() {
				if word, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " "); word == "QUIT" {
					_, _ = io.WriteString(tc, "221 bye\r\n")
					return
				}
				_, _ = io.WriteString(tc, "250 ok\r\n")
			}
		}
	}
}

func smtpStartTLS(c net.Conn, greeting string) bool {
	_, _ = io.WriteString(c, greeting)
	for {
		line, ok := readLine(c)
		word, _, _ := strings.Cut(strings.ToUpper(line), " ")
		switch {
		case !ok:
			return false
		case word == "EHLO":
			_, _ = io.WriteString(c, "250-mail.shop.test\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250 8BITMIME\r\n")
		case word == "STARTTLS":
			_, _ = io.WriteString(c, "220 2.0.0 Ready to start TLS\r\n")
			return true
		default:
			_, _ = io.WriteString(c, "250 ok\r\n")
		}
	}
}

func imapStartTLS(c net.Conn, greeting string) bool {
	_, _ = io.WriteString(c, greeting)
	for {
		line, ok := readLine(c)
		tag, command, _ := strings.Cut(line, " ")
		switch {
		case !ok:
			return false
		case strings.EqualFold(command, "CAPABILITY"):
			_, _ = io.WriteString(c, "* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n"+tag+" OK done\r\n")
		case strings.EqualFold(command, "STARTTLS"):
			_, _ = io.WriteString(c, tag+" OK begin TLS\r\n")
			return true
		default:
			_, _ = io.WriteString(c, tag+" BAD unknown command\r\n")
		}
	}
}

// readLine reads byte by byte: what follows the line is TLS.
func readLine(c net.Conn) (string, bool) {
	var line []byte
	b := make([]byte, 1)
	for len(line) < 1000 {
		if _, err := c.Read(b); err != nil {
			return "", false
		}
		if b[0] == '\n' {
			return strings.TrimRight(string(line), "\r"), true
		}
		line = append(line, b[0])
	}
	return "", false
}
