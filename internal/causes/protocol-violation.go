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
		if strings.Contains(x.Problem, "downgrade sentinel") || v.refusesVersion(a) && strings.Contains(x.Problem, a.Version.String()) {
			continue // middlebox-downgrade, protocol-version
		}
		m.see(fmt.Sprintf("%s, %s", x.Message, attempts(a)), "%s (%s)", x.Problem, x.Rule)
	}
	switch {
	case a.End.Kind == facts.EndMalformed:
		m.summary = "the server answers in TLS that cannot be read"
		m.see(attempts(a), "%s", a.End.Err)
		return m
	case len(m.evidence) > 0:
		m.summary = "the server breaks a rule of TLS: " + m.evidence[0].Text
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
