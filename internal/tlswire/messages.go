package tlswire

import "golang.org/x/crypto/cryptobyte"

// Extension is one extension with its body as on the wire.
type Extension struct {
	Type ExtensionType
	Data []byte
}

// KeyShare is one entry of a key_share extension (RFC 8446, Section 4.2.8).
type KeyShare struct {
	Group Group
	Data  []byte
}

// ClientHello is a ClientHello of SSL 2.0-compatible format up to TLS 1.3.
// Extensions keep their order; accessors read them, setters replace the body
// in place or append. Nil Extensions marshals without the extensions block.
type ClientHello struct {
	RecordVersion Version // of the record that carries it; zero means TLS10
	// SSL2 marks the SSLv2-compatible format (RFC 5246, Appendix E.2):
	// SSL2Specs holds its 3-byte cipher specs, Random its challenge.
	SSL2      bool
	SSL2Specs []uint32

	Version      Version // legacy_version
	Random       []byte  // 32 bytes; in the SSLv2 format the challenge, 16 to 32
	SessionID    []byte
	CipherSuites []CipherSuite
	Compression  []uint8
	Extensions   []Extension

	Raw []byte // the handshake message as parsed (or the SSLv2 record body), nil when built
}

// ServerHello is a ServerHello or, when IsHelloRetryRequest says so, a
// HelloRetryRequest (RFC 8446, Section 4.1.4).
type ServerHello struct {
	Version     Version // legacy_version; see NegotiatedVersion
	Random      []byte
	SessionID   []byte
	CipherSuite CipherSuite
	Compression uint8
	Extensions  []Extension
	HasExtBlock bool // an extensions block was present, even if empty
	Raw         []byte
}

// SSL2ServerHello is the ServerHello of SSL 2.0.
type SSL2ServerHello struct {
	SessionIDHit bool
	CertType     uint8
	Version      Version
	Certificate  []byte
	Specs        []uint32
	ConnectionID []byte
}

// EncryptedExtensions is RFC 8446, Section 4.3.1.
type EncryptedExtensions struct {
	Extensions []Extension
}

// CertificateEntry is one certificate with its TLS 1.3 extensions.
type CertificateEntry struct {
	Data       []byte // DER
	Extensions []Extension
}

// Certificate is the Certificate message, in either layout. Entries that were
// readable are kept when the rest of the message is not.
type Certificate struct {
	Context []byte // TLS 1.3 only
	Entries []CertificateEntry
	// Compression is the algorithm when it came as a CompressedCertificate
	// (RFC 8879), else zero.
	Compression uint16
}

// CertificateStatus carries a stapled OCSP response (RFC 6066, Section 8).
type CertificateStatus struct {
	Type     uint8
	Response []byte // DER
}

// KeyExchange names how the premaster secret of TLS 1.2 and below is agreed.
type KeyExchange uint8

// The key exchanges.
const (
	KexUnknown KeyExchange = iota
	KexRSA
	KexDHE
	KexECDHE
	KexDH   // static
	KexECDH // static
	KexPSK
	KexTLS13
	KexDHAnon
	KexECDHAnon
	KexOther
)

// Authentication names the kind of server key a suite asks for.
type Authentication uint8

// The authentications.
const (
	AuthUnknown Authentication = iota
	AuthRSA
	AuthECDSA
	AuthDSS
	AuthAnon
	AuthPSK
	AuthAny // TLS 1.3
	AuthOther
)

// ServerKeyExchange is the ServerKeyExchange message of a DHE or ECDHE suite.
type ServerKeyExchange struct {
	Kex KeyExchange

	P, G, Y []byte // DHE

	CurveType uint8 // ECDHE: 3 = named_curve, 1 and 2 = explicit
	Group     Group
	Point     []byte

	PSKHint           []byte // of PSK suites (RFC 4279), nil in others
	Modulus, Exponent []byte // the short RSA key of an export suite

	Params    []byte // the signed part, as on the wire
	HasScheme bool   // TLS 1.2: a SignatureScheme precedes the signature
	Scheme    SignatureScheme
	Signature []byte
}

// CertificateRequest is the CertificateRequest message, in either layout.
type CertificateRequest struct {
	Context     []byte            // TLS 1.3
	Types       []uint8           // TLS 1.2 and below: ClientCertificateType
	Schemes     []SignatureScheme // TLS 1.2 and 1.3
	CertSchemes []SignatureScheme // TLS 1.3: signature_algorithms_cert
	CAs         [][]byte          // DER of each distinguished name
	Extensions  []Extension       // TLS 1.3
}

// CertificateVerify is the CertificateVerify message.
type CertificateVerify struct {
	HasScheme bool
	Scheme    SignatureScheme
	Signature []byte
}

// NewSessionTicket is the NewSessionTicket message, in either layout.
type NewSessionTicket struct {
	Lifetime   uint32
	AgeAdd     uint32
	Nonce      []byte
	Ticket     []byte
	Extensions []Extension
}

// MaxEarlyData is how many bytes of early data the ticket allows, 0 for none
// (RFC 8446, Section 4.2.10).
func (t *NewSessionTicket) MaxEarlyData() uint32 {
	data, _ := findExtension(t.Extensions, ExtEarlyData)
	size, s := uint32(0), cryptobyte.String(data)
	if !s.ReadUint32(&size) || !s.Empty() {
		return 0
	}
	return size
}

// Record is one TLS record.
type Record struct {
	Type     ContentType
	Version  Version
	Fragment []byte
}

// Handshake is one handshake message.
type Handshake struct {
	Type HandshakeType
	Body []byte
	Raw  []byte // with its 4-byte header
}
