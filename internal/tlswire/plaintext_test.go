package tlswire

import "testing"

func TestIdentifyPlaintext(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, protocol, detail string
	}{
		{"nginx", "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n", "http", "HTTP/1.1 400 Bad Request"},
		{"nginx-0.9", "<html>\r\n<head><title>400 Bad Request</title></head>", "http", "<html>"},
		{"apache-0.9", "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n", "http", "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">"},
		{"openssh", "SSH-2.0-OpenSSH_9.6\r\n", "ssh", "SSH-2.0-OpenSSH_9.6"},
		{"postfix", "220 mx1.example.com ESMTP Postfix\r\n", "smtp", "220 mx1.example.com ESMTP Postfix"},
		{"vsftpd", "220 (vsFTPd 3.0.3)\r\n", "ftp", "220 (vsFTPd 3.0.3)"},
		{"dovecot-lmtp", "220 mail.example.com LMTP ready\r\n", "lmtp", "220 mail.example.com LMTP ready"},
		{"bare-220", "220 ready\r\n", "smtp-or-ftp", "220 ready"},
		{"smtp-554", "554 5.7.1 no\r\n", "smtp", "554 5.7.1 no"},
		{"pop3", "+OK Dovecot ready.\r\n", "pop3", "+OK Dovecot ready."},
		{"imap", "* OK [CAPABILITY IMAP4rev1] ready\r\n", "imap", "* OK [CAPABILITY IMAP4rev1] ready"},
		{"mysql", "\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00\x00\x00", "mysql", "8.0.36"},
		{"mysql-host-blocked", "\x2d\x00\x00\x00\xff\x6a\x04Host '10.0.0.1' is not allowed", "mysql", "Host '10.0.0.1' is not allowed"},
		{"postgres-error", "E\x00\x00\x00\x40SFATAL\x00C0A000\x00Munsupported frontend protocol\x00\x00", "postgres", "unsupported frontend protocol"},
		{"postgres-no", "N", "postgres", "answer to an SSLRequest"},
		{"rdp", "\x03\x00\x00\x13\x0e\xd0\x00\x00\x12\x34\x00\x02\x00\x08\x00\x02\x00\x00\x00", "rdp", "X.224 message"},
		{"ldap-notice", "\x30\x24\x02\x01\x00\x78\x1f\x0a\x01\x02\x04\x00\x04\x00\x8a\x161.3.6.1.4.1.1466.20036", "ldap", "notice of disconnection"},
		{"ldap-response", "\x30\x84\x00\x00\x00\x10\x02\x01\x01\x61\x84", "ldap", "response"},
		{"vnc", "RFB 003.008\n", "vnc", "RFB 003.008"},
		{"redis", "-ERR unknown command\r\n", "redis", "-ERR unknown command"},
		{"redis-protected", "-DENIED Redis is running in protected mode\r\n", "redis", "-DENIED Redis is running in protected mode"},
		{"irc", ":irc.example.net NOTICE * :*** Looking up your hostname...\r\n", "irc", ":irc.example.net NOTICE * :*** Looking up your hostname..."},
		{"xmpp", "<?xml version='1.0'?><stream:stream xmlns='jabber:client'>", "xmpp", "<?xml version='1.0'?><stream:stream xmlns='jabber:client'>"},
		{"amqp", "AMQP\x00\x00\x09\x01", "amqp", "AMQP 00 00 09 01"},
		{"proxy-1", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "proxy", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2"},
		{"proxy-2", "\r\n\r\n\x00\r\nQUIT\n\x21\x11", "proxy", "version 2"},
		{"telnet", "\xff\xfd\x18\xff\xfd\x20", "telnet", "option negotiation"},
		{"http2", "\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03", "http2", "SETTINGS frame"},
		{"nntp", "200 news.example.com InterNetNews ready - posting ok\r\n", "nntp", "200 news.example.com InterNetNews ready - posting ok"},
		{"sieve", "\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"\r\n", "sieve", "\"IMPLEMENTATION\" \"Dovecot Pigeonhole\""},
		{"memcached", "ERROR\r\n", "memcached", "ERROR"},
		{"stomp", "ERROR\nmessage:bad\n\n", "stomp", "ERROR"},
		{"mongodb", "\x30\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00", "mongodb", "opCode 1"},
		{"mssql", "\x04\x01\x00\x2b\x00\x00\x01\x00\x00\x00\x1a\x00\x06", "mssql", "TDS response"},
		{"oracle", "\x00\x08\x00\x00\x0b\x00\x00\x00", "oracle", "TNS resend"},
		{"cassandra", "\x84\x00\x00\x00\x00\x00\x00\x00\x10\x00\x00\x00\x0a", "cassandra", "protocol version 4"},
		{"smb", "\x00\x00\x00\x55\xffSMBr", "smb", "SMB message"},
		{"mqtt", "\x20\x02\x00\x01", "mqtt", "CONNACK"},
		{"socks", "\x05\xff", "socks", "SOCKS5"},
		{"nats", "INFO {\"server_id\":\"x\"}\r\n", "nats", "INFO {\"server_id\":\"x\"}"},
		{"rsync", "@RSYNCD: 31.0\n", "rsync", "@RSYNCD: 31.0"},
		{"tls-alert", "\x15\x03\x03\x00\x02\x02\x28", "tls", "alert record, TLS 1.2"},
		{"dtls", "\x16\xfe\xfd\x00\x00\x00\x00", "dtls", "DTLS record"},
		{"other-text", "hello there\r\n", "text", "hello there"},
		{"escape-codes", "SSH-2.0-\x1b[31mred\r\n", "ssh", "SSH-2.0-.[31mred"},
		{"noise", "\x01\x02\x03\x04\x05", "", ""},
		{"nothing", "", "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			protocol, detail := IdentifyPlaintext([]byte(test.in))
			if protocol != test.protocol || detail != test.detail {
				t.Errorf("got %q, %q, want %q, %q", protocol, detail, test.protocol, test.detail)
			}
		})
	}
}
