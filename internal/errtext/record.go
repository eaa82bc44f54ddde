package errtext

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// record is what belongs together in a text: a log line with what continues
// it, or a whole message.
type record struct {
	lines []string
	first int // number of its first line
	// logged says that it begins with a time, as lines of a log do.
	logged bool
}

// event is a record that says something about TLS.
type event struct {
	facts.TextMatch
	weak bool   // it may concern TLS; nothing shows that it does
	peer string // the client's address, in a server's log
	id   string // the connection or process that the line names
	conn bool   // it is a connection
}

// read takes the facts out of a record, nil when there are none.
func (r *record) read() *event {
	text := tidy(strings.Join(r.lines, "\n"))
	said := hide(text)
	words, marks := find(said)
	marks = afterConnect(marks)
	best, loose := choose(marks), false
	if best == nil && complains(said) || best != nil && best.rank == 0 {
		more := findBags(said, words)
		if b := choose(more); b != nil && (best == nil || b.rank > 1) {
			marks, loose = append(marks, more...), true
			best = choose(marks)
		}
	}
	if p, side := helloInClear(text); best == nil && p != "" {
		at := mark{s: &stanza{side: side}, problem: p, rank: rankOf(p), to: min(1, len(words))}
		marks = append(marks, at)
		best = &marks[len(marks)-1]
	}
	if best == nil || len(words) == 0 || ambiguous(best.problem) && !concernsTLS(words, marks) || best.closes() && completed(said) {
		return nil
	}
	e := &event{TextMatch: facts.TextMatch{Problem: best.problem, Alert: best.alert, Way: best.way, Line: r.first, Last: r.first + len(r.lines) - 1, Count: 1}}
	e.Generic = best.rank == 0
	e.weak = best.s.weak && !aboutTLS(words, marks)
	e.Whose = best.s.whose
	e.id, e.conn = identity(text)
	for i := range marks {
		e.add(&marks[i])
	}
	if e.Problem == facts.ProblemNotTLS {
		if p := firstBytes(said); p != "" {
			e.Problem = p
		}
	}
	for i := range marks {
		if m := &marks[i]; m.s.hint && e.Side == tlswire.SideNone {
			e.Side = m.s.side
		}
	}
	if loose && !e.Generic {
		e.Signs = append(e.Signs, facts.SignLoose)
	}
	if e.Stack == "" {
		e.Stack = e.Library
	}
	if e.Way != facts.WayNone && e.Side == tlswire.SideNone && best.s.side != tlswire.SideNone {
		e.Side = best.s.side
	}
	e.settleWhose()
	e.target(text)
	if e.Side == tlswire.SideServer {
		e.peer = firstAddress(text)
	}
	at := best.from
	e.Quote = mask(r.quote(text, words[at].start, words[best.to-1].end))
	slices.SortStableFunc(e.Also, func(a, b facts.Problem) int { return rankOf(b) - rankOf(a) })
	return e
}

// afterConnect drops failures to connect that another address made good.
func afterConnect(marks []mark) []mark {
	last := -1
	for _, m := range marks {
		if m.s.sign == facts.SignConnected {
			last = m.from
		}
	}
	return slices.DeleteFunc(marks, func(m mark) bool {
		switch m.problem {
		case facts.ProblemRefused, facts.ProblemConnectTimeout, facts.ProblemUnreachable:
			return m.from < last
		}
		return false
	})
}

// add folds one mark into the facts. What was said first stands, but programs
// stand above the libraries that they use.
func (e *event) add(m *mark) {
	if order(m.s.stack) > order(e.Stack) {
		e.Stack = m.s.stack
	}
	if e.Library == "" {
		e.Library = m.s.library
	}
	if e.Version == "" {
		e.Version = m.version
	}
	if m.s.side != tlswire.SideNone && !m.s.hint && (e.Side == tlswire.SideNone || m.s.sign == facts.SignUpstream) {
		e.Side = m.s.side
	}
	if e.Whose == tlswire.SideNone {
		e.Whose = m.s.whose
	}
	if m.s.sign != "" && !e.Has(m.s.sign) {
		e.Signs = append(e.Signs, m.s.sign)
	}
	if e.Stage == "" {
		e.Stage = m.s.stage
	}
	if h := hostName(m.host); h != "" && (e.Host == "" || isAddress(e.Host) && !isAddress(h)) {
		e.Host = h
	}
	if e.Port == 0 {
		e.Port = m.port
	}
	if e.CertName == "" {
		e.CertName = m.cert
	}
	if e.Way == facts.WayNone && m.way != facts.WayNone {
		e.Alert, e.Way = m.alert, m.way
	} else if m.way != facts.WayNone && m.alert == e.Alert && e.Way == facts.WayUnknown {
		e.Way = m.way
	}
	for _, c := range m.codes {
		if !slices.Contains(e.Codes, c) && len(e.Codes) < maxCodes {
			e.Codes = append(e.Codes, c)
		}
	}
	if m.problem != "" && m.problem != e.Problem && !slices.Contains(e.Also, m.problem) {
		e.Also = append(e.Also, m.problem)
	}
}

