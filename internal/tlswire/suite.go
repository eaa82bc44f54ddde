package tlswire

import (
	"strings"
	"sync"
)

// SuiteInfo says what a cipher suite means.
type SuiteInfo struct {
	Kex        KeyExchange
	Auth       Authentication
	PSK        bool   // needs a pre-shared key, alone or besides Kex
	Cipher     string // "AES_128_GCM", "RC4_128", "NULL"
	MAC        string // "SHA", "SHA256": of the MAC, or of the PRF where AEAD
	KeyLen     int    // of the secret key, in bytes; 5 or 7 for export ciphers, zero for NULL
	AEAD       bool
	Export     bool // cut down to 512-bit keys and 40-bit ciphers, or 1024 and 56
	SCSV       bool // a signal, no suite: RFC 5746, RFC 7507
	MinVersion Version
	MaxVersion Version
	Known      bool // the name is known; everything else is zero otherwise
}

// signed reports whether the ServerKeyExchange carries a signature.
func (i SuiteInfo) signed() bool {
	switch i.Auth {
	case AuthAnon, AuthPSK:
		return false
	}
	return i.Kex != KexPSK // RSA_PSK signs nothing
}

// exchanges maps the first part of a suite's name, without EXPORT, to what it
// means.
var exchanges = map[string]SuiteInfo{
	"RSA":         {Kex: KexRSA, Auth: AuthRSA},
	"RSA_FIPS":    {Kex: KexRSA, Auth: AuthRSA},
	"DH_DSS":      {Kex: KexDH, Auth: AuthDSS},
	"DH_RSA":      {Kex: KexDH, Auth: AuthRSA},
	"DHE_DSS":     {Kex: KexDHE, Auth: AuthDSS},
	"DHE_RSA":     {Kex: KexDHE, Auth: AuthRSA},
	"DH_anon":     {Kex: KexDHAnon, Auth: AuthAnon},
	"ECDH_ECDSA":  {Kex: KexECDH, Auth: AuthECDSA},
	"ECDH_RSA":    {Kex: KexECDH, Auth: AuthRSA},
	"ECDHE_ECDSA": {Kex: KexECDHE, Auth: AuthECDSA},
	"ECDHE_RSA":   {Kex: KexECDHE, Auth: AuthRSA},
	"ECDH_anon":   {Kex: KexECDHAnon, Auth: AuthAnon},
	"PSK":         {Kex: KexPSK, Auth: AuthPSK, PSK: true},
	"RSA_PSK":     {Kex: KexPSK, Auth: AuthRSA, PSK: true},
	"DHE_PSK":     {Kex: KexDHE, Auth: AuthPSK, PSK: true},
	"PSK_DHE":     {Kex: KexDHE, Auth: AuthPSK, PSK: true},
	"ECDHE_PSK":   {Kex: KexECDHE, Auth: AuthPSK, PSK: true},
	"SRP_SHA":     {Kex: KexOther, Auth: AuthOther},
	"SRP_SHA_RSA": {Kex: KexOther, Auth: AuthRSA},
	"SRP_SHA_DSS": {Kex: KexOther, Auth: AuthDSS},
}

// keyLengths maps the start of a cipher's name to the length of its key.
var keyLengths = []struct {
	prefix string
	bytes  int
}{
	{"NULL", 0},
	{"RC4_40", 5}, {"RC4_56", 7}, {"RC4_128", 16},
	{"RC2_CBC", 16}, {"RC2_CBC_40", 5}, {"RC2_CBC_56", 7},
	{"DES40", 5}, {"DES_CBC_40", 5}, {"DES", 7}, {"3DES", 21},
	{"IDEA", 16}, {"SEED", 16}, {"SM4", 16}, {"FORTEZZA", 10},
	{"AES_128", 16}, {"AES_256", 32},
	{"ARIA_128", 16}, {"ARIA_256", 32},
	{"CAMELLIA_128", 16}, {"CAMELLIA_256", 32},
	{"CHACHA20", 32}, {"AEGIS_128L", 16}, {"AEGIS_256", 32},
	{"28147", 32}, {"KUZNYECHIK", 32}, {"MAGMA", 32},
}

