package errtext

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestExamples reads the examples of every stanza: what it states must be found.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, s := range load().stanzas {
		if len(s.examples) == 0 {
			t.Errorf("%s:%d: no example", s.file, s.line)
		}
		for i, ex := range s.examples {
			t.Run(fmt.Sprintf("%s:%d/%d", s.file, s.line, i), func(t *testing.T) {
				t.Parallel()
				_, marks := find(tidy(ex))
				hit := s.nothing || len(s.words) > 0
				for _, m := range marks {
					hit = hit || m.s == s || m.problem == s.problem && s.problem != "" || s.problem == "" && s.sign == "" && s.way == 0 && (m.s.library == s.library || m.s.stack == s.stack)
				}
				if !hit {
					t.Fatalf("%q does not match", ex)
				}
				r := Parse(ex)
				if s.problem == "" || s.nothing {
					return
				}
				if len(r.Matches) == 0 {
					t.Fatalf("nothing found in %q", ex)
				}
				if m := r.Matches[0]; m.Problem != s.problem && rankOf(m.Problem) < rankOf(s.problem) && s.rank < 0 {
					t.Errorf("%q: got problem %q, want %q", ex, m.Problem, s.problem)
				}
			})
		}
	}
}

// TestPatternWords: a problem or sign of a pattern must be one that exists.
func TestPatternWords(t *testing.T) {
	t.Parallel()
	for _, s := range load().stanzas {
		if s.problem != "" && !facts.KnownProblem(s.problem) {
			t.Errorf("%s:%d: no problem is called %q", s.file, s.line, s.problem)
		}
	}
}

func TestCodes(t *testing.T) {
	t.Parallel()
	tests := []struct{ kind, token, means string }{
		{"openssl", "0A000086", "OpenSSL: SSL routines, certificate verify failed"},
		{"openssl", "A000086", "OpenSSL: SSL routines, certificate verify failed"},
		{"openssl", "14090086", "OpenSSL: SSL routines, certificate verify failed"},
		{"openssl", "14094410", "OpenSSL: SSL routines, sslv3 alert handshake failure"},
		{"openssl", "14004410", "OpenSSL: SSL routines, sslv3 alert handshake failure"},
		{"openssl", "0906D06C", "OpenSSL: PEM routines, no start line"},
		{"openssl", "0B080074", "OpenSSL: x509 certificate routines, key values mismatch"},
		{"openssl", "80000002", "system error: ENOENT"},
		{"openssl", "02001002", "system error: ENOENT"},
		{"openssl", "268435703", "BoringSSL: WRONG_VERSION_NUMBER"},
		{"verify", "20", "OpenSSL verify code: UNABLE_TO_GET_ISSUER_CERT_LOCALLY"},
		{"curl", "60", "curl: PEER_FAILED_VERIFICATION"},
		{"windows", "0x80090325", "Windows: SEC_E_UNTRUSTED_ROOT"},
		{"windows", "2146893019", "Windows: SEC_E_UNTRUSTED_ROOT"},
		{"gnutls", "110", "GnuTLS: PREMATURE_TERMINATION"},
		{"nss", "8179", "NSS: SEC_ERROR_UNKNOWN_ISSUER"},
		{"nss", "12263", "NSS: SSL_ERROR_RX_RECORD_TOO_LONG"},
		{"nss", "16370", "NSS: MOZILLA_PKIX_ERROR_SELF_SIGNED_CERT"},
		{"chrome", "202", "Chromium: ERR_CERT_AUTHORITY_INVALID"},
		{"mbedtls", "0x2700", "Mbed TLS: X509_CERT_VERIFY_FAILED"},
		{"mbedtls", "0x4290", "Mbed TLS: RSA_PUBLIC_FAILED + MPI_ALLOC_FAILED"},
		{"wolfssl", "188", "wolfSSL: ASN_NO_SIGNER_E"},
		{"osstatus", "9807", "OSStatus: errSSLXCertChainInvalid"},
		{"nsurl", "1202", "NSURLErrorDomain: NSURLErrorServerCertificateUntrusted"},
		{"wininet", "12175", "WinINet/WinHTTP: ERROR_WINHTTP_SECURE_FAILURE"},
	}
	for _, tt := range tests {
		means, _, ok := decode(tt.kind, tt.token, &scanner{})
		if !ok || means != tt.means {
			t.Errorf("%s %s: got %q, want %q", tt.kind, tt.token, means, tt.means)
		}
	}
}

