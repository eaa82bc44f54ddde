package starttls

import "testing"

// mysqlPacket is a packet with the number 0.
func mysqlPacket(body string) string {
	return string([]byte{byte(len(body)), byte(len(body) >> 8), 0, 0}) + body
}

// mysqlGreeting is a greeting with these lower flags.
func mysqlGreeting(flags string) string {
	return mysqlPacket("\x0a8.0.36\x00" + "\x07\x00\x00\x00" + "saltsalt" + "\x00" + flags + "\x2d\x02\x00\xff\xdf\x15" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + "saltsaltsalt\x00mysql_native_password\x00")
}

var _ = whole("mysql", mysqlGreeting("\xff\xff"))

func TestMySQL(t *testing.T) {
	t.Parallel()
	check(t, "mysql", "\x20\x00\x00\x01\x00\x8a\x00\x00\x00\x00\x00\x01\x2d"+string(make([]byte, 23)), []row{
		{name: "no TLS", says: mysqlGreeting("\x20\x82"), want: NotOffered, step: "greeting", caps: []string{"COMPRESS", "PROTOCOL_41", "SECURE_CONNECTION"}},
		{name: "protocol 9", says: mysqlPacket("\x093.20\x00\x01\x00\x00\x00saltsalt\x00"), want: NotOffered, step: "greeting"},
		{name: "blocked", says: mysqlPacket("\xff\x69\x04Host '192.0.2.1' is blocked because of many connection errors"), want: Unavailable, step: "greeting", code: "1129", text: "Host '192.0.2.1' is blocked because of many connection errors"},
		{name: "not allowed", says: mysqlPacket("\xff\x6a\x04Host 'x' is not allowed to connect to this MySQL server"), want: Unavailable, step: "greeting", code: "1130", text: "Host 'x' is not allowed to connect to this MySQL server"},
		{name: "too many", says: mysqlPacket("\xff\x10\x04#08004Too many connections"), want: Unavailable, step: "greeting", code: "1040", text: "Too many connections"},
		{name: "error without words", says: mysqlPacket("\xff\x10\x04"), want: Unavailable, step: "greeting", code: "1040"},
		{name: "x protocol", says: "\x05\x00\x00\x00\x0b\x08\x05\x1a\x00", want: WrongProtocol, step: "greeting", data: "\x05\x00\x00\x00\x0b"},
		{name: "ssh", says: "SSH-2.0-OpenSSH_9.2\r\n", want: WrongProtocol, step: "greeting", data: "SSH-2.0-OpenSSH_9.2"},
		{name: "ssh cut", says: "SSH", ends: silence, want: WrongProtocol, step: "greeting", data: "SSH"},
		{name: "smtp", says: "220 mx ESMTP\r\n", want: WrongProtocol, step: "greeting", data: "220 mx ESMTP"},
		{name: "no version", says: mysqlPacket("\x0aaaaa"), want: WrongProtocol, step: "greeting", data: "\x05\x00\x00\x00\x0aaaaa"},
		{name: "greeting cut", says: mysqlGreeting("\xff\xff")[:9], want: Closed, step: "greeting", data: "8.0."},
		{name: "silence in the greeting", says: mysqlGreeting("\xff\xff")[:7], ends: silence, want: Silent, step: "greeting", data: "8."},
	})
}