// suiteInfos is filled at the first question: it is asked in loops.
var suiteInfos = sync.OnceValue(func() map[CipherSuite]SuiteInfo {
	infos := make(map[CipherSuite]SuiteInfo, len(suiteTable))
	for _, e := range suiteTable {
		infos[e.value] = suiteInfo(e.value, e.name)
	}
	return infos
})

// Info returns what the suite means; the zero SuiteInfo where it is unknown.
func (s CipherSuite) Info() SuiteInfo { return suiteInfos()[s] }

// suiteInfo reads the suite's meaning from its IANA name.
func suiteInfo(s CipherSuite, ianaName string) SuiteInfo {
	name := strings.TrimPrefix(strings.TrimPrefix(ianaName, "TLS_"), "SSL_")
	name = strings.TrimSuffix(name, "_OLD")
	if strings.HasSuffix(name, "_SCSV") {
		return SuiteInfo{SCSV: true, Known: true, MinVersion: SSL3, MaxVersion: TLS12}
	}
	exchange, rest, isTLS12 := strings.Cut(name, "_WITH_")
	if !isTLS12 {
		return infoWithoutExchange(s, name)
	}
	exchange, export := cutExport(exchange)
	info, ok := exchanges[exchange]
	if !ok {
		info = SuiteInfo{Kex: KexOther, Auth: AuthOther}
	}
	info.Known = true
	info.Export = export
	info.setCipher(rest)
	info.MinVersion, info.MaxVersion = versionsOf(s, info)
	return info
}

// infoWithoutExchange reads the names of TLS 1.3, and of GB/T 38636.
func infoWithoutExchange(s CipherSuite, name string) SuiteInfo {
	if rest, ok := strings.CutPrefix(name, "ECDHE_"); ok {
		info := SuiteInfo{Kex: KexOther, Auth: AuthOther, Known: true, MinVersion: TLS11, MaxVersion: TLS12}
		info.setCipher(rest)
		return info
	}
	if rest, ok := strings.CutPrefix(name, "ECC_"); ok {
		info := SuiteInfo{Kex: KexOther, Auth: AuthOther, Known: true, MinVersion: TLS11, MaxVersion: TLS12}
		info.setCipher(rest)
		return info
	}
	info := SuiteInfo{Kex: KexTLS13, Auth: AuthAny, Known: true, AEAD: true, MinVersion: TLS13, MaxVersion: TLS13}
	if s == TLS_SHA256_SHA256 || s == TLS_SHA384_SHA384 { // RFC 9150: integrity only
		info.Cipher, info.MAC, info.AEAD = "NULL", name[:len("SHA256")], false
		return info
	}
	info.setCipher(name)
	info.AEAD = true
	return info
}

func cutExport(exchange string) (string, bool) {
	for _, suffix := range []string{"_EXPORT1024", "_EXPORT"} {
		if before, ok := strings.CutSuffix(exchange, suffix); ok {
			return before, true
		}
	}
	return exchange, false
}

// setCipher splits `AES_128_CBC_SHA` and `AES_128_CCM`.
func (i *SuiteInfo) setCipher(rest string) {
	i.Cipher = rest
	for _, mac := range []string{"SHA512", "SHA384", "SHA256", "SHA", "MD5", "SM3", "IMIT", "OMAC", "GOSTR3411", "NULL"} {
		if before, ok := strings.CutSuffix(rest, "_"+mac); ok {
			i.Cipher, i.MAC = before, mac
			break
		}
	}
	for _, aead := range []string{"_GCM", "_CCM", "_CCM_8", "POLY1305", "_MGM_L", "_MGM_S"} {
		i.AEAD = i.AEAD || strings.HasSuffix(i.Cipher, aead)
	}
	if i.AEAD && i.MAC == "" && strings.Contains(i.Cipher, "_CCM") {
		i.MAC = "SHA256" // RFC 6655, Section 3: the PRF
	}
	longest := 0
	for _, row := range keyLengths {
		if strings.HasPrefix(i.Cipher, row.prefix) && len(row.prefix) > longest {
			i.KeyLen, longest = row.bytes, len(row.prefix)
		}
	}
}

