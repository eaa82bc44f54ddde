package chain

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/hex"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
)

func TestParseFields(t *testing.T) {
	t.Parallel()
	r := root(t, "Root")
	link, _ := url.Parse("https://example.com/x")
	c := issue(t, r, spec{name: "a.example.com", org: "Acme, Inc.", dns: []string{"a.example.com", "*.b.example.com"}, ips: []string{"10.0.0.1", "2001:db8::1"},
		edit: func(c *x509.Certificate) {
			c.EmailAddresses, c.URIs = []string{"a@example.com"}, []*url.URL{link}
			c.IssuingCertificateURL, c.OCSPServer = []string{"http://ca/i.cer"}, []string{"http://ca/ocsp"}
			c.CRLDistributionPoints = []string{"http://ca/1.crl", "http://ca/2.crl"}
			c.Policies = []x509.OID{mustOID(t, "2.23.140.1.2.1")}
			c.ExtraExtensions = []pkix.Extension{
				{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}},
				{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}, Value: []byte{4, 9, 0, 7, 0, 2, 1, 2, 0, 1, 3}},
			}
		}}).cert
	for _, tc := range []struct {
		what      string
		got, want any
	}{
		{"subject", c.Subject.String(), `CN=a.example.com, O=Acme\, Inc.`},
		{"issuer", c.Issuer.String(), "CN=Root, O=Root Org"},
		{"O", c.Subject.O(), "Acme, Inc."},
		{"title", c.Title(), "a.example.com"},
		{"version", c.Version, 3},
		{"dns", strings.Join(c.DNSNames, " "), "a.example.com *.b.example.com"},
		{"ips", len(c.IPs), 2},
		{"ip", c.IPs[1].String(), "2001:db8::1"},
		{"email", c.Emails[0], "a@example.com"},
		{"uri", c.URIs[0], "https://example.com/x"},
		{"aia", c.IssuerURLs[0], "http://ca/i.cer"},
		{"ocsp", c.OCSPURLs[0], "http://ca/ocsp"},
		{"crl", strings.Join(c.CRLURLs, " "), "http://ca/1.crl http://ca/2.crl"},
		{"policy", c.Policies[0], "2.23.140.1.2.1"},
		{"must-staple", c.MustStaple, true},
		{"SCTs", len(c.SCTs), 2},
		{"key usage", c.KeyUsage.String(), "digitalSignature"},
		{"eku", c.ExtKeyUsage[0], EKUServerAuth},
		{"ca", c.IsCA(), false},
		{"root is ca", r.cert.IsCA(), true},
		{"aki", hex.EncodeToString(c.AuthorityKeyID), hex.EncodeToString(r.cert.SubjectKeyID)},
		{"problems", len(c.ParseProblems), 0},
		{"Go error", c.GoError(), ""},
		{"lifetime", c.Lifetime(), 61*24*time.Hour + time.Second},
		{"self-signed root", r.cert.SelfSigned().Outcome, Valid},
		{"self-signed leaf", c.SelfSigned().Outcome, Invalid},
		{"serial", c.Serial.Cmp(c.Go().SerialNumber), 0},
		{"dates", c.NotAfter.Equal(c.Go().NotAfter), true},
	} {
		if tc.got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.what, tc.got, tc.want)
		}
	}
}

func mustOID(t *testing.T, text string) x509.OID {
	t.Helper()
	oid, err := x509.ParseOID(text)
	if err != nil {
		t.Fatal(err)
	}
	return oid
}

// TestParseAgainstGo reads certificates with many extensions both ways.
func TestParseAgainstGo(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"rsa-2048", "p384", "ed25519", "version-1"} {
		c := loadOne(t, name)
		g := c.Go()
		if g == nil || !bytes.Equal(g.RawSubject, c.Subject.Raw) || !bytes.Equal(g.RawSubjectPublicKeyInfo, c.Key.Raw) ||
			!bytes.Equal(g.Signature, c.Signature) || !bytes.Equal(g.RawTBSCertificate, c.TBS) || g.Version != c.Version ||
			!g.NotBefore.Equal(c.NotBefore) || !MatchesKey(c, g.PublicKey) || !slices.Equal(g.DNSNames, c.DNSNames) {
			t.Errorf("%s is read differently", name)
		}
	}
}

