package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "psk-only", rank: rankNegotiation, match: func(v *view) *match {
	if f := v.flipOf(facts.PropSuites); f != nil && f.psk() {
		m := v.flipped(f, facts.PropSuites)
		m.summary = "the server takes only pre-shared keys, and your client has none"
		return m.see(attempts(f.to)+", ServerHello", "the server then chooses %s", f.to.ServerHello.CipherSuite)
	}
	if v.deep == nil || !v.stuck || v.deep.End.Kind != facts.EndAlert || v.deep.End.Alert.Description != tlswire.AlertUnknownPSKIdentity {
		return nil
	}
	m := &match{confidence: diag.Likely, summary: "the server takes only pre-shared keys"}
	return m.seeRefusals(v)
}})

// psk tells whether the flip ends at a suite of pre-shared keys.
func (f *flip) psk() bool {
	return f.to.ServerHello != nil && f.to.ServerHello.CipherSuite.Info().PSK
}
