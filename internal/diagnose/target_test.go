package diagnose_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/internal/diagnose"
)

func TestParseTarget(t *testing.T) {
	t.Parallel()
	type want = diagnose.Target
	long := strings.Repeat("a", 63)
	for _, c := range []struct {
		name, in string
		want     want
	}{
		{"host", "shop.example.com", want{Name: "shop.example.com", Port: 443, Protocol: "https"}},
		{"single label", "localhost", want{Name: "localhost", Port: 443, Protocol: "https"}},
		{"upper case", "Shop.EXAMPLE.Com", want{Name: "shop.example.com", Port: 443, Protocol: "https"}},
		{"trailing dot", "shop.example.com.", want{Name: "shop.example.com", Port: 443, Protocol: "https"}},
		{"trailing dot and port", "shop.example.com.:8443", want{Name: "shop.example.com", Port: 8443, Protocol: "https"}},
		{"underscore", "_dmarc.my_host.example", want{Name: "_dmarc.my_host.example", Port: 443, Protocol: "https"}},
		{"space around", "  shop.example.com \n", want{Name: "shop.example.com", Port: 443, Protocol: "https"}},
		{"U-label", "bücher.example", want{Name: "xn--bcher-kva.example", Port: 443, Protocol: "https"}},
		{"U-label in capitals", "BÜCHER.example:8443", want{Name: "xn--bcher-kva.example", Port: 8443, Protocol: "https"}},
		{"U-labels throughout", "例え.テスト", want{Name: "xn--r8jz45g.xn--zckzah", Port: 443, Protocol: "https"}},
		{"ideographic full stop", "例え。テスト", want{Name: "xn--r8jz45g.xn--zckzah", Port: 443, Protocol: "https"}},
		{"A-label", "XN--BCHER-KVA.example", want{Name: "xn--bcher-kva.example", Port: 443, Protocol: "https"}},
		{"label of 63", long + ".example", want{Name: long + ".example", Port: 443, Protocol: "https"}},
		{"name of 253", strings.Join([]string{long, long, long, long[:61]}, "."), want{Name: strings.Join([]string{long, long, long, long[:61]}, "."), Port: 443, Protocol: "https"}},

		{"port of https", "shop.example.com:443", want{Name: "shop.example.com", Port: 443, Protocol: "https"}},
		{"port 1", "h:1", want{Name: "h", Port: 1, Protocol: "https", Guessed: true}},
		{"port 65535", "h:65535", want{Name: "h", Port: 65535, Protocol: "https", Guessed: true}},
		{"port of http", "h:80", want{Name: "h", Port: 80, Protocol: "https", Guessed: true}},
		{"port of smtps", "mx.example.com:465", want{Name: "mx.example.com", Port: 465, Protocol: "smtps"}},
		{"port of imaps", "h:993", want{Name: "h", Port: 993, Protocol: "imaps"}},
		{"port of ldaps", "h:636", want{Name: "h", Port: 636, Protocol: "ldaps"}},
		{"port of smtp", "h:25", want{Name: "h", Port: 25, Protocol: "smtp", StartTLS: "smtp", Guessed: true}},
		{"port of submission", "h:587", want{Name: "h", Port: 587, Protocol: "smtp", StartTLS: "smtp", Guessed: true}},
		{"port of imap", "h:143", want{Name: "h", Port: 143, Protocol: "imap", StartTLS: "imap", Guessed: true}},

		{"IPv4", "192.0.2.1", want{Name: "192.0.2.1", Port: 443, Protocol: "https"}},
		{"IPv4 and port", "192.0.2.1:8443", want{Name: "192.0.2.1", Port: 8443, Protocol: "https"}},
		{"IPv6", "2001:DB8::1", want{Name: "2001:db8::1", Port: 443, Protocol: "https"}},
		{"IPv6 at full length", "2001:0db8:0:0:0:0:0:1", want{Name: "2001:db8::1", Port: 443, Protocol: "https"}},
		{"IPv6 in brackets", "[2001:db8::1]", want{Name: "2001:db8::1", Port: 443, Protocol: "https"}},
		{"IPv6 and port", "[2001:db8::1]:8443", want{Name: "2001:db8::1", Port: 8443, Protocol: "https"}},
		{"IPv6 in a URL", "https://[2001:db8::1]:8443/x", want{Name: "2001:db8::1", Port: 8443, Protocol: "https", Path: "/x"}},
		{"loopback", "::1", want{Name: "::1", Port: 443, Protocol: "https"}},
		{"IPv4 in IPv6", "[::ffff:192.0.2.1]", want{Name: "192.0.2.1", Port: 443, Protocol: "https"}},
		{"zone", "fe80::1%eth0", want{Name: "fe80::1", Zone: "eth0", Port: 443, Protocol: "https"}},
		{"zone in a URL", "https://[fe80::1%25eth0]/", want{Name: "fe80::1", Zone: "eth0", Port: 443, Protocol: "https", Path: "/"}},

		{"https", "https://shop.example.com", want{Name: "shop.example.com", Port: 443, Protocol: "https"}},
		{"scheme in capitals", "HTTPS://shop.example.com", want{Name: "shop.example.com", Port: 443, Protocol: "https"}},
		{"path and query", "https://shop.example.com:8443/a/b?c=d&e=%20f", want{Name: "shop.example.com", Port: 8443, Protocol: "https", Path: "/a/b?c=d&e=%20f"}},
		{"query without path", "https://h?x=1", want{Name: "h", Port: 443, Protocol: "https", Path: "/?x=1"}},
		{"fragment", "https://h/a#b", want{Name: "h", Port: 443, Protocol: "https", Path: "/a"}},
		{"path that needs escapes", "https://h/a b/ü", want{Name: "h", Port: 443, Protocol: "https", Path: "/a%20b/%C3%BC"}},
		{"path without scheme", "shop.example.com/a/b", want{Name: "shop.example.com", Port: 443, Protocol: "https", Path: "/a/b"}},
		{"path without scheme that needs escapes", "h/a b/ü", want{Name: "h", Port: 443, Protocol: "https", Path: "/a%20b/%C3%BC"}},
		{"query that needs escapes", "http://h/?a b", want{Name: "h", Port: 80, Protocol: "http", Path: "/?a%20b"}},
		{"fragment without scheme", "h/a#b", want{Name: "h", Port: 443, Protocol: "https", Path: "/a"}},
		{"empty port in a URL", "https://h:/", want{Name: "h", Port: 443, Protocol: "https", Path: "/"}},
		{"port and path without scheme", "h:8443/a", want{Name: "h", Port: 8443, Protocol: "https", Path: "/a"}},
		{"IPv6, port and path without scheme", "[::1]:8443/a", want{Name: "::1", Port: 8443, Protocol: "https", Path: "/a"}},
		{"http", "http://h/x", want{Name: "h", Port: 80, Protocol: "http", Path: "/x"}},
		{"http with a port", "http://h:8080", want{Name: "h", Port: 8080, Protocol: "http"}},
		{"wss", "wss://h/socket", want{Name: "h", Port: 443, Protocol: "https", Path: "/socket"}},
		{"tls", "tls://h:4433", want{Name: "h", Port: 4433, Protocol: "tls"}},
		{"tls on a known port", "tls://h:25", want{Name: "h", Port: 25, Protocol: "tls"}},
		{"ssl", "ssl://h:4433", want{Name: "h", Port: 4433, Protocol: "tls"}},
		{"smtps", "smtps://h", want{Name: "h", Port: 465, Protocol: "smtps"}},
		{"submissions", "submissions://h", want{Name: "h", Port: 465, Protocol: "submissions"}},
		{"imaps", "imaps://h", want{Name: "h", Port: 993, Protocol: "imaps"}},
		{"pop3s", "pop3s://h", want{Name: "h", Port: 995, Protocol: "pop3s"}},
		{"ldaps", "ldaps://h", want{Name: "h", Port: 636, Protocol: "ldaps"}},
		{"ftps", "ftps://h", want{Name: "h", Port: 990, Protocol: "ftps"}},
		{"nntps", "nntps://h", want{Name: "h", Port: 563, Protocol: "nntps"}},
		{"ircs", "ircs://h", want{Name: "h", Port: 6697, Protocol: "ircs"}},
		{"xmpps", "xmpps://h", want{Name: "h", Port: 5223, Protocol: "xmpps"}},
		{"mqtts", "mqtts://h", want{Name: "h", Port: 8883, Protocol: "mqtts"}},
		{"amqps", "amqps://h", want{Name: "h", Port: 5671, Protocol: "amqps"}},
		{"sips", "sips://h", want{Name: "h", Port: 5061, Protocol: "sips"}},
		{"rediss", "rediss://h", want{Name: "h", Port: 6379, Protocol: "rediss"}},
		{"dot", "dot://h", want{Name: "h", Port: 853, Protocol: "dot"}},
		{"telnets", "telnets://h", want{Name: "h", Port: 992, Protocol: "telnets"}},
		{"smtp with a port", "smtp://mx.example.com:25", want{Name: "mx.example.com", Port: 25, Protocol: "smtp", StartTLS: "smtp"}},
		{"pop3", "pop3://h", want{Name: "h", Port: 110, Protocol: "pop3", StartTLS: "pop3"}},
		{"postgres with a database", "postgres://h/db", want{Name: "h", Port: 5432, Protocol: "postgres", StartTLS: "postgres", Path: "/db"}},
		{"mssql", "mssql://h", want{Name: "h", Port: 1433, Protocol: "mssql", StartTLS: "mssql"}},
		{"sqlserver", "sqlserver://h:2433?database=x", want{Name: "h", Port: 2433, Protocol: "mssql", StartTLS: "mssql", Path: "/?database=x"}},
		{"sqlserver-strict", "sqlserver://h?encrypt=strict", want{Name: "h", Port: 1433, Protocol: "mssqls", Path: "/?encrypt=strict"}},
		{"mariadb", "mariadb://h", want{Name: "h", Port: 3306, Protocol: "mysql", StartTLS: "mysql"}},
		{"postgresql", "postgresql://h", want{Name: "h", Port: 5432, Protocol: "postgresql", StartTLS: "postgresql"}},
		{"xmpp between servers", "xmpp-server://h", want{Name: "h", Port: 5269, Protocol: "xmpp-server", StartTLS: "xmpp-server"}},
		{"port of ldap", "h:389", want{Name: "h", Port: 389, Protocol: "ldap", StartTLS: "ldap", Guessed: true}},
		{"imap", "imap://h", want{Name: "h", Port: 143, Protocol: "imap", StartTLS: "imap"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := diagnose.ParseTarget(c.in)
			if err != nil {
				t.Fatalf("ParseTarget(%q): %v", c.in, err)
			}
			c.want.Input, got.Input = "", ""
			if got != c.want {
				t.Errorf("ParseTarget(%q)\n got %+v\nwant %+v", c.in, got, c.want)
			}
		})
	}
}

func TestParseTargetRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 64)
	for _, c := range []struct{ name, in, says string }{
		{"nothing", "", "empty"},
		{"space only", " \t\n", "empty"},
		{"space inside", "shop example.com", "no host name"},
		{"newline inside", "shop.example.com\nevil.example", "no host name"},
		{"carriage return inside", "shop\r.example.com", "no host name"},
		{"tab inside", "shop\t.example.com", "no host name"},
		{"NUL", "shop\x00.example.com", "no host name"},
		{"escape sequence", "\x1b[31mshop.example.com", "no host name"},
		{"DEL", "shop\x7f.example.com", "no host name"},
		{"control character in a URL", "https://h\x01/", "cannot be read"},
		{"newline in the path of a URL", "https://h/\r\nX: y", "cannot be read"},
		{"newline in the query of a URL", "https://h/?a\nb", "cannot be read"},
		{"quote", "h'x", "no host name"},
		{"semicolon", "h;reboot", "no host name"},
		{"dollar", "$(id)", "no host name"},
		{"star", "*.example.com", "no host name"},
		{"comma", "a,b", "no host name"},
		{"percent", "a%20b", "no host name"},
		{"dot only", ".", "no host name"},
		{"two dots", "a..b", "no host name"},
		{"dot in front", ".example.com", "no host name"},
		{"two dots at the end", "example.com..", "no host name"},
		{"label of 64", long + ".example", "63"},
		{"name of 300", strings.Repeat("a.", 150) + "b", "253"},
		{"name of 64 kB", strings.Repeat("a.", 32<<10), "253"},
		{"label of 64 kB", strings.Repeat("ü", 32<<10), "253"},

		{"port 0", "h:0", "out of range"},
		{"port 65536", "h:65536", "out of range"},
		{"port below 0", "h:-1", "out of range"},
		{"port beyond integers", "h:99999999999999999999", "no number"},
		{"port of letters", "h:abc", "no number"},
		{"port in hex", "h:0x1bb", "no number"},
		{"port empty", "h:", "no number"},
		{"plus in front of the port", "h:+443", "no number"},
		{"port with a space", "h: 443", "no number"},
		{"port 0 in a URL", "https://h:0/", "out of range"},
		{"port 65536 in a URL", "https://h:65536/", "out of range"},
		{"port of letters in a URL", "https://h:abc/", "cannot be read"},
		{"two ports", "h:1:2", "colon"},
		{"no host but a port", ":443", "no host name"},
		{"path only", "/etc/passwd", "is a path"},
		{"path in this folder", "./server.pem", "is a path"},
		{"standard input", "-", "--targets -"},
		{"octet beyond 255", "192.0.2.256", "nor a host name"},
		{"three numbers", "192.0.2:443", "nor a host name"},
		{"escape sequence in a zone", "fe80::1%\x1b[2J", "no interface"},

		{"open bracket", "[::1", "bracket"},
		{"no port behind the bracket", "[::1]443", "follows the address"},
		{"empty brackets", "[]", "no host name"},
		{"IPv6 of nine groups", "1:2:3:4:5:6:7:8:9", "colon"},
		{"open bracket in a URL", "https://[::1/", "cannot be read"},

		{"user and password", "alice:s3cret@h", "credentials"},
		{"user", "alice@h:443", "credentials"},
		{"user and password in a URL", "https://alice:s3cret@h/", "credentials"},
		{"name in brackets", "[example.com]:443", "IPv6"},

		{"no UTF-8", "\xff.example", "cannot stand"},
		{"zero width space", "exa\u200bmple.com", "cannot stand"},
		{"zero width space at the end", "shop.example.com\u200b", "cannot stand"},
		{"right-to-left override", "exa\u202emple.com", "cannot stand"},
		{"no-break space", "exa\u00a0mple.com", "cannot stand"},
		{"control character of C1", "exa\u0085mple.com", "cannot stand"},
		{"newline in a path", "h/x\r\nX-Evil: 1", "cannot be read"},
		{"escape sequence in a path", "h/\x1b[2J", "cannot be read"},

		{"scheme only", "https://", "no host"},
		{"scheme and path", "https:///x", "no host"},
		{"empty scheme", "://h", "unknown"},
		{"unknown scheme", "gopher://h", "unknown"},
		{"file", "file:///etc/passwd", "unknown"},
		{"tls without a port", "tls://h", "no usual port"},
		{"ssl without a port", "ssl://h", "no usual port"},
		{"scheme without slashes", "https:h", "no number"},
		{"one slash", "https:/h", "no number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := diagnose.ParseTarget(c.in)
			var bad *diagnose.UsageError
			if !errors.As(err, &bad) {
				t.Fatalf("ParseTarget(%.80q): got %+v, %v, want a *UsageError", c.in, got, err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("ParseTarget(%.80q) says %.300q, want something of %q", c.in, err, c.says)
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("ParseTarget(%q) repeats the password: %q", c.in, err)
			}
			printable(t, err.Error())
		})
	}
}

