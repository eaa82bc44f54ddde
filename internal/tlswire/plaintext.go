package tlswire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
)

// maxDetail bounds what IdentifyPlaintext quotes, in bytes.
const maxDetail = 120

// IdentifyPlaintext names the protocol that answered instead of TLS from the
// first bytes it sent. It is a heuristic: a greeting can be spelled like
// another's, and a server may be told to lie. protocol is a lower-case word
// (http, ssh, smtp, ftp, smtp-or-ftp, pop3, imap, nntp, sieve, lmtp, mysql,
// postgres, mssql, oracle, mongodb, cassandra, redis, memcached, ldap, rdp, vnc,
// smb, irc, xmpp, amqp, mqtt, nats, stomp, sip, rtsp, rsync, svn, telnet, socks,
// proxy, http2, dtls, tls), text for other printable lines, or "". detail is the
// line or version that says more, without control characters.
func IdentifyPlaintext(first []byte) (protocol, detail string) {
	if len(first) == 0 {
		return "", ""
	}
	for _, m := range binaryGreetings {
		if detail, ok := m.match(first); ok {
			return m.protocol, printable(detail)
		}
	}
	line := firstLine(first)
	for _, m := range textGreetings {
		if hasPrefixFold(line, m.prefix) && m.fits(line, first) {
			return m.protocol, printable(line)
		}
	}
	if line != "" && isText(first) {
		return "text", printable(line)
	}
	return "", ""
}

// textGreeting is a first line by its start and, where that is shared, by one
// of the words in it or in what follows.
type textGreeting struct {
	prefix   string
	words    []string // lower case; any of them, nil for no further condition
	protocol string
}

func (g textGreeting) fits(line string, first []byte) bool {
	if g.words == nil {
		return true
	}
	lower := strings.ToLower(line + "\n" + string(first[:min(len(first), 1024)]))
	for _, w := range g.words {
		if strings.Contains(lower, w) {
			return true
		}
	}
	return false
}

// textGreetings is tried in order; the first that fits wins.
var textGreetings = []textGreeting{
	{"HTTP/", nil, "http"},
	{"ICY ", nil, "http"},
	{"<!doctype html", nil, "http"}, // HTTP/0.9: what nginx and Apache send to a line they cannot read
	{"<html", nil, "http"},
	{"<head", nil, "http"},
	{"SSH-", nil, "ssh"},
	{"220", []string{"lmtp"}, "lmtp"},
	{"220", []string{"ftp", "filezilla", "vsftpd", "proftpd", "pure-ftpd"}, "ftp"},
	{"220", []string{"smtp", "mail", "postfix", "exim", "sendmail", "mx"}, "smtp"},
	{"220", nil, "smtp-or-ftp"},
	{"421", []string{"ftp"}, "ftp"},
	{"530", []string{"login", "user", "ftp"}, "ftp"},
	{"421", []string{"smtp", "mail", "esmtp", "rate", "blocked", "spam"}, "smtp"},
	{"421", nil, "smtp-or-ftp"},
	{"500", nil, "smtp-or-ftp"},
	{"502", []string{"smtp", "5.5"}, "smtp"},
	{"550", nil, "smtp"},
	{"554", nil, "smtp"},
	{"200", []string{"nntp", "news", "posting", "inn"}, "nntp"},
	{"201", []string{"nntp", "news", "posting", "inn"}, "nntp"},
	{"+OK", nil, "pop3"},
	{"* OK", nil, "imap"},
	{"* PREAUTH", nil, "imap"},
	{"* BYE", nil, "imap"},
	{"* BAD", nil, "imap"},
	{"\"IMPLEMENTATION\"", nil, "sieve"},
	{"NO \"", nil, "sieve"},
	{"BYE \"", nil, "sieve"},
	{"RFB ", nil, "vnc"},
	{"-ERR", []string{"unknown command", "wrong number", "protocol error", "max number of clients", "unbalanced"}, "redis"},
	{"+PONG", nil, "redis"},
	{"-NOAUTH", nil, "redis"},
	{"-DENIED", nil, "redis"},
	{"-LOADING", nil, "redis"},
	{"-ERR", nil, "pop3"},
	{"<?xml", []string{"stream:"}, "xmpp"},
	{"<stream:", nil, "xmpp"},
	{"NOTICE ", nil, "irc"},
	{":", []string{" notice ", " 451 ", " 421 ", " 439 "}, "irc"},
	{"ERROR :", nil, "irc"},
	{"INFO {", nil, "nats"},
	{"SIP/", nil, "sip"},
	{"RTSP/", nil, "rtsp"},
	{"@RSYNCD:", nil, "rsync"},
	{"( success", nil, "svn"},
	{"( failure", nil, "svn"},
	{"CLIENT_ERROR", nil, "memcached"},
	{"SERVER_ERROR", nil, "memcached"},
	{"ERROR", []string{"message:", "content-type:", "version:"}, "stomp"},
	{"ERROR", nil, "memcached"},
	{"PROXY TCP", nil, "proxy"},
	{"PROXY UNKNOWN", nil, "proxy"},
}

