package starttls

import "testing"

// rdpConfirmation is an answer with a negotiation of this type and value.
func rdpConfirmation(kind, value byte) string {
	return "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00" + string([]byte{kind, 0x0f, 8, 0, value, 0, 0, 0})
}

var _ = whole("rdp", rdpConfirmation(2, 1))

func TestRDP(t *testing.T) {
	t.Parallel()
	plain := "\x03\x00\x00\x0b\x06\xd0\x00\x00\x12\x34\x00"
	check(t, "rdp", "\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00", []row{
		{name: "hybrid", says: rdpConfirmation(2, 2) + tlsBytes},
		{name: "old server", says: plain, want: NotOffered, step: "connection request"},
		{name: "rdp chosen", says: rdpConfirmation(2, 0), want: NotOffered, step: "connection request", caps: []string{"PROTOCOL_RDP"}},
		{name: "unknown protocol", says: rdpConfirmation(2, 4), want: NotOffered, step: "connection request", caps: []string{"protocol 4"}},
		{name: "not allowed", says: rdpConfirmation(3, 2), want: Refused, step: "connection request", code: "2", text: "SSL_NOT_ALLOWED_BY_SERVER"},
		{name: "no certificate", says: rdpConfirmation(3, 3), want: Refused, step: "connection request", code: "3", text: "SSL_CERT_NOT_ON_SERVER"},
		{name: "unknown failure", says: rdpConfirmation(3, 77), want: Refused, step: "connection request", code: "77"},
		{name: "unknown type", says: rdpConfirmation(9, 1), want: Garbled, step: "connection request", data: rdpConfirmation(9, 1)},
		{name: "no confirmation", says: "\x03\x00\x00\x0b\x06\x80\x00\x00\x12\x34\x00", want: WrongProtocol, step: "connection request", data: "\x03\x00\x00\x0b\x06\x80\x00\x00\x12\x34\x00"},
		{name: "negotiation cut", says: "\x03\x00\x00\x0d\x06\xd0\x00\x00\x12\x34\x00\x02\x00", want: Garbled, step: "connection request", data: "\x03\x00\x00\x0d\x06\xd0\x00\x00\x12\x34\x00\x02\x00"},
		{name: "huge", says: "\x03\x00\xff\xff", want: WrongProtocol, step: "connection request", data: "\x03\x00\xff\xff"},
		{name: "http", says: "HTTP/1.1 400 Bad Request\r\n", want: WrongProtocol, step: "connection request", data: "HTTP/1.1 400 Bad Request"},
		{name: "cut", says: rdpConfirmation(2, 1)[:9], want: Closed, step: "connection request", data: "\x0e\xd0\x00\x00\x12"},
		{name: "silence in the answer", says: "\x03", ends: silence, want: Silent, step: "connection request", data: "\x03"},
	})
}
