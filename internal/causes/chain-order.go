package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
)

var _ = register(rule{id: "chain-order", rank: rankTrust, match: func(v *view) *match {
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
