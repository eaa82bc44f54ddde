package probe

import (
	"crypto/ecdh"
	"crypto/mlkem"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Keys are the private parts of the key shares that a ClientHello offers.
type Keys struct {
	shares map[tlswire.Group]keyPair
	stock  *Stock
}

// keyPair agrees on a secret with the share of the peer.
type keyPair interface {
	public() []byte
	agree(peer []byte) ([]byte, error)
}

// errGroup means that this package cannot compute a group.
var errGroup = errors.New("group not supported")

// errShare means that the peer's share is no element of the group.
var errShare = errors.New("the key share is no element of the group")

// newKeyPair makes a key pair of the group, or returns errGroup.
func newKeyPair(group tlswire.Group) (keyPair, error) {
	switch group {
	case tlswire.GroupX25519:
		return newECDH(ecdh.X25519())
	case tlswire.GroupP256:
		return newECDH(ecdh.P256())
	case tlswire.GroupP384:
		return newECDH(ecdh.P384())
	case tlswire.GroupP521:
		return newECDH(ecdh.P521())
	case tlswire.GroupMLKEM768:
		return newMLKEM768()
	case tlswire.GroupMLKEM1024:
		return newMLKEM1024()
	case tlswire.GroupX25519MLKEM768:
		return newHybrid(ecdh.X25519(), newMLKEM768, true)
	case tlswire.GroupSecP256r1MLKEM768:
		return newHybrid(ecdh.P256(), newMLKEM768, false)
	case tlswire.GroupSecP384r1MLKEM1024:
		return newHybrid(ecdh.P384(), newMLKEM1024, false)
	case tlswire.GroupX448:
		return newX448()
	}
	if bits, ok := ffdheBits[group]; ok {
		return newFFDHE(ffdhePrimes[bits]()), nil
	}
	return nil, errGroup
}

// Supported reports whether this package can agree on a secret in the group.
func Supported(group tlswire.Group) bool {
	switch group {
	case tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384, tlswire.GroupP521, tlswire.GroupX448,
		tlswire.GroupMLKEM768, tlswire.GroupMLKEM1024,
		tlswire.GroupX25519MLKEM768, tlswire.GroupSecP256r1MLKEM768, tlswire.GroupSecP384r1MLKEM1024:
		return true
	}
	_, ok := ffdheBits[group]
	return ok
}

// ecdhPair is a key of a NIST curve or X25519.
type ecdhPair struct{ key *ecdh.PrivateKey }

func newECDH(curve ecdh.Curve) (keyPair, error) {
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating a key of %v: %w", curve, err)
	}
	return ecdhPair{key}, nil
}

func (p ecdhPair) public() []byte { return p.key.PublicKey().Bytes() }

func (p ecdhPair) agree(peer []byte) ([]byte, error) {
	pub, err := p.key.Curve().NewPublicKey(peer)
	if err != nil {
		return nil, errShare
	}
	secret, err := p.key.ECDH(pub)
	if err != nil { // the all-zero secret of X25519
		return nil, errShare
	}
	return secret, nil
}

// kem is a decapsulation key; both sizes of crypto/mlkem have these methods.
type kem interface {
	Decapsulate(ciphertext []byte) ([]byte, error)
}

// kemPair is an ML-KEM key (RFC 9935 names the groups; draft-ietf-tls-mlkem).
type kemPair struct {
	kem            kem
	encapsulation  []byte
	ciphertextSize int
}

func newMLKEM768() (kemPair, error) {
	key, err := mlkem.GenerateKey768()
	if err != nil {
		return kemPair{}, fmt.Errorf("generating an ML-KEM-768 key: %w", err)
	}
	return kemPair{key, key.EncapsulationKey().Bytes(), mlkem.CiphertextSize768}, nil
}

func newMLKEM1024() (kemPair, error) {
	key, err := mlkem.GenerateKey1024()
	if err != nil {
		return kemPair{}, fmt.Errorf("generating an ML-KEM-1024 key: %w", err)
	}
	return kemPair{key, key.EncapsulationKey().Bytes(), mlkem.CiphertextSize1024}, nil
}

func (p kemPair) public() []byte { return p.encapsulation }

func (p kemPair) agree(peer []byte) ([]byte, error) {
	secret, err := p.kem.Decapsulate(peer)
	if err != nil {
		return nil, errShare
	}
	return secret, nil
}

// hybrid is a post-quantum hybrid of draft-ietf-tls-ecdhe-mlkem: shares and
// secrets are concatenated, with ML-KEM first only for X25519MLKEM768.
type hybrid struct {
	classic  ecdhPair
	kem      kemPair
	kemFirst bool
}

func newHybrid(curve ecdh.Curve, newKEM func() (kemPair, error), kemFirst bool) (keyPair, error) {
	classic, err := newECDH(curve)
	if err != nil {
		return nil, err
	}
	kem, err := newKEM()
	if err != nil {
		return nil, err
	}
	return hybrid{classic.(ecdhPair), kem, kemFirst}, nil
}

func (h hybrid) join(kem, classic []byte) []byte {
	first, second := classic, kem
	if h.kemFirst {
		first, second = kem, classic
	}
	return append(append(make([]byte, 0, len(first)+len(second)), first...), second...)
}

func (h hybrid) public() []byte { return h.join(h.kem.public(), h.classic.public()) }

func (h hybrid) agree(peer []byte) ([]byte, error) {
	classicSize := len(h.classic.public())
	if len(peer) != classicSize+h.kem.ciphertextSize {
		return nil, errShare
	}
	classicPart, kemPart := peer[:classicSize], peer[classicSize:]
	if h.kemFirst {
		kemPart, classicPart = peer[:h.kem.ciphertextSize], peer[h.kem.ciphertextSize:]
	}
	classic, err := h.classic.agree(classicPart)
	if err != nil {
		return nil, err
	}
	kem, err := h.kem.agree(kemPart)
	if err != nil {
		return nil, err
	}
	return h.join(kem, classic), nil
}
