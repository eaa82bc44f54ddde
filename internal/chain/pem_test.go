package chain

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestParsePEM(t *testing.T) {
	t.Parallel()
	l := leaf(t, nil)
	cert := l.cert.PEM()
	sec1, err := x509.MarshalECPrivateKey(l.key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(l.key)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "x"}}, l.key)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	der := l.cert.Raw
	var wide []byte
	for _, u := range utf16.Encode([]rune(string(cert))) {
		wide = append(wide, byte(u), byte(u>>8))
	}
	bundle := tlv(0x30, unhex("06092a864886f70d010702"), tlv(0xa0, tlv(0x30, unhex("020101"), unhex("3100"),
		tlv(0x30, unhex("06092a864886f70d010701")), tlv(0xa0, der, der), unhex("3100"))))
	encrypted := bytes.Replace(block("EC PRIVATE KEY", sec1), []byte("KEY-----\n"), []byte("KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n"), 1)
	for _, tc := range []struct {
		name string
		data []byte
		want int
		rest []string
	}{
		{"one", cert, 1, nil},
		{"comments between", join([]byte("# my CA\n"), cert, []byte("\n subject=x\n"), cert, []byte("end")), 2, nil},
		{"windows line ends", bytes.ReplaceAll(cert, []byte("\n"), []byte("\r\n")), 1, nil},
		{"byte order mark", join([]byte("\xef\xbb\xbf"), cert), 1, nil},
		{"UTF-16", join([]byte{0xff, 0xfe}, wide), 1, nil},
		{"no newline between", join(bytes.TrimSpace(cert), cert), 2, []string{"BEGIN line that does not start its line"}},
		{"old name", block("X509 CERTIFICATE", der), 1, nil},
		{"trusted", block("TRUSTED CERTIFICATE", join(der, unhex("3000"))), 1, nil},
		{"key first", join(block("EC PRIVATE KEY", sec1), cert), 1, []string{"line 1: a private key (EC PRIVATE KEY)"}},
		{"key last", join(cert, block("PRIVATE KEY", pkcs8)), 1, []string{"a private key (PRIVATE KEY)"}},
		{"encrypted key", block("ENCRYPTED PRIVATE KEY", pkcs8), 0, []string{"line 1: an encrypted private key"}},
		{"encrypted key of old", encrypted, 0, []string{"an encrypted private key"}},
		{"request", block("CERTIFICATE REQUEST", csr), 0, []string{"a certificate signing request"}},
		{"revocation list", block("X509 CRL", csr), 0, []string{"a revocation list (CRL)"}},
		{"public key", block("PUBLIC KEY", csr), 0, []string{"a public key"}},
		{"parameters", block("DH PARAMETERS", csr), 0, []string{"parameters (DH PARAMETERS)"}},
		{"something else", block("FOO", csr), 0, []string{"a PEM block of type FOO"}},
		{"no end", cert[:len(cert)/2], 0, []string{"without its END line"}},
		{"no end, then a good one", join(cert[:200], []byte("\n"), cert), 1, []string{"line 1: a PEM block without its END line"}},
		{"not base64", []byte("-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n"), 0, []string{"no base64"}},
		{"broken begin", []byte("-----BEGIN CERTIFICATE---\nMII\n"), 0, []string{"a broken BEGIN line"}},
		{"only a begin", []byte("-----BEGIN CERTIFICATE-----"), 0, []string{"nothing behind it"}},
		{"pkcs7", block("PKCS7", bundle), 2, nil},
		{"broken pkcs7", block("PKCS7", unhex("3000")), 0, []string{"a PKCS#7 bundle: no PKCS#7"}},
		{"pkcs7 in DER", bundle, 2, nil},
		{"DER", der, 1, nil},
		{"two in DER", join(der, der), 2, nil},
		{"DER and a newline", join(der, []byte("\n")), 1, nil},
		{"key in DER", pkcs8, 0, []string{"byte 0: a private key (PKCS#8)"}},
		{"old key in DER", sec1, 0, []string{"byte 0: a private key"}},
		{"request in DER", csr, 0, []string{"a certificate signing request"}},
		{"public key in DER", l.cert.Key.Raw, 0, []string{"a public key"}},
		{"pkcs12", unhex("3010020103300b06092a864886f70d010701"), 0, []string{"a PKCS#12 file"}},
		{"java keystore", unhex("feedfeed00000002"), 0, []string{"a Java keystore"}},
		{"bare base64", []byte("MIIBxxxx"), 0, []string{"base64 without the BEGIN and END lines"}},
		{"text", []byte("hello"), 0, []string{"text without a PEM block"}},
		{"binary", []byte{1, 2, 0xff}, 0, []string{"no format that certificates come in"}},
		{"empty", nil, 0, []string{"it is empty"}},
		{"blank", []byte(" \n"), 0, []string{"it is empty"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			certs, rest := ParsePEM(tc.data)
			if len(certs) != tc.want {
				t.Errorf("got %d certificates, want %d", len(certs), tc.want)
			}
			for _, c := range certs {
				if c.SHA256 != l.cert.SHA256 {
					t.Errorf("read as %v", c.ParseProblems)
				}
			}
			if len(rest) != len(tc.rest) {
				t.Fatalf("rest: got %q, want %q", rest, tc.rest)
			}
			for i := range rest {
				if !strings.Contains(rest[i], tc.rest[i]) {
					t.Errorf("rest: got %q, want %q", rest, tc.rest)
				}
			}
		})
	}
}

func TestFullChain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := leaf(t, w.inter2)
	in := input(certs(w.root), l.cert)
	in.Extra = certs(w.root, w.inter, w.inter2)
	out, rest := ParsePEM(FullChain(Analyze(in).BestPath()))
	if len(rest) != 0 || !slices.EqualFunc(out, certs(l, w.inter2, w.inter), (*Certificate).Equal) {
		t.Errorf("got %d certificates, want leaf and two intermediates", len(out))
	}
	self := leaf(t, nil)
	out, _ = ParsePEM(FullChain(Analyze(input(certs(self), self.cert)).BestPath()))
	if len(out) != 1 {
		t.Errorf("a trusted self-signed leaf: got %d certificates, want itself", len(out))
	}
}

func TestMatchesKey(t *testing.T) {
	t.Parallel()
	l := leaf(t, nil)
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if !MatchesKey(l.cert, l.key.Public()) || MatchesKey(l.cert, other.Public()) || MatchesKey(l.cert, nil) {
		t.Error("keys are told apart wrongly")
	}
	odd := loadOne(t, "brainpool-256")
	if MatchesKey(odd, other.Public()) || !MatchesSPKI(odd, odd.Key.Raw) || MatchesSPKI(odd, l.cert.Key.Raw) || MatchesSPKI(Parse(nil), nil) {
		t.Error("keys without a Go type are told apart wrongly")
	}
}
