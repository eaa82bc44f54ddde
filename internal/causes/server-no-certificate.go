package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "server-no-certificate", rank: rankNegotiation, match: func(v *view) *match {
	if v.deep == nil || !v.stuck || v.deep.End.Kind != facts.EndAlert || v.deep.End.Alert.Description != tlswire.AlertHandshakeFailure {
		return nil
	}
	const unfit, unusual = "cipher suites or signature schemes that fit none of its certificates (those of ECDSA and an RSA key, or the reverse)", "it wants something that no common client offers: its log says what"
	m := &match{confidence: diag.Possible, summary: "the server refuses every hello: it has no usable certificate for this name, or it takes only pre-shared keys",
		not: []string{unfit, "only pre-shared keys (psk-only): without one that the server knows, TLS 1.3 looks the same", "a refusal of this client that no hello can change (an allow-list, a filter before the server)", unusual}}
	if v.deep.ServerHello != nil && v.deep.Version >= tlswire.TLS13 && len(v.deep.Chain) == 0 {
		m.confidence, m.summary = diag.Likely, "the server takes the hello, and then has no certificate to show: none for this name, or none of a kind that the client takes"
		m.not = []string{unfit, unusual}
	}
	return m.seeRefusals(v)
}})
