package probe

import (
	"crypto/rand"
	"math/big"
	"sync"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// ffdheBits are the groups of RFC 7919.
var ffdheBits = map[tlswire.Group]int{
	tlswire.GroupFFDHE2048: 2048, tlswire.GroupFFDHE3072: 3072, tlswire.GroupFFDHE4096: 4096,
	tlswire.GroupFFDHE6144: 6144, tlswire.GroupFFDHE8192: 8192,
}

// ffdheOffset is X in p = 2^b - 2^(b-64) + (floor(2^(b-130) e) + X) 2^64 - 1
// (RFC 7919, Appendix A).
var ffdheOffset = map[int]int64{2048: 560316, 3072: 2625351, 4096: 5736041, 6144: 15705020, 8192: 10965728}

// ffdhePrimes holds the primes, each computed at its first use: the formula is
// shorter than the constants.
var ffdhePrimes = map[int]func() *big.Int{
	2048: sync.OnceValue(func() *big.Int { return computePrime(2048) }),
	3072: sync.OnceValue(func() *big.Int { return computePrime(3072) }),
	4096: sync.OnceValue(func() *big.Int { return computePrime(4096) }),
	6144: sync.OnceValue(func() *big.Int { return computePrime(6144) }),
	8192: sync.OnceValue(func() *big.Int { return computePrime(8192) }),
}

func computePrime(bits int) *big.Int {
	// e = sum of 1/k!, in fixed point with 64 bits to spare.
	const spare = 64
	term := new(big.Int).Lsh(big.NewInt(1), uint(bits-130+spare))
	sum := new(big.Int)
	for k := int64(1); term.Sign() > 0; k++ {
		sum.Add(sum, term)
		term.Quo(term, big.NewInt(k))
	}
	sum.Rsh(sum, spare)
	sum.Add(sum, big.NewInt(ffdheOffset[bits]))
	p := new(big.Int).Lsh(big.NewInt(1), uint(bits))
	p.Sub(p, new(big.Int).Lsh(big.NewInt(1), uint(bits-64)))
	p.Add(p, sum.Lsh(sum, 64))
	return p.Sub(p, big.NewInt(1))
}

// dhExponentBits is the length of our secret exponents: twice the strength of
// the largest group (RFC 7919, Section 5.2).
const dhExponentBits = 512

// dhPair is a key of a finite-field group.
type dhPair struct{ p, g, x, y *big.Int }

// newFFDHE makes a key pair of an RFC 7919 group, whose generator is 2.
func newFFDHE(p *big.Int) dhPair { return newDH(p, big.NewInt(2)) }

// newDH makes a key pair for the parameters of a server. p must be odd and
// greater than 4.
func newDH(p, g *big.Int) dhPair {
	secret := make([]byte, min(dhExponentBits, p.BitLen())/8+1)
	rand.Read(secret)
	x := new(big.Int).SetBytes(secret)
	x.Mod(x, new(big.Int).Sub(p, big.NewInt(3)))
	x.Add(x, big.NewInt(2))
	return dhPair{p: p, g: g, x: x, y: new(big.Int).Exp(g, x, p)}
}

func (d dhPair) size() int { return (d.p.BitLen() + 7) / 8 }

// public is padded to the length of the prime, as TLS 1.3 asks (RFC 8446,
// Section 4.2.8.1).
func (d dhPair) public() []byte { return d.y.FillBytes(make([]byte, d.size())) }

func (d dhPair) agree(peer []byte) ([]byte, error) {
	y := new(big.Int).SetBytes(peer)
	limit := new(big.Int).Sub(d.p, big.NewInt(1))
	if y.Cmp(big.NewInt(1)) <= 0 || y.Cmp(limit) >= 0 {
		return nil, errShare
	}
	return new(big.Int).Exp(y, d.x, d.p).FillBytes(make([]byte, d.size())), nil
}

// NamedPrime is the group of RFC 7919 whose prime this is, 0 for another's.
func NamedPrime(prime []byte) tlswire.Group {
	for group, bits := range ffdheBits {
		if 8*len(prime) == bits && new(big.Int).SetBytes(prime).Cmp(ffdhePrimes[bits]()) == 0 {
			return group
		}
	}
	return 0
}
