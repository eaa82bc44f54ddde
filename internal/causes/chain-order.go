package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "chain-order", rank: rankTrust, match: func(v *view) *match {
	if m := v.leafNotFirst(); m != nil {
		return m
	}
	if v.analysis == nil || !v.analysis.Valid || len(v.path().Elements) < 2 {
		return nil
	}
	m := &match{severity: diag.SeverityWarning, confidence: diag.Proven, summary: "the chain is out of order or carries certificates that do not belong to it", affects: []string{"old and embedded TLS 1.2 clients; today's clients sort it out"}}
	for _, n := range v.analysis.Notes {
		switch n.Kind {
		case chain.KindOutOfOrder, chain.KindForeign, chain.KindDuplicate:
			m.see(attempts(v.deep)+", Certificate", "%s", n.Detail)
		}
	}
	if len(m.evidence) == 0 {
		return nil
	}
	m.params = func(fp *FixParams) { fp.FullChainPEM = string(chain.FullChain(v.path())) }
	return m
}})

// leafNotFirst is a chain that begins with a CA and holds the server's own
// certificate further down: every client takes the first one for the server's.
func (v *view) leafNotFirst() *match {
	if v.analysis == nil {
		return nil
	}
	for _, n := range v.analysis.Notes {
		if n.Kind == chain.KindLeafNotFirst {
			m := &match{confidence: diag.Proven, summary: "the chain is upside down: the server's own certificate must come first", affects: []string{"every client"},
				hides: []string{"bad-eku-or-constraints", "hostname-mismatch", "unknown-ca", "incomplete-chain", "self-signed"}}
			return m.see(v.seen(), "%s", n.Detail).see(v.seen(), "certificate 1 is the CA %s", v.leaf().Title())
		}
	}
	return nil
}