// maxCodes bounds the decoded codes of one failure.
const maxCodes = 8

// settleWhose says whose certificate a problem is about, where no phrase did:
// an alert concerns its receiver; who verifies, verifies the other side.
func (e *event) settleWhose() {
	if e.Whose != tlswire.SideNone || e.Side == tlswire.SideNone {
		return
	}
	if e.Way == facts.WayReceived && alertProblem(e.Alert) == e.Problem {
		e.Whose = e.Side
		return
	}
	e.Whose = facts.Other(e.Side)
	if e.Problem == facts.ProblemFile || e.Problem == facts.ProblemKeyMismatch {
		e.Whose = e.Side
	}
}

// order puts programs before languages and those before libraries.
func order(stack string) int {
	switch stack {
	case "":
		return 0
	case "java", "go", "python", "node", "ruby", "dotnet", "php", "dart", "haskell", "erlang", "rust", "curl":
		return 2
	case "openssl", "OpenSSL", "gnutls", "nss", "mbedtls", "wolfssl", "rustls", "schannel", "boringssl", "apple", "libressl":
		return 1
	}
	return 3
}

// aboutTLS tells whether a record speaks of TLS at all.
func aboutTLS(words []word, marks []mark) bool {
	for _, m := range marks {
		if !m.s.weak && (m.problem != "" || m.s.stack != "" || m.s.library != "") {
			return true
		}
	}
	for _, w := range words {
		switch w.text {
		case "tls", "ssl", "https", "x509", "certificate", "handshake", "starttls", "openssl", "wss", "ldaps", "imaps", "smtps", "443":
			return true
		}
		if strings.HasPrefix(w.text, "tlsv") || strings.HasPrefix(w.text, "sslv") {
			return true
		}
	}
	return false
}

// ambiguous tells problems whose words are as common where there is no TLS.
func ambiguous(p facts.Problem) bool {
	switch p {
	case facts.ProblemAccessDenied, facts.ProblemInternal, facts.ProblemCertSignature, facts.ProblemDecrypt, facts.ProblemThrottled, facts.ProblemProxy, facts.ProblemTimeout:
		return true
	}
	return false
}

// concernsTLS tells whether any word of a record is one of TLS, or of a program
// or code of its libraries.
func concernsTLS(words []word, marks []mark) bool {
	for _, m := range marks {
		if m.s.library != "" && m.s.stack == "" || m.way != facts.WayNone || m.code || len(m.codes) > 0 || order(m.s.stack) == 1 {
			return true
		}
	}
	return slices.ContainsFunc(words, func(w word) bool {
		if tlsWords[w.text] {
			return true
		}
		for _, p := range []string{"tls", "ssl", "certif", "zertifi", "сертифик"} {
			if strings.HasPrefix(w.text, p) {
				return true
			}
		}
		return false
	})
}

var tlsWords = map[string]bool{"https": true, "x509": true, "cert": true, "certs": true, "handshake": true, "handshaking": true,
	"starttls": true, "openssl": true, "boringssl": true, "libressl": true, "wss": true, "ldaps": true, "imaps": true, "smtps": true, "ftps": true, "mqtts": true, "amqps": true, "443": true,
	"pkix": true, "cipher": true, "ciphers": true, "ciphersuite": true, "sni": true, "alpn": true, "dtls": true, "gnutls": true, "mbedtls": true,
	"wolfssl": true, "schannel": true, "nss": true, "rustls": true, "keystore": true, "truststore": true, "pem": true, "pkcs12": true, "jks": true, "issuer": true, "ca": true,
	"renegotiation": true, "ocsp": true, "crl": true, "altname": true, "altnames": true, "subjectaltname": true, "anchor": true, "dh": true, "ecdh": true, "authority": true,
	"証": true, "证": true, "revocation": true,
	"key": true, "mac": true, "hsts": true, "pin": true, "fips": true, "curve": true, "psk": true, "tunnel": true, "407": true, "curl": true, "keytool": true, "securely": true, "evp": true, "envelope": true, "sds": true}

// closes tells the orderly end of a connection.
func (m *mark) closes() bool { return m.way != facts.WayNone && m.alert == 0 }

// completed tells a text in which the handshake was done before.
func completed(text string) bool {
	return strings.Contains(text, "SSL connection using") || strings.Contains(text, "< HTTP/") || strings.Contains(text, "connection established")
}

