package starttls

import (
	"context"
	"net"
	"strings"
)

var _ = register(pop3{})

// pop3 is RFC 1939 with CAPA of RFC 2449 and STLS of RFC 2595.
type pop3 struct{}

// Name is "pop3".
func (pop3) Name() string { return "pop3" }

// Ports is 110.
func (pop3) Ports() []int { return []int{110} }

// Dialogue is greeting, CAPA, STLS. A server that does not know CAPA is asked
// for STLS all the same.
func (p pop3) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p pop3) talk(d *dialogue) error {
	status, text, err := p.reply(d)
	if err != nil {
		return err
	}
	if status != "+OK" {
		return refusal(d, Unavailable, status, text)
	}
	if err := d.send("CAPA", "CAPA"); err != nil {
		return err
	}
	if status, _, err = p.reply(d); err != nil {
		return err
	}
	var capabilities []string
	if status == "+OK" {
		if capabilities, err = d.block(); err != nil {
			return err
		}
		if err := d.offered(capabilities, "STLS"); err != nil {
			return err
		}
	}
	if err := d.send("STLS", "STLS"); err != nil {
		return err
	}
	status, text, err = p.reply(d)
	if err != nil || status == "+OK" {
		return err
	}
	failure := refusal(d, Refused, status, text)
	failure.Capabilities = capabilities
	return failure
}

// reply reads a status line: "+OK words" or "-ERR words".
func (pop3) reply(d *dialogue) (status, text string, err error) {
	line, err := d.line()
	if err != nil {
		return "", "", err
	}
	status, text, _ = strings.Cut(line, " ")
	status = strings.ToUpper(status)
	if status != "+OK" && status != "-ERR" {
		return "", "", d.unreadable(d.unreadableKind(), []byte(line))
	}
	return status, text, nil
}
