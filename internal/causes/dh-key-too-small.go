package causes

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "dh-key-too-small", rank: rankNegotiation, match: func(v *view) *match {
	a, limit := v.deep, v.c.Want.Client.MinDHBits
	if a == nil || a.ServerHello == nil || a.KeyExchange == nil || len(a.KeyExchange.P) == 0 || limit == 0 {
		return nil
	}
	if a.ServerHello.CipherSuite.Info().Auth == tlswire.AuthAnon {
		return nil // no client takes the suite in the first place: cipher-mismatch
	}
	bits := new(big.Int).SetBytes(a.KeyExchange.P).BitLen()
	if bits >= limit {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: fmt.Sprintf("the server's Diffie-Hellman prime has %d bits, %s wants %d", bits, v.client(), limit)}
	m.params = func(p *FixParams) { p.DHBits = limit }
	without := v.at(v.withoutDHE())
	only := len(without) > 0 && !completed(without[0]) && without[0].ServerHello == nil
	m.sides(func(p *client.Profile) bool {
		if offersDHE(p) {
			return p.Client.MinDHBits > bits
		}
		return only
	}, func(p *client.Profile) bool {
		if offersDHE(p) {
			return p.Client.MinDHBits <= bits && takes(a)(p)
		}
		return len(without) > 0 && takes(without[0])(p)
	})
	if bits >= usualDHBits {
		m.affects = append([]string{"clients with the same demand"}, m.affects...)
	}
	if only {
		m.fixes = []FixRef{{"server", "dh-params"}}
		m.see(attempts(without[0]), "the server has nothing else: without DHE it ends with %s", endText(without[0]))
	}
	return m.see(attempts(a)+", ServerKeyExchange", "p has %d bits; suite %s", bits, a.ServerHello.CipherSuite)
}, wants: func(v *view) []facts.Experiment {
	if v.deep == nil || v.deep.KeyExchange == nil || len(v.deep.KeyExchange.P) == 0 || v.c.Want.Client.MinDHBits == 0 ||
		new(big.Int).SetBytes(v.deep.KeyExchange.P).BitLen() >= v.c.Want.Client.MinDHBits {
		return nil
	}
	return []facts.Experiment{{Address: v.addrs[0], Changes: v.withoutDHE()}}
}})

// usualDHBits is the smallest prime that OpenSSL's security level 2 and its like
// accept.
const usualDHBits = 2048

func offersDHE(p *client.Profile) bool {
	return slices.ContainsFunc(p.Offer().CipherSuites, func(s tlswire.CipherSuite) bool { return s.Info().Kex == tlswire.KexDHE })
}

// withoutDHE takes the DHE suites out of the deepest attempt's hello.
func (v *view) withoutDHE() facts.Changes {
	var names []string
	for _, s := range offered(v.deep).CipherSuites {
		if s.Info().Kex == tlswire.KexDHE {
			names = append(names, s.String())
		}
	}
	return v.deep.Of.Changes.With(facts.PropSuites, "-"+strings.Join(names, ","))
}

// DHSize is the size of prime to take: 2048 unless the client wants more.
func (p *FixParams) DHSize() int {
	for _, bits := range []int{2048, 3072, 4096, 6144, 8192} { // RFC 7919
		if p.DHBits <= bits {
			return bits
		}
	}
	return 8192
}
