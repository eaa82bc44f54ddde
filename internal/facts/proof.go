package facts

import (
	"crypto"
	"fmt"

	"golang.org/x/crypto/cryptobyte"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// ServerKey is the key by which the server must prove itself: that of the leaf
// or of its delegated credential (RFC 9345). It is nil, with the reason, where
// there is none that can be computed with.
func (a *Attempt) ServerKey() (crypto.PublicKey, string) {
	if len(a.Chain) == 0 {
		return nil, "the server sent no certificate"
	}
	key := a.Chain[0].Key
	for _, x := range a.Certificate.Entries[0].Extensions {
		if x.Type == tlswire.ExtDelegatedCredential {
			if delegated, ok := delegatedKey(x.Data); ok {
				key = delegated
			}
		}
	}
	switch {
	case key.Public != nil:
		return key.Public, ""
	case key.Problem != "":
		return nil, "the key of the certificate cannot be used: " + key.Problem
	}
	return nil, fmt.Sprintf("signatures of the key of the certificate (%v) cannot be computed", key)
}

// delegatedKey reads the key of a DelegatedCredential (RFC 9345, Section 4).
func delegatedKey(data []byte) (chain.Key, bool) {
	s := cryptobyte.String(data)
	var validTime uint32
	var algorithm uint16
	var spki cryptobyte.String
	if !s.ReadUint32(&validTime) || !s.ReadUint16(&algorithm) || !s.ReadUint24LengthPrefixed(&spki) {
		return chain.Key{}, false
	}
	return chain.ParseKey(spki), true
}

// ProveKey checks the signature by which the server shows that it holds the
// key of its certificate, and keeps the result in KeyProof.
func (a *Attempt) ProveKey(scheme tlswire.SignatureScheme, signed, signature []byte) {
	a.KeyProof = Proof{Result: ProofCannotCheck, Scheme: scheme}
	key, why := a.ServerKey()
	if key == nil {
		a.KeyProof.Reason = why
		return
	}
	check := tlswire.VerifySignature(key, scheme, signed, signature)
	a.KeyProof.Reason = check.Reason
	switch check.Result {
	case tlswire.CheckValid:
		a.KeyProof.Result = ProofValid
	case tlswire.CheckInvalid:
		a.KeyProof.Result = ProofInvalid
	}
}
