package chain

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// loadOne reads a certificate of testdata.
func loadOne(t testing.TB, name string) *Certificate {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".pem"))
	if err != nil {
		t.Fatal(err)
	}
	certs, rest := ParsePEM(data)
	if len(certs) != 1 || len(rest) != 0 {
		t.Fatalf("%s: got %d certificates and %v", name, len(certs), rest)
	}
	return certs[0]
}

// oddCases are the certificates of testdata/generate.sh.
var oddCases = []struct {
	name, key, algorithm string
	self                 Outcome
	problem, goError     string
}{
	{"brainpool-256", "ECDSA brainpoolP256r1", "ECDSA-SHA256", CannotCheck, "", "unsupported elliptic curve"},
	{"brainpool-512", "ECDSA brainpoolP512r1", "ECDSA-SHA512", CannotCheck, "", "unsupported elliptic curve"},
	{"brainpool-explicit", "ECDSA explicit (explicit parameters)", "ECDSA-SHA256", CannotCheck, "", "invalid ECDSA parameters"},
	{"dsa", "DSA 2048", "DSA-SHA256", CannotCheck, "", ""},
	{"ed25519", "Ed25519", "Ed25519", Valid, "", ""},
	{"ed448", "Ed448", "Ed448", CannotCheck, "", ""},
	{"p192", "ECDSA P-192", "ECDSA-SHA256", CannotCheck, "", "unsupported elliptic curve"},
	{"p224", "ECDSA P-224", "ECDSA-SHA256", Valid, "", ""},
	{"p256-compressed", "ECDSA P-256", "ECDSA-SHA256", Valid, "", "invalid uncompressed public key"},
	{"p256-explicit", "ECDSA P-256 (explicit parameters)", "ECDSA-SHA256", Valid, "", "invalid ECDSA parameters"},
	{"p256-sha1", "ECDSA P-256", "ECDSA-SHA1", Valid, "", ""},
	{"p256", "ECDSA P-256", "ECDSA-SHA256", Valid, "", ""},
	{"p384", "ECDSA P-384", "ECDSA-SHA384", Valid, "", ""},
	{"p521", "ECDSA P-521", "ECDSA-SHA512", Valid, "", ""},
	{"rsa-1024", "RSA 1024", "SHA256-RSA", Valid, "", ""},
	{"rsa-1025", "RSA 1025", "RSA-PSS-SHA256", Valid, "", ""},
	{"rsa-2048", "RSA 2048", "SHA256-RSA", Valid, "", ""},
	{"rsa-512", "RSA 512", "SHA256-RSA", Valid, "", ""},
	{"rsa-exponent-3", "RSA 2048", "SHA256-RSA", Valid, "", ""},
	{"rsa-exponent-large", "RSA 2048", "SHA256-RSA", CannotCheck, "", "invalid RSA public exponent"},
	{"rsa-md5", "RSA 2048", "MD5-RSA", Valid, "", ""},
	{"rsa-pss-key-restricted", "RSA-PSS 2048", "RSA-PSS-SHA384", Valid, "", ""},
	{"rsa-pss-key", "RSA-PSS 2048", "RSA-PSS-SHA256", Valid, "", ""},
	{"rsa-pss-mixed", "RSA 2048", "RSA-PSS-SHA256", Valid, "", ""},
	{"rsa-pss-sha1", "RSA 2048", "RSA-PSS-SHA1", Valid, "", ""},
	{"rsa-pss-signature", "RSA 2048", "RSA-PSS-SHA256", Valid, "", ""},
	{"rsa-sha1", "RSA 2048", "SHA1-RSA", Valid, "", ""},
	{"rsa-sha3", "RSA 2048", "RSA-SHA3-256", Valid, "", ""},
	{"rsa-sha512", "RSA 2048", "SHA512-RSA", Valid, "", ""},
	{"san-not-ascii", "ECDSA P-256", "ECDSA-SHA256", Valid, "outside ASCII", "SAN dNSName is malformed"},
	{"secp256k1", "ECDSA secp256k1", "ECDSA-SHA256", CannotCheck, "", "unsupported elliptic curve"},
	{"sect283k1", "ECDSA sect283k1", "ECDSA-SHA256", CannotCheck, "", "unsupported elliptic curve"},
	{"serial-negative", "ECDSA P-256", "ECDSA-SHA256", Valid, "serial number is negative", "negative serial number"},
	{"sm2", "SM2", "SM2-SM3", CannotCheck, "", "unsupported elliptic curve"},
	{"version-1", "ECDSA P-256", "ECDSA-SHA256", Valid, "", ""},
}

