package starttls

import (
	"context"
	"html"
	"net"
	"strings"
)

var (
	_ = register(xmpp{"xmpp", "jabber:client", 5222})
	_ = register(xmpp{"xmpp-server", "jabber:server", 5269})
)

// xmpp is RFC 6120 with STARTTLS of its Section 5, between a client and a server
// or between servers.
type xmpp struct {
	name      string
	namespace string
	port      int
}

// Name is "xmpp" or "xmpp-server".
func (p xmpp) Name() string { return p.name }

// Ports is 5222 for clients and 5269 for servers.
func (p xmpp) Ports() []int { return []int{p.port} }

// Dialogue is a stream header, to which the server answers with its own and its
// features, and <starttls/>. The client begins. name is the domain.
func (p xmpp) Dialogue(ctx context.Context, conn net.Conn, name string) ([]Line, error) {
	return converse(ctx, conn, p.Name(), func(d *dialogue) error { return p.talk(d, name) })
}

func (p xmpp) talk(d *dialogue, name string) error {
	header := "<?xml version='1.0'?><stream:stream to='" + html.EscapeString(name) + "' xmlns='" + p.namespace +
		"' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
	if err := d.open("stream", header, []byte(header)); err != nil {
		return err
	}
	x := &xmlReader{d: d}
	opening, err := x.tag()
	if err != nil {
		return err
	}
	if opening.local() != "stream" || opening.end || opening.empty {
		return x.bad()
	}
	x.flush()
	d.first = "" // it is XMPP that speaks
	features, err := x.element()
	if err != nil {
		return err
	}
	if features.name == "error" {
		return p.refused(d, Unavailable, features)
	}
	if features.name == "" {
		return d.fail(Closed) // </stream:stream>
	}
	var capabilities []string
	if features.name == "features" {
		for _, f := range features.children {
			capabilities = append(capabilities, f.words())
		}
	}
	if _, offered := features.child("starttls"); !offered {
		// A server before XMPP 1.0 knows no features either (RFC 6120, Section 4.7.5).
		failure := d.fail(NotOffered)
		failure.Capabilities = capabilities
		return failure
	}
	const command = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	if err := d.write("STARTTLS", command, []byte(command)); err != nil {
		return err
	}
	answer, err := x.element()
	if err != nil {
		return err
	}
	var failure *Error
	switch answer.name {
	case "proceed":
		return nil
	case "failure", "error":
		failure = p.refused(d, Refused, answer)
	case "":
		failure = d.fail(Closed)
	default:
		failure = d.fail(Garbled)
	}
	failure.Capabilities = capabilities
	return failure
}

// refused takes the condition and the text of a stream error (RFC 6120, Section
// 4.9), or a failure, which has none.
func (xmpp) refused(d *dialogue, p Problem, e element) *Error {
	failure := refusal(d, p, e.name, strings.TrimSpace(e.text))
	for _, c := range e.children {
		if c.name != "text" && failure.Code == e.name {
			failure.Code = c.name
		}
		if c.text != "" {
			failure.Text = c.text
		}
	}
	return failure
}
