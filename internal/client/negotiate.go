package client

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Shortfall is what a client and a server lack in common.
type Shortfall string

// The shortfalls.
const (
	NoShortfall Shortfall = ""
	OfVersion   Shortfall = "version"
	OfSuite     Shortfall = "suite"
	OfGroup     Shortfall = "group"
	OfScheme    Shortfall = "scheme"
	OfSNI       Shortfall = "sni"
	OfDHSize    Shortfall = "dh size" // the client refuses the server's prime
)

// Outcome is the prediction of a negotiation.
type Outcome struct {
	OK bool
	// Unknown says that too little is known of the server; OK is false then.
	Unknown bool
	Version tlswire.Version // 0 when none is common
	Suite   tlswire.CipherSuite
	Group   tlswire.Group // 0 when the suite has none, or it is not known
	Why     Shortfall     // what is lacking, or not known
}

// Negotiate predicts how a server answers a hello; how the client judges the
// answer comes from c, of which the zero value judges nothing. It follows the
// rules of RFC 8446, Section 4.1.1 and RFC 5246, Section 7.4.1; certificates
// are not judged.
func Negotiate(h *tlswire.ClientHello, c facts.Client, s *facts.Server) Outcome {
	if h == nil || s == nil {
		return Outcome{Unknown: true, Why: OfVersion}
	}
	if s.NeedsSNI && h.ServerName() == "" {
		return Outcome{Why: OfSNI}
	}
	if h.SSL2 && s.NoSSL2Format && !s.Versions[tlswire.SSL2] {
		return Outcome{Why: OfVersion}
	}
	v, known := commonVersion(h, c, s)
	if v == 0 {
		return Outcome{Unknown: !known, Why: OfVersion}
	}
	if v == tlswire.SSL2 { // its cipher kinds are not facts of a Server
		if native := slices.ContainsFunc(h.SSL2Specs, func(spec uint32) bool { return spec > 0xFFFF }); native {
			return Outcome{OK: true, Version: v}
		}
		return Outcome{Version: v, Why: OfSuite}
	}
	candidates, sure := commonSuites(h, s, v)
	if len(candidates) == 0 {
		return Outcome{Unknown: !sure, Version: v, Why: OfSuite}
	}
	best := Outcome{Version: v}
	if s.GroupOrNothing && v < tlswire.TLS13 {
		if _, found, _ := commonGroup(h, s, v); !found {
			return Outcome{Version: v, Why: OfGroup}
		}
	}
	if offered := h.SignatureSchemes(); s.SchemeOrNothing && v == tlswire.TLS12 && offered != nil &&
		!slices.ContainsFunc(offered, func(x tlswire.SignatureScheme) bool { return slices.Contains(s.Schemes, x) }) {
		return Outcome{Version: v, Why: OfScheme}
	}
	for i, suite := range candidates {
		o := withSuite(h, c, s, v, suite)
		if o.OK {
			return o
		}
		if i == 0 || o.Unknown && !best.Unknown {
			best = o
		}
		if o.Why == OfDHSize || v < c.Lowest(suite) {
			return o // the server has chosen, and the client leaves
		}
	}
	if !sure {
		best.Unknown = true
	}
	return best
}

// commonVersion is the highest version that both speak. It is not known when
// none is, and one that the client speaks was never tried.
func commonVersion(h *tlswire.ClientHello, c facts.Client, s *facts.Server) (v tlswire.Version, known bool) {
	known = true
	for _, v := range []tlswire.Version{tlswire.TLS13, tlswire.TLS12, tlswire.TLS11, tlswire.TLS10, tlswire.SSL3, tlswire.SSL2} {
		if !h.Offers(v) || v < c.MinVersion {
			continue
		}
		speaks, tried := s.Versions[v]
		if speaks {
			return v, true
		}
		known = known && tried
	}
	return 0, known
}

// commonSuites lists what the server may choose, in the order of the one who
// decides; sure says that it has no others.
func commonSuites(h *tlswire.ClientHello, s *facts.Server, v tlswire.Version) (suites []tlswire.CipherSuite, sure bool) {
	for _, suite := range h.CipherSuites {
		if signal(suite) || !suite.AllowedIn(v) || !slices.Contains(s.Suites, suite) {
			continue
		}
		if auth := suite.Info().Auth; len(s.Keys) > 0 && auth != tlswire.AuthAny && !slices.Contains(s.Keys, auth) {
			continue
		}
		suites = append(suites, suite)
	}
	if s.OwnOrder {
		slices.SortStableFunc(suites, func(a, b tlswire.CipherSuite) int {
			return cmp.Compare(slices.Index(s.Suites, a), slices.Index(s.Suites, b))
		})
		first := slices.IndexFunc(h.CipherSuites, func(x tlswire.CipherSuite) bool { return !signal(x) })
		if s.ChaChaFirst && first >= 0 && chacha(h.CipherSuites[first]) {
			slices.SortStableFunc(suites, func(a, b tlswire.CipherSuite) int { return cmp.Compare(bit(!chacha(a)), bit(!chacha(b))) })
		}
	}
	return suites, s.SuitesComplete
}

func chacha(s tlswire.CipherSuite) bool { return strings.HasPrefix(s.Info().Cipher, "CHACHA20") }

