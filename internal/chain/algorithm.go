package chain

import (
	"crypto"

	"golang.org/x/crypto/cryptobyte"
)

type pssParams struct {
	hash crypto.Hash
	mgf  crypto.Hash
	salt int
	bad  string
}

type algorithmRow struct {
	name, hash string
	key        KeyAlgorithm
}

var signatureOIDs = map[string]algorithmRow{
	"1.2.840.113549.1.1.2":    {"MD2-RSA", "MD2", KeyRSA},
	"1.2.840.113549.1.1.3":    {"MD4-RSA", "MD4", KeyRSA},
	"1.2.840.113549.1.1.4":    {"MD5-RSA", "MD5", KeyRSA},
	"1.2.840.113549.1.1.5":    {"SHA1-RSA", "SHA1", KeyRSA},
	"1.3.14.3.2.29":           {"SHA1-RSA", "SHA1", KeyRSA}, // OIW, seen in old Microsoft certificates
	"1.2.840.113549.1.1.14":   {"SHA224-RSA", "SHA224", KeyRSA},
	"1.2.840.113549.1.1.11":   {"SHA256-RSA", "SHA256", KeyRSA},
	"1.2.840.113549.1.1.12":   {"SHA384-RSA", "SHA384", KeyRSA},
	"1.2.840.113549.1.1.13":   {"SHA512-RSA", "SHA512", KeyRSA},
	oidPSS:                    {"RSA-PSS", "", KeyRSA},
	"1.2.840.10045.4.1":       {"ECDSA-SHA1", "SHA1", KeyECDSA},
	"1.2.840.10045.4.3.1":     {"ECDSA-SHA224", "SHA224", KeyECDSA},
	"1.2.840.10045.4.3.2":     {"ECDSA-SHA256", "SHA256", KeyECDSA},
	"1.2.840.10045.4.3.3":     {"ECDSA-SHA384", "SHA384", KeyECDSA},
	"1.2.840.10045.4.3.4":     {"ECDSA-SHA512", "SHA512", KeyECDSA},
	"1.2.840.10040.4.3":       {"DSA-SHA1", "SHA1", KeyDSA},
	"2.16.840.1.101.3.4.3.1":  {"DSA-SHA224", "SHA224", KeyDSA},
	"2.16.840.1.101.3.4.3.2":  {"DSA-SHA256", "SHA256", KeyDSA},
	"1.3.101.112":             {"Ed25519", "", KeyEd25519},
	"1.3.101.113":             {"Ed448", "", KeyEd448},
	"1.2.156.10197.1.501":     {"SM2-SM3", "SM3", KeySM2},
	"1.2.643.2.2.3":           {"GOST3410-2001", "GOST3411-94", KeyGOST},
	"1.2.643.7.1.1.3.2":       {"GOST3410-2012-256", "GOST3411-2012-256", KeyGOST},
	"1.2.643.7.1.1.3.3":       {"GOST3410-2012-512", "GOST3411-2012-512", KeyGOST},
	"2.16.840.1.101.3.4.3.17": {"ML-DSA-44", "", KeyMLDSA44},
	"2.16.840.1.101.3.4.3.18": {"ML-DSA-65", "", KeyMLDSA65},
	"2.16.840.1.101.3.4.3.19": {"ML-DSA-87", "", KeyMLDSA87},
	"2.16.840.1.101.3.4.3.9":  {"ECDSA-SHA3-224", "SHA3-224", KeyECDSA},
	"2.16.840.1.101.3.4.3.10": {"ECDSA-SHA3-256", "SHA3-256", KeyECDSA},
	"2.16.840.1.101.3.4.3.11": {"ECDSA-SHA3-384", "SHA3-384", KeyECDSA},
	"2.16.840.1.101.3.4.3.12": {"ECDSA-SHA3-512", "SHA3-512", KeyECDSA},
	"2.16.840.1.101.3.4.3.13": {"RSA-SHA3-224", "SHA3-224", KeyRSA},
	"2.16.840.1.101.3.4.3.14": {"RSA-SHA3-256", "SHA3-256", KeyRSA},
	"2.16.840.1.101.3.4.3.15": {"RSA-SHA3-384", "SHA3-384", KeyRSA},
	"2.16.840.1.101.3.4.3.16": {"RSA-SHA3-512", "SHA3-512", KeyRSA},
}

