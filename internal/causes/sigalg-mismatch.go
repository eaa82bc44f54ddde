package causes

import (
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "sigalg-mismatch", rank: rankNegotiation, match: func(v *view) *match {
	f := v.flipOf(facts.PropSchemes)
	if f == nil {
		return v.browserWarning(facts.PropSchemes)
	}
	if f.has(facts.PropVersion) && offered(f.from).MaxVersion() < tlswire.TLS12 {
		return nil // before TLS 1.2 a client cannot name schemes: an effect of the version
	}
	m := v.flipped(f, facts.PropSchemes)
	m.summary = v.client() + " accepts no signature scheme that the server's key can make"
	if s := f.to.KeyProof.Scheme; s != 0 {
		m.see(attempts(f.to), "the server then signs with %s; %s offers %s", s, v.client(), list(offered(f.from).SignatureSchemes(), 6))
		m.affects = lacking(s.String(), client.LacksSchemes(s))
		m.params = func(p *FixParams) { p.Schemes = []string{s.String()} }
	}
	return m
}})
