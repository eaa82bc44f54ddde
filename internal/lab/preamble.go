package lab

import (
	"io"
	"strings"
)

// dialect is a protocol of lines. In its texts {offer} stands for what is
// announced in the place of TLS.
type dialect struct {
	greeting []string
	answers  map[string][]string // by the first word of a command
	ask      string              // the command that asks for TLS
	offer    string              // its name among the capabilities; "" = ask
	goAhead  string
	unknown  string
	bye      string // the command that ends it
	tagged   bool   // commands and their last lines begin with a tag
}

var dialects = map[string]dialect{
	"smtp": {greeting: []string{"220 mx.lab.test ESMTP ready"}, ask: "STARTTLS", goAhead: "220 2.0.0 ready to start TLS",
		unknown: "502 5.5.1 command not implemented", bye: "QUIT",
		answers: map[string][]string{"EHLO": {"250-mx.lab.test", "250-SIZE 10240000", "250-{offer}", "250 8BITMIME"},
			"HELO": {"250 mx.lab.test"}, "NOOP": {"250 mx.lab.test"}, "QUIT": {"221 bye"}}},
	"lmtp": {greeting: []string{"220 mx.lab.test LMTP ready"}, ask: "STARTTLS", goAhead: "220 2.0.0 ready to start TLS",
		unknown: "502 5.5.1 command not implemented", bye: "QUIT",
		answers: map[string][]string{"LHLO": {"250-mx.lab.test", "250-{offer}", "250 8BITMIME"}, "QUIT": {"221 bye"}}},
	"imap": {greeting: []string{"* OK lab IMAP ready"}, ask: "STARTTLS", goAhead: "OK begin TLS", unknown: "BAD not before TLS", bye: "LOGOUT", tagged: true,
		answers: map[string][]string{"CAPABILITY": {"* CAPABILITY IMAP4rev1 LOGINDISABLED {offer}", "OK done"}, "LOGOUT": {"* BYE bye", "OK done"}}},
	"pop3": {greeting: []string{"+OK lab POP3 ready"}, ask: "STLS", goAhead: "+OK begin TLS", unknown: "-ERR unknown command", bye: "QUIT",
		answers: map[string][]string{"CAPA": {"+OK", "TOP", "UIDL", "{offer}", "."}, "QUIT": {"+OK bye"}}},
	"sieve": {greeting: []string{`"IMPLEMENTATION" "lab"`, `"SIEVE" "fileinto"`, `"{offer}"`, `OK "ready"`}, ask: "STARTTLS", goAhead: `OK "begin TLS"`,
		unknown: `NO "unknown command"`, bye: "LOGOUT", answers: map[string][]string{"LOGOUT": {`OK "bye"`}}},
	"nntp": {greeting: []string{"200 news.lab.test NNTP ready, posting allowed"}, ask: "STARTTLS", goAhead: "382 continue with TLS", unknown: "500 unknown command", bye: "QUIT",
		answers: map[string][]string{"CAPABILITIES": {"101 capabilities", "VERSION 2", "READER", "{offer}", "."}, "QUIT": {"205 bye"}}},
	"ftp": {greeting: []string{"220 lab FTP ready"}, ask: "AUTH TLS", goAhead: "234 begin TLS", unknown: "500 unknown command", bye: "QUIT",
		answers: map[string][]string{"FEAT": {"211-Features:", " UTF8", " {offer}", "211 End"}, "QUIT": {"221 bye"}}},
	"irc": {ask: "STARTTLS", offer: "tls", goAhead: ":irc.lab.test 670 * :STARTTLS successful, proceed with TLS handshake", unknown: ":irc.lab.test 421 * STARTTLS :Unknown command", bye: "QUIT",
		answers: map[string][]string{"CAP": {":irc.lab.test CAP * LS :multi-prefix {offer}"}, "QUIT": {"ERROR :Closing link"}}},
}

