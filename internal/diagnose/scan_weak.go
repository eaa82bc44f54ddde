package diagnose

import (
	"strings"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// bits is the size of the cipher's key as it is usually told.
func bits(c tlswire.CipherSuite) int {
	info := c.Info()
	switch {
	case strings.HasPrefix(info.Cipher, "3DES"):
		return 168
	case info.Export && info.KeyLen > 7:
		return 40
	}
	return 8 * info.KeyLen
}

// weakSuite says why a suite should not be offered today, "" for a good one.
func weakSuite(c tlswire.CipherSuite, v tlswire.Version) string {
	info := c.Info()
	switch {
	case !info.Known:
		return ""
	case info.Cipher == "NULL":
		return "no encryption"
	case info.Export:
		return "export grade, broken in hours (FREAK, Logjam)"
	case info.Auth == tlswire.AuthAnon:
		return "no certificate: anybody can stand in between"
	case strings.HasPrefix(info.Cipher, "RC4"):
		return "RC4 is broken (RFC 7465)"
	case strings.HasPrefix(info.Cipher, "RC2"), strings.HasPrefix(info.Cipher, "DES"):
		return "a key that can be searched"
	case strings.HasPrefix(info.Cipher, "3DES"), strings.HasPrefix(info.Cipher, "IDEA"), strings.HasPrefix(info.Cipher, "28147"), strings.HasPrefix(info.Cipher, "MAGMA"):
		return "64-bit blocks (Sweet32)"
	case info.MAC == "MD5":
		return "MD5"
	case v == tlswire.SSL3:
		return "SSL 3.0 is broken (POODLE)"
	case info.Kex == tlswire.KexRSA, info.Kex == tlswire.KexDH, info.Kex == tlswire.KexECDH, info.Kex == tlswire.KexPSK:
		return "no forward secrecy"
	}
	return ""
}

func weakScheme(s tlswire.SignatureScheme) string {
	switch s.Hash() {
	case "MD5", "SHA1":
		return s.Hash() + " signatures can be forged (RFC 9155)"
	}
	return ""
}

func weakDH(bits int) string {
	switch {
	case bits < 1024:
		return "it can be broken (Logjam)"
	case bits < 2048:
		return "OpenSSL and browsers refuse less than 2048"
	}
	return ""
}

// postQuantum says whether a group withstands a quantum computer.
func postQuantum(g tlswire.Group) bool {
	return strings.Contains(g.String(), "MLKEM") || strings.Contains(g.String(), "Kyber") || strings.Contains(g.String(), "CECPQ")
}