// tlv encodes one DER element.
func tlv(tag byte, parts ...[]byte) []byte {
	body := bytes.Join(parts, nil)
	head := []byte{tag, byte(len(body))}
	if len(body) > 0xffff {
		head = []byte{tag, 0x83, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}
	} else if len(body) > 0xff {
		head = []byte{tag, 0x82, byte(len(body) >> 8), byte(len(body))}
	}
	if len(body) > 0x7f && len(body) <= 0xff {
		head = []byte{tag, 0x81, byte(len(body))}
	}
	return append(head, body...)
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}

// handMade holds the fields of a certificate made byte by byte.
type handMade struct {
	version, serial, alg, issuer, validity, subject, spki, extensions, outer, signature []byte
}

func newHandMade(t *testing.T) *handMade {
	c := loadOne(t, "p256")
	name := tlv(0x30, tlv(0x31, tlv(0x30, unhex("0603550403"), tlv(0x0c, []byte("x")))))
	alg := unhex("300a06082a8648ce3d040302")
	return &handMade{
		version: unhex("a003020102"), serial: unhex("020101"), alg: alg, issuer: name, subject: name,
		validity: tlv(0x30, tlv(0x17, []byte("260101000000Z")), tlv(0x17, []byte("360101000000Z"))),
		spki:     c.Key.Raw, outer: alg, signature: unhex("0303003000"),
	}
}

func (h *handMade) der() []byte {
	tbs := tlv(0x30, h.version, h.serial, h.alg, h.issuer, h.validity, h.subject, h.spki, h.extensions)
	return tlv(0x30, tbs, h.outer, h.signature)
}

func extension(oid string, value []byte) []byte {
	return tlv(0x30, tlv(0x06, unhex(oid)), tlv(0x04, value))
}

func extensions(list ...[]byte) []byte { return tlv(0xa3, tlv(0x30, list...)) }