// binaryGreeting is a message that is no line of text.
type binaryGreeting struct {
	protocol string
	match    func([]byte) (detail string, ok bool)
}

var binaryGreetings = []binaryGreeting{
	{"tls", matchTLS},
	{"dtls", matchDTLS},
	{"http2", matchHTTP2},
	{"mysql", matchMySQL},
	{"postgres", matchPostgres},
	{"rdp", matchTPKT},
	{"ldap", matchLDAP},
	{"amqp", matchAMQP},
	{"proxy", matchProxy2},
	{"telnet", matchTelnet},
	{"mongodb", matchMongoDB},
	{"mssql", matchTDS},
	{"oracle", matchTNS},
	{"cassandra", matchCassandra},
	{"smb", matchSMB},
	{"mqtt", matchMQTT},
	{"socks", matchSOCKS},
}

func matchTLS(b []byte) (string, bool) {
	if len(b) < recordHeader {
		return "", false
	}
	h, ok := parseHeader(b[:recordHeader])
	if !ok {
		return "", false
	}
	return fmt.Sprintf("%v record, %v", h.kind, h.version), true
}

// RFC 9147, Section 4: the version is the one's complement of TLS's.
func matchDTLS(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var kind uint8
	var version uint16
	ok := s.ReadUint8(&kind) && s.ReadUint16(&version) &&
		kind >= 20 && kind <= 25 && (version == 0xFEFF || version == 0xFEFD || version == 0x0100)
	return "DTLS record", ok
}

// RFC 9113, Section 4.1: a SETTINGS or GOAWAY frame on stream 0.
func matchHTTP2(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var length, stream uint32
	var kind, flags uint8
	if !s.ReadUint24(&length) || !s.ReadUint8(&kind) || !s.ReadUint8(&flags) || !s.ReadUint32(&stream) || stream != 0 {
		return "", false
	}
	switch {
	case kind == 4 && flags <= 1 && length%6 == 0 && length < 600:
		return "SETTINGS frame", true
	case kind == 7 && flags == 0 && length >= 8 && length < 4096:
		return "GOAWAY frame", true
	}
	return "", false
}

// The initial packet: length (3, little endian), sequence 0, then protocol 10
// and the version, or 0xFF and an error.
func matchMySQL(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var header []byte
	var kind uint8
	if !s.ReadBytes(&header, 4) || !s.ReadUint8(&kind) || header[3] != 0 || header[2] != 0 {
		return "", false
	}
	length := int(binary.LittleEndian.Uint16(header))
	switch {
	case (kind == 10 || kind == 9) && length > 20:
		version, _, found := bytes.Cut(s, []byte{0})
		return string(version), found && isText(version)
	case kind == 0xFF && length > 3 && len(s) > 2:
		text := s[2:]
		return string(text), isText(text)
	}
	return "", false
}

// An ErrorResponse ('E', length, fields), or the one byte that answers an
// SSLRequest.
func matchPostgres(b []byte) (string, bool) {
	if len(b) == 1 && (b[0] == 'N' || b[0] == 'S') {
		return "answer to an SSLRequest", true
	}
	s := cryptobyte.String(b)
	var kind uint8
	var length uint32
	if !s.ReadUint8(&kind) || kind != 'E' || !s.ReadUint32(&length) || length < 5 || length > 30000 {
		return "", false
	}
	message := ""
	for field := range bytes.SplitSeq(s, []byte{0}) {
		if len(field) > 1 && field[0] == 'M' {
			message = string(field[1:])
		}
	}
	return message, message != "" || bytes.HasPrefix(s, []byte("S"))
}

// RFC 1006 and MS-RDPBCGR, Section 2.2.1.2: TPKT around an X.224 message.
func matchTPKT(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var version, reserved, indicator, pdu uint8
	var length uint16
	ok := s.ReadUint8(&version) && s.ReadUint8(&reserved) && s.ReadUint16(&length) &&
		s.ReadUint8(&indicator) && s.ReadUint8(&pdu) && version == 3 && reserved == 0 &&
		length >= 7 && (pdu == 0xD0 || pdu == 0x80 || pdu == 0xF0)
	return "X.224 message", ok
}

// RFC 4511, Section 4.1.1: LDAPMessage is a SEQUENCE of an INTEGER and an
// application tag.
func matchLDAP(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var tag, size, integer, idLength, op uint8
	if !s.ReadUint8(&tag) || tag != 0x30 || !s.ReadUint8(&size) {
		return "", false
	}
	if size&0x80 != 0 && !s.Skip(int(size&0x7F)) {
		return "", false
	}
	if !s.ReadUint8(&integer) || integer != 2 || !s.ReadUint8(&idLength) || idLength > 4 || !s.Skip(int(idLength)) || !s.ReadUint8(&op) {
		return "", false
	}
	if op == 0x78 && bytes.Contains(b, []byte("1.3.6.1.4.1.1466.20036")) {
		return "notice of disconnection", true
	}
	return "response", op >= 0x61 && op <= 0x79
}

