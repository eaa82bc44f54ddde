package tlswire

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		got  fmt.Stringer
		want string
	}{
		{CipherSuite(0xC02F), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"},
		{CipherSuite(0xC0A0), "TLS_RSA_WITH_AES_128_CCM_8"},
		{CipherSuite(0xC027), "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"},
		{CipherSuite(0xC077), "TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384"},
		{CipherSuite(0xC061), "TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384"},
		{CipherSuite(0x0A0A), "GREASE (0x0A0A)"},
		{CipherSuite(0x0ABA), "0x0ABA"},
		{CipherSuite(0x0AFA), "0x0AFA"},
		{CipherSuite(0xFEFF), "SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA"},
		{Group(23), "secp256r1"},
		{Group(0x11EC), "X25519MLKEM768"},
		{Group(0x6399), "X25519Kyber768Draft00"},
		{Group(0xFAFA), "GREASE (0xFAFA)"},
		{Group(0x7777), "0x7777"},
		{SignatureScheme(0x0804), "rsa_pss_rsae_sha256"},
		{SignatureScheme(0x0402), "dsa_sha256"},
		{SignatureScheme(0x0905), "mldsa65"},
		{ExtensionType(0), "server_name"},
		{ExtensionType(0xFE0D), "encrypted_client_hello"},
		{ExtensionType(0x2A2A), "GREASE (0x2A2A)"},
		{AlertHandshakeFailure, "handshake_failure (40)"},
		{AlertDescription(200), "unknown alert (200)"},
		{AlertLevel(9), "level 9"},
		{TypeServerHello, "ServerHello"},
		{TypeNewSessionTicket, "NewSessionTicket"},
		{HandshakeType(77), "handshake message 0x4D"},
		{ContentHandshake, "handshake"},
		{ContentType(99), "0x63"},
		{TLS12, "TLS 1.2"},
		{SSL2, "SSL 2.0"},
		{Version(0x7F1C), "TLS 1.3 draft 28"},
		{Version(0x9A9A), "GREASE (0x9A9A)"},
		{Version(0x0305), "0x0305"},
		{SideServer, "server"},
		{KexECDHE, "ECDHE"},
		{AuthECDSA, "ECDSA"},
	} {
		if got := test.got.String(); got != test.want {
			t.Errorf("%T: got %q, want %q", test.got, got, test.want)
		}
	}
	if got := ClientCertificateTypeName(64); got != "ecdsa_sign" {
		t.Errorf("certificate type: got %q", got)
	}
	if got := CompressionName(2); got != "brotli" {
		t.Errorf("compression: got %q", got)
	}
	if got := SSL2SpecName(0x010080); got != "SSL_CK_RC4_128_WITH_MD5" {
		t.Errorf("SSL 2.0: got %q", got)
	}
	if got := SSL2SpecName(5); got != "TLS_RSA_WITH_RC4_128_SHA" {
		t.Errorf("SSL 2.0 format: got %q", got)
	}
}

