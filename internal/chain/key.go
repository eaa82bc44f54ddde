package chain

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"fmt"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
)

// KeyAlgorithm is the kind of a public key.
type KeyAlgorithm string

// The algorithms that have a name here; others are given as their OID.
const (
	KeyUnknown KeyAlgorithm = ""
	KeyRSA     KeyAlgorithm = "RSA"
	KeyRSAPSS  KeyAlgorithm = "RSA-PSS" // a key that only makes PSS signatures
	KeyECDSA   KeyAlgorithm = "ECDSA"
	KeyEd25519 KeyAlgorithm = "Ed25519"
	KeyEd448   KeyAlgorithm = "Ed448"
	KeyX25519  KeyAlgorithm = "X25519"
	KeyX448    KeyAlgorithm = "X448"
	KeyDSA     KeyAlgorithm = "DSA"
	KeyDH      KeyAlgorithm = "DH"
	KeySM2     KeyAlgorithm = "SM2"
	KeyGOST    KeyAlgorithm = "GOST"
	KeyMLDSA44 KeyAlgorithm = "ML-DSA-44"
	KeyMLDSA65 KeyAlgorithm = "ML-DSA-65"
	KeyMLDSA87 KeyAlgorithm = "ML-DSA-87"
)

const (
	oidRSA   = "1.2.840.113549.1.1.1"
	oidPSS   = "1.2.840.113549.1.1.10"
	oidEC    = "1.2.840.10045.2.1"
	oidPrime = "1.2.840.10045.1.1"

	maxKeyBytes = 16384 / 8 // larger keys are read but not used for checks
)

var keyOIDs = map[string]KeyAlgorithm{
	oidRSA: KeyRSA, oidPSS: KeyRSAPSS, oidEC: KeyECDSA,
	"1.3.101.110": KeyX25519, "1.3.101.111": KeyX448, "1.3.101.112": KeyEd25519, "1.3.101.113": KeyEd448,
	"1.2.840.10040.4.1": KeyDSA, "1.2.840.113549.1.3.1": KeyDH, "1.2.840.10046.2.1": KeyDH,
	"1.2.643.2.2.19": KeyGOST, "1.2.643.7.1.1.1.1": KeyGOST, "1.2.643.7.1.1.1.2": KeyGOST,
	"2.16.840.1.101.3.4.3.17": KeyMLDSA44, "2.16.840.1.101.3.4.3.18": KeyMLDSA65, "2.16.840.1.101.3.4.3.19": KeyMLDSA87,
	"1.3.132.1.12": KeyECDSA, "1.3.132.1.13": KeyECDSA,
}

// Key is a SubjectPublicKeyInfo, understood also where Go's parsers refuse it.
type Key struct {
	Algorithm KeyAlgorithm
	OID       string
	Bits      int    // RSA modulus, DSA and DH prime, field of a curve; 0 = unknown
	Curve     string // "P-256", "brainpoolP384r1", "secp256k1"...; "explicit" when no known one
	Explicit  bool   // the curve is given by its parameters, not by its name (RFC 5480 forbids)

	Public crypto.PublicKey // nil when Go has no type for it, or it is unusable
	Bytes  []byte           // content of the BIT STRING
	Raw    []byte           // the SubjectPublicKeyInfo; nil = unreadable

	Problem string // why it is unreadable or no valid key; empty for a sound key of any kind
}

// String is a short description such as "RSA 2048" or "ECDSA P-256".
func (k Key) String() string {
	switch {
	case k.Algorithm == KeyUnknown && k.OID == "":
		return "unreadable key"
	case k.Algorithm == KeyUnknown:
		return "key of unknown type " + k.OID
	case k.Algorithm == KeySM2:
		return "SM2"
	case k.Curve != "" && k.Explicit:
		return fmt.Sprintf("%s %s (explicit parameters)", k.Algorithm, k.Curve)
	case k.Curve != "":
		return fmt.Sprintf("%s %s", k.Algorithm, k.Curve)
	case k.Bits > 0 && k.Algorithm != KeyEd25519 && k.Algorithm != KeyEd448:
		return fmt.Sprintf("%s %d", k.Algorithm, k.Bits)
	}
	return string(k.Algorithm)
}

