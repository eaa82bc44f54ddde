package inventory

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// seen counts what answers showed in passing.
type seen struct {
	hellos, renegotiation      int // below TLS 1.3
	asking, extended           int // where the hello asked for them
	ticketed, tickets          int // where the hello asked for them
	cbc, encryptThenMAC        int
	retries                    int
	below13, sentinel          int // answers below TLS 1.3, and its mark in them
	flights, staples, requests int // that carried a certificate
}

// learn keeps what an answer tells beside what was asked. The scan is locked.
func (r *Result) learn(a answer) {
	v := chosen(a)
	r.count(a, v)
	if a.Certificate != nil && len(a.Certificate.Entries) > 0 && a.Sent.ServerName() == r.name {
		r.certificate(a, v)
	}
	if kx := a.KeyExchange; kx != nil {
		if len(kx.P) > 0 {
			r.prime(kx.P)
		}
		if kx.Group != 0 {
			r.addGroup(kx.Group, v)
		}
		if kx.HasScheme {
			r.addScheme(kx.Scheme, v)
		}
	}
	if v == tlswire.TLS13 && a.KeyProof.Scheme != 0 {
		r.addScheme(a.KeyProof.Scheme, v)
	}
	if a.ServerHello != nil && v == tlswire.TLS13 {
		if share, ok := a.ServerHello.KeyShare(); ok {
			r.addGroup(share.Group, v)
		}
	}
	if a.Request != nil && r.Authorities == nil {
		r.Authorities = a.Request.CAs
	}
}

// count counts the extensions of an answer.
func (r *Result) count(a answer, v tlswire.Version) {
	n, h := &r.seen, a.ServerHello
	if a.Certificate != nil {
		n.flights++
		n.staples += one(len(a.Staple) > 0)
		n.requests += one(a.Request != nil)
	}
	n.retries += one(a.Retry != nil)
	if h == nil || v >= tlswire.TLS13 || v < tlswire.SSL3 {
		return
	}
	n.hellos++
	_, ok := h.Extension(tlswire.ExtRenegotiationInfo)
	n.renegotiation += one(ok)
	n.below13++
	n.sentinel += one(h.DowngradeSentinel() != 0)
	if !a.Sent.ExtendedMasterSecret() {
		return
	}
	n.asking++
	n.extended += one(h.ExtendedMasterSecret())
	if _, wanted := a.Sent.SessionTicket(); wanted && a.Session.Offered == "" {
		n.ticketed++
		_, ok = h.Extension(tlswire.ExtSessionTicket)
		n.tickets += one(ok)
	}
	if info := h.CipherSuite.Info(); !info.AEAD && info.Cipher != "NULL" && !strings.HasPrefix(info.Cipher, "RC4") {
		_, ok = h.Extension(tlswire.ExtEncryptThenMAC)
		n.cbc++
		n.encryptThenMAC += one(ok)
	}
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// stranger keeps the chain that is sent for another name, where it is another.
func (r *Result) stranger(a answer, what string) {
	if a.Certificate == nil {
		return
	}
	ders := a.Certificate.DER()
	if slices.ContainsFunc(r.Certificates, func(c Certificate) bool { return same(c.ders, ders) }) {
		return
	}
	r.certificate(a, chosen(a))
	r.Certificates[len(r.Certificates)-1].SNI = what
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
			c.SNI = "" // another may have been sent it before
			return
		}
	}
	const enough = 16
	if len(r.Certificates) == enough {
		return
	}
	c := Certificate{ders: ders, Versions: []tlswire.Version{v}, Staple: a.Staple, Size: a.Certificate.Size(max(v, tlswire.TLS10)), SCTs: len(a.Certificate.Entries[0].SCTs())}
	if a.ServerHello != nil && v < tlswire.TLS13 {
		list, _ := a.ServerHello.Extension(tlswire.ExtSCT)
		c.SCTs = len(tlswire.ParseSCTList(list))
	}
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