// checkTable holds what every generated table must be: sorted, without equal
// names, and without a name that reads as another value.
func checkTable[T ~uint8 | ~uint16 | ~uint32](t *testing.T, what string, table []entry[T]) {
	names := map[string]T{}
	for i, e := range table {
		if i > 0 && table[i-1].value >= e.value {
			t.Errorf("%s: %v is out of order", what, e.name)
		}
		if e.name == "" || strings.ContainsAny(e.name, ",:") {
			t.Errorf("%s: bad name %q", what, e.name)
		}
		if other, dup := names[normalName(e.name)]; dup {
			t.Errorf("%s: %q is both %v and %v", what, e.name, other, e.value)
		}
		names[normalName(e.name)] = e.value
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	checkTable(t, "suites", suiteTable)
	checkTable(t, "groups", groupTable)
	checkTable(t, "schemes", schemeTable)
	checkTable(t, "extensions", extensionTable)
	checkTable(t, "alerts", alertTable)
	checkTable(t, "handshake types", handshakeTypeTable)
	checkTable(t, "certificate types", clientCertificateTypeTable)
	checkTable(t, "compressions", compressionTable)
	checkTable(t, "SSL 2.0", ssl2SpecTable)
	if got := len(AllCipherSuites()); got < 350 {
		t.Errorf("got %d suites", got)
	}
	for _, v := range AllSchemes() {
		if v.Key() == "" {
			t.Errorf("%v: no key", v)
		}
	}
}

func TestSuiteInfo(t *testing.T) {
	t.Parallel()
	tests := map[CipherSuite]SuiteInfo{
		TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:         {Kex: KexECDHE, Auth: AuthRSA, Cipher: "AES_128_GCM", MAC: "SHA256", KeyLen: 16, AEAD: true, MinVersion: TLS12, MaxVersion: TLS12},
		TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: {Kex: KexECDHE, Auth: AuthECDSA, Cipher: "CHACHA20_POLY1305", MAC: "SHA256", KeyLen: 32, AEAD: true, MinVersion: TLS12, MaxVersion: TLS12},
		TLS_RSA_WITH_AES_256_CBC_SHA:                  {Kex: KexRSA, Auth: AuthRSA, Cipher: "AES_256_CBC", MAC: "SHA", KeyLen: 32, MinVersion: SSL3, MaxVersion: TLS12},
		TLS_RSA_WITH_AES_128_CCM_8:                    {Kex: KexRSA, Auth: AuthRSA, Cipher: "AES_128_CCM_8", MAC: "SHA256", KeyLen: 16, AEAD: true, MinVersion: TLS12, MaxVersion: TLS12},
		TLS_DHE_DSS_EXPORT_WITH_DES40_CBC_SHA:         {Kex: KexDHE, Auth: AuthDSS, Cipher: "DES40_CBC", MAC: "SHA", KeyLen: 5, Export: true, MinVersion: SSL3, MaxVersion: TLS10},
		TLS_RSA_EXPORT1024_WITH_RC4_56_SHA:            {Kex: KexRSA, Auth: AuthRSA, Cipher: "RC4_56", MAC: "SHA", KeyLen: 7, Export: true, MinVersion: SSL3, MaxVersion: TLS10},
		TLS_RSA_WITH_RC4_128_MD5:                      {Kex: KexRSA, Auth: AuthRSA, Cipher: "RC4_128", MAC: "MD5", KeyLen: 16, MinVersion: SSL3, MaxVersion: TLS12},
		TLS_RSA_WITH_3DES_EDE_CBC_SHA:                 {Kex: KexRSA, Auth: AuthRSA, Cipher: "3DES_EDE_CBC", MAC: "SHA", KeyLen: 21, MinVersion: SSL3, MaxVersion: TLS12},
		TLS_RSA_WITH_DES_CBC_SHA:                      {Kex: KexRSA, Auth: AuthRSA, Cipher: "DES_CBC", MAC: "SHA", KeyLen: 7, MinVersion: SSL3, MaxVersion: TLS11},
		TLS_ECDH_anon_WITH_NULL_SHA:                   {Kex: KexECDHAnon, Auth: AuthAnon, Cipher: "NULL", MAC: "SHA", MinVersion: TLS10, MaxVersion: TLS12},
		TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA384:         {Kex: KexECDHE, Auth: AuthPSK, PSK: true, Cipher: "AES_256_CBC", MAC: "SHA384", KeyLen: 32, MinVersion: TLS12, MaxVersion: TLS12},
		TLS_RSA_PSK_WITH_AES_128_CBC_SHA:              {Kex: KexPSK, Auth: AuthRSA, PSK: true, Cipher: "AES_128_CBC", MAC: "SHA", KeyLen: 16, MinVersion: TLS10, MaxVersion: TLS12},
		TLS_AES_256_GCM_SHA384:                        {Kex: KexTLS13, Auth: AuthAny, Cipher: "AES_256_GCM", MAC: "SHA384", KeyLen: 32, AEAD: true, MinVersion: TLS13, MaxVersion: TLS13},
		TLS_SHA384_SHA384:                             {Kex: KexTLS13, Auth: AuthAny, Cipher: "NULL", MAC: "SHA384", MinVersion: TLS13, MaxVersion: TLS13},
		TLS_FALLBACK_SCSV:                             {SCSV: true, MinVersion: SSL3, MaxVersion: TLS12},
	}
	for suite, want := range tests {
		want.Known = true
		if got := suite.Info(); got != want {
			t.Errorf("%v: got %+v, want %+v", suite, got, want)
		}
	}
	if got := CipherSuite(0x1234).Info(); got != (SuiteInfo{}) {
		t.Errorf("unknown: got %+v", got)
	}
	for _, suite := range AllCipherSuites() {
		info := suite.Info()
		if !info.Known || info.MinVersion > info.MaxVersion || !info.SCSV && (info.Kex == KexUnknown || info.Auth == AuthUnknown || info.Cipher == "") {
			t.Errorf("%v: got %+v", suite, info)
		}
		if info.KeyLen == 0 && !info.SCSV && info.Cipher != "NULL" {
			t.Errorf("%v: no key length for %s", suite, info.Cipher)
		}
	}
	if TLS_FALLBACK_SCSV.AllowedIn(TLS12) || !TLS_RSA_WITH_AES_128_CBC_SHA.AllowedIn(SSL3) || TLS_AES_128_GCM_SHA256.AllowedIn(TLS12) {
		t.Error("AllowedIn is wrong")
	}
}

func TestSchemeFacts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		scheme    SignatureScheme
		key, hash string
		in13      bool
		curve     Group
	}{
		{SchemeRSAPKCS1SHA256, "rsa", "SHA256", false, 0},
		{SchemeRSAPSSRSAESHA256, "rsa", "SHA256", true, 0},
		{SchemeRSAPSSPSSSHA512, "rsa-pss", "SHA512", true, 0},
		{SchemeECDSAP384SHA384, "ecdsa", "SHA384", true, GroupP384},
		{SchemeECDSASHA1, "ecdsa", "SHA1", false, 0},
		{SchemeEd25519, "ed25519", "", true, 0},
		{SchemeRSAPKCS1SHA256Legacy, "rsa", "SHA256", true, 0},
		{SchemeMLDSA65, "ml-dsa", "", true, 0},
		{0x9999, "", "", false, 0},
	} {
		s := test.scheme
		if s.Key() != test.key || s.Hash() != test.hash || s.InTLS13() != test.in13 || s.Curve() != test.curve {
			t.Errorf("%v: got %q, %q, %v, %v", s, s.Key(), s.Hash(), s.InTLS13(), s.Curve())
		}
	}
}

