package lab

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/md5" //nolint:gosec // old signatures are what the lab is for
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // see above
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"net"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

// certificate is what shall be written into a certificate. It is written as
// told: nothing checks that it makes sense.
type certificate struct {
	subject pkix.Name
	serial  *big.Int // nil = the next one
	from    time.Time
	to      time.Time
	key     crypto.PublicKey

	version1     bool // no version field and no extensions
	dns          []string
	ips          []net.IP
	eku          []asn1.ObjectIdentifier // nil = the extension is absent
	usage        x509.KeyUsage           // 0 = the extension is absent
	ca           bool
	noBasic      bool // leave basicConstraints out
	pathLen      int  // -1 = none
	permitted    []string
	excluded     []string
	aia, ocsp    string // URLs of caIssuers and of the OCSP responder
	crl          string // URL of the revocation list
	extra        []pkix.Extension
	authorityKey []byte      // keyIdentifier to write instead of the issuer's
	digest       crypto.Hash // of the signature; 0 = what suits the key

	garbleSignature bool
}

// authority issues certificates.
type authority struct {
	name pkix.Name
	key  crypto.Signer
	der  []byte // its own certificate
}

var (
	oidServerAuth = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 1}
	oidClientAuth = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 3, 2}

	oidSubjectKeyID     = asn1.ObjectIdentifier{2, 5, 29, 14}
	oidKeyUsage         = asn1.ObjectIdentifier{2, 5, 29, 15}
	oidSAN              = asn1.ObjectIdentifier{2, 5, 29, 17}
	oidBasicConstraints = asn1.ObjectIdentifier{2, 5, 29, 19}
	oidNameConstraints  = asn1.ObjectIdentifier{2, 5, 29, 30}
	oidAuthorityKeyID   = asn1.ObjectIdentifier{2, 5, 29, 35}
	oidExtKeyUsage      = asn1.ObjectIdentifier{2, 5, 29, 37}
	oidAIA              = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 1}

	oidRSA     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1}
	oidECDSA   = asn1.ObjectIdentifier{1, 2, 840, 10045, 4}
	oidEd25519 = asn1.ObjectIdentifier{1, 3, 101, 112}
)

var serials atomic.Int64

// issue writes the certificate and signs it (RFC 5280, Section 4.1).
func (a *authority) issue(c certificate) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(c.key)
	if err != nil {
		return nil, fmt.Errorf("encoding a public key: %w", err)
	}
	issuer, err := asn1.Marshal(a.name.ToRDNSequence())
	if err != nil {
		return nil, fmt.Errorf("encoding the issuer: %w", err)
	}
	subject, err := asn1.Marshal(c.subject.ToRDNSequence())
	if err != nil {
		return nil, fmt.Errorf("encoding the subject: %w", err)
	}
	algorithm, hash := signatureAlgorithm(a.key.Public(), c.digest)
	serial := c.serial
	if serial == nil {
		serial = big.NewInt(0x1AB0000 + serials.Add(1))
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		if !c.version1 {
			b.AddASN1(cbasn1.Tag(0).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) { b.AddASN1Int64(2) })
		}
		b.AddASN1BigInt(serial)
		b.AddBytes(algorithm)
		b.AddBytes(issuer)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addTime(b, c.from)
			addTime(b, c.to)
		})
		b.AddBytes(subject)
		b.AddBytes(spki)
		if !c.version1 {
			b.AddASN1(cbasn1.Tag(3).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
					for _, e := range c.extensions(a) {
						b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
							b.AddASN1ObjectIdentifier(e.Id)
							if e.Critical {
								b.AddASN1Boolean(true)
							}
							b.AddASN1OctetString(e.Value)
						})
					}
				})
			})
		}
	})
	tbs, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding a certificate: %w", err)
	}
	signature, err := signBytes(a.key, hash, tbs)
	if err != nil {
		return nil, err
	}
	if c.garbleSignature {
		signature[len(signature)-1] ^= 1
	}
	var whole cryptobyte.Builder
	whole.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(tbs)
		b.AddBytes(algorithm)
		b.AddASN1BitString(signature)
	})
	return whole.Bytes()
}

// addTime writes UTCTime up to 2049 and GeneralizedTime from then on (RFC
// 5280, Section 4.1.2.5).
func addTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC().Truncate(time.Second)
	if t.Year() < 2050 {
		b.AddASN1UTCTime(t)
		return
	}
	b.AddASN1GeneralizedTime(t)
}

