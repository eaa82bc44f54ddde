package starttls

import "testing"

var _ = whole("nntp", "200 news.test ready\r\n101 list\r\nVERSION 2\r\nREADER\r\nSTARTTLS\r\n.\r\n382 begin TLS\r\n")

func TestNNTP(t *testing.T) {
	t.Parallel()
	check(t, "nntp", "CAPABILITIES\r\nSTARTTLS\r\n", []row{
		{name: "no posting, no list", says: "201 hi\r\n500 what?\r\n382 go\r\n" + tlsBytes},
		{name: "not offered", says: "200 hi\r\n101\r\nVERSION 2\r\n.\r\n", want: NotOffered, step: "CAPABILITIES", caps: []string{"VERSION 2"}},
		{name: "rewritten", says: "200 hi\r\n101\r\nXXXXXXXX\r\n.\r\n", want: Rewritten, step: "CAPABILITIES", caps: []string{"XXXXXXXX"}},
		{name: "580", says: "200 hi\r\n101\r\nSTARTTLS\r\n.\r\n580 can not initiate TLS\r\n", want: Refused, step: "STARTTLS", code: "580", text: "can not initiate TLS", caps: []string{"STARTTLS"}},
		{name: "unknown", says: "200 hi\r\n500 what?\r\n500 what?\r\n", want: Refused, step: "STARTTLS", code: "500", text: "what?"},
		{name: "400 later", says: "200 hi\r\n400 going down\r\n", want: Refused, step: "CAPABILITIES", code: "400", text: "going down"},
		{name: "turned away", says: "502 no access from here\r\n", want: Unavailable, step: "greeting", code: "502", text: "no access from here"},
		{name: "smtp", says: "220 mx ESMTP\r\n", want: WrongProtocol, step: "greeting", data: "220 mx ESMTP"},
		{name: "pop3", says: "+OK\r\n", want: WrongProtocol, step: "greeting", data: "+OK"},
		{name: "silence later", says: "200\r\n", ends: silence, want: Silent, step: "CAPABILITIES"},
		{name: "garbage later", says: "200\r\nhello\r\n", want: Garbled, step: "CAPABILITIES", data: "hello"},
	})
}
