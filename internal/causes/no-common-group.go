package causes

import (
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
)

var _ = register(rule{id: "no-common-group", rank: rankNegotiation, match: func(v *view) *match {
	f := v.flipOf(facts.PropGroups)
	if f == nil {
		return v.browserWarning(facts.PropGroups)
	}
	m := v.flipped(f, facts.PropGroups)
	m.summary = v.client() + " and the server share no named group (curve) for the key exchange"
	if g := agreedGroup(f.to); g != 0 {
		m.see(attempts(f.to), "the server then uses %s; %s offers %s", g, v.client(), list(offered(f.from).Groups(), 6))
		m.affects = families(client.LacksGroups(g))
		m.params = func(p *FixParams) { p.Groups = []string{g.String()} }
	}
	return m
}})
