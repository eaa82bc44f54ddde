package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "handshake-timeout", rank: rankResidual, residual: true, match: func(v *view) *match {
	if v.deep == nil || v.deep.End.Kind != facts.EndTimeout || v.deep.End.Stage == diag.StageApplication {
		return nil
	}
	m := &match{confidence: diag.Likely, summary: "TCP connects, then the handshake gets no answer" + behind(v.deep),
		not: []string{"an overloaded or hanging server process", "a filter on the path that drops packets silently", "a port that expects another protocol"}}
	v.sometimes(m)
	return m.see(v.everyTry(), "silence for %s; %d bytes had come", short(v.deep.End.After), v.deep.BytesReceived)
}})
