package starttls

import (
	"context"
	"net"
)

var _ = register(nntp{})

// nntp is RFC 3977 with STARTTLS of RFC 4642.
type nntp struct{}

// Name is "nntp".
func (nntp) Name() string { return "nntp" }

// Ports is 119.
func (nntp) Ports() []int { return []int{119} }

// Dialogue is greeting, CAPABILITIES, STARTTLS. A server that does not know
// CAPABILITIES is asked for STARTTLS all the same.
func (p nntp) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p nntp) talk(d *dialogue) error {
	code, text, err := p.reply(d)
	if err != nil {
		return err
	}
	switch code {
	case "200", "201": // posting allowed, posting prohibited
	case "400", "502": // RFC 3977, Section 5.1.1
		return refusal(d, Unavailable, code, text)
	default:
		return d.unreadable(WrongProtocol, []byte(code+" "+text))
	}
	if err := d.send("CAPABILITIES", "CAPABILITIES"); err != nil {
		return err
	}
	if code, text, err = p.reply(d); err != nil {
		return err
	}
	var capabilities []string
	switch code {
	case "101":
		if capabilities, err = d.block(); err != nil {
			return err
		}
		if err := d.offered(capabilities, "STARTTLS"); err != nil {
			return err
		}
	case "400": // the server ends the connection
		return refusal(d, Refused, code, text)
	}
	if err := d.send("STARTTLS", "STARTTLS"); err != nil {
		return err
	}
	code, text, err = p.reply(d)
	if err != nil || code == "382" {
		return err
	}
	failure := refusal(d, Refused, code, text)
	failure.Capabilities = capabilities
	return failure
}

// reply reads the first line of a response.
func (nntp) reply(d *dialogue) (code, text string, err error) {
	line, err := d.line()
	if err != nil {
		return "", "", err
	}
	if len(line) < 3 || !digits(line[:3]) || (len(line) > 3 && line[3] != ' ') {
		return "", "", d.unreadable(d.unreadableKind(), []byte(line))
	}
	if len(line) > 4 {
		text = line[4:]
	}
	return line[:3], text, nil
}
