package causes

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "dh-key-too-small", rank: rankNegotiation, match: func(v *view) *match {
	a, limit := v.deep, v.c.Want.Client.MinDHBits
	if a == nil || a.KeyExchange == nil || len(a.KeyExchange.P) == 0 || limit == 0 {
		return nil
	}
	bits := new(big.Int).SetBytes(a.KeyExchange.P).BitLen()
	if bits >= limit {
		return nil
	}
	m := &match{confidence: diag.Proven, summary: fmt.Sprintf("the server's Diffie-Hellman prime has %d bits, %s wants %d", bits, v.client(), limit)}
	m.affects = append(breaks("dhe-1024"), "browsers offer no DHE at all: without ECDHE it is a cipher mismatch for them")
	without := v.at(v.withoutDHE())
	if len(without) > 0 && !completed(without[0]) && without[0].ServerHello == nil {
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
