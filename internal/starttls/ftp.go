package starttls

import (
	"context"
	"net"
	"strings"
)

var _ = register(ftp{})

// ftp is RFC 959 with AUTH TLS of RFC 4217.
type ftp struct{}

// Name is "ftp".
func (ftp) Name() string { return "ftp" }

// Ports is 21.
func (ftp) Ports() []int { return []int{21} }

// ftpReply is one reply; texts are its lines without the code.
type ftpReply struct {
	code  string
	texts []string
}

func (r ftpReply) text() string { return strings.TrimSpace(strings.Join(r.texts, " ")) }

// Dialogue is greeting, AUTH TLS. Only after a refusal it asks for the list of
// features (RFC 2389), which tells a server without TLS from one whose TLS
// does not work.
func (p ftp) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), p.talk)
}

func (p ftp) talk(d *dialogue) error {
	greeting, err := p.reply(d)
	if err == nil && greeting.code == "120" { // ready in some minutes: RFC 959, Section 5.4
		greeting, err = p.reply(d)
	}
	if err != nil {
		return err
	}
	if greeting.code != "220" {
		return refusal(d, Unavailable, greeting.code, greeting.text())
	}
	if isSMTP(greeting.texts[0]) {
		return d.unreadable(WrongProtocol, []byte(greeting.code+" "+greeting.texts[0]))
	}
	if err := d.send("AUTH TLS", "AUTH TLS"); err != nil {
		return err
	}
	answer, err := p.reply(d)
	if err != nil {
		return err
	}
	// RFC 4217, Section 4.1, says 234. Old servers said 334, and clients take it.
	if answer.code == "234" || answer.code == "334" {
		return nil
	}
	failure := refusal(d, Refused, answer.code, answer.text())
	if features, known := p.features(d, answer.code); known {
		failure.Capabilities = features
		if !hasWord(features, "AUTH") {
			failure.Problem = NotOffered
		}
	}
	return failure
}

// features asks a server that goes on talking for what it can do.
func (p ftp) features(d *dialogue, refusal string) ([]string, bool) {
	if refusal == "421" || d.send("FEAT", "FEAT") != nil {
		return nil, false
	}
	answer, err := p.reply(d)
	if err != nil || answer.code != "211" || len(answer.texts) < 3 {
		return nil, false
	}
	var features []string
	for _, f := range answer.texts[1 : len(answer.texts)-1] {
		features = append(features, strings.TrimSpace(f))
	}
	return features, true
}

// reply reads one reply. Between its first line, "220-", and its last, "220 ",
// lines may hold anything (RFC 959, Section 4.2).
func (p ftp) reply(d *dialogue) (ftpReply, error) {
	var r ftpReply
	for range maxLines {
		line, err := d.line()
		if err != nil {
			return r, err
		}
		coded := len(line) >= 3 && digits(line[:3]) && (len(line) == 3 || line[3] == ' ' || line[3] == '-')
		if r.code == "" {
			if !coded {
				return r, d.unreadable(d.unreadableKind(), []byte(line))
			}
			r.code = line[:3]
		}
		if !coded || line[:3] != r.code {
			r.texts = append(r.texts, line)
			continue
		}
		r.texts = append(r.texts, line[min(4, len(line)):])
		if len(line) == 3 || line[3] == ' ' {
			return r, nil
		}
	}
	return r, d.fail(Garbled)
}

// isSMTP recognises the greeting of a mail server, which has the same form and
// the same code. It is a heuristic: an FTP server that says SMTP and not FTP is
// misread.
func isSMTP(text string) bool {
	text = strings.ToUpper(text)
	return strings.Contains(text, "SMTP") && !strings.Contains(text, "FTP ") && !strings.Contains(text, "FTPD")
}
