package causes

import (
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "proxy-protocol", rank: rankTransport, match: func(v *view) *match {
	f := v.flipOf(facts.PropProxy)
	if f == nil {
		return nil
	}
	m := v.flipped(f, facts.PropProxy)
	m.stage = f.from.End.Stage
	m.summary = "the port wants a PROXY protocol header before the ClientHello, as a load balancer sends it"
	if f.from.End.Stage == diag.StagePreamble {
		m.summary = "the port wants a PROXY protocol header first, as a load balancer sends it; without it there is no greeting"
	}
	m.affects = []string{"every client that does not come through the load balancer"}
	return m
}})

// proxied puts a header of the PROXY protocol before a hello.
func proxied(from facts.Changes) facts.Changes { return from.With(facts.PropProxy, "v1") }

// wordless tells whether a plaintext dialogue ended, or never began, without a
// word of the server.
func wordless(a *facts.Attempt) bool {
	if a.End.Kind != facts.EndPreamble || a.BytesReceived > 0 {
		return false
	}
	switch a.End.Preamble {
	case "connection closed", "connection reset", "no greeting", "silence":
		return true
	}
	return false
}
