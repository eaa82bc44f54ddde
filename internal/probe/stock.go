package probe

import (
	"sync"
	"time"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Stock lends the same key shares to many attempts for a short while: making
// keys is the dearest part of a handshake after the signature. It is for light
// attempts alone, which send nothing that is worth keeping secret: no request,
// no client certificate. What an eavesdropper who learned a key could read are
// servers' certificates. To reuse the private keys of these groups with many
// peers is safe by their designs: X25519 takes every point, points of the NIST
// curves are checked, and ML-KEM is meant to be used with a static key (FIPS
// 203, implicit rejection). RFC 8446, Section 4.2.8 leaves it to the client. The
// zero value is ready; it is safe for concurrent use.
type Stock struct {
	mu   sync.Mutex
	pair map[tlswire.Group]stocked
}

type stocked struct {
	keyPair
	share []byte
	made  time.Time
}

// stockFor is how long a key pair is lent.
const stockFor = time.Minute

// take lends the key pair of a group.
func (s *Stock) take(group tlswire.Group) (stocked, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if p, ok := s.pair[group]; ok && now.Sub(p.made) < stockFor && !now.Before(p.made) {
		return p, nil
	}
	fresh, err := newKeyPair(group)
	if err != nil {
		return stocked{}, err
	}
	if s.pair == nil {
		s.pair = map[tlswire.Group]stocked{}
	}
	p := stocked{fresh, fresh.public(), now}
	s.pair[group] = p
	return p, nil
}
