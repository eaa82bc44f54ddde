package starttls

import (
	"context"
	"net"
	"slices"
	"strings"
	"time"
)

var _ = register(irc{})

// irc is RFC 2812 with the STARTTLS of UnrealIRCd and InspIRCd, which IRCv3
// describes: https://ircv3.net/specs/deprecated/tls
type irc struct{}

// Name is "irc".
func (irc) Name() string { return "irc" }

// Ports are the usual one and its neighbour.
func (irc) Ports() []int { return []int{6667, 6666} }

// Dialogue is CAP LS and STARTTLS in one. The client begins. Servers that know
// neither may say nothing at all: ngIRCd passes over commands that it does not
// know until the client has registered, and only its capabilities tell.
func (p irc) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p irc) talk(d *dialogue) error {
	if err := d.open("STARTTLS", "CAP LS 302", []byte("CAP LS 302\r\n")); err != nil {
		return err
	}
	if err := d.send("STARTTLS", "STARTTLS"); err != nil {
		return err
	}
	var capabilities []string
	listed := false // the answer to CAP is there
	left := false   // and QUIT was said
	if deadline, ok := d.ctx.Deadline(); ok {
		_ = d.conn.SetReadDeadline(deadline.Add(-time.Until(deadline) / 3)) // a connection without deadlines waits to the end
	}
	for n := range maxLines {
		line, err := d.line()
		if failure, ok := err.(*Error); ok && !listed && !left && d.received == 0 && (failure.Problem == Silent || failure.Problem == NoGreeting) {
			// InspIRCd without its modules passes over both commands. Every server
			// answers QUIT.
			deadline, _ := d.ctx.Deadline()
			_ = d.conn.SetReadDeadline(deadline)
			left = true
			if err := d.write("STARTTLS", "QUIT", []byte("QUIT :no TLS\r\n")); err != nil {
				return err
			}
			continue
		}
		if failure, ok := err.(*Error); ok && failure.Problem == Silent && listed && !hasWord(capabilities, "tls") {
			failure.Problem, failure.Capabilities, failure.Err = NotOffered, capabilities, nil
		}
		if err != nil {
			return err
		}
		command, params := p.message(line)
		if command == "" {
			problem := Garbled
			if n == 0 {
				problem = WrongProtocol
			}
			return d.unreadable(problem, []byte(line))
		}
		words := ""
		if len(params) > 0 {
			words = params[len(params)-1]
		}
		switch command {
		case "670": // RPL_STARTTLS
			return nil
		case "691": // ERR_STARTTLS
			failure := refusal(d, Refused, command, words)
			failure.Capabilities = capabilities
			return failure
		case "421", "451", "461": // unknown command, not registered, not enough parameters
			// The first one may be about CAP, whose answer comes first.
			if !listed && !slices.Contains(params, "STARTTLS") {
				listed = true
				continue
			}
			failure := refusal(d, NotOffered, command, words)
			failure.Capabilities = capabilities
			return failure
		case "ERROR", "463", "465", "466": // closing link, not privileged, banned
			if left {
				return refusal(d, NotOffered, "", words)
			}
			return refusal(d, Unavailable, command, words)
		case "CAP":
			listed = true
			capabilities = append(capabilities, strings.Fields(words)...)
		case "PING":
			if err := d.send("STARTTLS", "PONG :"+words); err != nil {
				return err
			}
		}
	}
	return d.fail(Garbled)
}

// message splits ":source COMMAND a b :c d" (RFC 2812, Section 2.3.1). The
// command is "" for a line that is no message.
func (irc) message(line string) (command string, params []string) {
	if strings.HasPrefix(line, "@") { // message tags
		_, line, _ = strings.Cut(line, " ")
	}
	sourced := strings.HasPrefix(line, ":")
	if sourced {
		_, line, _ = strings.Cut(line, " ")
	}
	line, trailing, long := strings.Cut(line, " :")
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return "", nil
	}
	command = fields[0]
	switch command {
	case "NOTICE", "CAP", "PING", "ERROR", "PRIVMSG", "AUTHENTICATE", "MODE", "FAIL", "WARN", "NOTE":
	default:
		// Numeric replies name their source, those of SMTP and FTP do not.
		if !sourced || len(command) != 3 || !digits(command) {
			return "", nil
		}
	}
	if params = fields[1:]; long {
		params = append(params, trailing)
	}
	return command, params
}
