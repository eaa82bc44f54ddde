package starttls

import (
	"strings"
	"testing"
)

var (
	_ = whole("postgres", "S")
	_ = whole("postgresql", "S")
)

func TestPostgres(t *testing.T) {
	t.Parallel()
	fields := func(s string) string { return "E\x00\x00\x00" + string(rune(len(s)+4)) + s }
	check(t, "postgres", string(sslRequest), []row{
		{name: "no", says: "N", want: Refused, step: "SSLRequest", code: "N"},
		{name: "too many", says: fields("SFATAL\x00C53300\x00Msorry, too many clients already\x00\x00"), want: Unavailable, step: "SSLRequest", code: "53300", text: "sorry, too many clients already"},
		{name: "protocol", says: fields("SFATAL\x00C08P01\x00Mno\x00\x00"), want: Refused, step: "SSLRequest", code: "08P01", text: "no"},
		{name: "old text", says: "Ecould not fork new process for connection: out of memory\n\x00", want: Unavailable, step: "SSLRequest", text: "could not fork new process for connection: out of memory"},
		{name: "error cut", says: "E\x00\x00\x00\x20SFA", want: Closed, step: "SSLRequest", data: "SFA"},
		{name: "huge error", says: "E\x00\xff\xff\xff", want: WrongProtocol, step: "SSLRequest", data: "E\x00\xff\xff\xff"},
		{name: "endless error", says: "E" + strings.Repeat("x", 2*maxLine), want: WrongProtocol, step: "SSLRequest", data: "E" + strings.Repeat("x", maxData-1)},
		{name: "http", says: "HTTP/1.1 400 Bad Request\r\n", want: WrongProtocol, step: "SSLRequest", data: "HTTP/1.1 400 Bad Request"},
		{name: "text with E", says: "ERROR\r\n", want: WrongProtocol, step: "SSLRequest", data: "ERROR"},
		{name: "mysql", says: "\x4a\x00\x00\x00", want: WrongProtocol, step: "SSLRequest", data: "\x4a\x00\x00\x00"},
		{name: "binary", says: "\x01\x02", want: WrongProtocol, step: "SSLRequest", data: "\x01"},
	})
	check(t, "postgresql", string(sslRequest), nil)
}
