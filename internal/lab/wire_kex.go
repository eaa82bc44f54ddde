package lab

import (
	"crypto"
	"crypto/ecdh"
	"crypto/elliptic"
	"crypto/mlkem"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

type keySigner = crypto.Signer

// The primes of the MODP groups 1, 2 (RFC 2409, Section 6) and 14 (RFC 3526,
// Section 3), by their size in bits; the generator is 2.
const modpHead = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD" +
	"EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A6"

var modp = map[int]string{
	768:  modpHead + "3A3620FFFFFFFFFFFFFFFF",
	1024: modpHead + "37ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF",
	2048: modpHead + "37ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD" +
		"24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C18" +
		"0E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA051015728E5A8AACAA68FFFFFFFFFFFFFFFF",
}

// modpPrime is the prime of this size, the largest one where there is none.
func modpPrime(bits int) *big.Int {
	text, ok := modp[bits]
	if !ok {
		text = modp[2048]
	}
	p, _ := new(big.Int).SetString(text, 16) // a constant, held by a test
	return p
}

// agreement is the server's half of a key agreement in TLS 1.2 and below.
type agreement struct {
	exchange *tlswire.ServerKeyExchange // nil for the RSA key exchange
	secret   func(client []byte) ([]byte, error)
}

// newAgreement makes the server's ephemeral key for the suite.
func (s *wireServer) newAgreement(kex tlswire.KeyExchange, key keySigner) (*agreement, error) {
	switch kex {
	case tlswire.KexRSA:
		return &agreement{secret: func(client []byte) ([]byte, error) { return s.decryptPremaster(key, client) }}, nil
	case tlswire.KexDHE:
		return s.newDHE()
	case tlswire.KexECDHE:
		return s.newECDHE()
	}
	return nil, fmt.Errorf("making a key exchange: %v is not supported", kex)
}

// decryptPremaster opens the RSA-encrypted premaster secret (RFC 5246, Section
// 7.4.7.1). A wrong one becomes random, so that Finished fails.
func (s *wireServer) decryptPremaster(key keySigner, client []byte) ([]byte, error) {
	decrypter, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, refuse(tlswire.AlertInternalError, "the key exchange needs an RSA key")
	}
	secret := random(48)
	if err := rsa.DecryptPKCS1v15SessionKey(nil, decrypter, client, secret); err != nil {
		return nil, refuse(tlswire.AlertDecryptError, "decrypting the premaster secret: %v", err)
	}
	return secret, nil
}

func (s *wireServer) newDHE() (*agreement, error) {
	p := modpPrime(s.f.DHBits)
	g := big.NewInt(2)
	x, err := rand.Int(rand.Reader, p)
	if err != nil {
		return nil, err
	}
	size := (p.BitLen() + 7) / 8
	exchange := &tlswire.ServerKeyExchange{Kex: tlswire.KexDHE, P: p.Bytes(), G: g.Bytes(),
		Y: new(big.Int).Exp(g, x, p).FillBytes(make([]byte, size))}
	return &agreement{exchange: exchange, secret: func(client []byte) ([]byte, error) {
		// RFC 5246, Section 8.1.2: leading zeros are stripped.
		return new(big.Int).Exp(new(big.Int).SetBytes(client), x, p).Bytes(), nil
	}}, nil
}

// curves are the groups of crypto/ecdh.
var curves = map[tlswire.Group]ecdh.Curve{
	tlswire.GroupX25519: ecdh.X25519(), tlswire.GroupP256: ecdh.P256(), tlswire.GroupP384: ecdh.P384(), tlswire.GroupP521: ecdh.P521(),
}

