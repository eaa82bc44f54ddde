package chain

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	_ "crypto/md5" // #nosec G501 -- to tell a valid MD5 signature from a bad one
	"crypto/rsa"
	_ "crypto/sha1" // #nosec G505 -- the same
	_ "crypto/sha256"
	_ "crypto/sha3"
	_ "crypto/sha512"
	"fmt"
	"math/big"
	"sync"
)

// Outcome is the result of a signature check.
type Outcome uint8

// The outcomes.
const (
	NotChecked  Outcome = iota
	Valid               // the key verifies the signature
	Invalid             // it does not
	CannotCheck         // key or algorithm are out of reach here
)

// String names the outcome.
func (o Outcome) String() string {
	return [...]string{"not checked", "valid", "invalid", "cannot check"}[min(o, CannotCheck)]
}

// Check is the result of a signature check with its reason.
type Check struct {
	Outcome Outcome
	Reason  string // why it is invalid or cannot be checked
}

type onceCheck struct {
	once  sync.Once
	check Check
}

// SelfSigned checks the certificate's signature with its own key, once. It is
// Invalid, too, when subject and issuer differ.
func (c *Certificate) SelfSigned() Check {
	c.self.once.Do(func() {
		if !c.SelfIssued() {
			c.self.check = Check{Invalid, "subject and issuer differ"}
			return
		}
		c.self.check = CheckSignature(c, c)
	})
	return c.self.check
}

// isRoot reports whether the certificate is self-signed, as far as one can tell.
func (c *Certificate) isRoot() bool {
	return c.SelfIssued() && c.SelfSigned().Outcome != Invalid
}

// CheckSignature checks the child's signature with the parent's key. Names,
// dates and usages do not count. Weak digests and short keys are checked like
// all others; to refuse them is the policy's matter.
func CheckSignature(child, parent *Certificate) Check {
	if !child.Readable() || len(child.Signature) == 0 {
		return Check{CannotCheck, "the certificate has no readable signature"}
	}
	return CheckData(child.SignatureAlgorithm, child.TBS, child.Signature, parent.Key)
}

// CheckData checks a signature over data, such as an OCSP response's.
func CheckData(alg SignatureAlgorithm, data, signature []byte, key Key) Check {
	switch {
	case alg.IsZero():
		return Check{CannotCheck, "the signature algorithm is unreadable"}
	case key.Raw == nil:
		return Check{CannotCheck, "the issuer's key is unreadable"}
	case alg.Key == KeyUnknown:
		return Check{CannotCheck, "unknown signature algorithm " + alg.OID}
	case key.Algorithm == KeyUnknown:
		return Check{CannotCheck, "unknown key algorithm " + key.OID}
	case !fits(alg, key):
		return Check{Invalid, fmt.Sprintf("a %s signature cannot be made by a key of type %s", alg.Name, key.Algorithm)}
	}
	switch pub := key.Public.(type) {
	case *rsa.PublicKey:
		return checkRSA(alg, data, signature, pub)
	case *ecdsa.PublicKey:
		digest, reason := hashData(hashByName(alg.Hash), data, alg.Name)
		if reason != "" {
			return Check{CannotCheck, reason}
		}
		if !ecdsa.VerifyASN1(pub, digest, signature) {
			return Check{Invalid, "the ECDSA signature does not verify"}
		}
		return Check{Outcome: Valid}
	case ed25519.PublicKey:
		if len(pub) != ed25519.PublicKeySize || !ed25519.Verify(pub, data, signature) {
			return Check{Invalid, "the Ed25519 signature does not verify"}
		}
		return Check{Outcome: Valid}
	}
	if key.Problem != "" {
		return Check{CannotCheck, key.Problem}
	}
	return Check{CannotCheck, "signatures of keys of the type " + key.String() + " cannot be checked here"}
}

// fits reports whether a key of this kind can make such a signature at all.
func fits(alg SignatureAlgorithm, key Key) bool {
	if key.Algorithm == KeyRSAPSS {
		return alg.OID == oidPSS
	}
	return alg.Key == key.Algorithm
}

func hashData(h crypto.Hash, data []byte, name string) (digest []byte, reason string) {
	if h == 0 || !h.Available() {
		return nil, name + " signatures cannot be checked here"
	}
	w := h.New()
	w.Write(data)
	return w.Sum(nil), ""
}