func TestParseMalformed(t *testing.T) {
	t.Parallel()
	const san, basic, usage = "551d11", "551d13", "551d0f"
	for _, tc := range []struct {
		name      string
		edit      func(h *handMade)
		problem   string
		malformed bool
	}{
		{"sound", func(*handMade) {}, "", false},
		{"version 9", func(h *handMade) { h.version = unhex("a003020109") }, "the version", true},
		{"serial zero", func(h *handMade) { h.serial = unhex("020100") }, "serial number is zero", false},
		{"serial padded", func(h *handMade) { h.serial = unhex("02020001") }, "needless leading byte", true},
		{"serial long", func(h *handMade) { h.serial = tlv(2, bytes.Repeat([]byte{1}, 21)) }, "more than 20", false},
		{"serial is text", func(h *handMade) { h.serial = tlv(0x0c, []byte("1")) }, "serial number is unreadable", true},
		{"algorithms differ", func(h *handMade) { h.outer = unhex("300a06082a8648ce3d040303") }, "inside and", true},
		{"algorithm empty", func(h *handMade) { h.outer = unhex("3000") }, "signature algorithm is unreadable", true},
		{"no signature", func(h *handMade) { h.signature = nil }, "signature is missing", true},
		{"signature with spare bits", func(h *handMade) { h.signature = unhex("03020380") }, "whole number of bytes", true},
		{"time without seconds", func(h *handMade) {
			h.validity = tlv(0x30, tlv(0x17, []byte("2601010000Z")), tlv(0x17, []byte("360101000000Z")))
		}, "RFC 5280 forbids", true},
		{"time with offset", func(h *handMade) {
			h.validity = tlv(0x30, tlv(0x17, []byte("260101000000+0100")), tlv(0x17, []byte("360101000000Z")))
		}, "RFC 5280 forbids", true},
		{"time with fraction", func(h *handMade) {
			h.validity = tlv(0x30, tlv(0x18, []byte("20260101000000.5Z")), tlv(0x17, []byte("360101000000Z")))
		}, "RFC 5280 forbids", true},
		{"generalized time too early", func(h *handMade) {
			h.validity = tlv(0x30, tlv(0x18, []byte("20260101000000Z")), tlv(0x17, []byte("360101000000Z")))
		}, "RFC 5280 forbids", false},
		{"time is nonsense", func(h *handMade) {
			h.validity = tlv(0x30, tlv(0x17, []byte("tomorrow")), tlv(0x17, []byte("360101000000Z")))
		}, "is no time", true},
		{"one time", func(h *handMade) { h.validity = tlv(0x30, tlv(0x17, []byte("260101000000Z"))) }, "notAfter is missing", true},
		{"ends before it begins", func(h *handMade) {
			h.validity = tlv(0x30, tlv(0x17, []byte("360101000000Z")), tlv(0x17, []byte("260101000000Z")))
		}, "before notBefore", false},
		{"subject is a string", func(h *handMade) { h.subject = tlv(0x0c, []byte("x")) }, "subject is no name", true},
		{"NUL in the subject", func(h *handMade) {
			h.subject = tlv(0x30, tlv(0x31, tlv(0x30, unhex("0603550403"), tlv(0x0c, []byte("a\x00b")))))
		}, "NUL", false},
		{"key is nonsense", func(h *handMade) { h.spki = unhex("3003020101") }, "public key", true},
		{"key off the curve", func(h *handMade) { h.spki = append(bytes.Clone(h.spki[:len(h.spki)-1]), h.spki[len(h.spki)-1]^1) }, "not on the curve", true},
		{"extension twice", func(h *handMade) {
			h.extensions = extensions(extension(basic, unhex("3000")), extension(basic, unhex("3000")))
		}, "appears twice", true},
		{"unknown extension twice", func(h *handMade) {
			h.extensions = extensions(extension("2a0304", unhex("0500")), extension("2a0304", unhex("0500")))
		}, "appears twice", false},
		{"basicConstraints nonsense", func(h *handMade) { h.extensions = extensions(extension(basic, unhex("0101ff"))) }, "basicConstraints is unreadable", true},
		{"keyUsage nonsense", func(h *handMade) { h.extensions = extensions(extension(usage, unhex("0403"))) }, "keyUsage is unreadable", true},
		{"followed by data", func(h *handMade) { h.extensions = extensions(extension(usage, unhex("030206c00500"))) }, "followed by other data", false},
		{"SAN with NUL", func(h *handMade) { h.extensions = extensions(extension(san, unhex("30058203610062"))) }, "NUL", false},
		{"SAN address of 5 bytes", func(h *handMade) { h.extensions = extensions(extension(san, unhex("300787050a00000102"))) }, "5 bytes", false},
		{"SAN empty", func(h *handMade) { h.extensions = extensions(extension(san, unhex("3000"))) }, "subjectAltName is empty", false},
		{"SAN cut short", func(h *handMade) { h.extensions = extensions(extension(san, unhex("3004820961"))) }, "subjectAltName is unreadable", true},
		{"extensions in version 1", func(h *handMade) { h.version, h.extensions = nil, extensions(extension(basic, unhex("3000"))) }, "version 1", false},
		{"extensions nonsense", func(h *handMade) { h.extensions = unhex("a3020500") }, "extensions are unreadable", true},
		{"stray field", func(h *handMade) { h.extensions = unhex("0500") }, "unexpected field", true},
		{"unique identifiers", func(h *handMade) { h.extensions = unhex("81020001 82020001") }, "", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHandMade(t)
			tc.edit(h)
			c := Parse(h.der())
			problems := strings.Join(c.ParseProblems, "; ")
			if (problems == "") != (tc.problem == "") || !strings.Contains(problems, tc.problem) {
				t.Errorf("problems: got %q, want %q", problems, tc.problem)
			}
			if (len(c.Malformed) > 0) != tc.malformed {
				t.Errorf("malformed: got %q, want %v", c.Malformed, tc.malformed)
			}
			if !strings.Contains(tc.name, "time") && !strings.Contains(tc.name, "key") && c.NotAfter.IsZero() {
				t.Error("a bad field has lost the dates")
			}
			if c.Key.Raw == nil && tc.name != "key is nonsense" {
				t.Error("a bad field has lost the key")
			}
		})
	}
}

func TestParseTrailingAndBER(t *testing.T) {
	t.Parallel()
	der := newHandMade(t).der()
	c := Parse(append(bytes.Clone(der), 0, 0))
	if len(c.Malformed) != 1 || !bytes.Equal(c.DER, der) || c.SHA256 != Parse(der).SHA256 {
		t.Errorf("trailing bytes: got %q", c.Malformed)
	}
	long := append(unhex("308200"), der[2:]...) // 81 LL becomes 82 00 LL
	c = Parse(long)
	if len(c.Malformed) != 0 || len(c.ParseProblems) != 1 || c.Subject.CN() != "x" {
		t.Errorf("long length: got %q, subject %s", c.ParseProblems, c.Subject)
	}
}