// ParseKey reads a SubjectPublicKeyInfo. What is unreadable is told in Problem.
func ParseKey(spki []byte) Key {
	k := Key{}
	s := cryptobyte.String(spki)
	outer, ok := readTag(&s, tagSequence)
	if !ok {
		k.Problem = "the public key info is no SEQUENCE"
		return k
	}
	k.Raw = outer.raw
	alg, ok := readTag(&outer.body, tagSequence)
	if !ok {
		k.Problem = "the key algorithm is unreadable"
		return k
	}
	if k.OID, ok = readOID(&alg.body); !ok {
		k.Problem = "the key algorithm's OID is unreadable"
		return k
	}
	k.Algorithm = keyOIDs[k.OID]
	bits, ok := readTag(&outer.body, tagBitString)
	if !ok {
		k.Problem = "the key's BIT STRING is missing"
		return k
	}
	data, unused, ok := parseBitString(bits.body)
	if !ok || unused != 0 {
		k.Problem = "the key's BIT STRING is unreadable"
		return k
	}
	k.Bytes = data
	switch k.Algorithm {
	case KeyRSA, KeyRSAPSS:
		k.readRSA()
	case KeyECDSA:
		k.readEC(alg.body)
	case KeyEd25519:
		k.Bits = 256
		if len(data) != ed25519.PublicKeySize {
			k.Problem = fmt.Sprintf("an Ed25519 key of %d bytes", len(data))
			break
		}
		k.Public = ed25519.PublicKey(data)
	case KeyEd448:
		k.Bits = 456
		if len(data) != 57 {
			k.Problem = fmt.Sprintf("an Ed448 key of %d bytes", len(data))
		}
	case KeyDSA, KeyDH:
		if params, ok := readTag(&alg.body, tagSequence); ok {
			if p, ok := readTag(&params.body, tagInteger); ok && len(p.body) <= maxKeyBytes+1 {
				k.Bits = parseInteger(p.body).BitLen()
			}
		}
	}
	return k
}

func (k *Key) readRSA() {
	s := cryptobyte.String(k.Bytes)
	seq, ok := readTag(&s, tagSequence)
	var n, e element
	if ok {
		n, ok = readTag(&seq.body, tagInteger)
	}
	if ok {
		e, ok = readTag(&seq.body, tagInteger)
	}
	if !ok || len(n.body) == 0 || len(e.body) == 0 {
		k.Problem = "the RSA key is unreadable"
		return
	}
	modulus, exponent := parseInteger(n.body), parseInteger(e.body)
	if len(n.body) > maxKeyBytes*4 {
		k.Problem = fmt.Sprintf("an RSA modulus of %d bytes", len(n.body))
		return
	}
	k.Bits = modulus.BitLen()
	switch {
	case modulus.Sign() <= 0:
		// A modulus without its leading zero octet reads as negative.
		k.Bits = new(big.Int).SetBytes(n.body).BitLen()
		k.Problem = "the RSA modulus is not positive"
	case modulus.Bit(0) == 0:
		k.Problem = "the RSA modulus is even"
	case exponent.Sign() <= 0 || exponent.Bit(0) == 0 || exponent.BitLen() == 1:
		k.Problem = "the RSA exponent is even, one or negative"
	case exponent.BitLen() > 31 || len(n.body) > maxKeyBytes+1:
		// Sound, but Go has no type for it, or its use would let a peer burn our time.
	default:
		k.Public = &rsa.PublicKey{N: modulus, E: int(exponent.Int64())}
	}
}

func (k *Key) readEC(params cryptobyte.String) {
	e, ok := readElement(&params)
	if !ok && k.OID == oidEC {
		k.Problem = "the curve is missing"
		return
	}
	var c curve
	switch {
	case ok && e.tag == tagOID:
		oid, _ := parseOID(e.body)
		c, ok = curvesByOID[oid]
		if !ok {
			k.Curve = oid
			if oid == "" {
				k.Curve, k.Problem = "", "the curve's OID is unreadable"
			}
			return
		}
	case ok && e.tag == tagSequence:
		k.Explicit = true
		c = k.readExplicit(e.body)
	case ok && e.tag == tagNull:
		k.Problem = "the curve is inherited from the issuer (implicitCurve)"
		return
	default:
		k.Problem = "the curve is unreadable"
		return
	}
	k.Curve = c.name
	if c.bits > 0 {
		k.Bits = c.bits
	}
	if c.name == "SM2" {
		k.Algorithm = KeySM2
	}
	if len(k.Bytes) == 0 {
		k.Problem = "the point is empty"
		return
	}
	if c.goCurve != nil {
		k.readPoint(c.goCurve)
	}
}