func checkRSA(alg SignatureAlgorithm, data, signature []byte, pub *rsa.PublicKey) Check {
	h := hashByName(alg.Hash)
	if alg.OID == oidPSS {
		if alg.pss.bad != "" {
			return Check{CannotCheck, alg.pss.bad}
		}
		h = alg.pss.hash
	}
	digest, reason := hashData(h, data, alg.Name)
	if reason != "" {
		return Check{CannotCheck, reason}
	}
	em := openRSA(pub, signature)
	if em == nil {
		return Check{Invalid, "the RSA signature is no number below the modulus"}
	}
	ok := false
	if alg.OID == oidPSS {
		ok = verifyPSS(pub.N.BitLen(), em, digest, alg.pss)
	} else {
		ok = bytes.Equal(em, padPKCS1(len(em), digest, h))
	}
	if !ok {
		return Check{Invalid, "the RSA signature does not verify"}
	}
	return Check{Outcome: Valid}
}

// openRSA is RSAVP1 and I2OSP of RFC 8017. crypto/rsa is not used since it
// refuses moduli below 1024 bits, and others by GODEBUG.
func openRSA(pub *rsa.PublicKey, signature []byte) []byte {
	size := (pub.N.BitLen() + 7) / 8
	s := new(big.Int).SetBytes(signature)
	if len(signature) != size || s.Cmp(pub.N) >= 0 {
		return nil
	}
	m := s.Exp(s, big.NewInt(int64(pub.E)), pub.N)
	return m.FillBytes(make([]byte, size))
}

// digestPrefixes are the DigestInfo headers of RFC 8017, Section 9.2, note 1.
var digestPrefixes = map[crypto.Hash][]byte{
	crypto.MD5:    {0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00, 0x04, 0x10},
	crypto.SHA1:   {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14},
	crypto.SHA224: {0x30, 0x2d, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x04, 0x05, 0x00, 0x04, 0x1c},
	crypto.SHA256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04, 0x40},

	crypto.SHA3_224: {0x30, 0x2d, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x07, 0x05, 0x00, 0x04, 0x1c},
	crypto.SHA3_256: {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x08, 0x05, 0x00, 0x04, 0x20},
	crypto.SHA3_384: {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x09, 0x05, 0x00, 0x04, 0x30},
	crypto.SHA3_512: {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x0a, 0x05, 0x00, 0x04, 0x40},
}

// padPKCS1 is EMSA-PKCS1-v1_5 (RFC 8017, Section 9.2); nil when it does not fit.
func padPKCS1(size int, digest []byte, h crypto.Hash) []byte {
	prefix := digestPrefixes[h]
	fill := size - 3 - len(prefix) - len(digest)
	if prefix == nil || fill < 8 {
		return nil
	}
	em := make([]byte, 0, size)
	em = append(em, 0, 1)
	em = append(em, bytes.Repeat([]byte{0xff}, fill)...)
	em = append(em, 0)
	em = append(em, prefix...)
	return append(em, digest...)
}

// verifyPSS is EMSA-PSS-VERIFY (RFC 8017, Section 9.1.2).
func verifyPSS(modulusBits int, em, digest []byte, params pssParams) bool {
	h, saltLen := params.hash, params.salt
	emBits := modulusBits - 1
	emLen := (emBits + 7) / 8
	if len(em) > emLen { // one leading octet when the modulus has 8k+1 bits
		if em[0] != 0 {
			return false
		}
		em = em[len(em)-emLen:]
	}
	hLen := h.Size()
	if emLen < hLen+saltLen+2 || em[emLen-1] != 0xbc {
		return false
	}
	db := bytes.Clone(em[:emLen-hLen-1])
	want := em[emLen-hLen-1 : emLen-1]
	topMask := byte(0xff >> (8*emLen - emBits))
	if db[0]&^topMask != 0 {
		return false
	}
	mgf1XOR(db, want, params.mgf)
	db[0] &= topMask
	ps, salt := db[:len(db)-saltLen-1], db[len(db)-saltLen:]
	if len(bytes.Trim(ps, "\x00")) != 0 || db[len(db)-saltLen-1] != 1 {
		return false
	}
	w := h.New()
	w.Write(make([]byte, 8))
	w.Write(digest)
	w.Write(salt)
	return bytes.Equal(w.Sum(nil), want)
}

func mgf1XOR(out, seed []byte, h crypto.Hash) {
	for counter, done := uint32(0), 0; done < len(out); counter++ {
		w := h.New()
		w.Write(seed)
		w.Write([]byte{byte(counter >> 24), byte(counter >> 16), byte(counter >> 8), byte(counter)})
		for _, b := range w.Sum(nil) {
			if done == len(out) {
				return
			}
			out[done] ^= b
			done++
		}
	}
}
