package ct

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"os"
	"testing"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// referenceLog is the key of the log that signed testdata/reference.pem.
const referenceLog = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmXg8sUUzwBYaWrRb+V0IopzQ6o3UyEJ04r5ZrRXGdpYM8K+hB0pXrGRLI0eeWz+3skXrS0IO83AhA3GpRL6s6w=="

// reference reads the three certificates of testdata/reference.pem.
func reference(t testing.TB) (ca, good, bad *x509.Certificate) {
	t.Helper()
	data, err := os.ReadFile("testdata/reference.pem")
	if err != nil {
		t.Fatal(err)
	}
	var out []*x509.Certificate
	for len(out) < 3 {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			t.Fatal("fewer than three certificates")
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, c)
	}
	return out[0], out[1], out[2]
}

func referenceList(t testing.TB) *List {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(referenceLog)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	list := NewList(time.Date(2013, 6, 1, 0, 0, 0, 0, time.UTC))
	if err := list.Add(Log{Name: "reference", Operator: "Google"}, key.(*ecdsa.PublicKey)); err != nil {
		t.Fatal(err)
	}
	return list
}

// embeddedSCTs reads the extension of embedded SCTs.
func embeddedSCTs(t testing.TB, c *x509.Certificate) [][]byte {
	t.Helper()
	for _, e := range c.Extensions {
		if e.Id.String() == "1.3.6.1.4.1.11129.2.4.2" {
			s := cryptobyte.String(e.Value)
			var list cryptobyte.String
			if !s.ReadASN1(&list, asn1.OCTET_STRING) {
				t.Fatal("no OCTET STRING")
			}
			return splitList(list)
		}
	}
	t.Fatal("no SCTs")
	return nil
}

// The reference implementation's own certificate: what its log signed in 2013
// verifies here, and what is for another certificate does not.
func TestReferenceCertificate(t *testing.T) {
	t.Parallel()
	ca, good, bad := reference(t)
	list, issuer := referenceList(t), sha256.Sum256(ca.RawSubjectPublicKeyInfo)
	check := func(c *x509.Certificate, key [32]byte, now time.Time) Found {
		r := Check(list, Input{DER: c.Raw, TBS: c.RawTBSCertificate, IssuerKey: key, Lifetime: c.NotAfter.Sub(c.NotBefore), Now: now, Embedded: embeddedSCTs(t, c)})
		if len(r.Found) != 1 || r.Enough || r.Need != 3 {
			t.Fatalf("got %+v", r)
		}
		return r.Found[0]
	}
	now := time.Date(2013, 7, 1, 0, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		got  Found
		want string
	}{
		"good":         {check(good, issuer, now), ""},
		"other":        {check(bad, issuer, now), "its signature does not fit this certificate"},
		"wrong issuer": {check(good, sha256.Sum256(nil), now), "its signature does not fit this certificate"},
		"no issuer":    {check(good, [32]byte{}, now), ""},
		"too early":    {check(good, issuer, time.Date(2013, 4, 4, 0, 0, 0, 0, time.UTC)), "its time is in the future"},
	} {
		if c.got.Problem != c.want {
			t.Errorf("%s: got %q, want %q", name, c.got.Problem, c.want)
		}
	}
	f := check(good, issuer, now)
	if f.Log == nil || f.Log.Name != "reference" || f.SCT.Time.Format(time.DateOnly) != "2013-04-05" {
		t.Errorf("got %+v of %v", f.Log, f.SCT.Time)
	}
}

func TestTruncatedSCTs(t *testing.T) {
	t.Parallel()
	_, good, _ := reference(t)
	sct := embeddedSCTs(t, good)[0]
	for i := range sct {
		if _, err := ParseSCT(sct[:i]); err == nil {
			t.Errorf("read %d of %d bytes", i, len(sct))
		}
	}
	for i := range good.RawTBSCertificate {
		if _, ok := WithoutSCTs(good.RawTBSCertificate[:i]); ok {
			t.Errorf("took SCTs out of %d of %d bytes", i, len(good.RawTBSCertificate))
		}
	}
	if len(stapled([]byte("no OCSP response"))) != 0 {
		t.Error("read SCTs of a staple that is none")
	}
}

func FuzzCheck(f *testing.F) {
	_, good, _ := reference(f)
	list := referenceList(f)
	f.Add(embeddedSCTs(f, good)[0], good.RawTBSCertificate, []byte{})
	f.Fuzz(func(t *testing.T, sct, tbs, staple []byte) {
		r := Check(list, Input{DER: tbs, TBS: tbs, IssuerKey: [32]byte{1}, Embedded: [][]byte{sct}, TLS: [][]byte{sct}, Staple: staple})
		if r.Enough {
			t.Error("one SCT is enough")
		}
		if without, ok := WithoutSCTs(tbs); ok {
			if _, again := WithoutSCTs(without); again {
				t.Error("SCTs are left")
			}
		}
	})
}
