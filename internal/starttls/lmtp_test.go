package starttls

import "testing"

var _ = whole("lmtp", "220 mx LMTP\r\n250-mx\r\n250-STARTTLS\r\n250 PIPELINING\r\n220 go\r\n")

func TestLMTP(t *testing.T) {
	t.Parallel()
	check(t, "lmtp", "LHLO localhost\r\nSTARTTLS\r\n", []row{
		{name: "not offered", says: "220 mx\r\n250-mx\r\n250 SIZE\r\n", want: NotOffered, step: "LHLO", caps: []string{"SIZE"}},
		{name: "rewritten", says: "220 mx\r\n250-mx\r\n250 XXXXXXXA\r\n", want: Rewritten, step: "LHLO", caps: []string{"XXXXXXXA"}},
		{name: "is smtp", says: "220 mx ESMTP\r\n502 LHLO is unknown\r\n", want: Refused, step: "LHLO", code: "502", text: "LHLO is unknown"},
		{name: "refused", says: "220 mx\r\n250-mx\r\n250 STARTTLS\r\n454 no\r\n", want: Refused, step: "STARTTLS", code: "454", text: "no", caps: []string{"STARTTLS"}},
		{name: "421", says: "421 busy\r\n", want: Unavailable, step: "greeting", code: "421", text: "busy"},
		{name: "imap", says: "* OK\r\n", want: WrongProtocol, step: "greeting", data: "* OK"},
		{name: "silence later", says: "220 mx\r\n", ends: silence, want: Silent, step: "LHLO"},
	})
}
