package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"sync"
)

// KeyType names a kind of key; the zero value is ECDSA with P-256.
type KeyType string

// The kinds of keys that the lab makes.
const (
	P256    KeyType = "p256"
	P384    KeyType = "p384"
	P521    KeyType = "p521"
	Ed25519 KeyType = "ed25519"
	RSA1024 KeyType = "rsa1024"
	RSA2048 KeyType = "rsa2048"
	RSA3072 KeyType = "rsa3072"
)

// keyRing makes every key once per process: making RSA keys is what takes the
// time in a lab that starts a hundred servers.
type keyRing struct {
	mu   sync.Mutex
	keys map[keyID]*keyOnce
}

type keyID struct {
	kind KeyType
	who  string
}

type keyOnce struct {
	once   sync.Once
	signer crypto.Signer
	err    error
}

var keys = keyRing{keys: map[keyID]*keyOnce{}}

// get returns the key of somebody; the same kind and name give the same key.
func (r *keyRing) get(kind KeyType, who string) (crypto.Signer, error) {
	if kind == "" {
		kind = P256
	}
	r.mu.Lock()
	slot := r.keys[keyID{kind, who}]
	if slot == nil {
		slot = &keyOnce{}
		r.keys[keyID{kind, who}] = slot
	}
	r.mu.Unlock()
	slot.once.Do(func() { slot.signer, slot.err = newKey(kind) })
	return slot.signer, slot.err
}

func newKey(kind KeyType) (crypto.Signer, error) {
	switch kind {
	case P256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case P384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case P521:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case Ed25519:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	case RSA1024:
		return rsa.GenerateKey(rand.Reader, 1024)
	case RSA2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case RSA3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	}
	return nil, fmt.Errorf("making a key: unknown kind %q", kind)
}

// keyPEM is the private key as a PKCS #8 file.
func keyPEM(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encoding a private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// certPEM is a file of certificates.
func certPEM(certs ...[]byte) []byte {
	var out []byte
	for _, der := range certs {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})...)
	}
	return out
}
