package starttls

import (
	"strings"
	"testing"
)

var _ = whole("sieve", "\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"\r\n\"SASL\" \"\"\r\n\"STARTTLS\"\r\nOK (TAG {4}\r\nab\r\n) \"ready\"\r\nOK \"Begin TLS negotiation now.\"\r\n")

func TestSieve(t *testing.T) {
	t.Parallel()
	check(t, "sieve", "STARTTLS\r\n", []row{
		{name: "not offered", says: "\"SASL\" \"PLAIN\"\r\nOK\r\n", want: NotOffered, step: "greeting", caps: []string{"SASL PLAIN"}},
		{name: "rewritten", says: "\"XXXXXXXX\"\r\nOK\r\n", want: Rewritten, step: "greeting", caps: []string{"XXXXXXXX"}},
		{name: "refused", says: "\"STARTTLS\"\r\nOK\r\nNO \"TLS is broken\"\r\n", want: Refused, step: "STARTTLS", code: "NO", text: "TLS is broken", caps: []string{"STARTTLS"}},
		{name: "refused with a literal", says: "\"STARTTLS\"\r\nOK\r\nNO {8}\r\nTLS\r\nno!\r\n", want: Refused, step: "STARTTLS", code: "NO", text: "TLS no!", caps: []string{"STARTTLS"}},
		{name: "turned away", says: "BYE (TRYLATER) \"too many\"\r\n", want: Unavailable, step: "greeting", code: "BYE", text: "(TRYLATER) too many"},
		{name: "literal too long", says: "OK {5000}\r\n", want: WrongProtocol, step: "greeting", data: "OK {5000}"},
		{name: "literal cut", says: "OK {50}\r\nhello", want: Closed, step: "greeting", data: "hello"},
		{name: "endless literals", says: "OK " + strings.Repeat("{0}\r\n", 2*maxLines), want: Garbled, step: "greeting"},
		{name: "imap", says: "* OK\r\n", want: WrongProtocol, step: "greeting", data: "* OK"},
		{name: "silence later", says: "\"STARTTLS\"\r\nOK\r\n", ends: silence, want: Silent, step: "STARTTLS"},
		{name: "endless", says: strings.Repeat("\"X\"\r\n", 2*maxLines), want: Garbled, step: "greeting"},
	})
}
