package starttls

import (
	"context"
	"net"
	"strconv"
	"strings"
)

var _ = register(sieve{})

// sieve is ManageSieve, RFC 5804.
type sieve struct{}

// Name is "sieve".
func (sieve) Name() string { return "sieve" }

// Ports is 4190.
func (sieve) Ports() []int { return []int{4190} }

// Dialogue is greeting, which lists the capabilities, and STARTTLS.
func (p sieve) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p sieve) talk(d *dialogue) error {
	status, text, capabilities, err := p.response(d)
	if err != nil {
		return err
	}
	if status != "OK" {
		return refusal(d, Unavailable, status, text)
	}
	if err := d.offered(capabilities, "STARTTLS"); err != nil {
		return err
	}
	if err := d.send("STARTTLS", "STARTTLS"); err != nil {
		return err
	}
	status, text, _, err = p.response(d)
	if err != nil || status == "OK" {
		return err
	}
	failure := refusal(d, Refused, status, text)
	failure.Capabilities = capabilities
	return failure
}

// response reads lines that begin with a string, up to OK, NO or BYE. The
// strings come back without their quotation marks.
func (p sieve) response(d *dialogue) (status, text string, capabilities []string, err error) {
	for range maxLines {
		line, err := p.line(d)
		if err != nil {
			return "", "", nil, err
		}
		if strings.HasPrefix(line, `"`) {
			capabilities = append(capabilities, strings.ReplaceAll(line, `"`, ""))
			continue
		}
		status, text, _ = strings.Cut(line, " ")
		switch status = strings.ToUpper(status); status {
		case "OK", "NO", "BYE":
			return status, strings.ReplaceAll(text, `"`, ""), capabilities, nil
		}
		return "", "", nil, d.unreadable(d.unreadableKind(), []byte(line))
	}
	return "", "", nil, d.fail(Garbled)
}

// line reads one line with the literals in it, such as "NO {5}" and five bytes
// that follow the line end (RFC 5804, Section 4). They become quoted strings.
func (p sieve) line(d *dialogue) (string, error) {
	line, err := d.line()
	for range maxLines {
		if err != nil {
			return "", err
		}
		open := strings.LastIndexByte(line, '{')
		if open < 0 || !strings.HasSuffix(line, "}") {
			return line, nil
		}
		size, e := strconv.ParseUint(strings.TrimSuffix(line[open+1:len(line)-1], "+"), 10, 16)
		if e != nil {
			return line, nil
		}
		if int(size)+len(line) > maxLine {
			return "", d.unreadable(d.unreadableKind(), []byte(line))
		}
		literal, e := d.read(nil, int(size))
		if e != nil {
			return "", e
		}
		words := strings.Join(strings.Fields(string(literal)), " ")
		d.heard("%s", words)
		var rest string
		rest, err = d.line()
		line = line[:open] + `"` + words + `"` + rest
	}
	return "", d.fail(Garbled)
}
