package diagnose

import (
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/probe"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// signsOrEnds looks what a client of TLS 1.2 meets with none of the server's
// signature schemes, where a suite without a signature would do.
func (s *surveyor) signsOrEnds() {
	var foreign []tlswire.SignatureScheme
	for _, x := range tlswire.AllSchemes() {
		if !slices.Contains(s.got.server.Schemes, x) && x.Key() == "rsa" {
			foreign = append(foreign, x)
		}
	}
	if len(foreign) == 0 {
		return
	}
	a := s.try(tlswire.TLS12, true, probe.StopServerHello, func(h *tlswire.ClientHello) {
		h.SetSignatureSchemes(foreign)
		keep(h, tlswire.KexRSA)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.server.SchemeOrNothing = a != nil && refuses(a)
}

// namesDH looks whether the server has finite-field DH only for clients that
// name a group of it (RFC 7919, Section 4).
func (s *surveyor) namesDH(v tlswire.Version) {
	a := s.try(v, true, probe.StopServerHello, func(h *tlswire.ClientHello) {
		h.SetGroups([]tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384})
		keep(h, tlswire.KexDHE)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got.server.NamedDH = a != nil && refuses(a)
}

// stuck looks whether a server that has nothing for anybody in TLS 1.3 still
// takes that version where a client offers it beside TLS 1.2.
func (s *surveyor) stuck() {
	a := s.try(tlswire.TLS13, true, probe.StopServerHello, func(h *tlswire.ClientHello) {
		h.SetSupportedVersions([]tlswire.Version{tlswire.TLS13, tlswire.TLS12})
		h.SetCipherSuites(append(slices.Clone(h.CipherSuites), strongFirst(tlswire.TLS12)...))
		h.SetRenegotiationInfo(true)
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	if a != nil && refuses(a) {
		s.got.server.Versions[tlswire.TLS13] = true
		s.got.server.Suites = append(s.got.server.Suites, strongFirst(tlswire.TLS13)...) // what is lacking is something else
	}
}

// curves looks whether a client below TLS 1.3 has to offer the curves of the
// ECDSA keys as groups (RFC 8422, Section 5.1.1), which Go does not mind.
func (s *surveyor) curves(v tlswire.Version) {
	curves := curvesOf(s.got.named)
	others := slices.DeleteFunc(slices.Clone(s.got.server.Groups), func(g tlswire.Group) bool { return slices.Contains(curves, g) })
	if len(curves) == 0 || len(others) == 0 {
		return
	}
	a := s.try(v, true, probe.StopServerHello, func(h *tlswire.ClientHello) {
		h.SetGroups(others)
		h.SetCipherSuites(slices.DeleteFunc(slices.Clone(h.CipherSuites), func(x tlswire.CipherSuite) bool {
			return x.Info().Kex != tlswire.KexECDHE || x.Info().Auth != tlswire.AuthECDSA
		}))
	})
	if a != nil && refuses(a) {
		s.got.server.Curves = curves
	}
}

// keep leaves the suites of a key exchange.
func keep(h *tlswire.ClientHello, kex tlswire.KeyExchange) {
	h.SetCipherSuites(slices.DeleteFunc(slices.Clone(h.CipherSuites), func(x tlswire.CipherSuite) bool { return x.Info().Kex != kex }))
}

// curvesOf are the groups of the ECDSA keys, nil where one cannot be told.
func curvesOf(pairs []facts.Pair) []tlswire.Group {
	var out []tlswire.Group
	for _, p := range pairs {
		if len(p.Chain) == 0 || p.Chain[0].Key.Algorithm != chain.KeyECDSA {
			continue
		}
		i := slices.IndexFunc(tlswire.AllGroups(), func(g tlswire.Group) bool {
			return curveName(g) != "" && strings.EqualFold(curveName(g), p.Chain[0].Key.Curve)
		})
		if i < 0 {
			return nil
		}
		out = append(out, tlswire.AllGroups()[i])
	}
	return out
}
