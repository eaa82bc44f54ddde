package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "protocol-violation", rank: rankNegotiation, match: func(v *view) *match {
	a := v.deep
	if a == nil || echoes(a) {
		return nil
	}
	m := &match{confidence: diag.Proven}
	var kinds []facts.ViolationKind
	for _, x := range a.Violations {
		if x.Kind == facts.ViolationSentinel || x.Kind == facts.ViolationVersion && v.refusesVersion(a) && !unheardOf(a.Version) || x.Kind.OfRetry() {
			continue // middlebox-downgrade, protocol-version, hello-retry-failure
		}
		kinds = append(kinds, x.Kind)
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
		return m.breach(v, a, kinds)
	case v.stuck && a.End.Kind == facts.EndAlert && a.End.By == tlswire.SideServer &&
		(a.End.Alert.Description == tlswire.AlertUnexpectedMessage || a.End.Alert.Description == tlswire.AlertDecodeError):
		m.summary = "the server cannot read any ClientHello"
		m.confidence = diag.Possible
		return m.seeRefusals(v)
	}
	return nil
}})

// breach says who breaks on these breaches of a rule. A client that bears all of
// them is only warned, as long as it got through.
func (m *match) breach(v *view, a *facts.Attempt, kinds []facts.ViolationKind) *match {
	breaks, known := false, true
	for i, k := range kinds {
		problem := "breach-" + string(k)
		b, measured := client.Breaks(v.c.Want.Client.Stack, problem)
		breaks, known = breaks || b, known && measured
		affects, passes := client.CertFamilies(problem)
		for _, name := range affects {
			if !slices.Contains(m.affects, name) {
				m.affects = append(m.affects, name)
			}
		}
		if i == 0 {
			m.unaffected = passes
		}
		m.unaffected = slices.DeleteFunc(m.unaffected, func(name string) bool { return !slices.Contains(passes, name) })
	}
	switch {
	case !completed(a) || breaks:
	case known:
		m.severity = diag.SeverityWarning
	default:
		m.confidence = diag.Likely
		m.not = append(m.not, "that "+v.client()+" overlooks it, as some clients do")
	}
	return m
}

// unheardOf is true of versions that no TLS has, drafts apart.
func unheardOf(version tlswire.Version) bool {
	return version != tlswire.SSL2 && (version < tlswire.SSL3 || version > tlswire.TLS13) && version>>8 != 0x7F
}

// firstClause is evidence without the rule in parentheses at its end.
func firstClause(s string) string {
	if i := strings.LastIndex(s, " ("); i > 0 {
		return s[:i]
	}
	return s
}
