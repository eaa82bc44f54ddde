package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "eof-during-handshake", rank: rankResidual, residual: true, match: func(v *view) *match {
	if v.deep != nil && v.deep.End.Kind == facts.EndPreamble && v.deep.End.Preamble == "connection closed" {
		m := &match{confidence: diag.Likely, stage: diag.StagePreamble, summary: fmt.Sprintf("the server closes the connection in the plaintext %s dialogue", protocolName(v.c.Want.StartTLS))}
		return m.see(v.everyTry(), "closed after %s, %s", short(v.deep.End.After), count(len(v.deep.Preamble), "line"))
	}
	if v.deep == nil || completed(v.deep) || v.disliked() || v.deep.End.Kind != facts.EndClosed && !closeNotify(v.deep) && !cutShort(v.deep) {
		return nil
	}
	m := &match{confidence: diag.Likely, summary: "the server closes the connection in the middle of the handshake" + v.whatever(),
		not: []string{"a load balancer without a live backend behind it", "a PROXY protocol header that the server waits for", "a port that speaks another protocol, or wants STARTTLS first", "a filter before the server"}}
	if hesitates(v.deep) {
		m.fixes = []FixRef{{"server", "revive-backend"}, {"server", "check-server-log"}, {"network", "compare-networks"}}
	}
	v.sometimes(m)
	if v.plainBase() != "" {
		m.stage, m.summary = diag.StageApplication, "the server closes the connection and gives no answer to the plain request"
		return m.see(v.everyTry(), "%s after %s", endText(v.deep), short(v.deep.End.After))
	}
	return m.see(v.everyTry(), "%s, %s after the ClientHello left, %d bytes had come", endText(v.deep), short(v.deep.End.After), v.deep.BytesReceived)
}})

// cutShort tells whether the peer ended in the middle of its first TLS record.
func cutShort(a *facts.Attempt) bool {
	protocol, _ := tlswire.IdentifyPlaintext(a.End.Data)
	return a.End.Kind == facts.EndNotTLS && protocol == "tls"
}

func closeNotify(a *facts.Attempt) bool {
	return a.End.Kind == facts.EndAlert && !sslv2Error(a) && a.End.Alert.Description == tlswire.AlertCloseNotify && a.End.Stage != diag.StageApplication
}