// firstBytes reads the bytes that came in place of a record, printed in
// hexadecimal: a request was sent by a client, an answer by a server.
func firstBytes(text string) facts.Problem {
	for _, p := range []struct {
		begins  string
		problem facts.Problem
	}{{"GET ", facts.ProblemPlainClient}, {"POST", facts.ProblemPlainClient}, {"HEAD", facts.ProblemPlainClient}, {"PUT ", facts.ProblemPlainClient},
		{"OPTI", facts.ProblemPlainClient}, {"PRI ", facts.ProblemPlainClient}, {"EHLO", facts.ProblemPlainClient},
		{"HTTP", facts.ProblemPlainServer}, {"220 ", facts.ProblemPlainServer}, {"SSH-", facts.ProblemPlainServer}, {"* OK", facts.ProblemPlainServer}} {
		if hex := fmt.Sprintf(" %x", p.begins); strings.Contains(text, hex) || strings.Contains(text, strings.ToUpper(hex)) {
			return p.problem
		}
	}
	return ""
}

// helloInClear finds the first bytes of a TLS record where a program that speaks
// none prints what came, or takes it for a length: a ClientHello came to a
// server, an alert to a client.
func helloInClear(text string) (facts.Problem, tlswire.Side) {
	for _, p := range []struct {
		begins  string
		problem facts.Problem
		side    tlswire.Side
	}{{`\x16\x03`, facts.ProblemPlainServer, tlswire.SideServer}, {`\u0016\u0003`, facts.ProblemPlainServer, tlswire.SideServer}, {`(16,3,`, facts.ProblemPlainServer, tlswire.SideServer},
		{`\026\003`, facts.ProblemPlainServer, tlswire.SideServer}, {`\x15\x03`, facts.ProblemPlainClient, tlswire.SideClient}, {`"\x15"`, facts.ProblemPlainClient, tlswire.SideClient},
		{`\u0015\u0003`, facts.ProblemPlainClient, tlswire.SideClient}, {`(15,3,`, facts.ProblemPlainClient, tlswire.SideClient}} {
		if strings.Contains(text, p.begins) {
			return p.problem, p.side
		}
	}
	if lower := strings.ToLower(text); !strings.Contains(lower, "size") && !strings.Contains(lower, "len") && !strings.Contains(lower, "frame") {
		return "", tlswire.SideNone
	}
	for _, digits := range longNumber().FindAllString(text, 20) {
		switch n, _ := strconv.ParseUint(digits, 10, 64); n >> 8 {
		case 0x160300, 0x160301, 0x160302, 0x160303, 0x160304:
			return facts.ProblemPlainServer, tlswire.SideServer
		case 0x150300, 0x150301, 0x150302, 0x150303, 0x150304:
			return facts.ProblemPlainClient, tlswire.SideClient
		}
	}
	return "", tlswire.SideNone
}

// longNumber is a length that the first four bytes of a record make: Kafka's
// "Invalid receive (size = 369296129 ...)".
var longNumber = lazy(`\b3[56][0-9]{7}\b`)

// quote is the line of the record in which the words stand, bounded.
func (r *record) quote(text string, from, to int) string {
	start := strings.LastIndexByte(text[:from], '\n') + 1
	end := len(text)
	if i := strings.IndexByte(text[to:], '\n'); i >= 0 {
		end = to + i
	}
	line := text[start:end]
	if len(line) > maxQuote {
		cut := max(0, min(from-start-maxQuote/3, len(line)-maxQuote))
		line = line[cut:min(len(line), cut+maxQuote)]
		if cut > 0 {
			line = "… " + line
		}
	}
	return strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(line, "\n", " "), ""))
}

// maxQuote bounds what is repeated of a text.
const maxQuote = 300

// firstAddress is the first IP address of a line of a server's log: the
// client's.
func firstAddress(text string) string {
	for i := 0; i < len(text); {
		if !addressByte(text[i]) {
			i++
			continue
		}
		end := i
		for end < len(text) && addressByte(text[end]) {
			end++
		}
		if end-i >= 7 {
			if a := parseAddress(text[i:end]); a.IsValid() && !a.IsUnspecified() && !strings.HasSuffix(text[:i], "lip=") {
				return a.String()
			}
		}
		i = end
	}
	return ""
}

func addressByte(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F' || c == '.' || c == ':'
}

func parseAddress(s string) netip.Addr {
	s = strings.Trim(s, ".:")
	if a, err := netip.ParseAddr(s); err == nil && (a.Is4() || strings.Count(s, ":") > 2) {
		return a
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr()
	}
	return netip.Addr{}
}

func isAddress(s string) bool { return parseAddress(s).IsValid() }

// public tells addresses of the internet.
func public(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.IsGlobalUnicast() && !a.IsPrivate()
}
