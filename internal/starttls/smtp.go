package starttls

import (
	"context"
	"net"
	"strings"
)

var _ = register(smtp{})

// smtp is RFC 5321 with STARTTLS of RFC 3207.
type smtp struct{}

// mail is the dialogue that SMTP and LMTP share.
type mail struct {
	hello string // the command that asks for capabilities
	plain string // what older servers know instead, or ""
}

// Name is "smtp".
func (smtp) Name() string { return "smtp" }

// Ports are submission, relay and the older alternative.
func (smtp) Ports() []int { return []int{587, 25, 2525} }

// smtpReply is one reply of one or more lines.
type smtpReply struct {
	code  string
	texts []string // without the code
}

func (r smtpReply) text() string { return strings.Join(r.texts, " ") }

// Dialogue is greeting, EHLO, STARTTLS.
func (s smtp) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, s.Name(), mail{hello: "EHLO", plain: "HELO"}.talk)
}

func (s mail) talk(d *dialogue) error {
	greeting, err := s.reply(d)
	if err != nil {
		return err
	}
	if greeting.code != "220" {
		return s.refused(d, Unavailable, greeting)
	}
	// The argument must be a name or an address literal (RFC 5321, Section
	// 4.1.1.1); a client behind an unknown address may say so.
	if err := d.send(s.hello, s.hello+" localhost"); err != nil {
		return err
	}
	ehlo, err := s.reply(d)
	if err != nil {
		return err
	}
	var capabilities []string
	switch {
	case ehlo.code == "250":
		capabilities = ehlo.texts[1:]
	case s.plain != "" && strings.HasPrefix(ehlo.code, "5"):
		// A server that knows only HELO has no extensions, so no STARTTLS
		// either (RFC 5321, Section 3.2). HELO shows that it is up.
		if err := d.send(s.plain, s.plain+" localhost"); err != nil {
			return err
		}
		helo, err := s.reply(d)
		if err != nil {
			return err
		}
		if helo.code != "250" {
			return s.refused(d, Refused, helo)
		}
	default:
		return s.refused(d, Refused, ehlo)
	}
	if err := d.offered(capabilities, "STARTTLS"); err != nil {
		return err
	}
	if err := d.send("STARTTLS", "STARTTLS"); err != nil {
		return err
	}
	ready, err := s.reply(d)
	if err != nil {
		return err
	}
	if ready.code != "220" {
		failure := s.refused(d, Refused, ready)
		failure.Capabilities = capabilities
		return failure
	}
	return nil
}

func (mail) refused(d *dialogue, p Problem, r smtpReply) *Error {
	failure := d.fail(p)
	failure.Code, failure.Text = r.code, r.text()
	return failure
}

// reply reads the lines of one reply (RFC 5321, Section 4.2.1).
func (s mail) reply(d *dialogue) (smtpReply, error) {
	var r smtpReply
	for range maxLines {
		line, err := d.line()
		if err != nil {
			return r, err
		}
		if len(line) < 3 || !digits(line[:3]) || (len(line) > 3 && line[3] != ' ' && line[3] != '-') ||
			(r.code != "" && line[:3] != r.code) {
			return r, d.unreadable(d.unreadableKind(), []byte(line))
		}
		r.code = line[:3]
		text := ""
		if len(line) > 4 {
			text = line[4:]
		}
		if !s.plausible(d, r, text) {
			return r, d.unreadable(WrongProtocol, []byte(line))
		}
		r.texts = append(r.texts, text)
		if len(line) == 3 || line[3] == ' ' {
			return r, nil
		}
	}
	return r, d.fail(Garbled)
}

// plausible is false for the greeting of FTP, which has the same form and the
// same code. It is a heuristic: an SMTP server that does not say SMTP and calls
// itself an FTP server would be misread.
func (mail) plausible(d *dialogue, r smtpReply, text string) bool {
	if d.step != "greeting" || r.code != "220" || len(r.texts) > 0 {
		return true
	}
	words := strings.Fields(strings.ToUpper(text))
	isFTP := false
	for _, w := range words {
		w = strings.Trim(w, "()[].,:")
		if strings.Contains(w, "SMTP") {
			return true
		}
		// A host name may contain the word.
		isFTP = isFTP || strings.Contains(w, "FTP") && !strings.Contains(w, ".")
	}
	return !isFTP
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// hasWord reports whether a capability's first word is word.
func hasWord(capabilities []string, word string) bool {
	for _, c := range capabilities {
		if fields := strings.Fields(c); len(fields) > 0 && strings.EqualFold(fields[0], word) {
			return true
		}
	}
	return false
}

// rewritten recognises what firewalls leave of STARTTLS when they overwrite it
// in place to keep the length: "XXXXXXXA" (Cisco PIX and ASA, "inspect esmtp"),
// or only letters X.
func rewritten(capabilities []string) bool {
	for _, c := range capabilities {
		c = strings.ToUpper(strings.TrimSpace(c))
		if len(c) == len("STARTTLS") && strings.HasPrefix(c, "XXXXXXX") {
			return true
		}
	}
	return false
}