var hashOIDs = map[string]crypto.Hash{
	"1.2.840.113549.2.5":      crypto.MD5,
	"1.3.14.3.2.26":           crypto.SHA1,
	"2.16.840.1.101.3.4.2.4":  crypto.SHA224,
	"2.16.840.1.101.3.4.2.1":  crypto.SHA256,
	"2.16.840.1.101.3.4.2.2":  crypto.SHA384,
	"2.16.840.1.101.3.4.2.3":  crypto.SHA512,
	"2.16.840.1.101.3.4.2.10": crypto.SHA3_512,
	"2.16.840.1.101.3.4.2.9":  crypto.SHA3_384,
	"2.16.840.1.101.3.4.2.8":  crypto.SHA3_256,
	"2.16.840.1.101.3.4.2.7":  crypto.SHA3_224,
}

var hashNames = map[crypto.Hash]string{crypto.MD5: "MD5", crypto.SHA1: "SHA1", crypto.SHA224: "SHA224",
	crypto.SHA256: "SHA256", crypto.SHA384: "SHA384", crypto.SHA512: "SHA512",
	crypto.SHA3_224: "SHA3-224", crypto.SHA3_256: "SHA3-256", crypto.SHA3_384: "SHA3-384", crypto.SHA3_512: "SHA3-512"}

func hashByName(name string) crypto.Hash {
	for h, n := range hashNames {
		if n == name {
			return h
		}
	}
	return 0
}

// parseAlgorithm reads the AlgorithmIdentifier of a signature.
func parseAlgorithm(e element) (SignatureAlgorithm, bool) {
	a := SignatureAlgorithm{Raw: e.raw}
	s := e.body
	oid, ok := readOID(&s)
	if !ok {
		return a, false
	}
	a.OID, a.Name = oid, oid
	if row, ok := signatureOIDs[oid]; ok {
		a.Name, a.Hash, a.Key = row.name, row.hash, row.key
	}
	if oid == oidPSS {
		a.pss = parsePSS(s)
		a.Hash = hashNames[a.pss.hash]
		if a.Hash != "" {
			a.Name += "-" + a.Hash
		}
	}
	return a, true
}

// parsePSS reads RSASSA-PSS-params (RFC 4055, Section 3.1) with its defaults.
func parsePSS(s cryptobyte.String) pssParams {
	p := pssParams{hash: crypto.SHA1, mgf: crypto.SHA1, salt: 20}
	seq, ok := readTag(&s, tagSequence)
	if !ok {
		p.bad = "the PSS parameters are missing"
		return p
	}
	for !seq.body.Empty() {
		field, ok := readElement(&seq.body)
		if !ok {
			p.bad = "the PSS parameters are unreadable"
			return p
		}
		switch field.tag {
		case contextTag(0, true):
			p.hash, ok = readHash(&field.body)
		case contextTag(1, true):
			var mgf element
			if mgf, ok = readTag(&field.body, tagSequence); ok {
				var oid string
				if oid, ok = readOID(&mgf.body); ok && oid == "1.2.840.113549.1.1.8" {
					p.mgf, ok = readHash(&mgf.body)
				}
			}
		case contextTag(2, true):
			var salt element
			if salt, ok = readTag(&field.body, tagInteger); ok {
				n := parseInteger(salt.body)
				if ok = n != nil && n.IsInt64() && n.Int64() >= 0 && n.Int64() <= maxKeyBytes; ok {
					p.salt = int(n.Int64())
				}
			}
		}
		if !ok {
			p.bad = "the PSS parameters are unreadable or unknown"
			return p
		}
	}
	return p
}

func readHash(s *cryptobyte.String) (crypto.Hash, bool) {
	seq, ok := readTag(s, tagSequence)
	if !ok {
		return 0, false
	}
	oid, ok := readOID(&seq.body)
	if !ok {
		return 0, false
	}
	h, ok := hashOIDs[oid]
	return h, ok
}
