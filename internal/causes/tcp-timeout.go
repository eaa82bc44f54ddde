package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "tcp-timeout", rank: rankTransport, match: func(v *view) *match {
	if v.base == nil {
		return nil
	}
	if m := v.proxyAway(facts.EndNoConnect, facts.EndUnreachable); m != nil {
		return m
	}
	if v.mixed && !v.byLoss() {
		return nil // inconsistent-endpoints says how often
	}
	switch v.base.End.Kind {
	case facts.EndNoConnect:
		m := &match{params: func(p *FixParams) { p.Port = v.dialled() }, confidence: diag.Strong, summary: fmt.Sprintf("no answer to the TCP connect on port %s", v.port()),
			not: []string{"the host is down", "a firewall drops the packets, here or there"}}
		return m.see(attempts(v.base), "%s did not answer within %s", v.list(), short(v.base.End.After))
	case facts.EndUnreachable:
		m := &match{params: func(p *FixParams) { p.Port = v.dialled() }, confidence: diag.Strong, summary: "the network says that the address cannot be reached"}
		return m.see(attempts(v.base), "%s: %s", v.list(), v.base.End.Err)
	}
	return nil
}})