func (s *wireServer) newECDHE() (*agreement, error) {
	group, ok := s.commonGroup()
	if s.f.ForceGroup != 0 {
		group, ok = s.f.ForceGroup, true
	}
	if !ok {
		return nil, refuse(tlswire.AlertHandshakeFailure, "choosing the group")
	}
	curve := curves[group]
	if curve == nil {
		// A group that nobody can compute here: the point is made up.
		point := append([]byte{4}, random(64)...)
		return &agreement{exchange: &tlswire.ServerKeyExchange{Kex: tlswire.KexECDHE, CurveType: 3, Group: group, Point: point},
			secret: func([]byte) ([]byte, error) { return random(32), nil }}, nil
	}
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	exchange := &tlswire.ServerKeyExchange{Kex: tlswire.KexECDHE, CurveType: 3, Group: group, Point: key.PublicKey().Bytes()}
	return &agreement{exchange: exchange, secret: func(client []byte) ([]byte, error) { return ecdhSecret(curve, key, client) }}, nil
}

func ecdhSecret(curve ecdh.Curve, key *ecdh.PrivateKey, client []byte) ([]byte, error) {
	public, err := curve.NewPublicKey(client)
	if err != nil {
		return nil, refuse(tlswire.AlertIllegalParameter, "reading the client's public key: %v", err)
	}
	return key.ECDH(public)
}

// explicitCurve is a ServerKeyExchange body that spells P-256 out (RFC 4492,
// Section 5.4), which RFC 8422 forbids. It carries no valid signature length
// problems: only the form of the curve is at fault.
func (s *wireServer) explicitCurve(point []byte) []byte {
	p := elliptic.P256().Params()
	a := new(big.Int).Sub(p.P, big.NewInt(3))
	var b cryptobyte.Builder
	add := func(data []byte) { b.AddUint8LengthPrefixed(func(b *cryptobyte.Builder) { b.AddBytes(data) }) }
	b.AddUint8(1) // explicit_prime
	add(p.P.Bytes())
	add(a.Bytes())
	add(p.B.Bytes())
	add(append(append([]byte{4}, p.Gx.FillBytes(make([]byte, 32))...), p.Gy.FillBytes(make([]byte, 32))...))
	add(p.N.Bytes())
	add([]byte{1})
	add(point)
	return b.BytesOrPanic()
}

// share13 makes the server's key share for the client's and the shared secret
// (RFC 8446, Section 4.2.8).
func share13(client tlswire.KeyShare) (tlswire.KeyShare, []byte, error) {
	if client.Group == tlswire.GroupX25519MLKEM768 {
		return hybridShare(client)
	}
	curve := curves[client.Group]
	if curve == nil {
		return tlswire.KeyShare{}, nil, refuse(tlswire.AlertHandshakeFailure, "no arithmetic for %v", client.Group)
	}
	key, err := curve.GenerateKey(rand.Reader)
	if err != nil {
		return tlswire.KeyShare{}, nil, err
	}
	secret, err := ecdhSecret(curve, key, client.Data)
	return tlswire.KeyShare{Group: client.Group, Data: key.PublicKey().Bytes()}, secret, err
}

// hybridShare is X25519MLKEM768: the ML-KEM part comes first, in the shares and
// in the secret.
func hybridShare(client tlswire.KeyShare) (tlswire.KeyShare, []byte, error) {
	if len(client.Data) != mlkem.EncapsulationKeySize768+32 {
		return tlswire.KeyShare{}, nil, refuse(tlswire.AlertIllegalParameter, "a hybrid share of %d bytes", len(client.Data))
	}
	encapsulation, err := mlkem.NewEncapsulationKey768(client.Data[:mlkem.EncapsulationKeySize768])
	if err != nil {
		return tlswire.KeyShare{}, nil, refuse(tlswire.AlertIllegalParameter, "reading the ML-KEM key: %v", err)
	}
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return tlswire.KeyShare{}, nil, err
	}
	classic, err := ecdhSecret(ecdh.X25519(), key, client.Data[mlkem.EncapsulationKeySize768:])
	if err != nil {
		return tlswire.KeyShare{}, nil, err
	}
	secret, ciphertext := encapsulation.Encapsulate()
	return tlswire.KeyShare{Group: client.Group, Data: append(ciphertext, key.PublicKey().Bytes()...)}, append(secret, classic...), nil
}
