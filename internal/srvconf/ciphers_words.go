package srvconf

import (
	"slices"
	"strings"
)

// cipherSelector returns what a word of a cipher list selects: a group or one
// suite by its name. nil means that OpenSSL does not know the word.
func cipherSelector(word string) func(*opensslCipher) bool {
	if s, ok := cipherWords[word]; ok {
		return s
	}
	if slices.ContainsFunc(cipherTable(), func(c opensslCipher) bool { return c.name == word }) {
		return func(r *opensslCipher) bool { return r.name == word }
	}
	// A suite by its IANA name, which OpenSSL takes since 3.0.
	for _, c := range cipherTable() {
		if c.suite.String() == word {
			return func(r *opensslCipher) bool { return r.suite == c.suite }
		}
	}
	if slices.Contains(emptyCipherWords, word) {
		return func(*opensslCipher) bool { return false }
	}
	return nil
}

// emptyCipherWords are known to OpenSSL, but no suite of today's builds has
// them.
var emptyCipherWords = []string{"LOW", "MEDIUM", "EXP", "EXPORT", "EXPORT40", "EXPORT56", "RC4", "RC2", "DES", "3DES", "IDEA", "SEED", "MD5-RC4", "SSLv2",
	"kGOST", "kGOST18", "aGOST", "aGOST01", "aGOST12", "GOST", "GOST94", "GOST89", "GOST89MAC", "GOST2012", "aECDH", "kECDH", "kECDHr", "kECDHe", "aDH", "kDH", "kDHr", "kDHd", "kKRB5", "aKRB5", "KRB5", "aFZA", "kFZA", "eFZA", "FZA"}

func has(field func(*opensslCipher) string, values ...string) func(*opensslCipher) bool {
	return func(r *opensslCipher) bool { return slices.Contains(values, field(r)) }
}

func both(a, b func(*opensslCipher) bool) func(*opensslCipher) bool {
	return func(r *opensslCipher) bool { return a(r) && b(r) }
}

func but(a func(*opensslCipher) bool) func(*opensslCipher) bool {
	return func(r *opensslCipher) bool { return !a(r) }
}

func byKex(names ...string) func(*opensslCipher) bool {
	return has(func(r *opensslCipher) string { return r.kex }, names...)
}

func byAuth(names ...string) func(*opensslCipher) bool {
	return has(func(r *opensslCipher) string { return r.auth }, names...)
}

func byMAC(names ...string) func(*opensslCipher) bool {
	return has(func(r *opensslCipher) string { return r.mac }, names...)
}

func byVersion(name string) func(*opensslCipher) bool {
	return has(func(r *opensslCipher) string { return r.version }, name)
}

// byCipher selects by the start of the cipher's name, and by the key where bits
// is not 0.
func byCipher(prefix string, bits int) func(*opensslCipher) bool {
	return func(r *opensslCipher) bool {
		return strings.HasPrefix(r.cipher, prefix) && (bits == 0 || r.bits == bits)
	}
}

// cipherWords is the table of openssl-ciphers(1), CIPHER STRINGS.
var cipherWords = map[string]func(*opensslCipher) bool{
	"ALL": but(byCipher("None", 0)), "COMPLEMENTOFALL": byCipher("None", 0), "HIGH": but(byCipher("None", 0)),
	"COMPLEMENTOFDEFAULT": func(r *opensslCipher) bool { return r.optional && r.cipher != "None" },
	"eNULL":               byCipher("None", 0), "NULL": byCipher("None", 0), "aNULL": byAuth("None"),
	"FIPS": func(r *opensslCipher) bool {
		return (r.cipher == "AES" || r.cipher == "AESGCM") && r.kex != "SRP"
	},

	"kRSA": byKex("RSA"), "aRSA": byAuth("RSA"), "RSA": both(byKex("RSA"), byAuth("RSA")),
	"kDHE": byKex("DH"), "kEDH": byKex("DH"), "DH": byKex("DH"),
	"DHE": both(byKex("DH"), but(byAuth("None"))), "EDH": both(byKex("DH"), but(byAuth("None"))), "ADH": both(byKex("DH"), byAuth("None")),
	"kECDHE": byKex("ECDH"), "kEECDH": byKex("ECDH"), "ECDH": byKex("ECDH"),
	"ECDHE": both(byKex("ECDH"), but(byAuth("None"))), "EECDH": both(byKex("ECDH"), but(byAuth("None"))), "AECDH": both(byKex("ECDH"), byAuth("None")),
	"aDSS": byAuth("DSS"), "DSS": byAuth("DSS"), "aECDSA": byAuth("ECDSA"), "ECDSA": byAuth("ECDSA"),
	"kPSK": byKex("PSK"), "kRSAPSK": byKex("RSAPSK"), "kDHEPSK": byKex("DHEPSK"), "kECDHEPSK": byKex("ECDHEPSK"), "aPSK": byAuth("PSK"),
	"PSK": byKex("PSK", "RSAPSK", "DHEPSK", "ECDHEPSK"), "kSRP": byKex("SRP"), "SRP": byKex("SRP"), "aSRP": byAuth("SRP"),

	"AES": byCipher("AES", 0), "AES128": byCipher("AES", 128), "AES256": byCipher("AES", 256),
	"AESGCM": byCipher("AESGCM", 0), "AESCCM": byCipher("AESCCM", 0), "AESCCM8": byCipher("AESCCM8", 0),
	"CHACHA20": byCipher("CHACHA20", 0), "CAMELLIA": byCipher("Camellia", 0), "CAMELLIA128": byCipher("Camellia", 128), "CAMELLIA256": byCipher("Camellia", 256),
	"ARIA": byCipher("ARIA", 0), "ARIAGCM": byCipher("ARIAGCM", 0), "ARIA128": byCipher("ARIA", 128), "ARIA256": byCipher("ARIA", 256),
	"CBC": func(r *opensslCipher) bool { return r.cipher == "AES" || r.cipher == "Camellia" },

	"MD5": byMAC("MD5"), "SHA": byMAC("SHA1"), "SHA1": byMAC("SHA1"), "SHA256": byMAC("SHA256"), "SHA384": byMAC("SHA384"),
	"SSLv3": byVersion("SSLv3"), "TLSv1": byVersion("TLSv1"), "TLSv1.0": byVersion("TLSv1"), "TLSv1.2": byVersion("TLSv1.2"),
}