func matchAMQP(b []byte) (string, bool) {
	rest, ok := bytes.CutPrefix(b, []byte("AMQP"))
	return fmt.Sprintf("AMQP % x", rest[:min(len(rest), 4)]), ok
}

// The signature of version 2 of the PROXY protocol.
func matchProxy2(b []byte) (string, bool) {
	return "version 2", bytes.HasPrefix(b, []byte("\r\n\r\n\x00\r\nQUIT\n"))
}

// RFC 854: IAC and WILL, WONT, DO or DONT.
func matchTelnet(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var iac, verb, option uint8
	ok := s.ReadUint8(&iac) && s.ReadUint8(&verb) && s.ReadUint8(&option) && iac == 0xFF && verb >= 0xFB && verb <= 0xFE
	return "option negotiation", ok
}

// The message header: four little-endian 32-bit numbers, opCode last.
func matchMongoDB(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var header []byte
	if !s.ReadBytes(&header, 16) {
		return "", false
	}
	length := binary.LittleEndian.Uint32(header)
	code := binary.LittleEndian.Uint32(header[12:])
	return fmt.Sprintf("opCode %d", code), length >= 16 && length < 48<<20 && (code == 1 || code == 2013)
}

// MS-TDS, Section 2.2.3.1: a tabular result of the first packet.
func matchTDS(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var kind, status uint8
	var length, spid uint16
	ok := s.ReadUint8(&kind) && s.ReadUint8(&status) && s.ReadUint16(&length) && s.ReadUint16(&spid) &&
		kind == 4 && status == 1 && length >= 8 && length < 32768 && len(b) <= int(length)
	return "TDS response", ok
}

// A TNS packet: length, checksum 0, type (4 refuse, 11 resend), 0.
func matchTNS(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var length, checksum uint16
	var kind uint8
	if !s.ReadUint16(&length) || !s.ReadUint16(&checksum) || !s.ReadUint8(&kind) || checksum != 0 || length < 8 || length > 4096 {
		return "", false
	}
	switch kind {
	case 4:
		return "TNS refuse", bytes.Contains(b, []byte("ERR="))
	case 11:
		return "TNS resend", length == 8
	}
	return "", false
}

// The native protocol: response version, flags, stream, opcode ERROR.
func matchCassandra(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var version, flags, opcode uint8
	var stream uint16
	ok := s.ReadUint8(&version) && s.ReadUint8(&flags) && s.ReadUint16(&stream) && s.ReadUint8(&opcode) &&
		version >= 0x83 && version <= 0x85 && flags&0xE0 == 0 && opcode == 0 && s.Skip(8)
	return fmt.Sprintf("protocol version %d", version&0x7F), ok
}

func matchSMB(b []byte) (string, bool) {
	s := cryptobyte.String(b)
	var kind uint8
	var length uint32
	if !s.ReadUint8(&kind) || !s.ReadUint24(&length) || kind != 0 {
		return "", false
	}
	return "SMB message", bytes.HasPrefix(s, []byte("\xffSMB")) || bytes.HasPrefix(s, []byte("\xfeSMB"))
}

// MQTT 3.1.1, Section 3.2: CONNACK.
func matchMQTT(b []byte) (string, bool) {
	return "CONNACK", len(b) >= 4 && bytes.HasPrefix(b, []byte{0x20, 2})
}

// RFC 1928, Section 3: the answer to a greeting.
func matchSOCKS(b []byte) (string, bool) {
	ok := len(b) == 2 && (bytes.Equal(b, []byte{5, 0}) || bytes.Equal(b, []byte{5, 0xFF}) || bytes.Equal(b, []byte{5, 2}))
	return "SOCKS5", ok
}

func firstLine(b []byte) string {
	b = bytes.TrimLeft(b, "\r\n\t ")
	line, _, _ := bytes.Cut(b, []byte("\n"))
	return strings.TrimRight(string(line), "\r\x00 ")
}

func hasPrefixFold(line, prefix string) bool {
	return len(line) >= len(prefix) && strings.EqualFold(line[:len(prefix)], prefix)
}

// isText reports UTF-8 without control characters but the usual ones.
func isText(b []byte) bool {
	if len(b) > 256 { // may cut a rune: judge its start only
		b = b[:256]
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n <= 1 && len(b) >= utf8.UTFMax:
			return false
		case r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7F:
			return false
		}
		b = b[n:]
	}
	return true
}

// printable replaces what a terminal could act on, and bounds the length.
func printable(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 || r == utf8.RuneError {
			return '.'
		}
		return r
	}, text)
	text = strings.TrimSpace(text)
	if len(text) > maxDetail {
		cut := maxDetail
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "..."
	}
	return text
}
