package causes

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "protocol-violation", rank: rankNegotiation, match: func(v *view) *match {
	a := v.deep
	if a == nil {
		return nil
	}
	m := &match{confidence: diag.Proven}
	for _, x := range a.Violations {
		if x.Kind == facts.ViolationSentinel || x.Kind == facts.ViolationVersion && v.refusesVersion(a) || x.Kind.OfRetry() {
			continue // middlebox-downgrade, protocol-version, hello-retry-failure
		}
		m.see(fmt.Sprintf("%s, %s", x.Message, attempts(a)), "%s %s (%s)", x.Message, x.Problem, x.Rule)
	}
	switch {
	case a.End.Kind == facts.EndNotTLS && a.ServerHello != nil:
		m.summary = "bytes that are no TLS come in the middle of the handshake"
		m.not = []string{"a machine or a box on the path that changes bytes"}
		m.confidence = diag.Strong
		return m.see(attempts(a)+behind(a), "they begin %s", quoted(a.End.Data))
	case a.End.Kind == facts.EndMalformed:
		m.summary = "the server answers in TLS that cannot be read"
		if len(m.evidence) == 0 {
			m.see(attempts(a), "%s", a.End.Err)
		}
		return m
	case a.End.Kind == facts.EndLimit && a.End.Stage == diag.StageClientHello:
		m.summary = "the server sends without end and never answers the ClientHello"
		return m.see(attempts(a), "%d bytes were read, then we stopped", a.BytesReceived)
	case len(m.evidence) > 0:
		m.summary = "the server breaks a rule of TLS: " + firstClause(m.evidence[0].Text)
		m.affects = []string{"strict clients: OpenSSL, Go, browsers; a lenient one may go on"}
		return m
	case v.stuck && a.End.Kind == facts.EndAlert && a.End.By == tlswire.SideServer &&
		(a.End.Alert.Description == tlswire.AlertUnexpectedMessage || a.End.Alert.Description == tlswire.AlertDecodeError):
		m.summary = "the server cannot read any ClientHello"
		m.confidence = diag.Possible
		return m.see(v.everyTry(), "every hello, the widest included, ends with %s", endText(a))
	}
	return nil
}})

// firstClause is evidence without the rule in parentheses at its end.
func firstClause(s string) string {
	if i := strings.LastIndex(s, " ("); i > 0 {
		return s[:i]
	}
	return s
}
