package alert

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// mailServer speaks enough SMTP, and fails where it is told to: at is the
// command ("RCPT", "DATA", "." for the end of the data), says the answer; ""
// hangs up, "silence" says nothing more.
func mailServer(t *testing.T, at, says string) (addr string, got chan string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	got = make(chan string, 4)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go smtpSession(c, at, says, got)
		}
	}()
	return ln.Addr().String(), got
}

func smtpSession(c net.Conn, at, says string, got chan string) {
	defer c.Close()
	r := bufio.NewReader(c)
	fmt.Fprint(c, "220 mx.example.com ESMTP\r\n")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		verb := strings.ToUpper(strings.Fields(line + " .")[0])
		if verb == at && !answerOnce(c, says) {
			return
		}
		switch {
		case verb == at:
		case verb == "EHLO":
			fmt.Fprint(c, "250-mx.example.com\r\n250 8BITMIME\r\n")
		case verb == "DATA":
			fmt.Fprint(c, "354 go on\r\n")
			var body strings.Builder
			for {
				l, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if body.WriteString(l); l == ".\r\n" {
					break
				}
			}
			got <- body.String()
			if at == "." {
				if !answerOnce(c, says) {
					return
				}
				continue
			}
			fmt.Fprint(c, "250 queued\r\n")
		case verb == "QUIT":
			fmt.Fprint(c, "221 bye\r\n")
			return
		default:
			fmt.Fprint(c, "250 ok\r\n")
		}
	}
}

func answerOnce(c net.Conn, says string) bool {
	switch says {
	case "":
		return false
	case "silence":
		_, _ = io.Copy(io.Discard, c)
		return false
	}
	fmt.Fprint(c, says+"\r\n")
	return true
}

func TestEmail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, at, says       string
		ok, retry, ambiguous bool
	}{
		{name: "accepted", ok: true},
		{name: "mailbox is full for now", at: "RCPT", says: "452 4.2.2 full", retry: true},
		{name: "no such user", at: "RCPT", says: "550 5.1.1 unknown"},
		{name: "greylisted", at: "MAIL", says: "451 4.7.1 try later", retry: true},
		{name: "refused after the data", at: ".", says: "554 5.7.1 spam"},
		{name: "hangs up after the data", at: ".", retry: true, ambiguous: true},
		{name: "silent after the data", at: ".", says: "silence", retry: true, ambiguous: true},
		{name: "hangs up early", at: "EHLO", retry: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			addr, got := mailServer(t, c.at, c.says)
			ch, err := New(Options{Type: "email", Server: addr, TLS: "none", From: "tlswhy@example.com", To: []string{"web@example.com"}})
			if err != nil {
				t.Fatal(err)
			}
			patience := time.Minute
			if c.says == "silence" {
				patience = 3 * time.Second
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			retry, err := ch.Notify(ctx, message(monitor.KindOpened))
			var more *monitor.DeliveryError
			ambiguous := errors.As(err, &more) && more.Ambiguous
			if (err == nil) != c.ok || retry != c.retry || ambiguous != c.ambiguous {
				t.Fatalf("got retry %v, ambiguous %v, %v", retry, ambiguous, err)
			}
			if !c.ok {
				return
			}
			raw := <-got
			body, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(raw)))
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"<abc123-1-x@tlswhy>", "Auto-Submitted: auto-generated", "cert-expired", "nginx -s reload", "tlswhy shop.example.com"} {
				if !strings.Contains(string(body), want) {
					t.Errorf("the mail lacks %q:\n%s", want, body)
				}
			}
		})
	}
}

func TestLongEmail(t *testing.T) {
	t.Parallel()
	addr, got := mailServer(t, "", "")
	ch, err := New(Options{Type: "email", Server: addr, TLS: "none", From: "tlswhy@example.com", To: []string{"web@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Notify(t.Context(), long()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(<-got) {
		if len(line) > 998 { // RFC 5322, Section 2.1.1
			t.Errorf("a line of %d bytes", len(line))
		}
	}
}

// TestMandatoryTLS sends nothing in clear unless told to.
func TestMandatoryTLS(t *testing.T) {
	t.Parallel()
	addr, got := mailServer(t, "", "")
	ch, err := New(Options{Type: "email", Server: addr, From: "tlswhy@example.com", To: []string{"web@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.Notify(t.Context(), message(monitor.KindOpened)); err == nil || len(got) > 0 {
		t.Errorf("a server without STARTTLS was used: %v", err)
	}
}