// preamble talks in clear until the client has asked for TLS, and reports
// whether TLS follows.
func (e *engine) preamble(conn *serverConn) bool {
	f := &e.faults
	if f.GreetingDelay > 0 && !conn.pause(f.GreetingDelay) {
		return false
	}
	if f.Silent {
		conn.drain()
		return false
	}
	if talk, ok := binaries[f.StartTLS]; ok {
		return talk(e, conn)
	}
	d := dialects[f.StartTLS]
	say := func(lines ...string) bool {
		if len(lines) == 0 {
			return true
		}
		_, err := conn.Write([]byte(strings.ReplaceAll(strings.Join(lines, "\r\n"), "{offer}", e.offer(d)) + "\r\n"))
		return err == nil
	}
	if f.Greeting != "" {
		say(f.Greeting)
		conn.linger()
		return false
	}
	for range f.LongGreeting {
		if !say("220-" + strings.Repeat("no unsolicited mail ", 3)) {
			return false
		}
	}
	if !say(d.greeting...) {
		return false
	}
	for range 20 {
		line, err := readLine(conn)
		if err != nil {
			return false
		}
		tag, command := "", strings.ToUpper(line)
		if d.tagged {
			tag, command, _ = strings.Cut(line, " ")
			tag, command = tag+" ", strings.ToUpper(command)
		}
		if command == d.ask {
			return e.startTLS(conn, d, tag)
		}
		verb, _, _ := strings.Cut(command, " ")
		reply, known := d.answers[verb]
		if !known || verb == "EHLO" && f.HeloOnly {
			reply = []string{d.unknown}
		}
		reply = append([]string(nil), reply...)
		reply[len(reply)-1] = tag + reply[len(reply)-1]
		if !say(reply...) || verb == d.bye {
			conn.linger()
			return false
		}
	}
	return false
}

// offer is what stands in the place of TLS among the capabilities.
func (e *engine) offer(d dialect) string {
	switch {
	case e.faults.NotOffered:
		return "HELP"
	case e.faults.Rewritten:
		return "XXXXXXXA"
	case d.offer != "":
		return d.offer
	}
	return d.ask
}

// startTLS answers the command that asks for TLS.
func (e *engine) startTLS(conn *serverConn, d dialect, tag string) bool {
	f := &e.faults
	refusal := ""
	switch {
	case f.RefuseStartTLS != "":
		refusal = f.RefuseStartTLS
	case f.NotOffered || f.Rewritten:
		refusal = d.unknown
	}
	if refusal != "" {
		_, _ = conn.Write([]byte(tag + refusal + "\r\n")) // the client may be gone
		conn.linger()
		return false
	}
	return e.goAhead(conn, []byte(tag+d.goAhead+"\r\n"))
}

// goAhead gives the answer after which TLS begins, with the faults that lie
// between the two.
func (e *engine) goAhead(conn *serverConn, answer []byte) bool {
	f := &e.faults
	if f.CloseOnStartTLS {
		conn.linger()
		return false
	}
	if _, err := conn.Write(append(answer, f.Inject...)); err != nil {
		return false
	}
	switch {
	case f.CloseAfterGoAhead:
		conn.linger()
	case f.PlainAfterGoAhead != "":
		waitForBytes(conn)
		_, _ = conn.Write([]byte(f.PlainAfterGoAhead + "\r\n")) // the client may be gone
		conn.linger()
	default:
		return true
	}
	return false
}

// readLine reads one line without taking bytes that belong to TLS.
func readLine(r io.Reader) (string, error) {
	line, err := readUntil(r, '\n')
	return strings.TrimSuffix(line, "\r"), err
}

// readUntil reads up to a byte, which it takes and leaves out.
func readUntil(r io.Reader, end byte) (string, error) {
	var text []byte
	var b [1]byte
	for len(text) < 2048 {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", err
		}
		if b[0] == end {
			return string(text), nil
		}
		text = append(text, b[0])
	}
	return string(text), io.ErrShortBuffer
}
