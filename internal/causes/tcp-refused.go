package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "tcp-refused", rank: rankTransport, match: func(v *view) *match {
	if v.base == nil || v.base.End.Kind != facts.EndRefused {
		return nil
	}
	if m := v.proxyAway(facts.EndRefused); m != nil {
		return m
	}
	if v.mixed {
		return nil // something listens, at other times
	}
	m := &match{params: func(p *FixParams) { p.Port = v.dialled() }, confidence: diag.Proven, summary: fmt.Sprintf("nothing listens on port %s", v.port()),
		not: []string{"a firewall that refuses in the server's place (it may answer with a reset as well)"}}
	return m.see(attempts(v.base), "the TCP connect to %s was refused after %s", v.list(), short(v.base.End.After))
}})