func TestParseBlobs(t *testing.T) {
	t.Parallel()
	for name, data := range map[string][]byte{
		"nil": nil, "text": []byte("hello"), "empty sequence": {0x30, 0}, "indefinite": {0x30, 0x80, 0, 0},
		"huge length": unhex("3084ffffffff"), "longer length": unhex("3089010000000000000000"), "high tag": unhex("1f8100"),
		"too large": make([]byte, MaxSize+1),
	} {
		c := Parse(data)
		if len(c.Malformed) == 0 || !bytes.Equal(c.Raw, data) || c.Title() != "unreadable certificate" || c.Readable() {
			t.Errorf("%s: got %q, %q", name, c.Malformed, c.Title())
		}
		if c.GoError() == "" || c.SelfIssued() || c.SelfSigned().Outcome == Valid {
			t.Errorf("%s: taken for a certificate", name)
		}
	}
}

// TestParseTruncated reads every truncation, and every one with a wrong length.
func TestParseTruncated(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.pem")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		c := loadOne(t, strings.TrimSuffix(filepath.Base(file), ".pem"))
		kept := 0
		for i := range c.Raw {
			cut := Parse(c.Raw[:i])
			if len(cut.Malformed) == 0 {
				t.Fatalf("%s cut at %d: no problem found", file, i)
			}
			if cut.Subject.CN() != "" {
				kept++
			}
			_ = cut.Title()
			_ = ParseKey(c.Raw[i:])
		}
		if kept < 50 {
			t.Errorf("%s: the subject is kept in %d truncations only", file, kept)
		}
	}
}

func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain": "plain", "münchen": "münchen", "a\x00b": `a\x00b`, "\x1b[31mred": `\x1B[31mred`,
		"a\u202eb": `a\u{202E}b`, "\xff": `\xFF`, "a\nb": `a\x0Ab`,
		strings.Repeat("x", 400): strings.Repeat("x", 300) + "…",
	} {
		if got := Printable(in); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestDNEqual(t *testing.T) {
	t.Parallel()
	name := func(tag byte, value string) DN {
		s := tlv(0x30, tlv(0x31, tlv(0x30, unhex("0603550403"), tlv(tag, []byte(value)))))
		e, _ := readElement((*cryptobyte.String)(&s))
		dn, _ := parseDN(e)
		return dn
	}
	a := name(tagPrintable, "My  CA")
	for _, tc := range []struct {
		name string
		b    DN
		want bool
	}{
		{"same", name(tagPrintable, "My  CA"), true},
		{"other string type", name(tagUTF8, "My CA"), true},
		{"other case", name(tagUTF8, " my ca "), true},
		{"other text", name(tagUTF8, "My CAs"), false},
		{"absent", DN{}, false},
	} {
		if got := a.Equal(tc.b); got != tc.want {
			t.Errorf("%s: got %v, want %v", tc.name, got, tc.want)
		}
	}
	if (DN{}).Equal(DN{}) || a.SameBytes(name(tagUTF8, "My  CA")) {
		t.Error("absent names are equal, or encodings do not count")
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*.pem")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		f.Add(loadOne(f, strings.TrimSuffix(filepath.Base(file), ".pem")).Raw)
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		c := Parse(der)
		if len(c.Malformed) > len(c.ParseProblems) {
			t.Error("a malformed field is no problem")
		}
		if g := c.Go(); g != nil && len(c.ParseProblems) == 0 {
			if !bytes.Equal(g.RawSubject, c.Subject.Raw) || !g.NotAfter.Equal(c.NotAfter) || g.SerialNumber.Cmp(c.Serial) != 0 ||
				!slices.Equal(g.DNSNames, c.DNSNames) || !bytes.Equal(g.SubjectKeyId, c.SubjectKeyID) {
				t.Error("read otherwise than by Go")
			}
		}
		_ = c.SelfSigned()
		_, _ = c.Title(), c.Subject.String()
		certs, rest := ParsePEM(der)
		_, _ = certs, rest
	})
}
