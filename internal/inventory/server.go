package inventory

import (
	"slices"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Server is the result as the facts that a negotiation is predicted from.
func (r *Result) Server() *facts.Server {
	s := &facts.Server{Versions: map[tlswire.Version]bool{}, SuitesOf: map[tlswire.Version][]tlswire.CipherSuite{}, SuitesComplete: true}
	for _, v := range r.Versions {
		switch v.Offered {
		case Yes:
			s.Versions[v.Version] = true
		case No:
			s.Versions[v.Version] = false
			continue
		default:
			continue
		}
		s.SuitesOf[v.Version] = v.Suites
		s.SuitesComplete = s.SuitesComplete && v.Complete
		s.OwnOrder = s.OwnOrder || v.Order == ServerOrder
		for _, c := range v.Suites {
			if !slices.Contains(s.Suites, c) {
				s.Suites = append(s.Suites, c)
			}
		}
	}
	for _, g := range r.Groups {
		s.Groups = append(s.Groups, g.Group)
	}
	s.GroupsComplete = r.complete(r.GroupsComplete)
	for _, sc := range r.Schemes {
		s.Schemes = append(s.Schemes, sc.Scheme)
	}
	s.SchemesComplete = r.complete(r.SchemesComplete)
	for _, c := range r.Certificates {
		if len(c.Chain) == 0 || c.SNI != "" {
			continue
		}
		if k := facts.AuthOf(c.Chain[0]); !slices.Contains(s.Keys, k) {
			s.Keys = append(s.Keys, k)
		}
	}
	for _, d := range r.DH {
		if s.DHBits == 0 || d.Bits < s.DHBits {
			s.DHBits = d.Bits
		}
	}
	s.NeedsSNI = r.Properties["sni-needed"].Answer == Yes
	return s
}

// complete says whether a list is known to be whole in all versions that have
// such a list.
func (r *Result) complete(of map[tlswire.Version]bool) bool {
	for _, v := range r.Versions {
		if v.Version >= tlswire.TLS12 && v.Offered == Yes && !of[v.Version] {
			return false
		}
	}
	return true
}
