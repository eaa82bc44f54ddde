package chain

import (
	"bytes"
	"crypto/x509"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Certificate is one X.509 certificate, as far as it could be read. Fields that
// could not be read are zero and named in ParseProblems.
type Certificate struct {
	Raw []byte // as received; for a certificate followed by other bytes, all of it
	DER []byte // the certificate alone; nil when not even its outer shell is readable
	TBS []byte // the signed part

	Version   int      // 1, 2 or 3; 0 = unreadable
	Serial    *big.Int // nil = unreadable
	SerialRaw []byte   // content octets

	Subject DN
	Issuer  DN

	NotBefore time.Time // UTC; zero = unreadable
	NotAfter  time.Time

	Key Key // the subject's public key

	SignatureAlgorithm SignatureAlgorithm // outer: what the signature is checked with
	InnerAlgorithm     SignatureAlgorithm // inside TBS; must be the same (RFC 5280, 4.1.1.2)
	Signature          []byte

	Extensions []Extension // all, in order, duplicates included

	HasSAN     bool // a subjectAltName extension is present, readable or not
	DNSNames   []string
	IPs        []netip.Addr
	Emails     []string
	URIs       []string
	OtherNames []OtherName // readable entries of other types
	BadNames   []OtherName // entries that break their type's rules, kept raw

	SubjectKeyID    []byte
	AuthorityKeyID  []byte
	AuthorityIssuer DN       // authorityCertIssuer; empty = absent
	AuthoritySerial *big.Int // authorityCertSerialNumber; nil = absent

	HasKeyUsage bool
	KeyUsage    KeyUsage
	ExtKeyUsage []string // OIDs, see EKUServerAuth; nil = extension absent

	BasicConstraints *BasicConstraints // nil = absent
	NameConstraints  *NameConstraints  // nil = absent

	IssuerURLs []string // authorityInfoAccess, caIssuers
	OCSPURLs   []string
	CRLURLs    []string
	Policies   []string // OIDs

	SCTs        [][]byte // embedded signed certificate timestamps, raw
	Precert     bool     // carries the CT poison extension
	TLSFeatures []uint16 // RFC 7633; 5 = status_request
	MustStaple  bool

	UnknownCritical []string // OIDs of critical extensions that clients do not process

	SHA256     [32]byte // of DER (of Raw when DER is nil)
	SPKISHA256 [32]byte // of the SubjectPublicKeyInfo; zero when unreadable

	ParseProblems []string // what could not be read, or breaks DER or RFC 5280
	Malformed     []string // those of ParseProblems for which the reference client (OpenSSL) refuses

	goOnce sync.Once
	goErr  string
	goCert *x509.Certificate
	self   onceCheck
}

// Extension is one extension as in the certificate.
type Extension struct {
	OID      string
	Critical bool
	Value    []byte // content of the OCTET STRING
}

// OtherName is a GeneralName that is kept raw.
type OtherName struct {
	Type  string // "dns", "ip", "email", "uri", "dirname", "othername", ...
	Value []byte // content octets
	Why   string // why it is bad; empty for a readable entry of another type
}

// BasicConstraints is RFC 5280, Section 4.2.1.9.
type BasicConstraints struct {
	IsCA       bool
	MaxPathLen int // -1 = no limit
	Critical   bool
}

// KeyUsage is the bit set of RFC 5280, Section 4.2.1.3.
type KeyUsage uint16

// The key usages.
const (
	KeyUsageDigitalSignature KeyUsage = 1 << iota
	KeyUsageContentCommitment
	KeyUsageKeyEncipherment
	KeyUsageDataEncipherment
	KeyUsageKeyAgreement
	KeyUsageCertSign
	KeyUsageCRLSign
	KeyUsageEncipherOnly
	KeyUsageDecipherOnly
)

var keyUsageNames = [...]string{"digitalSignature", "contentCommitment", "keyEncipherment",
	"dataEncipherment", "keyAgreement", "keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}

// String lists the usages by their names in RFC 5280.
func (u KeyUsage) String() string {
	var names []string
	for i, name := range keyUsageNames {
		if u&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// SignatureAlgorithm is an AlgorithmIdentifier of a signature.
type SignatureAlgorithm struct {
	OID  string
	Name string // "SHA256-RSA", "RSA-PSS-SHA256", "ECDSA-SHA384", "Ed25519", ...; the OID when unknown
	Hash string // "MD2", "MD5", "SHA1", "SHA256" ...; empty for Ed25519 and unknown ones
	Key  KeyAlgorithm
	Raw  []byte // the AlgorithmIdentifier

	pss pssParams
}

// IsZero reports whether the algorithm could not be read.
func (a SignatureAlgorithm) IsZero() bool { return a.OID == "" }

// The extended key usages that matter to TLS.
const (
	EKUAny          = "2.5.29.37.0"
	EKUServerAuth   = "1.3.6.1.5.5.7.3.1"
	EKUClientAuth   = "1.3.6.1.5.5.7.3.2"
	EKUCodeSigning  = "1.3.6.1.5.5.7.3.3"
	EKUEmail        = "1.3.6.1.5.5.7.3.4"
	EKUTimeStamping = "1.3.6.1.5.5.7.3.8"
	EKUOCSPSigning  = "1.3.6.1.5.5.7.3.9"
	EKUNetscapeSGC  = "2.16.840.1.113730.4.1"
	EKUMicrosoftSGC = "1.3.6.1.4.1.311.10.3.3"
)

var ekuNames = map[string]string{
	EKUAny: "anyExtendedKeyUsage", EKUServerAuth: "serverAuth", EKUClientAuth: "clientAuth",
	EKUCodeSigning: "codeSigning", EKUEmail: "emailProtection", EKUTimeStamping: "timeStamping",
	EKUOCSPSigning: "OCSPSigning", EKUNetscapeSGC: "nsSGC", EKUMicrosoftSGC: "msSGC",
}

// ForClients tells whether the certificate is made for clients and cannot be a
// server's.
func (c *Certificate) ForClients() bool {
	return slices.Contains(c.ExtKeyUsage, EKUClientAuth) && !slices.ContainsFunc(c.ExtKeyUsage, func(oid string) bool { return oid == EKUServerAuth || oid == EKUAny })
}

// EKUName gives the usual name of an extended key usage, or the OID itself.
func EKUName(oid string) string {
	if name, ok := ekuNames[oid]; ok {
		return name
	}
	return oid
}

// IsCA reports whether basicConstraints say that the certificate may issue.
func (c *Certificate) IsCA() bool { return c.BasicConstraints != nil && c.BasicConstraints.IsCA }

// SelfIssued reports whether subject and issuer are the same name (RFC 5280,
// Section 3.2). It says nothing about the signature; see SelfSigned.
func (c *Certificate) SelfIssued() bool { return c.Readable() && c.Subject.Equal(c.Issuer) }

// Readable reports whether the signed part was found, so that names and key
// mean something.
func (c *Certificate) Readable() bool { return c != nil && len(c.TBS) > 0 }

// Lifetime is the validity period, both ends included (RFC 5280, Section 4.1.2.5).
func (c *Certificate) Lifetime() time.Duration {
	if c.NotBefore.IsZero() || c.NotAfter.IsZero() {
		return 0
	}
	return c.NotAfter.Sub(c.NotBefore) + time.Second
}

// Equal reports whether both are the same certificate, byte for byte.
func (c *Certificate) Equal(other *Certificate) bool {
	if c == nil || other == nil {
		return c == other
	}
	return c == other || c.SHA256 == other.SHA256 && bytes.Equal(c.der(), other.der())
}

// SameKey reports whether both certificates hold the same public key.
func (c *Certificate) SameKey(other *Certificate) bool {
	return len(c.Key.Raw) > 0 && c.SPKISHA256 == other.SPKISHA256
}

// Extension gives the first extension with this OID, or nil.
func (c *Certificate) Extension(oid string) *Extension {
	for i := range c.Extensions {
		if c.Extensions[i].OID == oid {
			return &c.Extensions[i]
		}
	}
	return nil
}

// Title is a short name for people: the CN, else the first SAN, else the
// organisation, else the serial number. Control characters are escaped.
func (c *Certificate) Title() string {
	switch {
	case c.Subject.CN() != "":
		return c.Subject.CN()
	case len(c.DNSNames) > 0:
		return c.DNSNames[0]
	case len(c.IPs) > 0:
		return c.IPs[0].String()
	case !c.Subject.Empty():
		return c.Subject.String()
	case c.Serial != nil:
		return "serial " + c.SerialString()
	}
	return "unreadable certificate"
}

// SerialString is the serial number in hex, as openssl prints it.
func (c *Certificate) SerialString() string {
	if c.Serial == nil {
		return ""
	}
	return strings.ToUpper(c.Serial.Text(16))
}

// GoError is the complaint of crypto/x509 about the certificate, or "". Go
// clients fail with this very text.
func (c *Certificate) GoError() string {
	c.parseWithGo()
	return c.goErr
}

// Go is the certificate as crypto/x509 reads it, or nil when it refuses.
func (c *Certificate) Go() *x509.Certificate {
	c.parseWithGo()
	return c.goCert
}

func (c *Certificate) parseWithGo() {
	c.goOnce.Do(func() {
		if len(c.Raw) > MaxSize {
			c.goErr = "not tried: too large"
			return
		}
		cert, err := x509.ParseCertificate(c.Raw)
		if err != nil {
			c.goErr = err.Error()
			return
		}
		c.goCert = cert
	})
}

func (c *Certificate) der() []byte {
	if c.DER != nil {
		return c.DER
	}
	return c.Raw
}
