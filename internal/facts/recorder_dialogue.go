package facts

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// listen follows a dialogue in clear as far as it asks for TLS.
func (r *Recorder) listen(from tlswire.Side, side int) {
	if r.listenBinary(from, r.said[side]) {
		r.said[side] = nil
		return
	}
	for {
		line, rest, whole := bytes.Cut(r.said[side], []byte("\n"))
		if !whole {
			break
		}
		r.said[side] = rest
		line = bytes.TrimRight(line, "\r")
		r.say(from, line)
		r.hear(from, string(line))
	}
	if !bytes.Contains(r.said[side], []byte("<")) {
		return
	}
	// XMPP has no lines.
	text := string(r.said[side])
	switch {
	case from == tlswire.SideClient && strings.Contains(text, "<starttls"):
		r.ask("xmpp", from, r.said[side])
	case from == tlswire.SideServer && strings.Contains(text, "<failure") && r.asked:
		r.refuse(text)
	default:
		return
	}
	r.said[side] = nil
}

// request is a line by which a client asks for TLS.
var request = []struct {
	line     *regexp.Regexp
	protocol string
}{
	{regexp.MustCompile(`(?i)^AUTH (TLS|SSL|TLS-C)\b`), "ftp"},
	{regexp.MustCompile(`(?i)^STLS$`), "pop3"},
	{regexp.MustCompile(`(?i)^[a-z0-9.+_-]+ STARTTLS$`), "imap"},
	{regexp.MustCompile(`(?i)^STARTTLS\b`), "smtp"},
	{regexp.MustCompile(`^CONNECT \S+ HTTP/1\.`), "connect"},
}

// hear takes one line.
func (r *Recorder) hear(from tlswire.Side, line string) {
	if from == tlswire.SideClient {
		for _, q := range request {
			if q.line.MatchString(line) {
				r.asked, r.granted, r.refusal = true, false, nil
				r.spoken = q.protocol
				if q.protocol == "smtp" {
					r.spoken = r.starttlsProtocol()
				}
			}
		}
		return
	}
	if r.asked && !r.granted && r.refusal == nil {
		r.reply(line)
	}
	if r.refusal == nil && WrongScheme(line) != "" {
		r.speaksTLS(fmt.Sprintf("the server answers in HTTP: %q", line[:min(len(line), maxOpeningLine)]))
	}
}

// wrongScheme is how servers say that HTTP came where TLS was expected: nginx,
// Apache, Go, lighttpd and Jetty, Tomcat.
var wrongScheme = []string{"plain HTTP request was sent to HTTPS port", "speaking plain HTTP to an SSL-enabled server port",
	"Client sent an HTTP request to an HTTPS server", "requires TLS"}

// WrongScheme returns the words by which a server says so, "" where it does not.
func WrongScheme(text string) string {
	for _, words := range wrongScheme {
		if strings.Contains(text, words) {
			return words
		}
	}
	return ""
}

// speaksTLS ends a dialogue in clear on a port that speaks TLS.
func (r *Recorder) speaksTLS(words string) {
	r.refusal = &End{Kind: EndPreamble, Stage: diag.StagePreamble, By: tlswire.SideServer, Preamble: "speaks TLS", Err: words}
	r.refusalAt = r.mark.Packet
	r.phase = phaseOther
}

// starttlsProtocol tells those apart that call it STARTTLS, by the words
// before it.
func (r *Recorder) starttlsProtocol() string {
	for _, l := range r.lines {
		upper := strings.ToUpper(l.Text)
		switch {
		case strings.HasPrefix(upper, "LHLO"):
			return "lmtp"
		case strings.HasPrefix(upper, `"IMPLEMENTATION"`), strings.HasPrefix(upper, `"SIEVE"`):
			return "sieve"
		case l.From == tlswire.SideServer && (strings.HasPrefix(upper, "200 ") || strings.HasPrefix(upper, "201 ")):
			return "nntp"
		case strings.HasPrefix(upper, "CAP ") || strings.Contains(upper, " CAP "):
			return "irc"
		}
	}
	return "smtp"
}

// The answers to a request for TLS.
var (
	yes = regexp.MustCompile(`(?i)^(220|234|334|382|2\d\d |\+OK|\S+ OK|OK|HTTP/1\.[01] 2\d\d|:\S+ 670)`)
	no  = regexp.MustCompile(`(?i)^(4\d\d|5\d\d|-ERR|\S+ (NO|BAD)\b|(NO|BYE)\b|HTTP/1\.[01] [3-5]\d\d|:\S+ 691)`)
)

