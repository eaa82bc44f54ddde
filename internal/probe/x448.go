package probe

import (
	"crypto/rand"
	"fmt"
	"math/big"
	"slices"
)

// x448Size is the length of shares and secrets of X448 (RFC 7748, Section 5).
const x448Size = 56

// x448Prime is 2^448 - 2^224 - 1.
var x448Prime = func() *big.Int {
	p := new(big.Int).Lsh(big.NewInt(1), 448)
	p.Sub(p, new(big.Int).Lsh(big.NewInt(1), 224))
	return p.Sub(p, big.NewInt(1))
}()

// x448Pair is a key of X448. Its arithmetic is not constant-time, which is of
// no consequence for keys that protect nothing.
type x448Pair struct{ secret, share []byte }

func newX448() (keyPair, error) {
	secret := make([]byte, x448Size)
	if _, err := rand.Read(secret); err != nil {
		return nil, fmt.Errorf("generating a key of X448: %w", err)
	}
	base := make([]byte, x448Size)
	base[0] = 5
	return x448Pair{secret, x448(secret, base)}, nil
}

func (p x448Pair) public() []byte { return p.share }

func (p x448Pair) agree(peer []byte) ([]byte, error) {
	if len(peer) != x448Size {
		return nil, errShare
	}
	secret := x448(p.secret, peer)
	if !slices.ContainsFunc(secret, func(b byte) bool { return b != 0 }) {
		return nil, errShare
	}
	return secret, nil
}

// x448 is the scalar multiplication of RFC 7748, Section 5.
func x448(scalar, u []byte) []byte {
	k := slices.Clone(scalar)
	k[0] &= 252
	k[55] |= 128
	p := x448Prime
	littleEndian := func(b []byte) *big.Int {
		b = slices.Clone(b)
		slices.Reverse(b)
		return new(big.Int).SetBytes(b)
	}
	mul := func(a, b *big.Int) *big.Int { c := new(big.Int).Mul(a, b); return c.Mod(c, p) }
	add := func(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }
	sub := func(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }
	x1 := littleEndian(u)
	x1.Mod(x1, p)
	n := littleEndian(k)
	x2, z2, x3, z3 := big.NewInt(1), big.NewInt(0), x1, big.NewInt(1)
	a24 := big.NewInt(39081)
	swap := uint(0)
	for t := 447; t >= 0; t-- {
		bit := n.Bit(t)
		if swap != bit {
			x2, x3, z2, z3 = x3, x2, z3, z2
		}
		swap = bit
		a, b := add(x2, z2), sub(x2, z2)
		aa, bb := mul(a, a), mul(b, b)
		e := sub(aa, bb)
		da, cb := mul(sub(x3, z3), a), mul(add(x3, z3), b)
		sum, difference := add(da, cb), sub(da, cb)
		x3, z3 = mul(sum, sum), mul(x1, mul(difference, difference))
		x2, z2 = mul(aa, bb), mul(e, add(aa, mul(a24, e)))
	}
	if swap == 1 {
		x2, z2 = x3, z3
	}
	out := mul(x2, new(big.Int).Exp(z2, sub(p, big.NewInt(2)), p)).FillBytes(make([]byte, x448Size))
	slices.Reverse(out)
	return out
}
