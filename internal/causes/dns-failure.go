package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "dns-failure", rank: rankTransport, match: func(v *view) *match {
	if m := v.proxyAway(facts.EndLocal); m != nil {
		return m
	}
	l := &v.c.Lookup
	if len(v.addrs) > 0 || l.Err == "" {
		return nil
	}
	name := v.c.Want.Name
	if l.Name != "" {
		name = l.Name // --connect may name another host
	}
	m := &match{confidence: diag.Proven, fixes: []FixRef{{"network", "fix-dns"}}, params: func(p *FixParams) { p.Host = name }}
	switch {
	case l.WrongFamily:
		m.summary = fmt.Sprintf("the name %s has no address of the family that was asked for", name)
	case l.NotFound:
		m.summary = fmt.Sprintf("the name %s does not resolve to an address", name)
	case l.Timeout:
		m.summary, m.confidence = fmt.Sprintf("the DNS resolver does not answer for %s", name), diag.Strong
	default:
		m.summary, m.confidence = fmt.Sprintf("the name %s cannot be resolved", name), diag.Strong
	}
	return m.see("resolver", "%s", l.Err)
}})
