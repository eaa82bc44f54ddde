package errtext

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

//go:embed tables/*.tsv
var tableFiles embed.FS

// tableTitles says whose codes a table holds.
var tableTitles = map[string]string{
	"openssl": "OpenSSL", "boringssl": "BoringSSL", "verify": "OpenSSL verify code", "curl": "curl", "gnutls": "GnuTLS",
	"mbedtls": "Mbed TLS", "wolfssl": "wolfSSL", "nss": "NSS", "windows": "Windows", "wininet": "WinINet/WinHTTP",
	"winsock": "Winsock", "chrome": "Chromium", "nsurl": "NSURLErrorDomain", "osstatus": "OSStatus", "errno": "errno",
}

// table is the codes of one table; those of OpenSSL have a library before the
// reason.
type table map[int64]string

var tables = func() map[string]func() table {
	out := map[string]func() table{}
	for name := range tableTitles {
		out[name] = sync.OnceValue(func() table { return readTable(name) })
	}
	return out
}()

// libShift keeps the library of an OpenSSL code apart from the reason.
const libShift = 24

func tableText(name string) string {
	b, err := tableFiles.ReadFile("tables/" + name + ".tsv")
	if err != nil {
		panic("errtext: " + err.Error()) // embedded data, which a test reads
	}
	return string(b)
}

func readTable(name string) table {
	t := table{}
	for _, l := range strings.Split(tableText(name), "\n") {
		fields := strings.Split(l, "\t")
		if strings.HasPrefix(l, "#") || len(fields) < 2 {
			continue
		}
		n, _ := strconv.ParseInt(fields[0], 0, 64)
		if len(fields) > 2 {
			reason, _ := strconv.ParseInt(fields[1], 0, 64)
			n = n<<libShift | reason
		}
		t[n] = fields[len(fields)-1]
	}
	return t
}

// decode says what a code of a table means: for people, and as words to be
// read on.
func decode(kind, token string, s *scanner) (means, words string, ok bool) {
	if kind == "openssl" {
		return decodeOpenSSL(token, strings.Contains(s.text, "OPENSSL_internal"))
	}
	load, known := tables[kind]
	if !known {
		return "", "", false
	}
	var name string
	n, err := strconv.ParseInt(token, 0, 64)
	if err != nil {
		return "", "", false
	}
	if kind == "windows" && n < 1<<31 {
		n = 1<<32 - n // written in decimal, with a sign that words do not show
	}
	if name, ok = load()[n]; !ok && kind == "mbedtls" && n < 0x8000 && strings.HasPrefix(token, "0x") { // a module's code plus one of a lower module
		name, ok = load()[n&0x7F80]
		name += " + " + load()[n&0x7F]
	}
	name = strings.TrimSuffix(name, " + ")
	words = strings.ReplaceAll(name, "_", " ")
	switch kind {
	case "mbedtls":
		words = "MBEDTLS ERR " + words
	case "curl":
		words = "CURLE " + words
	}
	return tableTitles[kind] + ": " + name, words, ok
}

var opensslLibraries = map[int64]string{2: "system library", 3: "bignum", 4: "rsa", 5: "DH", 6: "digital envelope", 9: "PEM", 10: "dsa",
	11: "x509 certificate", 13: "asn1 encoding", 14: "configuration file", 15: "common libcrypto", 16: "elliptic curve", 20: "SSL", 32: "BIO",
	33: "PKCS7", 34: "X509 V3", 35: "PKCS12", 36: "random number generator", 38: "engine", 39: "OCSP", 44: "STORE", 50: "CT", 57: "Provider",
	60: "DECODER", 61: "HTTP"}

// decodeOpenSSL takes a packed error number apart. OpenSSL 3 packs library and
// reason as 8 and 23 bits, with the top bit for errors of the system; 1.x and
// LibreSSL as 8, 12 and 12 with the function between them; BoringSSL as 8 and
// 12 with numbers of its own, sometimes printed in decimal.
func decodeOpenSSL(token string, boring bool) (means, words string, ok bool) {
	base := 16
	if len(token) != 8 && (len(token) != 7 || !strings.ContainsAny(token, "abcdefABCDEF")) { // some print no leading zero
		base = 10
	}
	v, err := strconv.ParseInt(token, base, 64)
	if err != nil || v <= 0 || v >= 1<<32 || base == 10 && len(token) < 8 {
		return "", "", false
	}
	if v>>31 == 1 {
		return decodeErrno(v & 0x7FFFFFFF)
	}
	lib, reason := v>>23&0xFF, v&0x7FFFFF
	switch {
	case boring || v>>24 == 16 && base == 10:
		lib, reason = v>>24, v&0xFFF
		if name, ok := tables["boringssl"]()[reason]; lib == 16 && ok {
			return "BoringSSL: " + name, strings.ReplaceAll(name, "_", " "), true
		}
	case reason > 0x1000 || opensslLibraries[lib] == "":
		lib, reason = v>>24, v&0xFFF
		if lib == 2 {
			return decodeErrno(reason)
		}
	}
	name, ok := tables["openssl"]()[lib<<libShift|reason]
	if !ok && lib == 20 && reason >= 1000 && reason < 1256 {
		name, ok = fmt.Sprintf("SSL_ALERT_NUMBER_%d", reason-1000), true
	}
	if !ok {
		return "", "", false
	}
	means = "OpenSSL: " + opensslLibraries[lib] + " routines, " + strings.ToLower(strings.ReplaceAll(name, "_", " "))
	return means, strings.ReplaceAll(name, "_", " "), true
}

func decodeErrno(n int64) (means, words string, ok bool) {
	name, ok := tables["errno"]()[n]
	return "system error: " + name, name, ok
}

// codeNames puts the symbolic names of the tables whose names are their
// library's alone: whoever prints one is told by it, whatever it says.
func codeNames(put func(words string, s *stanza)) {
	for _, t := range []struct {
		table, prefix, stack, library string
		side                          tlswire.Side
	}{
		{"nss", "", "nss-firefox", "NSS", tlswire.SideClient},
		{"chrome", "", "chrome", "BoringSSL", tlswire.SideClient},
		{"windows", "", "schannel", "SChannel", tlswire.SideNone},
		{"gnutls", "GNUTLS_E_", "gnutls", "GnuTLS", tlswire.SideNone},
		{"mbedtls", "MBEDTLS_ERR_", "mbedtls", "Mbed TLS", tlswire.SideNone},
		{"curl", "CURLE_", "curl", "", tlswire.SideClient},
		{"nsurl", "", "apple", "Secure Transport", tlswire.SideClient},
		{"osstatus", "", "apple", "Secure Transport", tlswire.SideNone},
	} {
		s := &stanza{file: t.table, rank: -1, stack: t.stack, library: t.library, side: t.side}
		for l := range strings.Lines(tableText(t.table)) {
			name := strings.TrimSpace(l[strings.LastIndexByte(l, '\t')+1:])
			if name != "" && l[0] != '#' && threeWords(t.prefix+name) {
				put(t.prefix+name, s)
			}
		}
	}
}

// threeWords tells names that are long enough to be nobody else's.
func threeWords(name string) bool {
	return strings.Count(name, "_") >= 2 || strings.IndexByte(name, '_') < 0 && len(split(name)) > 2
}
