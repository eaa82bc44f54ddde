package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "ech-rejected", rank: rankVersion, match: func(v *view) *match {
	not := []string{"a filter on the path that blocks Encrypted ClientHello: the same run from another network tells"}
	if f := v.flipOf(facts.PropExtensions); f.ech() {
		m := v.flipped(f, facts.PropExtensions)
		m.summary = "the server or a box before it breaks on the extension encrypted_client_hello, which it should ignore"
		m.not = not
		return m.hits(f.to, sendsExtension(tlswire.ExtEncryptedClientHello))
	}
	if b := v.brokenBrowser(); b != nil && b.culprit == "ech" {
		m := &match{severity: diag.SeverityWarning, confidence: diag.Strong, not: not,
			summary: "the extension encrypted_client_hello in a browser's ClientHello breaks the server, which should ignore it"}
		m.hits(v.base, sendsExtension(tlswire.ExtEncryptedClientHello))
		m.see(attempts(b.a), "a hello like Chrome's ends with: %s", endText(b.a))
		m.see(attempts(b.cured), "the same hello without encrypted_client_hello works")
		return m.see(attempts(v.base), "%s completes the handshake", v.client())
	}
	a := v.deep
	if a == nil || a.End.Kind != facts.EndAlert || a.End.Alert.Description != tlswire.AlertECHRequired {
		return nil
	}
	m := &match{confidence: diag.Likely, not: not, summary: "the server insists on Encrypted ClientHello: ech_required (121)"}
	return m.see(v.everyTry(), "%s; the alert is meant for clients to send, a server that sends it answers for ECH", endText(a))
}})

// ech tells whether the flip takes encrypted_client_hello out.
func (f *flip) ech() bool {
	return f != nil && f.to.Of.Changes.Extensions == "-"+tlswire.ExtEncryptedClientHello.String()
}
