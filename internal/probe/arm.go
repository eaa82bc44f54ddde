package probe

import (
	"crypto/rand"
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// compressZlib is the algorithm of RFC 8879 that needs no Decompress function.
const compressZlib = 1

// Arm makes a hello of the template that belongs to one connection: a new
// random, a new session ID (32 bytes when TLS 1.3 is offered, none otherwise)
// and new key shares for the groups that the template has shares for. Shares
// of groups that this package cannot compute stay as they are. What would
// resume a session is taken out: pre_shared_key, early_data, the ticket and
// the cookie. Of compress_certificate, zlib and the given algorithms remain.
// The template is not changed.
func Arm(template *tlswire.ClientHello, compressions ...uint16) (*tlswire.ClientHello, *Keys) {
	return arm(template, nil, compressions...)
}

func arm(template *tlswire.ClientHello, stock *Stock, compressions ...uint16) (*tlswire.ClientHello, *Keys) {
	hello := template.Clone()
	keys := &Keys{shares: map[tlswire.Group]keyPair{}, stock: stock}
	size := len(hello.Random)
	if !hello.SSL2 || size < 16 || size > 32 {
		size = 32
	}
	hello.Random = make([]byte, size)
	rand.Read(hello.Random)
	hello.SessionID = nil
	if hello.SSL2 {
		return hello, keys
	}
	if hello.Offers(tlswire.TLS13) {
		hello.SessionID = make([]byte, 32)
		rand.Read(hello.SessionID)
	}
	for _, gone := range []tlswire.ExtensionType{tlswire.ExtPreSharedKey, tlswire.ExtEarlyData, tlswire.ExtCookie} {
		hello.RemoveExtension(gone)
	}
	if ticket, present := hello.SessionTicket(); present && len(ticket) > 0 {
		hello.SetSessionTicket([]byte{})
	}
	if hello.HasExtension(tlswire.ExtCompressCertificate) {
		known := slices.DeleteFunc(slices.Clone(hello.CompressCertificate()), func(algorithm uint16) bool {
			return algorithm != compressZlib && !slices.Contains(compressions, algorithm)
		})
		if len(known) == 0 {
			hello.RemoveExtension(tlswire.ExtCompressCertificate)
		} else {
			hello.SetCompressCertificate(known)
		}
	}
	if hello.HasExtension(tlswire.ExtKeyShare) {
		shares := hello.KeyShares()
		for i := range shares {
			if data, ok := keys.add(shares[i].Group); ok {
				shares[i].Data = data
			}
		}
		hello.SetKeyShares(shares)
	}
	return hello, keys
}

// add makes a key pair of the group and returns the share to send.
func (k *Keys) add(group tlswire.Group) ([]byte, bool) {
	if group.IsGREASE() {
		return nil, false
	}
	if k.stock != nil {
		p, err := k.stock.take(group)
		if err != nil {
			return nil, false
		}
		k.shares[group] = p.keyPair
		return p.share, true
	}
	pair, err := newKeyPair(group)
	if err != nil {
		return nil, false
	}
	k.shares[group] = pair
	return pair.public(), true
}
