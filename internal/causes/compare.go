package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// compare explains a refused hello by handshakes that worked with the same
// server: what the server chose there and this hello lacks. It is no
// experiment, since more than one thing may differ.
func (v *view) compare() *finding {
	a, h := v.base, offered(v.base)
	if a.Sent == nil {
		return nil
	}
	if a.End.Kind == facts.EndAlert && a.End.Alert.Description != tlswire.AlertHandshakeFailure && a.End.Alert.Description != tlswire.AlertInternalError &&
		a.End.Alert.Description != tlswire.AlertUnrecognizedName {
		return nil // its own words say more
	}
	for _, o := range v.c.Others {
		if o.ServerHello == nil || o.Address != a.Address {
			continue
		}
		id, what := lacks(h, o)
		if id == "" {
			continue
		}
		m := &match{confidence: diag.Likely, stage: diag.StageClientHello, summary: "the server refuses this hello; " + what}
		m.not = []string{"another difference between the two hellos"}
		m.see(attempts(a), "%s%s", endText(a), behind(a))
		m.see(packet(packetOf(o, tlswire.SideServer, "ServerHello")), "another connection to this server (from %s) gets %v, %v", host(o.Seen.Client), o.Version, o.ServerHello.CipherSuite)
		if suite := o.ServerHello.CipherSuite; id == "cipher-mismatch" {
			m.params = func(p *FixParams) {
				p.Suites, p.SuitesIANA = []string{suite.OpenSSLName()}, []string{suite.String()}
			}
		}
		return v.finding(id, m)
	}
	if a.End.Kind != facts.EndAlert || a.End.Alert.Description != tlswire.AlertHandshakeFailure {
		return nil
	}
	m := &match{confidence: diag.Possible, stage: diag.StageClientHello, summary: "the server finds nothing in the ClientHello that it takes: cipher suites, most likely",
		not: []string{"no common group (no-common-group) or signature scheme (sigalg-mismatch)", "a name that the server does not serve (sni-unrecognized)", "a server without a certificate for this client's suites"}}
	m.see(attempts(a), "%s%s", endText(a), behind(a))
	where := packet(packetOf(a, tlswire.SideClient, "ClientHello")) + ", ClientHello"
	m.see(where, "%s, SNI %s; suites %s", v.offers(a), orElse(h.ServerName(), "none"), list(usable(h.CipherSuites), 8))
	m.see(where, "groups %s; signature schemes %s", list(h.Groups(), 5), list(h.SignatureSchemes(), 5))
	return v.finding("cipher-mismatch", m)
}

// usable leaves GREASE and signalling values out.
func usable(suites []tlswire.CipherSuite) []tlswire.CipherSuite {
	return slices.DeleteFunc(slices.Clone(suites), func(s tlswire.CipherSuite) bool {
		return s.IsGREASE() || strings.HasSuffix(s.String(), "_SCSV")
	})
}

// lacks names the first thing that a handshake used and a hello does not offer.
func lacks(h *tlswire.ClientHello, o *facts.Attempt) (id, what string) {
	oh := offered(o)
	switch suite, group := o.ServerHello.CipherSuite, agreedGroup(o); {
	case o.Version > h.MaxVersion():
		return "protocol-version", fmt.Sprintf("another client got through with %s, this one offers at most %s", o.Version, h.MaxVersion())
	case h.MinVersion() > o.Version:
		return "protocol-version", fmt.Sprintf("another client got through with %s, this one wants at least %s", o.Version, h.MinVersion())
	case !slices.Contains(h.CipherSuites, suite):
		return "cipher-mismatch", fmt.Sprintf("another client got through with %s, which this one does not offer", suite)
	case group != 0 && h.Groups() != nil && !slices.Contains(h.Groups(), group):
		return "no-common-group", fmt.Sprintf("another client got through with %s, which this one does not offer", group)
	case oh.ServerName() != "" && h.ServerName() == "":
		return "sni-missing", fmt.Sprintf("another client that asked for %s got through, this one sends no SNI", oh.ServerName())
	case !strings.EqualFold(oh.ServerName(), h.ServerName()) && h.ServerName() != "":
		return "sni-unrecognized", fmt.Sprintf("another client that asked for %s got through, this one asks for %s", orElse(oh.ServerName(), "no name"), h.ServerName())
	}
	return "", ""
}

func host(address string) string {
	if i := strings.LastIndexByte(address, ':'); i > 0 {
		return strings.Trim(address[:i], "[]")
	}
	return address
}

// heardPlain takes a dialogue in clear that did not lead to TLS, where no rule
// could.
func (v *view) heardPlain() *finding {
	a := v.base
	m := &match{confidence: diag.Proven, stage: a.End.Stage}
	switch a.End.Preamble {
	case "speaks TLS":
		m.summary = "this port speaks TLS, and the client sends plain text"
		m.see(attempts(a), "%s", a.End.Err)
		for i, l := range a.Preamble {
			if l.From == tlswire.SideClient && i < 3 {
				m.see("first bytes", "the client says %s", quoted([]byte(l.Text)))
				break
			}
		}
		return v.finding("client-speaks-plaintext", m)
	}
	if a.End.Stage == diag.StageProxy {
		return v.finding("proxy-refused", v.tunnelRefused(a))
	}
	return nil
}