// TestSides: who wrote it, who sent the alert, whose certificate it is about.
func TestSides(t *testing.T) {
	t.Parallel()
	const client, server = tlswire.SideClient, tlswire.SideServer
	tests := []struct {
		text            string
		side, by, whose tlswire.Side
	}{
		{"nginx: SSL_do_handshake() failed (SSL: error:0A000418:SSL routines::tlsv1 alert unknown ca:SSL alert number 48) while SSL handshaking, client: 10.0.0.1", server, client, server},
		{"curl: (35) error:0A000418:SSL routines::tlsv1 alert unknown ca", client, server, client},
		{"* TLSv1.3 (OUT), TLS alert, unknown CA (560):\n* SSL certificate problem: unable to get local issuer certificate", client, client, server},
		{"TLS server: In state wait_cert at ssl_handshake.erl:2074 generated SERVER ALERT: Fatal - Unknown CA", server, server, client},
		{"http: TLS handshake error from 10.0.0.1:5: remote error: tls: bad certificate", server, client, server},
		{"SSL_do_handshake() failed (SSL: error:0A000412:SSL routines::sslv3 alert bad certificate) while SSL handshaking to upstream, upstream: \"https://10.0.0.2/\"", client, server, client},
	}
	for _, tt := range tests {
		m := Parse(tt.text).Matches[0]
		if m.Side != tt.side || m.AlertBy() != tt.by || m.Whose != tt.whose {
			t.Errorf("%q: written by %q, alert by %q, about %q; want %q, %q, %q", tt.text, m.Side, m.AlertBy(), m.Whose, tt.side, tt.by, tt.whose)
		}
	}
}

func TestHosts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, host string
		port       int
		cert       string
	}{
		{"requests.exceptions.SSLError: HTTPSConnectionPool(host='api.example.com', port=8443): certificate verify failed", "api.example.com", 8443, ""},
		{"fatal: unable to access 'https://git.example.com/a/b.git/': SSL certificate problem: certificate has expired", "git.example.com", 0, ""},
		{"ERROR: certificate common name `*.a.example' doesn't match requested host name `b.example'.", "b.example", 0, "*.a.example"},
		{"x509: certificate is valid for a.example, not b.example", "b.example", 0, "a.example"},
		{"curl: (60) SSL certificate problem: certificate has expired\nMore details here: https://curl.se/docs/sslcerts.html", "", 0, ""},
		{"OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to shop.example.com:8443", "shop.example.com", 8443, ""},
	}
	for _, tt := range tests {
		m := Parse(tt.text).Matches[0]
		if m.Host != tt.host || m.Port != tt.port || m.CertName != tt.cert {
			t.Errorf("%q: got %q %d %q", tt.text, m.Host, m.Port, m.CertName)
		}
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	for _, secret := range []string{
		"https://joe:geheim12@git.example.com/", "GET /x?token=geheim12&y=1", "Authorization: Bearer geheim12345", "password=geheim12 user=x",
		`{"password": "geheim12"}`, "Cookie: session=geheim12; a=geheim12", "X-Api-Key: geheim12", "eyJgeheim12abc.eyJgeheim12abc.geheim12", "postgres://u:geheim12@db/x",
	} {
		if got := mask(secret); strings.Contains(got, "geheim12") {
			t.Errorf("%q became %q", secret, got)
		}
	}
	for _, plain := range []string{"SEC_E_INVALID_TOKEN: the token supplied", "Error code: SSL_ERROR_BAD_CERT_DOMAIN", "code = Unavailable desc = x", "SSL alert number 40"} {
		if got := mask(plain); got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	}
}

