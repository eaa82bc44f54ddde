package causes

import (
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "no-common-group", rank: rankNegotiation, match: func(v *view) *match {
	f := v.flipOf(facts.PropGroups)
	if f == nil {
		if m := v.unfit13(facts.PropGroups); m != nil {
			return m
		}
		return v.browserWarning(facts.PropGroups)
	}
	m := v.flipped(f, facts.PropGroups)
	m.not = append(m.not, v.policyDoubt()...)
	m.summary = v.client() + " and the server share no named group (curve) for the key exchange"
	if curve := v.leafGroup(); curve != 0 && !slices.Contains(offered(f.from).Groups(), curve) {
		// RFC 8422, Section 5.1.1: in TLS 1.2 the list binds the certificate too.
		m.summary = fmt.Sprintf("%s does not list the curve of the server's certificate, %s", v.client(), curve)
		m.see(v.where(0), "the certificate has a key on %s; %s offers %s", curve, v.client(), list(offered(f.from).Groups(), 6))
		m.fixes = []FixRef{{"server", "ecdsa-or-rsa-certificate"}, {"client", "common-groups"}}
		m.params = func(p *FixParams) { p.Groups = []string{curve.String()} }
		return m
	}
	if g := agreedGroup(f.to); g != 0 {
		m.see(attempts(f.to), "the server then uses %s; %s offers %s", g, v.client(), list(offered(f.from).Groups(), 6))
		lacking(m, f.to, g, offered(f.from).Groups(), (*tlswire.ClientHello).Groups, groupKind(g))
		m.params = func(p *FixParams) { p.Groups = []string{g.String()} }
	}
	return m
}})

// leafGroup is the curve of the leaf's key as a named group where TLS 1.2
// demands that the client lists it; 0 elsewhere.
func (v *view) leafGroup() tlswire.Group {
	l := v.leaf()
	if l == nil || l.Key.Algorithm != chain.KeyECDSA || v.deep.Version >= tlswire.TLS13 {
		return 0
	}
	switch l.Key.Curve {
	case "P-256":
		return tlswire.GroupP256
	case "P-384":
		return tlswire.GroupP384
	case "P-521":
		return tlswire.GroupP521
	case "brainpoolP256r1":
		return 0x001A
	case "brainpoolP384r1":
		return 0x001B
	case "brainpoolP512r1":
		return 0x001C
	case "secp256k1":
		return 0x0016
	}
	return 0
}
