package causes

import (
	"fmt"

	"github.com/tlswhy/tlswhy/diag"
)

var _ = register(rule{id: "dns-failure", rank: rankTransport, match: func(v *view) *match {
	l := &v.c.Lookup
	if len(v.addrs) > 0 || l.Err == "" {
		return nil
	}
	m := &match{confidence: diag.Proven, fixes: []FixRef{{"network", "fix-dns"}}}
	switch {
	case l.WrongFamily:
		m.summary = fmt.Sprintf("the name %s has no address of the family that was asked for", v.c.Want.Name)
	case l.NotFound:
		m.summary = fmt.Sprintf("the name %s does not resolve to an address", v.c.Want.Name)
	case l.Timeout:
		m.summary, m.confidence = fmt.Sprintf("the DNS resolver does not answer for %s", v.c.Want.Name), diag.Strong
	default:
		m.summary, m.confidence = fmt.Sprintf("the name %s cannot be resolved", v.c.Want.Name), diag.Strong
	}
	return m.see("resolver", "%s", l.Err)
}})
