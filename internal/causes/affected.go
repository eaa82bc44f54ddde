package causes

import (
	"fmt"
	"slices"

	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// judged says which families break on a problem of the server's certificate or
// handshake, and which bear it, as measured.
func (m *match) judged(problem string) *match {
	m.affects, m.unaffected = client.CertFamilies(problem)
	return m
}

// sides says which clients break and which do not; one for which both are false
// is named nowhere, since nothing was seen that would tell.
func (m *match) sides(breaks, passes func(*client.Profile) bool) *match {
	m.affects = client.Unable(breaks)
	m.unaffected = client.Unable(passes)
	return m
}

// hits names the clients that break and, of the others, those that suit what
// the server chose in an attempt that worked.
func (m *match) hits(worked *facts.Attempt, breaks func(*client.Profile) bool) *match {
	return m.sides(breaks, func(p *client.Profile) bool { return !breaks(p) && takes(worked)(p) })
}

// lacking is for a server that refused what one hello offers of a property and
// took it when something else was added: it turns away every client that offers
// nothing beyond the refused, and those that lack the whole kind of the chosen
// where the refused hello lacked it too. chosen is the attempt that worked.
func lacking[T comparable](m *match, chosen *facts.Attempt, took T, refused []T, offers func(*tlswire.ClientHello) []T, kind func(T) string) *match {
	has := func(list []T, k string) bool {
		return slices.ContainsFunc(list, func(x T) bool { return kind(x) == k })
	}
	return m.sides(func(p *client.Profile) bool {
		mine := offers(p.Offer())
		if mine == nil || slices.Contains(mine, took) {
			return false
		}
		beyond := slices.ContainsFunc(mine, func(x T) bool { return kind(x) != "" && !slices.Contains(refused, x) })
		return !beyond || !has(mine, kind(took)) && !has(refused, kind(took))
	}, takes(chosen))
}

// takes is true of clients that offer all that the server chose in an attempt.
func takes(a *facts.Attempt) func(*client.Profile) bool {
	return func(p *client.Profile) bool {
		h := p.Offer()
		if a == nil || a.ServerHello == nil || !h.Offers(a.Version) || a.Version < p.Client.Lowest(suiteOf(a)) || !slices.Contains(h.CipherSuites, a.ServerHello.CipherSuite) {
			return false
		}
		if offered(a).ServerName() != "" && !p.Client.SendsSNI {
			return false
		}
		if g := agreedGroup(a); g != 0 && h.Groups() != nil && !slices.Contains(h.Groups(), g) {
			return false
		}
		s := a.KeyProof.Scheme
		return s == 0 || a.Version < tlswire.TLS12 || slices.Contains(h.SignatureSchemes(), s)
	}
}

func suitesOf(h *tlswire.ClientHello) []tlswire.CipherSuite { return h.CipherSuites }

// The kinds in which clients differ: what a client lacks, it mostly lacks by
// the kind. "" is no choice of its own.
func suiteKind(s tlswire.CipherSuite) string {
	i := s.Info()
	if s.IsGREASE() || i.SCSV {
		return ""
	}
	return fmt.Sprint(i.Kex, "/", i.Auth)
}

// schemeKind counts only what the server's key, which made took, can make.
func schemeKind(version tlswire.Version, took tlswire.SignatureScheme) func(tlswire.SignatureScheme) string {
	return func(s tlswire.SignatureScheme) string {
		if s.IsGREASE() || version >= tlswire.TLS13 && !s.InTLS13() || s.Hash() == "SHA1" || s.Key() != took.Key() {
			return ""
		}
		return s.Key()
	}
}

// groupKind makes each group a kind of its own. Post-quantum ones count only
// where one was taken: a server that has them has others too.
func groupKind(took tlswire.Group) func(tlswire.Group) string {
	return func(g tlswire.Group) string {
		if g.IsGREASE() || client.PostQuantum(g) && !client.PostQuantum(took) {
			return ""
		}
		return g.String()
	}
}
