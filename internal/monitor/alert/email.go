package alert

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// email sends plain text over SMTP. The Message-ID is the message's key, so
// that a repeated delivery is recognised as one.
type email struct {
	host, from string
	to         []string
	options    []mail.Option
}

func newEmail(o Options) (*email, error) {
	host, port, err := net.SplitHostPort(o.Server)
	if err != nil {
		return nil, errors.New("server must be HOST:PORT, such as mail.example.com:587")
	}
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 {
		return nil, fmt.Errorf("server: %q is no port", port)
	}
	if len(o.To) == 0 {
		return nil, errors.New("to is missing: whom to write to")
	}
	for _, a := range append([]string{o.From}, o.To...) {
		if _, err := netmail.ParseAddress(a); err != nil {
			return nil, fmt.Errorf("%q is no mail address", a)
		}
	}
	config := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12}
	if o.CAFile != "" {
		if config.RootCAs, err = anchors(o.CAFile); err != nil {
			return nil, err
		}
	}
	e := &email{host: host, from: o.From, to: o.To, options: []mail.Option{mail.WithTLSConfig(config)}}
	switch o.TLS {
	case "", "starttls":
		e.options = append(e.options, mail.WithTLSPolicy(mail.TLSMandatory))
	case "tls":
		e.options = append(e.options, mail.WithSSL())
	case "none":
		e.options = append(e.options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		return nil, fmt.Errorf("tls: %q is none of starttls, tls, none", o.TLS)
	}
	if o.Username != "" {
		e.options = append(e.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(o.Username), mail.WithPassword(string(o.Password)))
	}
	d := &net.Dialer{Timeout: 10 * time.Second, Control: o.Control}
	e.options = append(e.options, mail.WithDialContextFunc(dialling(d.DialContext, o.TLS == "tls", config)))
	e.options = append(e.options, mail.WithPort(n)) // after what sets a default
	return e, nil
}

// dialling dials by dial; where TLS begins with the first byte, it makes that too,
// which the mail library leaves to whoever dials.
func dialling(dial func(ctx context.Context, network, address string) (net.Conn, error), secure bool, config *tls.Config) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil || !secure {
			return c, err
		}
		s := tls.Client(c, config)
		if err := s.HandshakeContext(ctx); err != nil {
			return nil, errors.Join(err, c.Close())
		}
		return s, nil
	}
}

// maxSubject keeps a subject within what clients show.
const maxSubject = 200

// Notify implements monitor.Channel.
func (e *email) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(e.from), msg.To(e.to...)); err != nil {
		return false, err
	}
	msg.Subject(cut(strings.Join(strings.Fields(Subject(&m)), " "), maxSubject))
	msg.SetDateWithValue(m.At)
	msg.SetMessageIDWithValue(m.Key + "@tlswhy")
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation answers
	msg.SetBodyString(mail.TypeTextPlain, Text(&m))
	options := e.options
	if limit, ok := ctx.Deadline(); ok {
		options = append(options[:len(options):len(options)], mail.WithTimeout(max(time.Until(limit), time.Second)))
	}
	c, err := mail.NewClient(e.host, options...)
	if err != nil {
		return false, err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return true, fmt.Errorf("reaching the mail server: %w", err)
	}
	if err := c.Send(msg); err != nil {
		return classify(err)
	}
	// The server has accepted it; how it says goodbye does not matter.
	_ = c.Close()
	return false, nil
}

// classify sorts an error of SMTP: 4yz is worth another try, 5yz is final, and
// when the answer to the end of the data is lost nobody knows.
func classify(err error) (bool, error) {
	var s *mail.SendError
	if !errors.As(err, &s) {
		return true, err
	}
	if code := s.ErrorCode(); code >= 500 && code < 600 {
		return false, err
	}
	lost := s.Reason == mail.ErrSMTPDataClose && s.ErrorCode() == 0
	return true, &monitor.DeliveryError{Err: err, Ambiguous: lost}
}
