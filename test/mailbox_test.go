package test

import (
	"bufio"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/tlswhy/tlswhy/test/pki"
)

// mailPassword is that of the user web.
const mailPassword = "correct horse"

// mailbox is a mail server that takes mail over STARTTLS from the user web, and
// from nobody else.
type mailbox struct {
	addr string
	conf *tls.Config
	mu   sync.Mutex
	all  strings.Builder
}

func newMailbox(t *testing.T, p *pki.PKI) *mailbox {
	t.Helper()
	leaf := p.Leaf(pki.Spec{IPs: []string{"127.0.0.1"}, CN: "mx"})
	m := &mailbox{conf: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{leaf.DER, p.Intermediate.DER}, PrivateKey: leaf.Key}}}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.addr = ln.Addr().String()
	var sessions sync.WaitGroup
	sessions.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			sessions.Go(func() {
				defer c.Close()
				m.session(c)
			})
		}
	})
	t.Cleanup(func() { ln.Close() }) // a session ends with its client
	return m
}

// text is all mail that came, decoded.
func (m *mailbox) text() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.all.String()
}

// session speaks RFC 5321, as much as is needed.
func (m *mailbox) session(c net.Conn) {
	secure, user := false, false
	r := bufio.NewReader(c)
	say := func(text string) { fmt.Fprint(c, text+"\r\n") }
	say("220 mx ESMTP")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		words := strings.Fields(line + " .")
		switch verb := strings.ToUpper(words[0]); {
		case verb == "EHLO" && !secure:
			say("250-mx\r\n250 STARTTLS")
		case verb == "EHLO":
			say("250-mx\r\n250 AUTH PLAIN")
		case verb == "STARTTLS":
			say("220 go ahead")
			tc := tls.Server(c, m.conf)
			c, r, secure = tc, bufio.NewReader(tc), true
		case verb == "AUTH" && secure:
			said, err := base64.StdEncoding.DecodeString(words[min(2, len(words)-1)])
			if user = err == nil && string(said) == "\x00web\x00"+mailPassword; !user {
				say("535 wrong")
				continue
			}
			say("235 welcome")
		case verb == "MAIL" && !user:
			say("530 authenticate first")
		case verb == "DATA":
			say("354 go on")
			var raw strings.Builder
			for line != ".\r\n" {
				if line, err = r.ReadString('\n'); err != nil {
					return
				}
				raw.WriteString(line)
			}
			text, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(raw.String())))
			if err != nil {
				text = []byte(raw.String())
			}
			m.mu.Lock()
			m.all.Write(text)
			m.mu.Unlock()
			say("250 queued")
		case verb == "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}
