package tlswire

import (
	"crypto"
	"slices"
)

// Protections that several suites share. The PRF hash of TLS 1.2 is SHA-256
// unless the suite says SHA-384 (RFC 5246, Section 5).
var (
	nullMD5    = Protection{Hash: crypto.SHA256, kind: kindNull, mac: crypto.MD5, macLength: 16}
	nullSHA    = Protection{Hash: crypto.SHA256, kind: kindNull, mac: crypto.SHA1, macLength: 20}
	nullSHA256 = Protection{Hash: crypto.SHA256, kind: kindNull, mac: crypto.SHA256, macLength: 32}
	rc4MD5     = Protection{Hash: crypto.SHA256, kind: kindRC4, mac: crypto.MD5, macLength: 16, keyLength: 16}
	rc4SHA     = Protection{Hash: crypto.SHA256, kind: kindRC4, mac: crypto.SHA1, macLength: 20, keyLength: 16}
	desSHA     = Protection{Hash: crypto.SHA256, kind: kindCBC, singleDES: true, mac: crypto.SHA1, macLength: 20, keyLength: 8, ivLength: 8}
	des3SHA    = Protection{Hash: crypto.SHA256, kind: kindCBC, tripleDES: true, mac: crypto.SHA1, macLength: 20, keyLength: 24, ivLength: 8}

	aes128SHA    = Protection{Hash: crypto.SHA256, kind: kindCBC, mac: crypto.SHA1, macLength: 20, keyLength: 16, ivLength: 16}
	aes256SHA    = Protection{Hash: crypto.SHA256, kind: kindCBC, mac: crypto.SHA1, macLength: 20, keyLength: 32, ivLength: 16}
	aes128SHA256 = Protection{Hash: crypto.SHA256, kind: kindCBC, mac: crypto.SHA256, macLength: 32, keyLength: 16, ivLength: 16}
	aes256SHA256 = Protection{Hash: crypto.SHA256, kind: kindCBC, mac: crypto.SHA256, macLength: 32, keyLength: 32, ivLength: 16}
	aes256SHA384 = Protection{Hash: crypto.SHA384, kind: kindCBC, mac: crypto.SHA384, macLength: 48, keyLength: 32, ivLength: 16}

	aes128GCM  = Protection{Hash: crypto.SHA256, kind: kindGCM, keyLength: 16, ivLength: 4, tagLength: 16}
	aes256GCM  = Protection{Hash: crypto.SHA384, kind: kindGCM, keyLength: 32, ivLength: 4, tagLength: 16}
	aes128CCM  = Protection{Hash: crypto.SHA256, kind: kindCCM, keyLength: 16, ivLength: 4, tagLength: 16}
	aes256CCM  = Protection{Hash: crypto.SHA256, kind: kindCCM, keyLength: 32, ivLength: 4, tagLength: 16}
	aes128CCM8 = Protection{Hash: crypto.SHA256, kind: kindCCM, keyLength: 16, ivLength: 4, tagLength: 8}
	aes256CCM8 = Protection{Hash: crypto.SHA256, kind: kindCCM, keyLength: 32, ivLength: 4, tagLength: 8}
	chaCha20   = Protection{Hash: crypto.SHA256, kind: kindChaCha, keyLength: 32, ivLength: 12, tagLength: 16}
)

// protectionRows assigns the suites of the IANA "TLS Cipher Suites" registry.
var protectionRows = []struct {
	protection *Protection
	suites     []CipherSuite
}{
	{&nullMD5, []CipherSuite{0x0001}},
	{&nullSHA, []CipherSuite{0x0002, 0xC001, 0xC006, 0xC00B, 0xC010, 0xC015}},
	{&nullSHA256, []CipherSuite{0x003B}},
	{&rc4MD5, []CipherSuite{0x0004, 0x0018}},
	{&rc4SHA, []CipherSuite{0x0005, 0xC002, 0xC007, 0xC00C, 0xC011, 0xC016}},
	{&desSHA, []CipherSuite{0x0009, 0x000C, 0x000F, 0x0012, 0x0015, 0x001A}},
	{&des3SHA, []CipherSuite{0x000A, 0x000D, 0x0010, 0x0013, 0x0016, 0x001B, 0xC003, 0xC008, 0xC00D, 0xC012, 0xC017}},
	{&aes128SHA, []CipherSuite{0x002F, 0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0xC004, 0xC009, 0xC00E, 0xC013, 0xC018}},
	{&aes256SHA, []CipherSuite{0x0035, 0x0036, 0x0037, 0x0038, 0x0039, 0x003A, 0xC005, 0xC00A, 0xC00F, 0xC014, 0xC019}},
	{&aes128SHA256, []CipherSuite{0x003C, 0x003E, 0x003F, 0x0040, 0x0067, 0x006C, 0xC023, 0xC025, 0xC027, 0xC029}},
	{&aes256SHA256, []CipherSuite{0x003D, 0x0068, 0x0069, 0x006A, 0x006B, 0x006D}},
	{&aes256SHA384, []CipherSuite{0xC024, 0xC026, 0xC028, 0xC02A}},
	{&aes128GCM, []CipherSuite{0x009C, 0x009E, 0x00A0, 0x00A2, 0x00A4, 0x00A6, 0xC02B, 0xC02D, 0xC02F, 0xC031, 0x1301}},
	{&aes256GCM, []CipherSuite{0x009D, 0x009F, 0x00A1, 0x00A3, 0x00A5, 0x00A7, 0xC02C, 0xC02E, 0xC030, 0xC032, 0x1302}},
	{&chaCha20, []CipherSuite{0xCCA8, 0xCCA9, 0xCCAA, 0x1303}},
	{&aes128CCM, []CipherSuite{0xC09C, 0xC09E, 0xC0AC, 0x1304}},
	{&aes256CCM, []CipherSuite{0xC09D, 0xC09F, 0xC0AD}},
	{&aes128CCM8, []CipherSuite{0xC0A0, 0xC0A2, 0xC0AE, 0x1305}},
	{&aes256CCM8, []CipherSuite{0xC0A1, 0xC0A3, 0xC0AF}},
}

// ProtectionOf is the record protection of a suite, and false for suites that
// this package cannot compute (Camellia, ARIA, SEED, IDEA, export, GOST, PSK).
func ProtectionOf(suite CipherSuite) (Protection, bool) {
	for _, row := range protectionRows {
		if slices.Contains(row.suites, suite) {
			return *row.protection, true
		}
	}
	return Protection{}, false
}
