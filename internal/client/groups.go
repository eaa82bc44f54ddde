package client

import (
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// shareSizes are the lengths of the key shares that the sender can fill, in
// bytes (RFC 8446, Section 4.2.8; draft-ietf-tls-ecdhe-mlkem). The share stays
// zero until the hello is armed.
var shareSizes = map[tlswire.Group]int{
	tlswire.GroupX25519: 32, tlswire.GroupX448: 56,
	tlswire.GroupP256: 65, tlswire.GroupP384: 97, tlswire.GroupP521: 133,
	tlswire.GroupFFDHE2048: 256, tlswire.GroupFFDHE3072: 384, tlswire.GroupFFDHE4096: 512,
	tlswire.GroupFFDHE6144: 768, tlswire.GroupFFDHE8192: 1024,
	tlswire.GroupMLKEM768: 1184, tlswire.GroupMLKEM1024: 1568,
	tlswire.GroupX25519MLKEM768: 1216, tlswire.GroupSecP256r1MLKEM768: 1249, tlswire.GroupSecP384r1MLKEM1024: 1665,
}

// PostQuantum reports a group with ML-KEM or its draft in it.
func PostQuantum(g tlswire.Group) bool {
	switch g {
	case tlswire.GroupMLKEM512, tlswire.GroupMLKEM768, tlswire.GroupMLKEM1024, tlswire.GroupX25519MLKEM768,
		tlswire.GroupSecP256r1MLKEM768, tlswire.GroupSecP384r1MLKEM1024, tlswire.GroupCurveSM2MLKEM768,
		tlswire.GroupX25519Kyber768Draft00, tlswire.GroupSecP256r1Kyber768Draft00:
		return true
	}
	return false
}

// only13Group reports a group that TLS 1.2 cannot use.
func only13Group(g tlswire.Group) bool {
	return PostQuantum(g) || g >= tlswire.GroupBrainpoolP256r1TLS13 && g <= tlswire.GroupBrainpoolP512r1TLS13
}

// tls13Group reports a group that TLS 1.3 can use (RFC 8446, Section 4.2.7).
func tls13Group(g tlswire.Group) bool {
	return shareSizes[g] > 0 || only13Group(g) || g == tlswire.GroupCurveSM2
}

func ffdhe(g tlswire.Group) bool {
	return g >= tlswire.GroupFFDHE2048 && g <= tlswire.GroupFFDHE8192
}

// sharesFor makes the shares of a list of groups: of the first, and where that
// is a post-quantum one also of X25519, or else of the first classical group.
// GREASE shares that were there stay. An empty list asks for a
// HelloRetryRequest.
func sharesFor(groups []tlswire.Group, old []tlswire.KeyShare) []tlswire.KeyShare {
	shares := []tlswire.KeyShare{}
	for _, s := range old {
		if s.Group.IsGREASE() {
			shares = append(shares, s)
		}
	}
	fits := slices.DeleteFunc(slices.Clone(groups), func(g tlswire.Group) bool { return shareSizes[g] == 0 })
	if len(fits) == 0 {
		return shares
	}
	shares = append(shares, placeholder(fits[0]))
	if !PostQuantum(fits[0]) {
		return shares
	}
	classic := slices.Index(fits, tlswire.GroupX25519)
	if classic < 0 {
		classic = slices.IndexFunc(fits, func(g tlswire.Group) bool { return !PostQuantum(g) })
	}
	if classic >= 0 {
		shares = append(shares, placeholder(fits[classic]))
	}
	return shares
}

func placeholder(g tlswire.Group) tlswire.KeyShare {
	return tlswire.KeyShare{Group: g, Data: make([]byte, shareSizes[g])}
}

// setGroups replaces the groups, GREASE kept in front. The shares stay where
// each is of a group still offered and there is one, unless renew says that
// they follow the new list.
func setGroups(h *tlswire.ClientHello, groups []tlswire.Group, renew bool) {
	if h.SSL2 {
		toTLS(h)
	}
	var list []tlswire.Group
	for _, g := range h.Groups() {
		if g.IsGREASE() {
			list = append(list, g)
		}
	}
	list = union(list, groups)
	h.SetGroups(list)
	if !h.HasExtension(tlswire.ExtKeyShare) && !h.Offers(tlswire.TLS13) {
		return
	}
	shares := h.KeyShares()
	lost := len(shares) == 0 || slices.ContainsFunc(shares, func(s tlswire.KeyShare) bool {
		return !s.Group.IsGREASE() && !slices.Contains(list, s.Group)
	})
	if lost || renew {
		h.SetKeyShares(sharesFor(groups, shares))
	}
}
