package starttls

import (
	"bytes"
	"context"
	"net"
	"strings"

	"golang.org/x/crypto/cryptobyte"
)

var (
	_ = register(postgres{"postgres"})
	_ = register(postgres{"postgresql"})
)

// postgres is the frontend/backend protocol of PostgreSQL with its SSLRequest:
// https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-SSL
type postgres struct{ name string }

// Name is "postgres" or "postgresql".
func (p postgres) Name() string { return p.name }

// Ports are the usual one and that of PgBouncer.
func (postgres) Ports() []int { return []int{5432, 6432} }

// sslRequest is a length of 8 and the code 80877103.
var sslRequest = []byte{0, 0, 0, 8, 4, 210, 22, 47}

// Dialogue is SSLRequest, to which the server answers one letter. The client
// begins.
func (p postgres) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p postgres) talk(d *dialogue) error {
	if err := d.open("SSLRequest", "SSLRequest", sslRequest); err != nil {
		return err
	}
	answer, err := d.read(nil, 1)
	if err != nil {
		return err
	}
	switch answer[0] {
	case 'S':
		d.heard("S")
		return nil
	case 'N':
		d.heard("N")
		return refusal(d, Refused, "N", "")
	case 'E':
		return p.failure(d)
	}
	return d.foreign(answer)
}

// failure reads an ErrorResponse. A server that cannot begin a process, and one
// older than 7.4, sends a text that ends with a zero byte; the others send a
// length and fields.
func (p postgres) failure(d *dialogue) error {
	head, err := d.read(nil, 1)
	if err != nil {
		return err
	}
	var code, text string
	if head[0] == 0 {
		code, text, err = p.fields(d, head)
	} else {
		text, err = p.text(d, head)
	}
	if err != nil {
		return err
	}
	d.heard("E %s", strings.TrimSpace(code+" "+text))
	problem := Refused
	// Classes of SQLSTATE: insufficient resources, operator intervention.
	if code == "" || strings.HasPrefix(code, "53") || strings.HasPrefix(code, "57") {
		problem = Unavailable
	}
	return refusal(d, problem, code, text)
}

// text reads up to a zero byte.
func (postgres) text(d *dialogue, got []byte) (string, error) {
	var err error
	for len(got) <= maxLine {
		if got, err = d.read(got, 1); err != nil {
			return "", err
		}
		if got[len(got)-1] == 0 {
			return strings.Join(strings.Fields(string(got[:len(got)-1])), " "), nil
		}
		if b := got[len(got)-1]; b < ' ' && b != '\n' && b != '\r' && b != '\t' {
			break
		}
		if len(got) < maxLine && bytes.HasSuffix(got, []byte("\r\n")) {
			return "", d.unreadable(WrongProtocol, append([]byte("E"), got[:len(got)-2]...)) // "EHLO" or "ERROR" of another protocol
		}
	}
	return "", d.unreadable(WrongProtocol, append([]byte("E"), got...))
}

// fields reads the fields of a message: a letter and a text each.
func (postgres) fields(d *dialogue, head []byte) (code, text string, err error) {
	if head, err = d.read(head, 3); err != nil {
		return "", "", err
	}
	var size uint32
	length := cryptobyte.String(head)
	if !length.ReadUint32(&size) || size < 4 || size > maxLine {
		return "", "", d.unreadable(WrongProtocol, append([]byte("E"), head...))
	}
	body, err := d.read(nil, int(size)-4)
	if err != nil {
		return "", "", err
	}
	for field := range bytes.SplitSeq(body, []byte{0}) {
		switch {
		case len(field) == 0:
		case field[0] == 'C':
			code = string(field[1:])
		case field[0] == 'M':
			text = string(field[1:])
		}
	}
	return code, text, nil
}