func TestParseNames(t *testing.T) {
	t.Parallel()
	suites, err := ParseCipherSuites("ECDHE-RSA-AES128-GCM-SHA256:tls_aes_128_gcm_sha256, EDH-RSA-DES-CBC3-SHA DHE-RSA-DES-CBC3-SHA 0x5600 TLS_CHACHA20_POLY1305_SHA256")
	if want := []CipherSuite{0xC02F, 0x1301, 0x16, 0x16, 0x5600, 0x1303}; err != nil || !slices.Equal(suites, want) {
		t.Errorf("suites: got %v, %v", suites, err)
	}
	groups, err := ParseGroups("X25519MLKEM768:P-256 p384 prime256v1 X25519 secp521r1 ffdhe2048 0x6399 x448 brainpoolP256r1")
	if want := []Group{0x11EC, 23, 24, 23, 29, 25, 256, 0x6399, 30, 26}; err != nil || !slices.Equal(groups, want) {
		t.Errorf("groups: got %v, %v", groups, err)
	}
	schemes, err := ParseSignatureSchemes("ECDSA+SHA256 RSA-PSS+SHA256 rsa_pss_pss_sha384 RSA+SHA1 ed25519 ML-DSA-65")
	if want := []SignatureScheme{0x0403, 0x0804, 0x080A, 0x0201, 0x0807, 0x0905}; err != nil || !slices.Equal(schemes, want) {
		t.Errorf("schemes: got %v, %v", schemes, err)
	}
	for name, want := range map[string]Version{"ssl2": SSL2, "SSLv3": SSL3, "ssl3": SSL3, "1.0": TLS10, "TLSv1": TLS10, "1.1": TLS11, "TLSv1.2": TLS12, "tls1_2": TLS12, "TLS 1.3": TLS13, "1.3": TLS13, "0x0304": TLS13} {
		if got, err := ParseVersion(name); err != nil || got != want {
			t.Errorf("version %q: got %v, %v", name, got, err)
		}
	}
	// What String writes can be read back.
	for _, s := range AllCipherSuites() {
		if got, err := ParseCipherSuites(s.String()); err != nil || got[0] != s {
			t.Errorf("%v: got %v, %v", s, got, err)
		}
		if name := s.OpenSSLName(); name != "" {
			if got, err := ParseCipherSuites(name); err != nil || got[0] != s {
				t.Errorf("%v: %s: got %v, %v", s, name, got, err)
			}
		}
	}
	for _, v := range []Version{SSL2, SSL3, TLS10, TLS11, TLS12, TLS13} {
		if got, err := ParseVersion(v.String()); err != nil || got != v {
			t.Errorf("%v: got %v, %v", v, got, err)
		}
	}
}

func TestParseNamesErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, want string
		parse      func() error
	}{
		{"suite", `unknown cipher suite "ECDHE-RSA-AES128-GCM-SHA25"; did you mean ECDHE-RSA-AES128-GCM-SHA256`, func() error { _, err := ParseCipherSuites("ECDHE-RSA-AES128-GCM-SHA25"); return err }},
		{"algebra", `unknown cipher suite "!aNULL"`, func() error { _, err := ParseCipherSuites("0x002F:!aNULL"); return err }},
		{"group", `unknown group "x25518"; did you mean x25519`, func() error { _, err := ParseGroups("x25518"); return err }},
		{"scheme", `unknown signature scheme "rsa_pss_rsae_sha265"; did you mean rsa_pss_rsae_sha`, func() error { _, err := ParseSignatureSchemes("rsa_pss_rsae_sha265"); return err }},
		{"version", `unknown version "1.4"; did you mean ssl2, ssl3, 1.0, 1.1, 1.2 or 1.3?`, func() error { _, err := ParseVersion("1.4"); return err }},
		{"hex too long", `unknown group "0x12345"`, func() error { _, err := ParseGroups("0x12345"); return err }},
		{"empty", "empty list of groups", func() error { _, err := ParseGroups(" , "); return err }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			err := test.parse()
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
			var name *NameError
			if test.name != "empty" && !errors.As(err, &name) {
				t.Errorf("got %T, want *NameError", err)
			}
		})
	}
}
