package starttls

import (
	"context"
	"net"
	"strings"
)

var _ = register(imap{})

// imap is RFC 9051 (and RFC 3501) with STARTTLS of its Section 6.2.1.
type imap struct{}

// Name is "imap".
func (imap) Name() string { return "imap" }

// Ports is 143.
func (imap) Ports() []int { return []int{143} }

// Dialogue is greeting, CAPABILITY, STARTTLS. Capabilities are asked for even
// where the greeting lists them: that list may be shortened.
func (p imap) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p imap) talk(d *dialogue) error {
	line, err := d.line()
	if err != nil {
		return err
	}
	status, text := untagged(line)
	switch status {
	case "OK", "PREAUTH":
	case "BYE":
		return p.refused(d, Unavailable, status, text)
	default:
		return d.unreadable(WrongProtocol, []byte(line))
	}
	capabilities, err := p.command(d, "a1", "CAPABILITY")
	if err != nil {
		return err
	}
	if status == "PREAUTH" {
		// RFC 9051, Section 7.1.4: STARTTLS is not possible any more.
		failure := p.refused(d, NotOffered, status, text)
		failure.Capabilities = capabilities
		return failure
	}
	if err := d.offered(capabilities, "STARTTLS"); err != nil {
		return err
	}
	_, err = p.command(d, "a2", "STARTTLS")
	if failure, ok := err.(*Error); ok {
		failure.Capabilities = capabilities
	}
	return err
}

func (imap) refused(d *dialogue, p Problem, code, text string) *Error {
	failure := d.fail(p)
	failure.Code, failure.Text = code, text
	return failure
}

// command sends a command, reads up to its tagged reply and returns the
// capabilities that came on the way.
func (p imap) command(d *dialogue, tag, command string) ([]string, error) {
	if err := d.send(command, tag+" "+command); err != nil {
		return nil, err
	}
	var capabilities []string
	for range maxLines {
		line, err := d.line()
		if err != nil {
			return nil, err
		}
		if status, text := untagged(line); status != "" {
			switch status {
			case "CAPABILITY":
				capabilities = append(capabilities, strings.Fields(text)...)
			case "BYE":
				return nil, p.refused(d, Refused, status, text)
			}
			continue
		}
		got, rest, _ := strings.Cut(line, " ")
		if got != tag {
			return nil, d.unreadable(Garbled, []byte(line))
		}
		status, text, _ := strings.Cut(rest, " ")
		status = strings.ToUpper(status)
		switch status {
		case "OK":
			return capabilities, nil
		case "NO", "BAD":
			return nil, p.refused(d, Refused, status, text)
		}
		return nil, d.unreadable(Garbled, []byte(line))
	}
	return nil, d.fail(Garbled)
}

// untagged splits "* OK words" and returns "" for every other line. Responses
// that begin with a number ("* 3 EXISTS") have the number as their status.
func untagged(line string) (status, text string) {
	rest, ok := strings.CutPrefix(line, "* ")
	if !ok {
		return "", ""
	}
	status, text, _ = strings.Cut(rest, " ")
	return strings.ToUpper(status), text
}