// TestLog counts what a log repeats, in the way of logs.
func TestLog(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "Jan  5 03:11:%02d mx postfix/smtpd[%d]: SSL_accept error from unknown[203.0.113.%d]: -1\n", i, 100+i, i)
		fmt.Fprintf(&b, "Jan  5 03:11:%02d mx postfix/smtpd[%d]: warning: TLS library problem: error:1417A0C1:SSL routines:tls_post_process_client_hello:no shared cipher:../ssl/statem/statem_srvr.c:2283:\n", i, 100+i)
		fmt.Fprintf(&b, "Jan  5 03:11:%02d mx postfix/smtpd[%d]: lost connection after STARTTLS from unknown[203.0.113.%d]\n", i, 100+i, i)
		fmt.Fprintf(&b, "Jan  5 03:11:%02d mx postfix/qmgr[7]: 4F2: removed\n", i)
	}
	r := Parse(b.String())
	if len(r.Matches) != 1 {
		t.Fatalf("got %d failures, want 1: %+v", len(r.Matches), r.Matches)
	}
	if m := r.Matches[0]; m.Problem != facts.ProblemNoCipher || m.Count != 40 || m.Peers != 40 || m.Line > 2 || m.Last < 158 || !m.Log {
		t.Errorf("got %+v", m)
	}
}

// TestUnfriendlyInput: junk, endless lines and UTF-16 are read all the same.
func TestUnfriendlyInput(t *testing.T) {
	t.Parallel()
	const failure = "curl: (60) SSL certificate problem: certificate has expired"
	utf16 := "\xff\xfe"
	for _, c := range failure {
		utf16 += string([]byte{byte(c), 0})
	}
	for name, text := range map[string]string{
		"junk before": strings.Repeat("\x00\xff\xfe\x80", 9000) + "\n" + failure,
		"long line":   strings.Repeat("x ", 40000) + failure,
		"utf-16":      utf16,
		"no mark":     utf16[2:],
		"ansi":        "\x1b[31mcurl: (60) SSL certificate\x1b[0m problem: certificate has expired",
		"json":        `{"msg":"curl: (60) SSL certificate problem: certificate has expired\n"}`,
		"wrapped":     "curl: (60) SSL certificate problem: certificate\n   has expired",
	} {
		r := Parse(text)
		if len(r.Matches) == 0 || r.Matches[0].Problem != facts.ProblemExpired {
			t.Errorf("%s: got %+v", name, r.Matches)
		}
		if len(r.Matches) > 0 && len(r.Matches[0].Quote) > 2*maxQuote {
			t.Errorf("%s: a quote of %d bytes", name, len(r.Matches[0].Quote))
		}
	}
}

