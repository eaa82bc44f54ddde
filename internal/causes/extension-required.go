package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "extension-required", rank: rankNegotiation, match: func(v *view) *match {
	if f := v.flipOf(facts.PropExtensions); f != nil && strings.HasPrefix(f.to.Of.Changes.Extensions, "+") {
		m := v.flipped(f, facts.PropExtensions)
		names := strings.Split(f.to.Of.Changes.Extensions[1:], ",")
		m.summary = fmt.Sprintf("the server insists on an extension that %s does not send: %s", v.client(), join(names))
		if len(names) > 1 {
			m.summary = fmt.Sprintf("the server insists on an extension that %s does not send, one of %s", v.client(), join(names))
			return m
		}
		if names[0] == tlswire.ExtExtendedMasterSecret.String() {
			m.see("RFC 7627, Section 5.2", "the extended master secret (RFC 7627) is demanded before TLS 1.3 by servers in FIPS mode")
		}
		if types, err := tlswire.ParseExtensionTypes(names[0]); err == nil {
			m.hits(f.to, func(p *client.Profile) bool { return lacksExtension(p, types[0]) })
		}
		return m
	}
	if m := v.browserWarning(facts.PropExtensions); m != nil {
		return m
	}
	a := v.deep
	if a == nil || !v.stuck || a.End.Kind != facts.EndAlert || a.End.Alert.Description != tlswire.AlertMissingExtension {
		return nil
	}
	m := &match{confidence: diag.Likely, summary: "the server insists on an extension that no hello of ours carries"}
	return m.seeRefusals(v)
}})

// lacksExtension tells whether a client that may meet such a server does not
// send the extension: TLS 1.3 has no use for the extended master secret.
func lacksExtension(p *client.Profile, t tlswire.ExtensionType) bool {
	return p.Client.MaxVersion < tlswire.TLS13 && !p.Offer().HasExtension(t)
}
