package tlswire

// Version is a TLS protocol version as on the wire. SSLv2 has its own value
// (0x0002), as in the SSLv2 specification.
type Version uint16

// The versions that this package knows by name.
const (
	SSL2  Version = 0x0002
	SSL3  Version = 0x0300
	TLS10 Version = 0x0301
	TLS11 Version = 0x0302
	TLS12 Version = 0x0303
	TLS13 Version = 0x0304
)

// CipherSuite is a cipher suite of the IANA "TLS Cipher Suites" registry.
type CipherSuite uint16

// Group is a named group of the IANA "TLS Supported Groups" registry.
type Group uint16

// SignatureScheme is a value of the IANA "TLS SignatureScheme" registry. In
// TLS 1.2 the same two bytes are hash and signature (RFC 5246, 7.4.1.4.1).
type SignatureScheme uint16

// ExtensionType is a value of the IANA "TLS ExtensionType Values" registry.
type ExtensionType uint16

// ContentType is the type of a record (RFC 8446, Section 5.1).
type ContentType uint8

// The content types.
const (
	ContentChangeCipherSpec ContentType = 20
	ContentAlert            ContentType = 21
	ContentHandshake        ContentType = 22
	ContentApplicationData  ContentType = 23
	ContentHeartbeat        ContentType = 24
)

// HandshakeType is the type of a handshake message (RFC 8446, Section 4).
type HandshakeType uint8

// The handshake message types that travel between today's peers.
const (
	TypeHelloRequest          HandshakeType = 0
	TypeClientHello           HandshakeType = 1
	TypeServerHello           HandshakeType = 2
	TypeNewSessionTicket      HandshakeType = 4
	TypeEndOfEarlyData        HandshakeType = 5
	TypeEncryptedExtensions   HandshakeType = 8
	TypeCertificate           HandshakeType = 11
	TypeServerKeyExchange     HandshakeType = 12
	TypeCertificateRequest    HandshakeType = 13
	TypeServerHelloDone       HandshakeType = 14
	TypeCertificateVerify     HandshakeType = 15
	TypeClientKeyExchange     HandshakeType = 16
	TypeFinished              HandshakeType = 20
	TypeCertificateStatus     HandshakeType = 22
	TypeKeyUpdate             HandshakeType = 24
	TypeCompressedCertificate HandshakeType = 25
	TypeMessageHash           HandshakeType = 254
)

// AlertLevel is warning (1) or fatal (2).
type AlertLevel uint8

// AlertDescription is a value of the IANA "TLS Alerts" registry.
type AlertDescription uint8

// Alert is one alert message (RFC 8446, Section 6).
type Alert struct {
	Level       AlertLevel
	Description AlertDescription
}

// Side is the endpoint that sent something.
type Side uint8

// The two endpoints; zero means that nobody sent it, or that it is not known.
const (
	SideNone Side = iota
	SideClient
	SideServer
)

// The alert levels (RFC 8446, Section 6).
const (
	LevelWarning AlertLevel = 1
	LevelFatal   AlertLevel = 2
)
