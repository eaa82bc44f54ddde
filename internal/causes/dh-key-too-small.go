package causes

import (
	"fmt"
	"math/big"

	"github.com/tlswhy/tlswhy/diag"
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
	return m.see(attempts(a)+", ServerKeyExchange", "p has %d bits; suite %s", bits, a.ServerHello.CipherSuite)
}})
