package starttls

import (
	"strings"
	"testing"
)

var _ = whole("ftp", "220-Welcome\r\nno code here\r\n 220 indented\r\n220 ready\r\n234 AUTH TLS OK\r\n")

func TestFTP(t *testing.T) {
	t.Parallel()
	check(t, "ftp", "AUTH TLS\r\n", []row{
		{name: "short", says: "220 (vsFTPd 3.0.3)\r\n234 Proceed with negotiation.\r\n" + tlsBytes},
		{name: "old code", says: "220 ftp\r\n334 go\r\n" + tlsBytes},
		{name: "ready later", says: "120 wait\r\n220 ftp\r\n234 go\r\n" + tlsBytes},
		{name: "sends mail too", says: "220 FTP and SMTP here\r\n234 go\r\n" + tlsBytes},
		{name: "no TLS", says: "220 ftp\r\n530 Please login with USER and PASS.\r\n211-Features:\r\n PASV\r\n UTF8\r\n211 End\r\n", want: NotOffered, step: "AUTH TLS", code: "530", text: "Please login with USER and PASS.", caps: []string{"PASV", "UTF8"}},
		{name: "TLS broken", says: "220 ftp\r\n431 no certificate\r\n211-Features:\r\n AUTH TLS\r\n211 End\r\n", want: Refused, step: "AUTH TLS", code: "431", text: "no certificate", caps: []string{"AUTH TLS"}},
		{name: "no FEAT", says: "220 ftp\r\n500 what?\r\n500 what?\r\n", want: Refused, step: "AUTH TLS", code: "500", text: "what?"},
		{name: "421 to AUTH", says: "220 ftp\r\n421 idle\r\n", want: Refused, step: "AUTH TLS", code: "421", text: "idle"},
		{name: "421", says: "421-sorry\r\n421 too many users\r\n", want: Unavailable, step: "greeting", code: "421", text: "sorry too many users"},
		{name: "smtp", says: "220 mx.test ESMTP Postfix\r\n", want: WrongProtocol, step: "greeting", data: "220 mx.test ESMTP Postfix"},
		{name: "imap", says: "* OK\r\n", want: WrongProtocol, step: "greeting", data: "* OK"},
		{name: "silence later", says: "220 ftp\r\n", ends: silence, want: Silent, step: "AUTH TLS"},
		{name: "closed later", says: "220 ftp\r\n", want: Closed, step: "AUTH TLS"},
		{name: "endless", says: "220-ftp\r\n" + strings.Repeat("x\r\n", 2*maxLines), want: Garbled, step: "greeting"},
		{name: "garbage later", says: "220 ftp\r\nhello\r\n", want: Garbled, step: "AUTH TLS", data: "hello"},
	})
}