// reply takes the server's answer to the request.
func (r *Recorder) reply(line string) {
	switch {
	case strings.HasPrefix(line, "* "):
	case no.MatchString(line):
		r.refuse(line)
	case yes.MatchString(line):
		r.granted = true
	}
}

// ask notes a request that is no line.
func (r *Recorder) ask(protocol string, from tlswire.Side, words []byte) {
	r.spoken, r.asked, r.granted, r.refusal = protocol, true, false, nil
	r.say(from, words)
}

// refuse ends a dialogue without TLS.
func (r *Recorder) refuse(words string) {
	stage, problem := diag.StagePreamble, "refused"
	what := r.spoken + " STARTTLS"
	if r.spoken == "connect" {
		stage, what = diag.StageProxy, "proxy CONNECT"
	}
	r.refusal = &End{Kind: EndPreamble, Stage: stage, By: tlswire.SideServer, Preamble: problem,
		Err: fmt.Sprintf("%s: refused: %q", what, strings.TrimSpace(words[:min(len(words), maxOpeningLine)]))}
	r.refusalAt = r.mark.Packet
}

// The requests and answers of the binary protocols.
var (
	postgresRequest = []byte{0, 0, 0, 8, 0x04, 0xD2, 0x16, 0x2F} // SSLRequest
	ldapRequest     = []byte("1.3.6.1.4.1.1466.20037")           // RFC 4511, Section 4.14.1
)

// listenBinary follows the protocols without lines. It reports whether it took
// the bytes.
func (r *Recorder) listenBinary(from tlswire.Side, data []byte) bool {
	if from == tlswire.SideServer {
		return r.binaryReply(data)
	}
	switch {
	case bytes.Equal(data, postgresRequest):
		r.ask("postgres", from, []byte("SSLRequest"))
	case len(data) > 10 && data[0] == 0x30 && bytes.Contains(data, ldapRequest):
		r.ask("ldap", from, []byte("ExtendedRequest StartTLS"))
	case len(data) >= 11 && data[0] == 3 && data[1] == 0 && data[5] == 0xE0: // TPKT, X.224 connection request
		r.ask("rdp", from, []byte("X.224 connection request"))
	case len(data) > 8 && data[0] == 0x12 && data[1] <= 1: // MS-TDS PRELOGIN
		r.ask("mssql", from, []byte("PRELOGIN"))
	case r.spoken == "mysql" && len(data) == 36 && data[3] == 1 && data[5]&0x08 != 0: // CLIENT_SSL
		r.ask("mysql", from, []byte("SSLRequest"))
	default:
		return false
	}
	return true
}

// binaryReply takes the server's bytes in those protocols.
func (r *Recorder) binaryReply(data []byte) bool {
	switch {
	case !r.asked:
		if protocol, version := tlswire.IdentifyPlaintext(data); protocol == "mysql" && len(r.lines) == 0 {
			r.spoken = "mysql"
			r.say(tlswire.SideServer, []byte("MySQL "+version))
			return true
		}
		return false
	case r.spoken == "postgres" && len(data) >= 1:
		r.say(tlswire.SideServer, data)
		if data[0] == 'S' {
			r.granted = true
		} else {
			r.refuse(string(data))
		}
	case r.spoken == "ldap" && len(data) > 2 && data[0] == 0x30:
		code := ldapResult(data)
		r.say(tlswire.SideServer, fmt.Appendf(nil, "ExtendedResponse, result %d", code))
		if code == 0 {
			r.granted = true
		} else {
			r.refuse(fmt.Sprintf("result code %d", code))
		}
	case r.spoken == "rdp" && len(data) >= 16 && data[0] == 3 && data[11] == 3: // RDP_NEG_FAILURE
		r.say(tlswire.SideServer, []byte("negotiation failure"))
		r.refuse(fmt.Sprintf("RDP negotiation failure, code %d", data[15]))
	case r.spoken == "rdp", r.spoken == "mssql":
		r.say(tlswire.SideServer, []byte("answer"))
		r.granted = true
	default:
		return false
	}
	return true
}

// ldapResult finds the ENUMERATED resultCode of an ExtendedResponse, -1 when
// there is none (RFC 4511, Section 4.1.9).
func ldapResult(data []byte) int {
	if i := bytes.Index(data, []byte{0x0A, 0x01}); i >= 0 && i+2 < len(data) {
		return int(data[i+2])
	}
	return -1
}
