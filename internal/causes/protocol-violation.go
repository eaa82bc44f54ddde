package causes

import (
	"fmt"

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
		m.see(fmt.Sprintf("%s, %s", x.Message, attempts(a)), "%s (%s)", x.Problem, x.Rule)
	}
	switch {
	case a.End.Kind == facts.EndMalformed:
		m.summary = "the server answers in TLS that cannot be read"
		m.see(attempts(a), "%s", a.End.Err)
		return m
	case len(a.Violations) > 0 && a.End.Kind == facts.EndLocal:
		m.summary = "the server breaks a rule of TLS: " + a.Violations[0].Problem
		return m
	case len(a.Violations) > 0:
		m.summary = "the server breaks a rule of TLS: " + a.Violations[0].Problem
		if completed(a) {
			m.severity = diag.SeverityWarning
		}
		return m
	case v.stuck && a.End.Kind == facts.EndAlert && a.End.By == tlswire.SideServer &&
		(a.End.Alert.Description == tlswire.AlertUnexpectedMessage || a.End.Alert.Description == tlswire.AlertDecodeError):
		m.summary = "the server cannot read any ClientHello"
		m.confidence = diag.Possible
		return m.see(v.everyTry(), "every hello, the widest included, ends with %s", endText(a))
	}
	return nil
}})
