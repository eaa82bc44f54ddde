package lab

import (
	"io"
	"strings"
)

// preamble talks SMTP or IMAP until the client has asked for TLS, and reports
// whether TLS follows.
func (e *engine) preamble(conn *serverConn) bool {
	f := &e.faults
	if f.GreetingDelay > 0 && !conn.pause(f.GreetingDelay) {
		return false
	}
	say := func(lines ...string) bool {
		_, err := conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n"))
		return err == nil
	}
	greeting := map[string]string{"smtp": "220 mx.lab.test ESMTP ready", "imap": "* OK lab IMAP ready"}[f.StartTLS]
	if f.Greeting != "" {
		greeting = f.Greeting
	}
	if !say(greeting) || strings.HasPrefix(greeting, "4") || strings.HasPrefix(greeting, "5") || strings.HasPrefix(greeting, "* BYE") {
		conn.linger()
		return false
	}
	for range 20 {
		line, err := readLine(conn)
		if err != nil {
			return false
		}
		tag, command := "", strings.ToUpper(line)
		if f.StartTLS == "imap" {
			tag, command, _ = strings.Cut(line, " ")
			command = strings.ToUpper(command)
		}
		if command == "STARTTLS" {
			return e.startTLS(conn, tag, say)
		}
		if !say(e.plainReply(tag, command)...) || command == "QUIT" || command == "LOGOUT" {
			conn.linger()
			return false
		}
	}
	return false
}

// startTLS answers the command that asks for TLS.
func (e *engine) startTLS(conn *serverConn, tag string, say func(...string) bool) bool {
	f := &e.faults
	switch {
	case f.CloseOnStartTLS:
		conn.linger()
		return false
	case f.RefuseStartTLS != "":
		reply := f.RefuseStartTLS
		if tag != "" {
			reply = tag + " " + reply
		}
		_ = say(reply) // the client may be gone
		conn.linger()
		return false
	case f.NotOffered || f.Rewritten:
		if tag != "" {
			say(tag + " BAD unknown command")
		} else {
			say("502 5.5.1 command not implemented")
		}
		conn.linger()
		return false
	case tag != "":
		return say(tag + " OK begin TLS")
	}
	return say("220 2.0.0 ready to start TLS")
}

// plainReply answers every other command.
func (e *engine) plainReply(tag, command string) []string {
	f := &e.faults
	offer := "STARTTLS"
	switch {
	case f.NotOffered:
		offer = "HELP"
	case f.Rewritten:
		offer = "XXXXXXXA"
	}
	verb, _, _ := strings.Cut(command, " ")
	switch {
	case f.StartTLS == "imap" && verb == "CAPABILITY":
		return []string{"* CAPABILITY IMAP4rev1 LOGINDISABLED " + offer, tag + " OK done"}
	case f.StartTLS == "imap" && verb == "LOGOUT":
		return []string{"* BYE bye", tag + " OK done"}
	case f.StartTLS == "imap":
		return []string{tag + " BAD not before TLS"}
	case verb == "EHLO" && !f.HeloOnly:
		return []string{"250-mx.lab.test", "250-SIZE 10240000", "250-" + offer, "250 8BITMIME"}
	case verb == "HELO", verb == "NOOP":
		return []string{"250 mx.lab.test"}
	case verb == "QUIT":
		return []string{"221 bye"}
	}
	return []string{"502 5.5.1 command not implemented"}
}

// readLine reads one line without taking bytes that belong to TLS.
func readLine(r io.Reader) (string, error) {
	var line []byte
	var b [1]byte
	for len(line) < 2048 {
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return "", err
		}
		if b[0] == '\n' {
			return strings.TrimSuffix(string(line), "\r"), nil
		}
		line = append(line, b[0])
	}
	return string(line), io.ErrShortBuffer
}