// TestRecordAsLength reads the first bytes of a record in a length, and in no
// other number.
func TestRecordAsLength(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]facts.Problem{
		"InvalidReceiveException: Invalid receive (size = 369296129 larger than 104857600)": facts.ProblemPlainServer,
		"Frame size (352518912) larger than max length (16384000)!":                         facts.ProblemPlainClient,
		"Invalid receive (size = 369098752 larger than 104857600)":                          "", // 0x16000000
		"Invalid receive (size = 1195725856 larger than 104857600)":                         "", // "GET "
		"order 369296129 has left":                                                          "",
	} {
		got := facts.Problem("")
		if r := Parse(text); len(r.Matches) > 0 {
			got = r.Matches[0].Problem
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// TestBinary tells pictures and packed files from texts, however odd those are.
func TestBinary(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR":                          true,
		"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x4b\x2e\x2d\xca\xb1": true,
		"":             false,
		"SSL: caf\xe9": false, // Latin-1
		strings.Repeat("\x00", 300) + "kernel: began again":             false, // a log after a crash
		"n\x00o\x00 \x00r\x00o\x00u\x00t\x00e\x00":                      false, // UTF-16
		strings.Repeat("Zertifikat ung\u00fcltig \u2014 ", 40) + "\x00": false,
	} {
		if got := Parse(text).Binary; got != want {
			t.Errorf("%.40q: got %v", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range load().stanzas {
		for _, ex := range s.examples {
			f.Add(ex)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, m := range Parse(text).Matches {
			if m.Count < 1 || m.Line < 1 || m.Last < m.Line || m.Problem == "" {
				t.Errorf("%+v", m)
			}
		}
	})
}

// BenchmarkText reads one error message; the goal is less than 50 ms.
func BenchmarkText(b *testing.B) {
	const text = "requests.exceptions.SSLError: HTTPSConnectionPool(host='api.example.com', port=443): Max retries exceeded with url: / (Caused by SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1010)')))"
	Parse(text)
	for b.Loop() {
		Parse(text)
	}
}

// BenchmarkLog reads a log of which every hundredth line is about TLS.
func BenchmarkLog(b *testing.B) {
	var s strings.Builder
	for i := range 10000 {
		if i%100 == 0 {
			s.WriteString("2026/11/22 15:17:13 [info] 1#1: *8 SSL_do_handshake() failed (SSL: error:0A000415:SSL routines::sslv3 alert certificate expired:SSL alert number 45) while SSL handshaking, client: 10.0.0.1, server: 0.0.0.0:443\n")
			continue
		}
		s.WriteString("203.0.113.5 - - [22/Nov/2026:15:17:13 +0000] \"GET /static/app.js?v=12 HTTP/1.1\" 200 1234 \"https://shop.example.com/\" \"Mozilla/5.0 (X11; Linux x86_64)\"\n")
	}
	b.SetBytes(int64(s.Len()))
	for b.Loop() {
		if len(Parse(s.String()).Matches) != 1 {
			b.Fatal("not one failure")
		}
	}
}

// TestNearPhrases pairs what a phrase of strangers.txt must take with what looks
// like it and says something else, or nothing.
func TestNearPhrases(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want facts.Problem
	}{
		{"Disconnected while requesting ApiVersion: might be caused by incorrect security.protocol configuration (connecting to a SSL listener?)", facts.ProblemPlainClient},
		{"Disconnected while requesting ApiVersion: broker version is < 0.10 (see api.version.request)", ""},
		{"The TLS protocol defined fatal error code is 10. The Windows SChannel error state is 1203.", facts.ProblemPlainClient},
		{"The TLS protocol defined fatal alert code is 40. The Windows SChannel error state is 1205.", facts.ProblemHandshakeFailure},
		{"Das Zertifikat ist nicht für www.firma.de gültig: SSL_ERROR_BAD_CERT_DOMAIN", facts.ProblemHostname},
		{"weil das verwendete Zertifikat nicht für www.firma.de gilt.", facts.ProblemHostname},
		{"Das Zertifikat gilt für www.firma.de.", ""},
		{"InRelease is not valid yet (invalid for another 3h 4min 5s)", facts.ProblemClock},
		{"certificate is not valid yet", facts.ProblemNotYetValid},
		{"kex_exchange_identification: Connection closed by remote host\nConnection closed by 10.0.0.1 port 22", ""},
		{"SaslAuthenticationException: Authentication failed: Invalid username or password", ""},
		{"SslAuthenticationException: SSL handshake failed: Received fatal alert: certificate_expired", facts.ProblemExpired},
		{"upstream timed out (110: Connection timed out) while reading response header from upstream, upstream: \"http://10.0.0.2/\"", ""},
		{"upstream timed out (110: Connection timed out) while SSL handshaking to upstream, upstream: \"https://10.0.0.2/\"", facts.ProblemTimeout},
	} {
		got := facts.Problem("")
		if r := Parse(tt.text); len(r.Matches) > 0 {
			got = r.Matches[0].Problem
		}
		if got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.text, got, tt.want)
		}
	}
}