// extensions lists the extensions in the order in which they are written.
func (c *certificate) extensions(a *authority) []pkix.Extension {
	var out []pkix.Extension
	add := func(id asn1.ObjectIdentifier, critical bool, build func(*cryptobyte.Builder)) {
		var b cryptobyte.Builder
		build(&b)
		out = append(out, pkix.Extension{Id: id, Critical: critical, Value: b.BytesOrPanic()})
	}
	if c.usage != 0 {
		add(oidKeyUsage, true, func(b *cryptobyte.Builder) { addKeyUsage(b, c.usage) })
	}
	if len(c.eku) > 0 {
		add(oidExtKeyUsage, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, id := range c.eku {
					b.AddASN1ObjectIdentifier(id)
				}
			})
		})
	}
	if !c.noBasic {
		add(oidBasicConstraints, true, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				if c.ca {
					b.AddASN1Boolean(true)
				}
				if c.ca && c.pathLen >= 0 {
					b.AddASN1Int64(int64(c.pathLen))
				}
			})
		})
	}
	add(oidSubjectKeyID, false, func(b *cryptobyte.Builder) { b.AddASN1OctetString(keyIdentifier(c.key)) })
	issuerID := keyIdentifier(a.key.Public())
	if c.authorityKey != nil {
		issuerID = c.authorityKey
	}
	add(oidAuthorityKeyID, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.Tag(0).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(issuerID) })
		})
	})
	if len(c.dns)+len(c.ips) > 0 {
		add(oidSAN, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, name := range c.dns {
					b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(name)) })
				}
				for _, ip := range c.ips {
					if v4 := ip.To4(); v4 != nil {
						ip = v4
					}
					b.AddASN1(cbasn1.Tag(7).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes(ip) })
				}
			})
		})
	}
	if len(c.permitted)+len(c.excluded) > 0 {
		add(oidNameConstraints, true, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				addSubtrees(b, 0, c.permitted)
				addSubtrees(b, 1, c.excluded)
			})
		})
	}
	if c.aia+c.ocsp != "" {
		add(oidAIA, false, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for i, url := range []string{c.ocsp, c.aia} { // id-ad-ocsp and id-ad-caIssuers
					if url == "" {
						continue
					}
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
						b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, i + 1})
						b.AddASN1(cbasn1.Tag(6).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(url)) })
					})
				}
			})
		})
	}
	if c.crl != "" {
		out = append(out, crlPoint(c.crl))
	}
	return append(out, c.extra...)
}

// addSubtrees writes permittedSubtrees (0) or excludedSubtrees (1) of DNS names
// (RFC 5280, Section 4.2.1.10).
func addSubtrees(b *cryptobyte.Builder, tag uint8, names []string) {
	if len(names) == 0 {
		return
	}
	b.AddASN1(cbasn1.Tag(tag).ContextSpecific().Constructed(), func(b *cryptobyte.Builder) {
		for _, name := range names {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1(cbasn1.Tag(2).ContextSpecific(), func(b *cryptobyte.Builder) { b.AddBytes([]byte(name)) })
			})
		}
	})
}

// addKeyUsage writes the bits of RFC 5280, Section 4.2.1.3, of which
// digitalSignature is the first.
func addKeyUsage(b *cryptobyte.Builder, usage x509.KeyUsage) {
	var bits [2]byte
	last := 0
	for i := range 9 {
		if usage&(1<<i) != 0 {
			bits[i/8] |= 0x80 >> (i % 8)
			last = i
		}
	}
	n := last/8 + 1
	b.AddASN1(cbasn1.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(uint8(7 - last%8))
		b.AddBytes(bits[:n])
	})
}

// keyIdentifier is the SHA-1 digest of the key (RFC 5280, Section 4.2.1.2).
func keyIdentifier(key crypto.PublicKey) []byte {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return make([]byte, sha1.Size)
	}
	var info struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}
	if _, err := asn1.Unmarshal(spki, &info); err != nil {
		return make([]byte, sha1.Size)
	}
	sum := sha1.Sum(info.Key.Bytes) //nolint:gosec // an identifier, no signature
	return sum[:]
}

// signatureAlgorithm is the AlgorithmIdentifier for a key and a digest, and the
// digest that was chosen.
func signatureAlgorithm(key crypto.PublicKey, digest crypto.Hash) ([]byte, crypto.Hash) {
	id := oidEd25519
	parameters := false
	switch k := key.(type) {
	case *rsa.PublicKey:
		if digest == 0 {
			digest = crypto.SHA256
		}
		last := map[crypto.Hash]int{crypto.MD5: 4, crypto.SHA1: 5, crypto.SHA256: 11, crypto.SHA384: 12, crypto.SHA512: 13}[digest]
		id, parameters = append(append(asn1.ObjectIdentifier{}, oidRSA...), last), true
	case *ecdsa.PublicKey:
		if digest == 0 {
			digest = map[int]crypto.Hash{384: crypto.SHA384, 521: crypto.SHA512}[k.Curve.Params().BitSize]
		}
		id = append(asn1.ObjectIdentifier{}, oidECDSA...)
		switch digest {
		case crypto.SHA1:
			id = append(id, 1)
		case crypto.SHA384:
			id = append(id, 3, 3)
		case crypto.SHA512:
			id = append(id, 3, 4)
		default:
			digest = crypto.SHA256
			id = append(id, 3, 2)
		}
	default:
		digest = 0
	}
	var b cryptobyte.Builder
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(id)
		if parameters {
			b.AddASN1NULL()
		}
	})
	return b.BytesOrPanic(), digest
}

// signBytes signs with PKCS #1 v1.5, ECDSA or Ed25519.
func signBytes(key crypto.Signer, digest crypto.Hash, data []byte) ([]byte, error) {
	sum := data
	switch digest {
	case 0:
	case crypto.MD5:
		d := md5.Sum(data) //nolint:gosec // a fault on purpose
		sum = d[:]
	default:
		h := digest.New()
		h.Write(data)
		sum = h.Sum(nil)
	}
	signature, err := key.Sign(rand.Reader, sum, digest)
	if err != nil {
		return nil, fmt.Errorf("signing a certificate: %w", err)
	}
	return signature, nil
}