func (k *Key) readPoint(c elliptic.Curve) {
	if k.Bytes[0] == 2 || k.Bytes[0] == 3 {
		x, y := elliptic.UnmarshalCompressed(c, k.Bytes)
		if x == nil {
			k.Problem = "the point is not on the curve"
			return
		}
		k.Public = &ecdsa.PublicKey{Curve: c, X: x, Y: y}
		return
	}
	pub, err := ecdsa.ParseUncompressedPublicKey(c, k.Bytes)
	if err != nil {
		k.Problem = "the point is not on the curve"
		return
	}
	k.Public = pub
}

// readExplicit recognises a known curve by its parameters (RFC 3279, Section 2.3.5).
func (k *Key) readExplicit(s cryptobyte.String) curve {
	unknown := curve{name: "explicit"}
	if _, ok := readTag(&s, tagInteger); !ok {
		return unknown
	}
	field, ok := readTag(&s, tagSequence)
	if !ok {
		return unknown
	}
	oid, _ := readOID(&field.body)
	prime, ok := readTag(&field.body, tagInteger)
	if oid != oidPrime || !ok || len(prime.body) == 0 || len(prime.body) > maxKeyBytes {
		return unknown
	}
	p := parseInteger(prime.body)
	unknown.bits = p.BitLen()
	ab, ok := readTag(&s, tagSequence)
	if !ok {
		return unknown
	}
	a, okA := readTag(&ab.body, tagOctetString)
	b, okB := readTag(&ab.body, tagOctetString)
	_, okG := readTag(&s, tagOctetString)
	order, okN := readTag(&s, tagInteger)
	if !okA || !okB || !okG || !okN || len(a.body) > maxKeyBytes || len(b.body) > maxKeyBytes || len(order.body) > maxKeyBytes {
		return unknown
	}
	for _, c := range curvesByOID {
		// p, b and the order together name a curve; the base point is not compared,
		// since a signature check uses the curve's own.
		if c.goCurve == nil {
			continue
		}
		params := c.goCurve.Params()
		if params.P.Cmp(p) == 0 && params.B.Cmp(new(big.Int).SetBytes(b.body)) == 0 &&
			params.N.Cmp(new(big.Int).SetBytes(order.body)) == 0 {
			return c
		}
	}
	return unknown
}

type curve struct {
	name    string
	bits    int
	goCurve elliptic.Curve
}

// curvesByOID names the curves that certificates were seen with.
var curvesByOID = map[string]curve{
	"1.3.132.0.33":          {"P-224", 224, elliptic.P224()},
	"1.2.840.10045.3.1.7":   {"P-256", 256, elliptic.P256()},
	"1.3.132.0.34":          {"P-384", 384, elliptic.P384()},
	"1.3.132.0.35":          {"P-521", 521, elliptic.P521()},
	"1.2.840.10045.3.1.1":   {"P-192", 192, nil},
	"1.3.132.0.10":          {"secp256k1", 256, nil},
	"1.3.132.0.32":          {"secp224k1", 224, nil},
	"1.3.132.0.31":          {"secp192k1", 192, nil},
	"1.3.132.0.8":           {"secp160r1", 160, nil},
	"1.3.132.0.26":          {"sect233k1", 233, nil},
	"1.3.132.0.27":          {"sect233r1", 233, nil},
	"1.3.132.0.16":          {"sect283k1", 283, nil},
	"1.3.132.0.17":          {"sect283r1", 283, nil},
	"1.3.132.0.36":          {"sect409k1", 409, nil},
	"1.3.132.0.37":          {"sect409r1", 409, nil},
	"1.3.132.0.38":          {"sect571k1", 571, nil},
	"1.3.132.0.39":          {"sect571r1", 571, nil},
	"1.3.36.3.3.2.8.1.1.1":  {"brainpoolP160r1", 160, nil},
	"1.3.36.3.3.2.8.1.1.3":  {"brainpoolP192r1", 192, nil},
	"1.3.36.3.3.2.8.1.1.5":  {"brainpoolP224r1", 224, nil},
	"1.3.36.3.3.2.8.1.1.7":  {"brainpoolP256r1", 256, nil},
	"1.3.36.3.3.2.8.1.1.8":  {"brainpoolP256t1", 256, nil},
	"1.3.36.3.3.2.8.1.1.9":  {"brainpoolP320r1", 320, nil},
	"1.3.36.3.3.2.8.1.1.11": {"brainpoolP384r1", 384, nil},
	"1.3.36.3.3.2.8.1.1.12": {"brainpoolP384t1", 384, nil},
	"1.3.36.3.3.2.8.1.1.13": {"brainpoolP512r1", 512, nil},
	"1.3.36.3.3.2.8.1.1.14": {"brainpoolP512t1", 512, nil},
	"1.2.156.10197.1.301":   {"SM2", 256, nil},
}
