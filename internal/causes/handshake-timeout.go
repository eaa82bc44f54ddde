package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "handshake-timeout", rank: rankResidual, residual: true, match: func(v *view) *match {
	if v.deep != nil && v.deep.End.Kind == facts.EndPreamble && (v.deep.End.Preamble == "no greeting" || v.deep.End.Preamble == "silence") {
		m := &match{confidence: diag.Likely, stage: diag.StagePreamble, summary: fmt.Sprintf("TCP connects, then the server says nothing (%s was expected)", protocolName(v.c.Want.StartTLS)),
			not: []string{"a filter on the path that drops packets silently", "a port that expects another protocol"}}
		return m.see(v.everyTry(), "no words for %s", short(v.deep.End.After))
	}
	if v.deep == nil || v.deep.End.Kind != facts.EndTimeout || completed(v.deep) {
		return nil
	}
	m := &match{confidence: diag.Likely, summary: "TCP connects, then the handshake gets no answer" + behind(v.deep),
		not: []string{"an overloaded or hanging server process", "a filter on the path that drops packets silently", "a port that expects another protocol"}}
	v.sometimes(m)
	if sometimes := v.mixed || v.flaky || v.contradicted(); v.lossy() || sometimes && unheard(v.deep) {
		m.summary = "packets get lost on this path, and the handshake gets no answer in time" + behind(v.deep)
		if v.lossy() {
			m.see("TCP_INFO", "packets get lost on this path: the connections that were answered had to send some again")
		} else {
			m.see("TCP_INFO", "the ClientHello was sent again %d times and never acknowledged, while other connections were answered: packets get lost on this path", v.deep.TCP.Retransmits)
		}
		m.not = append([]string{"loss alone: try again, and see whether ping loses packets too"}, m.not...)
	}
	if v.plainBase() != "" {
		m.stage, m.summary = diag.StageApplication, "the server keeps silent and gives no answer to the plain request"
		return m.see(v.everyTry(), "%s after %s", endText(v.deep), short(v.deep.End.After))
	}
	return m.see(v.everyTry(), "silence for %s; %d bytes had come", short(v.deep.End.After), v.deep.BytesReceived)
}})
