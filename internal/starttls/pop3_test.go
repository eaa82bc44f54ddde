package starttls

import (
	"strings"
	"testing"
)

var _ = whole("pop3", "+OK POP3 ready <1.2@mx>\r\n+OK\r\nUIDL\r\nSTLS\r\nSASL PLAIN\r\n.\r\n+OK begin TLS\r\n")

func TestPOP3(t *testing.T) {
	t.Parallel()
	check(t, "pop3", "CAPA\r\nSTLS\r\n", []row{
		{name: "no CAPA", says: "+OK hi\r\n-ERR what?\r\n+OK\r\n" + tlsBytes},
		{name: "lower case", says: "+ok\r\n+ok\r\nstls\r\n.\r\n+ok\r\n" + tlsBytes},
		{name: "not offered", says: "+OK\r\n+OK\r\nUIDL\r\nUSER\r\n.\r\n", want: NotOffered, step: "CAPA", caps: []string{"UIDL", "USER"}},
		{name: "refused", says: "+OK\r\n+OK\r\nSTLS\r\n.\r\n-ERR TLS is broken\r\n", want: Refused, step: "STLS", code: "-ERR", text: "TLS is broken", caps: []string{"STLS"}},
		{name: "neither CAPA nor STLS", says: "+OK\r\n-ERR\r\n-ERR unknown\r\n", want: Refused, step: "STLS", code: "-ERR", text: "unknown"},
		{name: "turned away", says: "-ERR [SYS/TEMP] too many\r\n", want: Unavailable, step: "greeting", code: "-ERR", text: "[SYS/TEMP] too many"},
		{name: "imap", says: "* OK IMAP\r\n", want: WrongProtocol, step: "greeting", data: "* OK IMAP"},
		{name: "ssh without line end", says: "SSH-2.0-x", ends: silence, want: WrongProtocol, step: "greeting", data: "SSH-2.0-x"},
		{name: "silence later", says: "+OK\r\n", ends: silence, want: Silent, step: "CAPA"},
		{name: "closed at STLS", says: "+OK\r\n+OK\r\nSTLS\r\n.\r\n", want: Closed, step: "STLS"},
		{name: "endless list", says: "+OK\r\n+OK\r\n" + strings.Repeat("X\r\n", 2*maxLines), want: Garbled, step: "CAPA"},
		{name: "garbage later", says: "+OK\r\nhello\r\n", want: Garbled, step: "CAPA", data: "hello"},
	})
}
