package tlswire

import (
	"crypto"
	"crypto/hmac"
	_ "crypto/md5" // the PRF of TLS 1.0 and 1.1
	_ "crypto/sha1"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"hash"
)

// masterSecretLength is the same in every version (RFC 5246, Section 8.1).
const masterSecretLength = 48

// verifyDataLength is the length of Finished before TLS 1.3 (RFC 5246,
// Section 7.4.9).
const verifyDataLength = 12

// PRF expands secret into n bytes with the pseudorandom function of the
// version: MD5 xor SHA-1 for TLS 1.0 and 1.1 (RFC 2246, Section 5), P_hash
// with h for TLS 1.2 (RFC 5246, Section 5).
func PRF(version Version, h crypto.Hash, secret []byte, label string, seed []byte, n int) []byte {
	labelSeed := make([]byte, 0, len(label)+len(seed))
	labelSeed = append(labelSeed, label...)
	labelSeed = append(labelSeed, seed...)
	out := make([]byte, n)
	if version >= TLS12 {
		pHash(out, h.New, secret, labelSeed)
		return out
	}
	half := (len(secret) + 1) / 2
	pHash(out, crypto.MD5.New, secret[:half], labelSeed)
	other := make([]byte, n)
	pHash(other, crypto.SHA1.New, secret[len(secret)-half:], labelSeed)
	for i := range out {
		out[i] ^= other[i]
	}
	return out
}

// pHash is P_hash of RFC 5246, Section 5.
func pHash(out []byte, h func() hash.Hash, secret, seed []byte) {
	mac := hmac.New(h, secret)
	mac.Write(seed)
	a := mac.Sum(nil)
	var block []byte
	for len(out) > 0 {
		mac.Reset()
		mac.Write(a)
		mac.Write(seed)
		block = mac.Sum(block[:0])
		out = out[copy(out, block):]
		mac.Reset()
		mac.Write(a)
		a = mac.Sum(a[:0])
	}
}

// MasterSecret derives the master secret of TLS 1.0 to 1.2 from the premaster
// secret (RFC 5246, Section 8.1).
func MasterSecret(version Version, h crypto.Hash, premaster, clientRandom, serverRandom []byte) []byte {
	seed := make([]byte, 0, 64)
	seed = append(append(seed, clientRandom...), serverRandom...)
	return PRF(version, h, premaster, "master secret", seed, masterSecretLength)
}

// ExtendedMasterSecret derives the master secret from the premaster secret and
// the hash of the handshake up to and including the ClientKeyExchange
// (RFC 7627, Section 4).
func ExtendedMasterSecret(version Version, h crypto.Hash, premaster, sessionHash []byte) []byte {
	return PRF(version, h, premaster, "extended master secret", sessionHash, masterSecretLength)
}

// KeyBlock expands the master secret into the keys of both directions for the
// suite (RFC 5246, Section 6.3).
func KeyBlock(version Version, p Protection, master, clientRandom, serverRandom []byte) (client, server Keys) {
	ivLength := p.ivLength
	if p.kind == kindCBC && version >= TLS11 {
		ivLength = 0 // explicit in every record (RFC 4346, Section 6.2.3.2)
	}
	seed := make([]byte, 0, 64)
	seed = append(append(seed, serverRandom...), clientRandom...)
	block := PRF(version, p.Hash, master, "key expansion", seed, 2*(p.macLength+p.keyLength+ivLength))
	next := func(n int) []byte {
		part := block[:n:n]
		block = block[n:]
		return part
	}
	client.MAC, server.MAC = next(p.macLength), next(p.macLength)
	client.Key, server.Key = next(p.keyLength), next(p.keyLength)
	client.IV, server.IV = next(ivLength), next(ivLength)
	return client, server
}

// VerifyData computes the body of the Finished that side sends in TLS 1.0 to
// 1.2, from the transcript hash before it (RFC 5246, Section 7.4.9).
func VerifyData(version Version, h crypto.Hash, master []byte, side Side, transcriptHash []byte) []byte {
	label := "client finished"
	if side == SideServer {
		label = "server finished"
	}
	return PRF(version, h, master, label, transcriptHash, verifyDataLength)
}
