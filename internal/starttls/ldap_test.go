package starttls

import "testing"

// ldapResponse is an ExtendedResponse; the lengths are short.
func ldapResponse(id, code byte, words, rest string) string {
	result := "\x0a\x01" + string([]byte{code}) + "\x04\x00\x04" + string([]byte{byte(len(words))}) + words + rest
	body := "\x02\x01" + string([]byte{id}) + "\x78" + string([]byte{byte(len(result))}) + result
	return "0" + string([]byte{byte(len(body))}) + body
}

var _ = whole("ldap", ldapResponse(1, 0, "", "\x8a\x161.3.6.1.4.1.1466.20037"))

func TestLDAP(t *testing.T) {
	t.Parallel()
	check(t, "ldap", string(ldapStartTLS), []row{
		{name: "without a name", says: ldapResponse(1, 0, "", "") + tlsBytes},
		{name: "long lengths", says: "0\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04\x00" + tlsBytes},
		{name: "protocol error", says: ldapResponse(1, 2, "unsupported extended operation", ""), want: Refused, step: "StartTLS", code: "2", text: "protocolError: unsupported extended operation"},
		{name: "unavailable", says: ldapResponse(1, 52, "Could not initialize TLS", ""), want: Refused, step: "StartTLS", code: "52", text: "unavailable: Could not initialize TLS"},
		{name: "unwilling", says: ldapResponse(1, 53, "", ""), want: Refused, step: "StartTLS", code: "53", text: "unwillingToPerform"},
		{name: "unknown result", says: ldapResponse(1, 99, "hm", ""), want: Refused, step: "StartTLS", code: "99", text: "hm"},
		{name: "notice of disconnection", says: ldapResponse(0, 52, "shutting down", "\x8a\x161.3.6.1.4.1.1466.20036"), want: Unavailable, step: "StartTLS", code: "52", text: "unavailable: shutting down"},
		{name: "another operation", says: "0\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00", want: Garbled, step: "StartTLS", data: "\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"},
		{name: "no number", says: "0\x03\x04\x01\x01", want: WrongProtocol, step: "StartTLS", data: "\x04\x01\x01"},
		{name: "length beyond the message", says: "0\x05\x02\x01\x01\x78\x7f", want: Garbled, step: "StartTLS", data: "\x02\x01\x01\x78\x7f"},
		{name: "indefinite", says: "0\x80\x02\x01\x01", want: WrongProtocol, step: "StartTLS", data: "0\x80"},
		{name: "huge", says: "0\x84\xff\xff\xff\xff", want: WrongProtocol, step: "StartTLS", data: "0\x84\xff\xff\xff\xff"},
		{name: "http", says: "HTTP/1.1 400 Bad Request\r\n", want: WrongProtocol, step: "StartTLS", data: "HTTP/1.1 400 Bad Request"},
		{name: "cut", says: ldapResponse(1, 0, "", "")[:6], want: Closed, step: "StartTLS", data: "\x02\x01\x01\x78"},
		{name: "silence in the answer", says: "0", ends: silence, want: Silent, step: "StartTLS", data: "0"},
	})
}
