package starttls

import "testing"

func TestNature(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		e    Error
		want Nature
	}{
		{"smtp 421", Error{Protocol: "smtp", Problem: Unavailable, Code: "421", Text: "4.7.0 too many connections"}, Temporary},
		{"smtp 450", Error{Protocol: "smtp", Problem: Refused, Code: "450", Text: "greylisted"}, Temporary},
		{"smtp 454", Error{Protocol: "smtp", Problem: Refused, Code: "454", Text: "TLS not available due to local problem"}, Temporary},
		{"smtp 554", Error{Protocol: "smtp", Problem: Unavailable, Code: "554", Text: "5.7.1 your address is on a block list"}, Denied},
		{"smtp 502", Error{Protocol: "smtp", Problem: Refused, Code: "502", Text: "not implemented"}, Lasting},
		{"ftp 421", Error{Protocol: "ftp", Problem: Unavailable, Code: "421", Text: "There are too many connected users"}, Temporary},
		{"imap bye", Error{Protocol: "imap", Problem: Unavailable, Code: "BYE", Text: "Too many connections from your IP"}, Temporary},
		{"imap no", Error{Protocol: "imap", Problem: Refused, Code: "NO", Text: "TLS is not configured"}, Lasting},
		{"ldap busy", Error{Protocol: "ldap", Problem: Refused, Code: "51", Text: "busy"}, Temporary},
		{"ldap protocol error", Error{Protocol: "ldap", Problem: Refused, Code: "2", Text: "protocolError: unsupported extended operation"}, Lasting},
		{"postgres full", Error{Protocol: "postgres", Problem: Unavailable, Code: "53300", Text: "sorry, too many clients already"}, Temporary},
		{"postgres N", Error{Protocol: "postgres", Problem: Refused, Code: "N"}, Lasting},
		{"mysql blocked", Error{Protocol: "mysql", Problem: Unavailable, Code: "1129", Text: "Host is blocked because of many connection errors"}, Denied},
		{"mysql full", Error{Protocol: "mysql", Problem: Unavailable, Code: "1040", Text: "Too many connections"}, Temporary},
		{"irc banned", Error{Protocol: "irc", Problem: Unavailable, Code: "465", Text: "You are banned from this server"}, Denied},
		{"not offered", Error{Protocol: "smtp", Problem: NotOffered, Text: "try again later"}, Lasting},
	} {
		if got := c.e.Nature(); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}