// printable demands that a message cannot draw on the reader's terminal.
func printable(t *testing.T, s string) {
	t.Helper()
	for _, r := range s {
		if r < ' ' || r >= 0x7F && r < 0xA0 {
			t.Errorf("%q holds the control character %U", s, r)
		}
	}
}

// FuzzParseTarget holds what is true of every target that is accepted.
func FuzzParseTarget(f *testing.F) {
	for _, s := range []string{"shop.example.com", "h:443", "[::1]:8443", "fe80::1%eth0", "https://h/a?b#c", "bücher.example", "smtp://mx:25",
		"u:p@h", "a..b", "h:0", "tls://[::ffff:192.0.2.1]:1/", "x\r\ny", "wss://例え.テスト/ü b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		got, err := diagnose.ParseTarget(in)
		if err != nil {
			var bad *diagnose.UsageError
			if !errors.As(err, &bad) || bad.Msg == "" {
				t.Fatalf("ParseTarget(%q): %T %v, want a *UsageError", in, err, err)
			}
			if utf8.ValidString(in) {
				printable(t, err.Error())
			}
			return
		}
		if got.Input != in || got.Port < 1 || got.Port > 65535 || got.Protocol == "" || got.Name == "" {
			t.Fatalf("ParseTarget(%q): %+v", in, got)
		}
		if addr, err := netip.ParseAddr(got.Name); err == nil {
			if addr.Zone() != "" || addr.Is4In6() || addr.String() != got.Name {
				t.Errorf("ParseTarget(%q): address %q is not in the usual form", in, got.Name)
			}
			return
		}
		if len(got.Name) > 253 || strings.ToLower(got.Name) != got.Name || strings.HasSuffix(got.Name, ".") ||
			strings.Trim(got.Name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != "" {
			t.Errorf("ParseTarget(%q): name %q is not in the usual form", in, got.Name)
		}
		again, err := diagnose.ParseTarget(got.Name)
		if err != nil || again.Name != got.Name {
			t.Errorf("ParseTarget(%q): the name %q reads as %q, %v", in, got.Name, again.Name, err)
		}
		if got.StartTLS != "" && got.Protocol != got.StartTLS {
			t.Errorf("ParseTarget(%q): STARTTLS of %q, protocol %q", in, got.StartTLS, got.Protocol)
		}
	})
}
