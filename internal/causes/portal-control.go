package causes

import (
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// strangers asks the controls for their own name where the answer seems to come
// from somebody else than the target.
func (v *view) strangers() (ask []facts.Experiment) {
	if v.base == nil || !v.answersHTTP() && !v.strangeLeaf() {
		return nil
	}
	for _, c := range v.c.Controls {
		ask = append(ask, facts.Experiment{Address: c.Address, Changes: toward(c, v.base.Of.Changes)})
	}
	return ask
}

// strangeLeaf tells whether the certificate is for somebody else: a portal may
// have one of a public CA.
func (v *view) strangeLeaf() bool {
	return v.leaf() != nil && v.deep == v.base && v.problem(chain.KindNameMismatch) != nil
}

// everywhere finds the answer of a stranger at a control too: the same plain
// HTTP on the TLS port, or one certificate that is for neither of both names.
func (v *view) everywhere() *match {
	if v.base == nil {
		return nil
	}
	m := &match{confidence: diag.Strong, summary: "a portal or filter of this network answers in the place of every server",
		affects: []string{"every program on this network, until somebody signs in"}, not: []string{"a control that is the same server as the target"}}
	for _, c := range v.c.Controls {
		for _, a := range v.atControl(c, toward(c, v.base.Of.Changes)) {
			switch protocol, _ := tlswire.IdentifyPlaintext(a.End.Data); {
			case v.answersHTTP() && a.End.Kind == facts.EndNotTLS && protocol == "http":
				m.hides = []string{"server-speaks-plaintext"}
				m.stage = diag.StageClientHello
				m.see(attempts(v.base, a), "%s and %s, two unrelated servers, both answer the ClientHello in plain HTTP: %s", v.addrs[0], c.Name, quoted(a.End.Data[:min(len(a.End.Data), 60)]))
			case v.strangeLeaf() && len(a.Chain) > 0 && chain.MatchesSPKI(a.Chain[0], v.leaf().Key.Raw) && slices.Equal(a.Chain[0].DNSNames, v.leaf().DNSNames) && !chain.MatchName(a.Chain[0], c.Name).OK:
				m.hides = append([]string{"hostname-mismatch", "wrong-vhost-cert", "misdirected-request"}, ofAForeignCA...)
				m.see(attempts(v.base, a), "%s and %s, two unrelated servers, show the same certificate, and it is for neither: %s", v.addrs[0], c.Name, v.leaf().Title())
			default:
				continue
			}
			if _, r := v.plainPortal(); r != nil && r.host != "" {
				m.summary += fmt.Sprintf("; it sends you to %s", r.host)
			}
			return m
		}
	}
	return nil
}
