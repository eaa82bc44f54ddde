package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "server-speaks-plaintext", rank: rankTransport,
	match: func(v *view) *match {
		if v.base == nil || v.plainBase() != "" {
			return nil
		}
		a := v.base
		if echoes(a) {
			m := &match{confidence: diag.Proven, summary: "the port sends back what it gets, as an echo service does: it speaks no TLS",
				fixes: []FixRef{{"client", "use-right-port"}, {"server", "enable-tls-on-port"}}}
			m.params = func(p *FixParams) { p.Port = v.dialled() }
			return m.see(attempts(a)+", first bytes", "the answer to the ClientHello is the same ClientHello, its random included")
		}
		if a.End.Kind != facts.EndNotTLS {
			if a = v.spokePlain(); a == nil {
				return nil
			}
		}
		protocol, detail := tlswire.IdentifyPlaintext(a.End.Data)
		if protocol == "tls" || protocol == "dtls" || sslv2Error(a) || a.ServerHello != nil {
			return nil
		}
		m := &match{confidence: diag.Proven, summary: "the server answers in something that is not TLS"}
		if len(a.Preamble) > 0 && v.c.Want.StartTLS != "" { // the dialogue was over, and both sides had agreed
			m.summary = fmt.Sprintf("after its go-ahead for %s the %s server goes on in clear, not in TLS", upgradeName(v.c.Want.StartTLS), protocolName(v.c.Want.StartTLS))
			m.not = []string{"something on the path that puts words of its own between the go-ahead and TLS"}
			m.fixes = []FixRef{{"server", "check-server-log"}, {"network", "compare-networks"}}
			m.params = func(p *FixParams) { p.Words = detail }
			return m.see(attempts(a)+", first bytes", "the answer to the ClientHello begins %s", quoted(a.End.Data))
		}
		if protocol != "" {
			m.summary = fmt.Sprintf("the server speaks %s on this port, not TLS", spoken(protocol))
		}
		if a == v.base {
			m.see(attempts(a)+", first bytes", "what the server says begins %s", quoted(a.End.Data))
		} else {
			m.see(attempts(v.base), "the ClientHello got no TLS answer: %s", endText(v.base))
			m.see(attempts(a)+", first bytes", "without TLS the server answers %s", quoted(a.End.Data))
		}
		m.params = func(p *FixParams) {
			p.Words, p.Port = detail, v.dialled()
			if s := strings.ToLower(protocol); s != "" {
				p.Protocol = s
			}
			if protocol != "smtp-or-ftp" && slices.Contains(upgrading, protocol) {
				p.StartTLS = protocol
			}
		}
		switch {
		case slices.Contains([]string{"http", "http2", "proxy", "", "text"}, protocol):
			m.fixes = []FixRef{{"client", "use-right-port"}, {"server", "enable-tls-on-port"}}
		case slices.Contains(upgrading, protocol):
			m.fixes = []FixRef{{"client", "use-starttls"}, {"client", "use-right-port"}}
		default:
			m.fixes = []FixRef{{"client", "use-right-port"}}
		}
		return m
	}})

// echoes tells whether the peer sent our own hello back.
func echoes(a *facts.Attempt) bool {
	return slices.ContainsFunc(a.Violations, func(x facts.Violation) bool { return x.Kind == facts.ViolationEcho })
}

// upgrading are protocols that begin in clear and go over to TLS.
var upgrading = []string{"smtp", "imap", "pop3", "ftp", "ldap", "xmpp", "nntp", "postgres", "mysql", "smtp-or-ftp", "lmtp", "sieve", "irc"}

// mute tells whether no byte of TLS ever came from this address, although TCP
// connects: the peer may wait for plaintext.
func (v *view) mute() bool {
	if v.base == nil || v.plainBase() != "" || v.c.Want.StartTLS != "" || v.base.End.Stage != diag.StageClientHello {
		return false
	}
	switch v.base.End.Kind {
	case facts.EndTimeout, facts.EndClosed, facts.EndReset:
	default:
		return false
	}
	for _, a := range v.tries {
		if a.Of.Kind == facts.Handshake && a.BytesReceived > 0 && a.End.Kind != facts.EndNotTLS {
			return false
		}
	}
	return true
}

// spokePlain is the plaintext experiment that got an answer, or nil.
func (v *view) spokePlain() *facts.Attempt {
	if !v.mute() {
		return nil
	}
	a := v.plain(facts.PlainHTTP)
	if own := v.plain(facts.PlainOwn); own != nil {
		a = own
	}
	if a == nil || len(a.End.Data) < 4 || !plainAnswer(a.HTTP) {
		return nil
	}
	switch protocol, _ := tlswire.IdentifyPlaintext(a.End.Data); protocol {
	case "", "tls", "dtls", "text":
		return nil
	}
	return a
}

// spoken writes a protocol's word as people do.
func spoken(protocol string) string {
	switch protocol {
	case "http":
		return "plain HTTP"
	case "smtp-or-ftp":
		return "SMTP or FTP in clear"
	case "http2":
		return "HTTP/2 in clear"
	case "text":
		return "plain text"
	case "postgres":
		return "PostgreSQL in clear"
	case "mysql":
		return "MySQL in clear"
	case "proxy":
		return "the PROXY protocol"
	}
	return strings.ToUpper(protocol) + " in clear"
}
