package causes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "alpn-no-overlap", rank: rankNegotiation, wants: func(v *view) []facts.Experiment {
	if !v.withoutHTTP2() {
		return nil
	}
	return []facts.Experiment{{Address: v.addrs[0], Changes: facts.Changes{ALPN: "h2,http/1.1"}}}
}, match: func(v *view) *match {
	f := v.flipOf(facts.PropALPN)
	if f == nil {
		a := v.deep
		if m := v.foreignProtocol(); m != nil {
			return m
		}
		if m := v.noneSelected(); m != nil {
			return m
		}
		if m := v.onlyHTTP2(); m != nil {
			return m
		}
		if a == nil || a.End.Kind != facts.EndAlert || a.End.Alert.Description != tlswire.AlertNoApplicationProtocol {
			return nil
		}
		m := &match{confidence: diag.Strong, summary: "no application protocol (ALPN) in common"}
		return m.see(attempts(a), "%s; the client offers %s", endText(a), orNone(offered(a).ALPN()))
	}
	if k := f.from.End.Kind; k == facts.EndReset || k == facts.EndTimeout {
		return nil // hello-intolerance: a refusal has words
	}
	m := v.flipped(f, facts.PropALPN)
	m.judged("alpn-mismatch")
	if offer := offered(f.from).ALPN(); len(offer) > 0 {
		m.summary = fmt.Sprintf("no application protocol (ALPN) in common: the server has none of %s", join(offer))
	} else {
		m.summary = "the server wants an application protocol (ALPN), and the client offers none"
	}
	m.params = func(p *FixParams) { p.ALPN, p.ClientALPN = offered(f.from).ALPN(), offered(f.to).ALPN() }
	return m
}})

// noneSelected finds a server that selects no protocol for a client that needs
// one (RFC 9113, Section 3.3; gRPC clients insist on it).
func (v *view) noneSelected() *match {
	a := v.deep
	if a == nil || !v.c.Want.Client.RequiresALPN || a.ServerHello == nil || a.Version >= tlswire.TLS13 && a.Encrypted == nil || selectedALPN(a) != "" {
		return nil
	}
	m := &match{confidence: diag.Proven, stage: diag.StageApplication,
		summary: fmt.Sprintf("the server selects no application protocol (ALPN), and the client insists on one of %s", join(offered(a).ALPN()))}
	m.params = func(p *FixParams) { p.ALPN = offered(a).ALPN() }
	return m.see(attempts(a), "the client offers %s; the answer has no ALPN extension", join(offered(a).ALPN()))
}

// selectedALPN is the protocol that the server selected, "" when none.
func selectedALPN(a *facts.Attempt) string {
	switch {
	case a.Encrypted != nil:
		return a.Encrypted.ALPN()
	case a.ServerHello != nil:
		return a.ServerHello.ALPN()
	}
	return ""
}

func orNone(words []string) string {
	if len(words) == 0 {
		return "none"
	}
	return join(words)
}

// foreignProtocol finds a handshake that stands and a server that then speaks
// HTTP/2 to a client that did not agree to it.
func (v *view) foreignProtocol() *match {
	a := v.deep
	if a == nil || a.HTTP == nil || selectedALPN(a) == "h2" || a.Version >= tlswire.TLS13 && a.Encrypted == nil {
		return nil
	}
	if strings.Contains(string(a.HTTP.Body), "ALPN Protocol, expected") { // Node's http2
		m := &match{confidence: diag.Proven, stage: diag.StageApplication, summary: "the server speaks only HTTP/2, and the client did not agree to it (ALPN)"}
		m.params = func(p *FixParams) { p.ClientALPN = []string{"h2"} }
		return m.see(attempts(a)+", HTTP answer", "%s; the client offers %s", quoted(a.HTTP.Body), orNone(offered(a).ALPN()))
	}
	if a.HTTP.Status != 0 {
		return nil
	}
	if protocol, _ := tlswire.IdentifyPlaintext(a.HTTP.Raw); protocol != "http2" {
		return nil
	}
	m := &match{confidence: diag.Proven, stage: diag.StageApplication, summary: "the server speaks only HTTP/2, and the client did not agree to it (ALPN)"}
	m.params = func(p *FixParams) { p.ClientALPN = []string{"h2"} }
	return m.see(attempts(a)+", first bytes of the application", "a SETTINGS frame of HTTP/2; the client offers %s", orNone(offered(a).ALPN()))
}

// onlyHTTP2 finds a server that lets a client without HTTP/2 finish the
// handshake and hangs up on its request (nghttpd), and that selects h2 where it
// is offered.
func (v *view) onlyHTTP2() *match {
	if !v.withoutHTTP2() {
		return nil
	}
	for _, with := range v.at(facts.Changes{ALPN: "h2,http/1.1"}) {
		if selectedALPN(with) != "h2" {
			continue
		}
		alpn := offered(v.base).ALPN()
		m := &match{confidence: diag.Likely, stage: diag.StageApplication, summary: "the server speaks HTTP/2 where the client offers it (ALPN), and hangs up on this client, which does not",
			hides: []string{"backend-closed"}, not: []string{"a balancer or tunnel without a live backend (backend-closed)"}}
		m.params = func(p *FixParams) { p.ALPN, p.ClientALPN = alpn, []string{"h2"} }
		m.see(attempts(v.base), "the client offers %s, the server selects nothing, and after the request: %s", orNone(alpn), endText(v.base))
		return m.see(attempts(with), "where h2 is offered, too, the server selects it")
	}
	return nil
}

// withoutHTTP2 tells whether the server hung up on the request of a client that
// does not offer h2 and for which it selected nothing.
func (v *view) withoutHTTP2() bool {
	return v.hungUp() && (v.base.Version < tlswire.TLS13 || v.base.Encrypted != nil) && selectedALPN(v.base) == "" && !slices.Contains(offered(v.base).ALPN(), "h2")
}
