package chain

import (
	"bytes"
	"slices"
)

// link is a candidate issuer with what speaks for it.
type link struct {
	to     *node
	check  Check
	keyIDs keyIDResult
}

// keyIDResult compares an authorityKeyIdentifier with an issuer.
type keyIDResult uint8

const (
	keyIDAbsent keyIDResult = iota
	keyIDMatch
	keyIDMismatch  // key identifiers differ
	serialMismatch // authorityCertIssuer or serial number name another certificate
)

// issuersOf gives the candidate issuers of a certificate, the best first.
func (s *searcher) issuersOf(n *node) []link {
	if known, ok := s.links[n]; ok {
		return known
	}
	var found []link
	if n.cert.Readable() {
		candidates := s.named(n.cert.Issuer)
		if len(candidates) > maxCandidates {
			candidates = promising(n.cert, candidates)[:maxCandidates]
			s.truncated = true
		}
		for _, to := range candidates {
			if to != n {
				found = append(found, link{to: to, check: s.check(n.cert, to.cert), keyIDs: compareKeyIDs(n.cert, to.cert)})
			}
		}
	}
	s.links[n] = found
	return found
}

// checkKey is the child's certificate and the issuer's key: cross-signed issuers
// share theirs.
type checkKey struct{ child, key [32]byte }

// promising sorts the candidates so that cutting their list loses no anchor and
// no certificate with the right key identifier to a crowd of namesakes.
func promising(child *Certificate, candidates []*node) []*node {
	rank := func(n *node) int {
		switch {
		case n.anchor:
			return 0
		case compareKeyIDs(child, n.cert) == keyIDMatch:
			return 1
		}
		return 2
	}
	sorted := slices.Clone(candidates)
	slices.SortStableFunc(sorted, func(a, b *node) int { return rank(a) - rank(b) })
	return sorted
}

func (s *searcher) check(child, parent *Certificate) Check {
	id := checkKey{child.SHA256, parent.SPKISHA256}
	if known, ok := s.checks[id]; ok {
		return known
	}
	cost := 8 // a signature on a curve
	if parent.Key.Algorithm == KeyRSA || parent.Key.Algorithm == KeyRSAPSS {
		k := 1 + parent.Key.Bits/1024
		cost = k * k
	} else if parent.Key.Bits > 256 {
		cost = 60
	}
	if s.budget < cost {
		s.truncated = true
		return Check{NotChecked, "too many signatures to check"}
	}
	s.budget -= cost
	result := CheckSignature(child, parent)
	s.checks[id] = result
	return result
}

func compareKeyIDs(child, parent *Certificate) keyIDResult {
	if len(child.AuthorityKeyID) > 0 && len(parent.SubjectKeyID) > 0 {
		if !bytes.Equal(child.AuthorityKeyID, parent.SubjectKeyID) {
			return keyIDMismatch
		}
	}
	// OpenSSL compares these too, when they are present.
	if child.AuthoritySerial != nil && parent.Serial != nil && child.AuthoritySerial.Cmp(parent.Serial) != 0 ||
		child.AuthorityIssuer.Raw != nil && !child.AuthorityIssuer.Equal(parent.Issuer) {
		return serialMismatch
	}
	if len(child.AuthorityKeyID) > 0 && len(parent.SubjectKeyID) > 0 {
		return keyIDMatch
	}
	return keyIDAbsent
}

// usable reports whether a path may go on over the link: the signature verifies
// or is out of reach.
func (l link) usable() bool { return l.check.Outcome == Valid || l.check.Outcome == CannotCheck }

// broken reports whether the issuer is meant, but its key does not verify the
// signature. Only then a path goes on over an invalid one.
func (l link) broken() bool {
	return l.check.Outcome == Invalid && (l.keyIDs == keyIDMatch || l.keyIDs == keyIDAbsent)
}

func (l link) weight() int {
	w := 1000
	if l.to.dist >= 0 {
		w = l.to.dist * 10
	}
	if l.keyIDs == keyIDMismatch || l.keyIDs == serialMismatch {
		w += 500
	}
	if l.check.Outcome != Valid {
		w += 100
	}
	if l.to.sent < 0 && !l.to.anchor {
		w += 5
	}
	return w
}
