package starttls

import (
	"strings"
	"testing"
)

var _ = whole("irc", ":irc.test NOTICE * :*** Looking up your hostname...\r\n:irc.test CAP * LS :multi-prefix tls\r\n:irc.test 670 * :STARTTLS successful, go ahead\r\n")

func TestIRC(t *testing.T) {
	t.Parallel()
	check(t, "irc", "CAP LS 302\r\nSTARTTLS\r\n", []row{
		{name: "notice without source", says: "NOTICE AUTH :*** hi\r\n:s 670 x :go\r\n" + tlsBytes},
		{name: "refused", says: ":s 691 * :STARTTLS failure (no certificate)\r\n", want: Refused, step: "STARTTLS", code: "691", text: "STARTTLS failure (no certificate)"},
		{name: "unknown", says: ":s 421 * STARTTLS :Unknown command\r\n", want: NotOffered, step: "STARTTLS", code: "421", text: "Unknown command"},
		{name: "not registered", says: ":s CAP * LS :sasl\r\n:s 451 * :You have not registered\r\n", want: NotOffered, step: "STARTTLS", code: "451", text: "You have not registered", caps: []string{"sasl"}},
		{name: "CAP unknown", says: ":s 421 * CAP :Unknown command\r\n:s 670 * :go\r\n" + tlsBytes},
		{name: "neither known", says: ":s 451 * :You have not registered\r\n:s 451 * :You have not registered\r\n", want: NotOffered, step: "STARTTLS", code: "451", text: "You have not registered"},
		{name: "silence beside a list", says: ":s CAP * LS :multi-prefix\r\n", ends: silence, want: NotOffered, step: "STARTTLS", caps: []string{"multi-prefix"}},
		{name: "silence beside tls", says: ":s CAP * LS :tls\r\n", ends: silence, want: Silent, step: "STARTTLS"},
		{name: "turned away", says: "ERROR :Closing Link: [1.2.3.4] (too many)\r\n", want: Unavailable, step: "STARTTLS", code: "ERROR", text: "Closing Link: [1.2.3.4] (too many)"},
		{name: "smtp", says: "421 4.7.0 too many\r\n", want: WrongProtocol, step: "STARTTLS", data: "421 4.7.0 too many"},
		{name: "http", says: "HTTP/1.1 400 Bad Request\r\n", want: WrongProtocol, step: "STARTTLS", data: "HTTP/1.1 400 Bad Request"},
		{name: "garbage later", says: ":s NOTICE * :hi\r\nhello\r\n", want: Garbled, step: "STARTTLS", data: "hello"},
		{name: "silence later", says: ":s NOTICE * :hi\r\n", ends: silence, want: Silent, step: "STARTTLS"},
		{name: "endless", says: strings.Repeat(":s NOTICE * :hi\r\n", 2*maxLines), want: Garbled, step: "STARTTLS"},
	})
}

func TestIRCAnswersPing(t *testing.T) {
	t.Parallel()
	conn := &endConn{scriptConn: scriptConn{in: strings.NewReader("PING :abc\r\n:s 670 * :go\r\n")}}
	if _, err := (irc{}).Dialogue(t.Context(), conn, "x"); err != nil || conn.sent.String() != "CAP LS 302\r\nSTARTTLS\r\nPONG :abc\r\n" {
		t.Errorf("got %v, sent %q", err, conn.sent.String())
	}
}
