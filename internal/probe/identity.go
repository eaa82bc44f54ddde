package probe

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// chooseIdentity picks the scheme to prove the identity with. False means that
// an empty Certificate is sent: there is none, or nothing that its key can do
// suits the server, in which case clients do the same.
func (e *engine) chooseIdentity(request *tlswire.CertificateRequest) (tlswire.SignatureScheme, bool) {
	identity := e.spec.Identity
	if identity == nil || len(identity.Chain) == 0 || identity.Signer == nil {
		return 0, false
	}
	if !typeWanted(identity, request.Types) {
		return 0, false
	}
	wanted := request.Schemes
	if identity.Schemes != nil {
		wanted = slices.DeleteFunc(slices.Clone(wanted), func(s tlswire.SignatureScheme) bool {
			return !slices.Contains(identity.Schemes, s)
		})
	}
	return tlswire.ChooseScheme(identity.Signer.Public(), e.a.Version, wanted)
}

// The ClientCertificateTypes that our keys can answer (RFC 5246, Section
// 7.4.4; RFC 8422, Section 5.5).
const (
	typeRSASign   = 1
	typeECDSASign = 64
)

// typeWanted says whether the server's list of types, which only exists before
// TLS 1.3, has room for the key. An empty list is taken as any.
func typeWanted(identity *Identity, types []uint8) bool {
	want := uint8(0)
	switch identity.Signer.Public().(type) {
	case *rsa.PublicKey:
		want = typeRSASign
	case *ecdsa.PublicKey, ed25519.PublicKey:
		want = typeECDSASign
	}
	return len(types) == 0 || slices.Contains(types, want)
}

// certificateVerify signs the content and appends the CertificateVerify.
func (e *engine) certificateVerify(flight []byte, scheme tlswire.SignatureScheme, content []byte) ([]byte, error) {
	signature, err := tlswire.Sign(e.spec.Identity.Signer, scheme, content)
	if err != nil {
		return nil, local(tlswire.AlertInternalError, err.Error())
	}
	verify := &tlswire.CertificateVerify{HasScheme: e.a.Version >= tlswire.TLS12, Scheme: scheme, Signature: signature}
	raw, err := verify.Marshal()
	if err != nil {
		return nil, local(tlswire.AlertInternalError, err.Error())
	}
	e.a.IdentitySent, e.a.IdentityVerify = true, scheme
	return e.message(flight, "CertificateVerify", raw), nil
}