func TestOddCertificates(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.pem")
	if err != nil || len(files) != len(oddCases) {
		t.Errorf("%d files in testdata, %d cases (%v)", len(files), len(oddCases), err)
	}
	for _, tc := range oddCases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := loadOne(t, tc.name)
			if got := c.Key.String(); got != tc.key {
				t.Errorf("key: got %q, want %q", got, tc.key)
			}
			if got := c.SignatureAlgorithm.Name; got != tc.algorithm {
				t.Errorf("algorithm: got %q, want %q", got, tc.algorithm)
			}
			got := c.SelfSigned()
			if got.Outcome != tc.self || (got.Reason == "") != (tc.self == Valid) {
				t.Errorf("self-signed: got %+v, want %v", got, tc.self)
			}
			if len(c.Malformed) != 0 {
				t.Errorf("malformed: got %q, but OpenSSL reads it", c.Malformed)
			}
			if problems := strings.Join(c.ParseProblems, "; "); (problems == "") != (tc.problem == "") || !strings.Contains(problems, tc.problem) {
				t.Errorf("problems: got %q, want %q", problems, tc.problem)
			}
			if text := c.GoError(); (text == "") != (tc.goError == "") || !strings.Contains(text, tc.goError) {
				t.Errorf("Go: got %q, want %q", text, tc.goError)
			}
			if c.Subject.CN() != "odd.example.com" || c.NotAfter.Sub(c.NotBefore) < 3000*day || !c.SelfIssued() {
				t.Errorf("names or dates are lost: %s, %v to %v", c.Subject, c.NotBefore, c.NotAfter)
			}
		})
	}
}

// TestOddSignaturesAltered makes sure that what is valid becomes invalid, and
// nothing else, when one bit of the signed part changes.
func TestOddSignaturesAltered(t *testing.T) {
	t.Parallel()
	for _, tc := range oddCases {
		c := loadOne(t, tc.name)
		der := append([]byte(nil), c.Raw...)
		i := strings.Index(string(der), "odd.example.com")
		der[i] ^= 0x20
		changed := Parse(der)
		want := Invalid
		if tc.self == CannotCheck {
			want = CannotCheck
		}
		if got := CheckSignature(changed, c); got.Outcome != want {
			t.Errorf("%s: got %+v, want %v", tc.name, got, want)
		}
	}
}

func TestSignatureOfOtherKind(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		child, parent string
		want          Outcome
	}{
		{"p256", "rsa-2048", Invalid},
		{"rsa-2048", "p256", Invalid},
		{"rsa-2048", "rsa-512", Invalid},
		{"rsa-sha1", "rsa-pss-key", Invalid}, // a PSS key makes no PKCS#1 signature
		{"rsa-pss-signature", "rsa-pss-key", Invalid},
		{"p256", "p384", Invalid},
		{"p256", "brainpool-256", CannotCheck},
		{"ed25519", "p256", Invalid},
		{"ed448", "ed25519", Invalid},
	} {
		if got := CheckSignature(loadOne(t, tc.child), loadOne(t, tc.parent)); got.Outcome != tc.want || got.Reason == "" {
			t.Errorf("%s by %s: got %+v, want %v", tc.child, tc.parent, got, tc.want)
		}
	}
	if got := CheckSignature(Parse(nil), loadOne(t, "p256")); got.Outcome != CannotCheck {
		t.Errorf("unreadable child: got %+v", got)
	}
	if got := CheckSignature(loadOne(t, "p256"), Parse(nil)); got.Outcome != CannotCheck {
		t.Errorf("unreadable parent: got %+v", got)
	}
}

// TestOddLeaves judges leaves that are their own anchors: only strength counts.
func TestOddLeaves(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string][]Kind{
		"rsa-2048": nil, "rsa-1024": {KindWeakKey}, "rsa-512": {KindWeakKey}, "rsa-1025": {KindWeakKey},
		"p192": {KindWeakKey}, "p224": nil, "p521": nil, "brainpool-256": nil, "ed448": nil, "rsa-md5": nil,
	} {
		c := loadOne(t, name)
		a := Analyze(Input{Sent: []*Certificate{c}, Anchors: []*Certificate{c}, Name: "odd.example.com", Now: at})
		wantKinds(t, name, a.Problems(), want...)
	}
}
