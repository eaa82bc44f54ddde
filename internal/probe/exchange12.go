package probe

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// maxPrimeBits bounds the primes that we compute with, as OpenSSL does.
const maxPrimeBits = 10000

// premaster agrees on the premaster secret and makes the ClientKeyExchange.
func (e *engine) premaster() ([]byte, *tlswire.ClientKeyExchange, error) {
	kex := e.info.Kex
	unable := func() error {
		return local(tlswire.AlertHandshakeFailure, fmt.Sprintf("the key exchange of %v cannot be computed", e.a.ServerHello.CipherSuite))
	}
	switch {
	case e.info.PSK:
		return nil, nil, local(tlswire.AlertHandshakeFailure, fmt.Sprintf("%v needs a pre-shared key", e.a.ServerHello.CipherSuite))
	case kex == tlswire.KexRSA && e.a.KeyExchange == nil:
		secret, data, err := e.encryptedPremaster()
		return secret, &tlswire.ClientKeyExchange{Kex: kex, Data: data}, err
	case kex == tlswire.KexRSA: // of an export suite
		return nil, nil, unable()
	case kex != tlswire.KexDHE && kex != tlswire.KexDHAnon && kex != tlswire.KexECDHE && kex != tlswire.KexECDHAnon:
		return nil, nil, unable()
	case e.a.KeyExchange == nil:
		e.violation(facts.ViolationOrder, "ServerHelloDone", "came without a ServerKeyExchange", "RFC 5246, Section 7.4.3")
		return nil, nil, local(tlswire.AlertUnexpectedMessage, "the server sent no ServerKeyExchange")
	case kex == tlswire.KexECDHE || kex == tlswire.KexECDHAnon:
		secret, data, err := e.ecdhe()
		return secret, &tlswire.ClientKeyExchange{Kex: kex, Data: data}, err
	}
	secret, data, err := e.dhe()
	return secret, &tlswire.ClientKeyExchange{Kex: kex, Data: data}, err
}

func (e *engine) ecdhe() (secret, public []byte, err error) {
	kx := e.a.KeyExchange
	if kx.Group == 0 {
		e.violation(facts.ViolationGroup, "ServerKeyExchange", "spells its curve out instead of naming it", "RFC 8422, Section 5.4")
		return nil, nil, local(tlswire.AlertHandshakeFailure, "the server uses an explicit curve")
	}
	pair, share, err := e.ephemeral(kx.Group)
	if err != nil {
		return nil, nil, local(tlswire.AlertIllegalParameter, fmt.Sprintf("secrets of %v cannot be computed", kx.Group))
	}
	secret, err = pair.agree(kx.Point)
	if err != nil {
		e.violation(facts.ViolationKeyShare, "ServerKeyExchange", fmt.Sprintf("has a public value that is no element of %v", kx.Group), "RFC 8422, Section 5.11")
		return nil, nil, local(tlswire.AlertIllegalParameter, fmt.Sprintf("the server's public value is no element of %v", kx.Group))
	}
	return secret, share, nil
}

// ephemeral is a key pair of a group, from the stock where there is one.
func (e *engine) ephemeral(group tlswire.Group) (keyPair, []byte, error) {
	if e.spec.Stock != nil {
		p, err := e.spec.Stock.take(group)
		return p.keyPair, p.share, err
	}
	pair, err := newKeyPair(group)
	if err != nil {
		return nil, nil, err
	}
	return pair, pair.public(), nil
}

func (e *engine) dhe() (secret, public []byte, err error) {
	kx := e.a.KeyExchange
	p, g := new(big.Int).SetBytes(kx.P), new(big.Int).SetBytes(kx.G)
	switch {
	case p.BitLen() > maxPrimeBits:
		return nil, nil, local(tlswire.AlertHandshakeFailure, fmt.Sprintf("a prime of %d bits is too large to compute with", p.BitLen()))
	case p.BitLen() < 4 || p.Bit(0) == 0 || g.Cmp(big.NewInt(1)) <= 0 || g.Cmp(p) >= 0:
		e.violation(facts.ViolationKeyShare, "ServerKeyExchange", "has impossible Diffie-Hellman parameters", "RFC 5246, Section 7.4.3")
		return nil, nil, local(tlswire.AlertIllegalParameter, "the server's Diffie-Hellman parameters are impossible")
	}
	pair := newDH(p, g)
	secret, err = pair.agree(kx.Y)
	if err != nil {
		e.violation(facts.ViolationKeyShare, "ServerKeyExchange", "has an impossible Diffie-Hellman public value", "RFC 5246, Section 7.4.3")
		return nil, nil, local(tlswire.AlertIllegalParameter, "the server's Diffie-Hellman public value is impossible")
	}
	// Leading zeros are stripped (RFC 5246, Section 8.1.2).
	return bytes.TrimLeft(secret, "\x00"), pair.public(), nil
}

// encryptedPremaster makes a premaster secret for the key of the certificate
// (RFC 5246, Section 7.4.7.1).
func (e *engine) encryptedPremaster() (secret, data []byte, err error) {
	key, why := e.a.ServerKey()
	pub, ok := key.(*rsa.PublicKey)
	if !ok {
		if why == "" {
			why = "the certificate has no RSA key"
		}
		return nil, nil, local(tlswire.AlertHandshakeFailure, "encrypting the premaster secret: "+why)
	}
	secret = make([]byte, 48)
	rand.Read(secret)
	secret[0], secret[1] = byte(e.hello.Version>>8), byte(e.hello.Version)
	data, err = encryptRSA(pub, secret)
	if err != nil {
		return nil, nil, local(tlswire.AlertHandshakeFailure, "encrypting the premaster secret: "+err.Error())
	}
	return secret, data, nil
}

// encryptRSA is PKCS #1 v1.5 encryption (RFC 8017, Section 7.2.1), also for
// the short keys that crypto/rsa refuses.
func encryptRSA(pub *rsa.PublicKey, message []byte) ([]byte, error) {
	if pub.N == nil || pub.N.Sign() <= 0 || pub.N.BitLen() > maxPrimeBits+6384 || pub.E < 2 {
		return nil, fmt.Errorf("the RSA key is not a usable one")
	}
	size := (pub.N.BitLen() + 7) / 8
	if len(message)+11 > size {
		return nil, fmt.Errorf("an RSA key of %d bits is too short", pub.N.BitLen())
	}
	block := make([]byte, size)
	block[1] = 2
	padding := block[2 : size-len(message)-1]
	rand.Read(padding)
	for i := range padding {
		if padding[i] == 0 {
			padding[i] = 0x5A
		}
	}
	copy(block[size-len(message):], message)
	m := new(big.Int).SetBytes(block)
	return m.Exp(m, big.NewInt(int64(pub.E)), pub.N).FillBytes(make([]byte, size)), nil
}
