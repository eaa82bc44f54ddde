package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "connection-reset", rank: rankResidual, residual: true, match: func(v *view) *match {
	if v.deep != nil && v.deep.End.Kind == facts.EndPreamble && v.deep.End.Preamble == "connection reset" {
		m := &match{confidence: diag.Likely, stage: diag.StagePreamble, summary: fmt.Sprintf("the connection is reset in the plaintext %s dialogue", protocolName(v.c.Want.StartTLS))}
		return m.see(v.everyTry(), "reset after %s, %s", short(v.deep.End.After), count(len(v.deep.Preamble), "line"))
	}
	if v.deep == nil || completed(v.deep) || v.disliked() || v.deep.End.Kind != facts.EndReset {
		return nil
	}
	m := &match{confidence: diag.Likely, summary: "the connection is reset" + behind(v.deep) + v.whatever(),
		not: []string{"a firewall or another box on the path that resets: one run from another network tells", "a PROXY protocol header that the server waits for"}}
	v.sometimes(m)
	if v.plainBase() != "" {
		m.stage, m.summary = diag.StageApplication, "the server resets the connection and gives no answer to the plain request"
		return m.see(v.everyTry(), "%s after %s", endText(v.deep), short(v.deep.End.After))
	}
	return m.see(v.everyTry(), "%s, %s after the ClientHello left", endText(v.deep), short(v.deep.End.After))
}})

// sometimes changes the words of a residual cause where the same hello works at
// other times.
func (v *view) sometimes(m *match) {
	if !v.flaky {
		return
	}
	failed, all := 0, v.at(v.base.Of.Changes)
	for _, a := range all {
		if !further(v.base, a) {
			failed++
		}
	}
	m.summary = fmt.Sprintf("now and then %s: %d of %d connections with the same hello failed", endText(v.base), failed, len(all))
	m.not = append(m.not, "one of several servers behind this address is broken", "a limit on connections")
}
