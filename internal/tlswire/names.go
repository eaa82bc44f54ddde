package tlswire

//go:generate go run ./gen

import (
	"fmt"
	"slices"
	"strings"
)

// entry is a row of a generated table, which are sorted by value.
type entry[T ~uint8 | ~uint16 | ~uint32] struct {
	value T
	name  string // IANA's
	alias string // other names, separated by spaces
	key   string // SignatureScheme: the kind of key it needs
	hash  string // SignatureScheme: its hash, where it is not part of the key's own scheme
}

func lookup[T ~uint8 | ~uint16 | ~uint32](table []entry[T], value T) (entry[T], bool) {
	i, ok := slices.BinarySearchFunc(table, value, func(e entry[T], v T) int {
		return int(int64(e.value) - int64(v))
	})
	if !ok {
		return entry[T]{}, false
	}
	return table[i], true
}

func values[T ~uint8 | ~uint16 | ~uint32](table []entry[T]) []T {
	out := make([]T, len(table))
	for i, e := range table {
		out[i] = e.value
	}
	return out
}

// isGREASE reports the 16 reserved values 0x0A0A to 0xFAFA (RFC 8701).
func isGREASE[T ~uint16](v T) bool { return v&0x0F0F == 0x0A0A && v>>8 == v&0xFF }

func name16[T ~uint16](table []entry[T], v T) string {
	if e, ok := lookup(table, v); ok {
		return e.name
	}
	if isGREASE(v) {
		return fmt.Sprintf("GREASE (0x%04X)", uint16(v))
	}
	return fmt.Sprintf("0x%04X", uint16(v))
}

func name8[T ~uint8](table []entry[T], v T) string {
	if e, ok := lookup(table, v); ok {
		return e.name
	}
	return fmt.Sprintf("0x%02X", uint8(v))
}

// String returns the IANA name, hex where there is none.
func (s CipherSuite) String() string { return name16(suiteTable, s) }

// IsGREASE reports a reserved value of RFC 8701.
func (s CipherSuite) IsGREASE() bool { return isGREASE(s) }

// OpenSSLName returns the name that OpenSSL or LibreSSL use or used, or "".
// TLS 1.3 suites have their IANA name.
func (s CipherSuite) OpenSSLName() string {
	e, _ := lookup(suiteTable, s)
	name, _, _ := strings.Cut(e.alias, " ")
	return name
}

// String returns the IANA name, hex where there is none.
func (g Group) String() string { return name16(groupTable, g) }

// IsGREASE reports a reserved value of RFC 8701.
func (g Group) IsGREASE() bool { return isGREASE(g) }

// String returns the IANA name, for the pairs of TLS 1.2 one formed like it,
// hex where there is none.
func (s SignatureScheme) String() string { return name16(schemeTable, s) }

// IsGREASE reports a reserved value of RFC 8701.
func (s SignatureScheme) IsGREASE() bool { return isGREASE(s) }

// String returns the IANA name, hex where there is none.
func (t ExtensionType) String() string { return name16(extensionTable, t) }

// IsGREASE reports a reserved value of RFC 8701.
func (t ExtensionType) IsGREASE() bool { return isGREASE(t) }

// String returns the name and number: `handshake_failure (40)`.
func (d AlertDescription) String() string {
	if e, ok := lookup(alertTable, d); ok {
		return fmt.Sprintf("%s (%d)", e.name, uint8(d))
	}
	return fmt.Sprintf("unknown alert (%d)", uint8(d))
}

// Name returns the name alone, `handshake_failure`, or "".
func (d AlertDescription) Name() string {
	e, _ := lookup(alertTable, d)
	return e.name
}

// String returns `warning` or `fatal`.
func (l AlertLevel) String() string {
	switch l {
	case LevelWarning:
		return "warning"
	case LevelFatal:
		return "fatal"
	}
	return fmt.Sprintf("level %d", uint8(l))
}

// String returns `fatal handshake_failure (40)`.
func (a Alert) String() string { return a.Level.String() + " " + a.Description.String() }

// String returns the RFC's name of the message, as in `ServerHello`.
func (t HandshakeType) String() string {
	if n, ok := lookup(handshakeTypeTable, t); ok {
		return messageName(n.name)
	}
	return fmt.Sprintf("handshake message 0x%02X", uint8(t))
}

// messageName turns `server_hello` into `ServerHello`.
func messageName(name string) string {
	out := make([]byte, 0, len(name))
	upper := true
	for _, c := range []byte(name) {
		switch {
		case c == '_':
			upper = true
		case upper && c >= 'a' && c <= 'z':
			out = append(out, c-'a'+'A')
			upper = false
		default:
			out = append(out, c)
			upper = false
		}
	}
	return string(out)
}

// String returns the RFC's name: `handshake`.
func (t ContentType) String() string {
	switch t {
	case ContentChangeCipherSpec:
		return "change_cipher_spec"
	case ContentAlert:
		return "alert"
	case ContentHandshake:
		return "handshake"
	case ContentApplicationData:
		return "application_data"
	case ContentHeartbeat:
		return "heartbeat"
	case ContentSSL2:
		return "SSL 2.0"
	}
	return fmt.Sprintf("0x%02X", uint8(t))
}

// String returns `TLS 1.2`, `SSL 3.0`.
func (v Version) String() string {
	switch v {
	case SSL2:
		return "SSL 2.0"
	case SSL3:
		return "SSL 3.0"
	case TLS10:
		return "TLS 1.0"
	case TLS11:
		return "TLS 1.1"
	case TLS12:
		return "TLS 1.2"
	case TLS13:
		return "TLS 1.3"
	}
	switch {
	case isGREASE(v):
		return fmt.Sprintf("GREASE (0x%04X)", uint16(v))
	case v>>8 == 0x7F:
		return fmt.Sprintf("TLS 1.3 draft %d", uint8(v&0xFF))
	}
	return fmt.Sprintf("0x%04X", uint16(v))
}

// IsGREASE reports a reserved value of RFC 8701.
func (v Version) IsGREASE() bool { return isGREASE(v) }

// String returns `client`, `server` or "".
func (s Side) String() string {
	switch s {
	case SideClient:
		return "client"
	case SideServer:
		return "server"
	}
	return ""
}

// ClientCertificateTypeName returns the IANA name of a certificate type of a
// CertificateRequest of TLS 1.2 and below.
func ClientCertificateTypeName(t uint8) string { return name8(clientCertificateTypeTable, t) }

// CompressionName returns the IANA name of a certificate compression algorithm
// (RFC 8879).
func CompressionName(algorithm uint16) string { return name16(compressionTable, algorithm) }

// SSL2SpecName returns the name of an SSL 2.0 cipher kind, or that of the TLS
// suite which the SSLv2-compatible format carries.
func SSL2SpecName(spec uint32) string {
	if e, ok := lookup(ssl2SpecTable, spec); ok {
		return e.name
	}
	if spec <= 0xFFFF {
		return CipherSuite(spec).String()
	}
	return fmt.Sprintf("0x%06X", spec)
}

// AllCipherSuites returns every known suite in numeric order, without GREASE
// and with the signalling suites.
func AllCipherSuites() []CipherSuite { return values(suiteTable) }

// AllGroups returns every known group in numeric order.
func AllGroups() []Group { return values(groupTable) }

// AllSchemes returns every known signature scheme in numeric order.
func AllSchemes() []SignatureScheme { return values(schemeTable) }
