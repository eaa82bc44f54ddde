package starttls

import (
	"strings"
	"testing"
)

const (
	xmppHead     = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='a>b' from=\"host.test\" version='1.0'>"
	xmppFeatures = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism><mechanism>EXTERNAL</mechanism></mechanisms></stream:features>"
	xmppProceed  = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
)

var (
	_ = whole("xmpp", xmppHead+xmppFeatures+xmppProceed)
	_ = whole("xmpp-server", xmppHead+xmppFeatures+xmppProceed)
)

func TestXMPP(t *testing.T) {
	t.Parallel()
	caps := []string{"starttls required", "mechanisms PLAIN EXTERNAL"}
	rows := []row{
		{name: "spaces and line ends", says: xmppHead + "\r\n <stream:features >\n<starttls />\n</stream:features>\n<proceed></proceed>" + tlsBytes},
		{name: "not offered", says: xmppHead + "<stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>", want: NotOffered, step: "stream", caps: []string{"mechanisms PLAIN"}},
		{name: "no features at all", says: xmppHead + "<stream:features/>", want: NotOffered, step: "stream"},
		{name: "failure", says: xmppHead + xmppFeatures + "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>", want: Refused, step: "STARTTLS", code: "failure", caps: caps},
		{name: "error later", says: xmppHead + xmppFeatures + "<stream:error><internal-server-error/></stream:error>", want: Refused, step: "STARTTLS", code: "internal-server-error", caps: caps},
		{name: "unknown host", says: xmppHead + "<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text>This server does not serve &lt;host.test&gt;</text></stream:error></stream:stream>", want: Unavailable, step: "stream", code: "host-unknown", text: "This server does not serve <host.test>"},
		{name: "stream ends", says: xmppHead + "</stream:stream>", want: Closed, step: "stream"},
		{name: "silence later", says: xmppHead, ends: silence, want: Silent, step: "stream"},
		{name: "closed later", says: xmppHead + xmppFeatures, want: Closed, step: "STARTTLS"},
		{name: "html", says: "<html><body>no</body></html>", want: WrongProtocol, step: "stream", data: "<html>"},
		{name: "http", says: "HTTP/1.1 400 Bad Request\r\n\r\n", want: WrongProtocol, step: "stream", data: "HTTP/1.1 400 Bad Request"},
		{name: "ssh without line end", says: "SSH-2.0-x", ends: silence, want: WrongProtocol, step: "stream", data: "SSH-2.0-x"},
		{name: "document type", says: "<!DOCTYPE x [<!ENTITY a 'b'>]>", want: WrongProtocol, step: "stream", data: "<!DOCTYPE x [<"},
		{name: "wrong end tag", says: xmppHead + "<stream:features></features>", want: Garbled, step: "stream", data: "<stream:features></features>"},
		{name: "deep", says: xmppHead + strings.Repeat("<a>", 20), want: Garbled, step: "stream", data: strings.Repeat("<a>", maxDepth+1)},
		{name: "endless", says: xmppHead + strings.Repeat("a", 2*maxXML), want: Garbled, step: "stream", data: strings.Repeat("a", maxData)},
		{name: "another answer", says: xmppHead + xmppFeatures + "<message/>", want: Garbled, step: "STARTTLS", caps: caps},
	}
	open := "<?xml version='1.0'?><stream:stream to='host.test' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>"
	ask := "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
	check(t, "xmpp", open+ask, rows)
	check(t, "xmpp-server", strings.Replace(open, "client", "server", 1)+ask, nil)
}
