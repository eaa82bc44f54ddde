package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "starttls-missing", rank: rankTransport, match: func(v *view) *match {
	if v.base == nil || v.base.End.Kind != facts.EndPreamble {
		return nil
	}
	if d := v.direct(); d != nil && (d.ServerHello != nil || d.SSL2 != nil || len(d.Alerts) > 0) {
		return nil // client-speaks-plaintext
	}
	switch v.base.End.Preamble {
	case "no greeting", "silence", "connection closed", "connection reset":
		return nil // nothing was said about STARTTLS: the residual causes say how it ended
	}
	name := protocolName(v.c.Want.StartTLS)
	ask := upgradeName(v.c.Want.StartTLS)
	m := &match{confidence: diag.Proven}
	switch e := v.base.End; e.Preamble {
	case "STARTTLS not offered":
		m.summary = fmt.Sprintf("the %s server does not offer %s", name, ask)
		if ask != "TLS" {
			m.not = []string{"something on the path strips " + ask + " from the server's capabilities: compare them from another network"}
		}
	case "STARTTLS rewritten on the way":
		m.summary = "something on the path overwrites STARTTLS in the server's capabilities"
		m.confidence = diag.Strong
	case "refused":
		m.summary = fmt.Sprintf("the %s server refuses %s", name, ask)
	case "service not available":
		m.summary = fmt.Sprintf("the %s server turns the client away before %s", name, ask)
		m.fixes = []FixRef{{"server", "allow-client"}, {"client", "use-right-port"}}
	case "another protocol's greeting":
		m.summary = fmt.Sprintf("this is no %s server: its greeting is another protocol's", name)
		m.fixes = []FixRef{{"client", "use-right-port"}}
	default:
		m.summary = fmt.Sprintf("the plaintext %s dialogue does not get as far as %s", name, ask)
		m.confidence = diag.Strong
	}
	m.refusal(v.base.End.Refusal, name, ask)
	m.see(attempts(v.base), "%s", v.base.End.Err)
	for _, l := range v.base.Preamble {
		if l.From == tlswire.SideServer && len(m.evidence) < 8 {
			m.see(attempts(v.base)+", preamble", "server: %s", l.Text)
		}
	}
	m.params = func(p *FixParams) { p.Words = v.base.End.Err }
	return m
}})

// refusal says what a refusal with these words can mean: "not now" proves
// nothing of what the server can do.
func (m *match) refusal(r *facts.Refusal, name, ask string) {
	switch {
	case r == nil:
	case r.Temporary && r.Step == ask:
		m.confidence = diag.Strong
		m.summary = fmt.Sprintf("the %s server offers %s and refuses it for now (%s)", name, ask, strings.TrimSpace(r.Code+" "+clip(r.Text, 60)))
		m.not = []string{"a certificate or key that the server cannot read: its log says so", "an overloaded server, which would take it later"}
		m.fixes = []FixRef{{"server", "enable-starttls"}, {"server", "check-server-log"}, {"client", "use-right-port"}}
	case r.Temporary:
		m.confidence = diag.Likely
		m.summary = fmt.Sprintf("the %s server turns the client away for now, before %s (%s)", name, ask, strings.TrimSpace(r.Code+" "+clip(r.Text, 60)))
		m.not = []string{"a limit on connections from your address (rate-limited): wait, then try again", "a policy against your address (access-denied)"}
		m.fixes = []FixRef{{"server", "allow-client"}, {"client", "use-right-port"}}
	case r.Denied:
		m.confidence = diag.Strong
		m.summary = fmt.Sprintf("the %s server refuses this client before %s (%s)", name, ask, strings.TrimSpace(r.Code+" "+clip(r.Text, 60)))
		m.not = []string{"a policy against your address (access-denied): try from another network"}
		m.fixes = []FixRef{{"server", "allow-client"}, {"client", "use-right-port"}}
	}
}

// clip brings the words of a server onto one line of at most n characters.
func clip(text string, n int) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f }), " ")
	if r := []rune(text); len(r) > n {
		return strings.TrimSpace(string(r[:n-3])) + " ..."
	}
	return text
}

// protocolName is a STARTTLS protocol as its people write it.
func protocolName(starttls string) string {
	switch name := strings.ToLower(starttls); name {
	case "postgres", "postgresql":
		return "PostgreSQL"
	case "mysql":
		return "MySQL"
	case "mssql":
		return "Microsoft SQL"
	case "sieve":
		return "ManageSieve"
	case "xmpp-server":
		return "XMPP"
	}
	return strings.ToUpper(starttls)
}

// upgradeName is what a protocol calls the step to TLS; "TLS" where it has no
// command of its own.
func upgradeName(starttls string) string {
	switch strings.ToLower(starttls) {
	case "pop3":
		return "STLS"
	case "ftp":
		return "AUTH TLS"
	case "ldap":
		return "StartTLS"
	case "postgres", "postgresql", "mysql", "rdp", "mssql":
		return "TLS"
	}
	return "STARTTLS"
}

// OpenSSLStartTLS is the dialogue in the words of s_client, "" where it speaks
// it not.
func (p *FixParams) OpenSSLStartTLS() string {
	switch p.StartTLS {
	case "rdp", "mssql":
		return ""
	case "postgresql":
		return "postgres"
	}
	return p.StartTLS
}
