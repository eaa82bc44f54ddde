package inventory

import (
	"bytes"
	"slices"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// learn keeps what an answer tells beside what was asked. The scan is locked.
func (r *Result) learn(a answer) {
	v := chosen(a)
	if a.Certificate != nil && len(a.Certificate.Entries) > 0 && a.Sent.ServerName() == r.name {
		r.certificate(a, v)
	}
	if kx := a.KeyExchange; kx != nil {
		if len(kx.P) > 0 {
			r.prime(kx.P)
		}
	}
	if a.Request != nil && r.Authorities == nil {
		r.Authorities = a.Request.CAs
	}
}

// certificate keeps a chain that was not seen before.
func (r *Result) certificate(a answer, v tlswire.Version) {
	ders := a.Certificate.DER()
	for i := range r.Certificates {
		c := &r.Certificates[i]
		if same(c.ders, ders) {
			if !slices.Contains(c.Versions, v) {
				c.Versions = append(c.Versions, v)
			}
			return
		}
	}
	const enough = 16
	if len(r.Certificates) == enough {
		return
	}
	c := Certificate{ders: ders, Versions: []tlswire.Version{v}, Staple: a.Staple, Size: a.Certificate.Size(max(v, tlswire.TLS10))}
	c.Chain = make([]*chain.Certificate, 0, len(ders))
	for _, der := range ders[:min(len(ders), 20)] {
		c.Chain = append(c.Chain, chain.Parse(der))
	}
	r.Certificates = append(r.Certificates, c)
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

// prime keeps a finite-field prime that was not seen before.
func (r *Result) prime(p []byte) {
	p = bytes.TrimLeft(p, "\x00")
	if slices.ContainsFunc(r.DH, func(d DH) bool { return bytes.Equal(d.Prime, p) }) || len(r.DH) == 16 || len(p) == 0 {
		return
	}
	bits := 8 * len(p)
	for top := p[0]; top&0x80 == 0; top <<= 1 {
		bits--
	}
	r.DH = append(r.DH, DH{Bits: bits, Prime: bytes.Clone(p), Named: probe.NamedPrime(p)})
}