// withSuite asks whether the rest of the negotiation works with this suite.
func withSuite(h *tlswire.ClientHello, c facts.Client, s *facts.Server, v tlswire.Version, suite tlswire.CipherSuite) Outcome {
	o := Outcome{Version: v, Suite: suite}
	info := suite.Info()
	if v < c.Lowest(suite) {
		o.Why = OfScheme
		return o
	}
	switch info.Kex {
	case tlswire.KexDHE:
		if s.NamedDH && v < tlswire.TLS13 && !slices.ContainsFunc(h.Groups(), ffdhe) {
			o.Why = OfGroup
			return o
		}
		if s.DHBits > 0 && s.DHBits < c.MinDHBits {
			o.Why = OfDHSize
			return o
		}
	case tlswire.KexECDHE, tlswire.KexTLS13:
		group, found, sure := commonGroup(h, s, v)
		if !found {
			o.Why, o.Unknown = OfGroup, !sure
			return o
		}
		o.Group = group
	}
	if offered := h.Groups(); info.Auth == tlswire.AuthECDSA && len(s.Curves) > 0 && offered != nil &&
		!slices.ContainsFunc(s.Curves, func(g tlswire.Group) bool { return slices.Contains(offered, g) }) {
		o.Why = OfGroup
		return o
	}
	signed := info.Kex == tlswire.KexDHE || info.Kex == tlswire.KexECDHE || info.Kex == tlswire.KexTLS13
	if signed && v >= tlswire.TLS12 && info.Auth != tlswire.AuthPSK {
		if found, sure := commonScheme(h, s, v, info.Auth); !found {
			o.Why, o.Unknown = OfScheme, !sure
			return o
		}
	}
	o.OK = true
	return o
}

// commonGroup finds a group. A hello without supported_groups leaves the choice
// to the server below TLS 1.3 (RFC 8422, Section 4).
func commonGroup(h *tlswire.ClientHello, s *facts.Server, v tlswire.Version) (group tlswire.Group, found, sure bool) {
	offered := h.Groups()
	if offered == nil && v < tlswire.TLS13 {
		return 0, true, true
	}
	fits := func(g tlswire.Group) bool {
		if v >= tlswire.TLS13 {
			return tls13Group(g)
		}
		return !only13Group(g) && !ffdhe(g)
	}
	if len(s.Groups) == 0 && !s.GroupsComplete {
		// Nothing is known: the usual groups are taken for granted, since
		// every server has one of them.
		return 0, slices.ContainsFunc(offered, usualGroup), false
	}
	if v >= tlswire.TLS13 { // a share at hand saves a round trip
		var shared []tlswire.Group
		for _, share := range h.KeyShares() {
			shared = append(shared, share.Group)
		}
		if g := firstOf(shared, s, v, fits); g != 0 {
			return g, true, true
		}
	}
	if g := firstOf(offered, s, v, fits); g != 0 {
		return g, true, true
	}
	return 0, false, s.GroupsComplete
}

// firstOf is the group that the server takes of those, 0 for none.
func firstOf(offered []tlswire.Group, s *facts.Server, v tlswire.Version, fits func(tlswire.Group) bool) tlswire.Group {
	own, known := s.OwnGroups[v]
	first, second := offered, s.Groups
	if own || !known && s.OwnOrder {
		first, second = second, first
	}
	for _, g := range first {
		if fits(g) && slices.Contains(second, g) {
			return g
		}
	}
	return 0
}

func usualGroup(g tlswire.Group) bool { return g == tlswire.GroupP256 || g == tlswire.GroupX25519 }

// commonScheme finds a signature scheme for the key that the suite asks for. A
// hello of TLS 1.2 without signature_algorithms means SHA-1 (RFC 5246, Section
// 7.4.1.4.1).
func commonScheme(h *tlswire.ClientHello, s *facts.Server, v tlswire.Version, auth tlswire.Authentication) (found, sure bool) {
	offered := h.SignatureSchemes()
	if offered == nil && v < tlswire.TLS13 {
		offered = []tlswire.SignatureScheme{tlswire.SchemeRSAPKCS1SHA1, tlswire.SchemeECDSASHA1, tlswire.SchemeDSASHA1}
	}
	if len(s.Schemes) == 0 && !s.SchemesComplete {
		return len(offered) > 0, false
	}
	for _, scheme := range offered {
		if slices.Contains(s.Schemes, scheme) && schemeFits(scheme, v, auth) {
			return true, true
		}
	}
	return false, s.SchemesComplete
}

func schemeFits(scheme tlswire.SignatureScheme, v tlswire.Version, auth tlswire.Authentication) bool {
	if v >= tlswire.TLS13 && !scheme.InTLS13() {
		return false
	}
	switch scheme.Key() {
	case "rsa", "rsa-pss":
		return auth == tlswire.AuthRSA || auth == tlswire.AuthAny
	case "ecdsa", "ed25519", "ed448": // RFC 8422, Section 5.1.1
		return auth == tlswire.AuthECDSA || auth == tlswire.AuthAny
	case "dsa":
		return auth == tlswire.AuthDSS
	}
	return auth == tlswire.AuthAny
}

// Negotiate predicts how the server answers this client when it asks for a
// name.
func (p *Profile) Negotiate(s *facts.Server) Outcome {
	h, c, err := Build(p, Options{SNI: "name.invalid"})
	if err != nil {
		return Outcome{Unknown: true, Why: OfVersion}
	}
	return Negotiate(h, c, s)
}