// versionsOf gives the versions that may negotiate a suite with a key exchange
// in its name.
func versionsOf(s CipherSuite, info SuiteInfo) (lowest, highest Version) {
	lowest, highest = SSL3, TLS12
	switch {
	case info.AEAD, info.MAC == "SHA256", info.MAC == "SHA384":
		lowest = TLS12
	case info.Kex == KexECDHE, info.Kex == KexECDH, info.Kex == KexECDHAnon, info.PSK:
		lowest = TLS10
	}
	switch {
	case info.Export:
		highest = TLS10 // RFC 4346, Section A.5
	case s == TLS_RSA_WITH_IDEA_CBC_SHA, strings.HasPrefix(info.Cipher, "DES"):
		highest = TLS11 // RFC 5246, Section 1.2
	}
	return lowest, highest
}

// AllowedIn reports whether the version may negotiate the suite.
func (s CipherSuite) AllowedIn(v Version) bool {
	info := s.Info()
	return info.Known && !info.SCSV && info.MinVersion <= v && v <= info.MaxVersion
}

// String returns the RFC's word: `ECDHE`.
func (k KeyExchange) String() string {
	switch k {
	case KexRSA:
		return "RSA"
	case KexDHE:
		return "DHE"
	case KexECDHE:
		return "ECDHE"
	case KexDH:
		return "DH"
	case KexECDH:
		return "ECDH"
	case KexPSK:
		return "PSK"
	case KexTLS13:
		return "TLS 1.3"
	case KexDHAnon:
		return "DH_anon"
	case KexECDHAnon:
		return "ECDH_anon"
	case KexOther:
		return "other"
	}
	return "unknown"
}

// String returns the RFC's word: `ECDSA`.
func (a Authentication) String() string {
	switch a {
	case AuthRSA:
		return "RSA"
	case AuthECDSA:
		return "ECDSA"
	case AuthDSS:
		return "DSS"
	case AuthAnon:
		return "anon"
	case AuthPSK:
		return "PSK"
	case AuthAny:
		return "any"
	case AuthOther:
		return "other"
	}
	return "unknown"
}

// Key returns the kind of key that makes such signatures: rsa, rsa-pss (an
// id-RSASSA-PSS key), ecdsa, ed25519, ed448, dsa, ml-dsa, slh-dsa, sm2, gost,
// anonymous, other, or "" where the scheme is unknown.
func (s SignatureScheme) Key() string {
	e, _ := lookup(schemeTable, s)
	return e.key
}

// Hash returns the scheme's hash, `SHA256`, or "" where the scheme has none of
// its own or is unknown.
func (s SignatureScheme) Hash() string {
	e, _ := lookup(schemeTable, s)
	return e.hash
}

// InTLS13 reports whether TLS 1.3 handshakes may be signed by the scheme: no
// PKCS #1 but the legacy schemes of clients, no SHA-1 or below, no DSA (RFC
// 8446, Section 4.2.3; RFC 9963).
func (s SignatureScheme) InTLS13() bool {
	switch s.Hash() {
	case "MD5", "SHA1", "SHA224":
		return false
	}
	switch s.Key() {
	case "rsa":
		return strings.HasPrefix(s.String(), "rsa_pss_") || strings.HasSuffix(s.String(), "_legacy")
	case "ecdsa", "rsa-pss", "ed25519", "ed448", "ml-dsa", "slh-dsa", "sm2", "gost":
		return true
	}
	return false
}

// Curve returns the one group that TLS 1.3 ties the scheme to, or zero.
func (s SignatureScheme) Curve() Group {
	switch s {
	case SchemeECDSAP256SHA256:
		return GroupP256
	case SchemeECDSAP384SHA384:
		return GroupP384
	case SchemeECDSAP521SHA512:
		return GroupP521
	case SchemeECDSABrainpoolP256SHA256:
		return GroupBrainpoolP256r1TLS13
	case SchemeECDSABrainpoolP384SHA384:
		return GroupBrainpoolP384r1TLS13
	case SchemeECDSABrainpoolP512SHA512:
		return GroupBrainpoolP512r1TLS13
	}
	return 0
}
