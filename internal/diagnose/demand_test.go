package diagnose

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
)

func TestParsePin(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now()}, &x509.Certificate{}, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, data []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pemOf := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	sum := sha256.Sum256(spki)
	b64, digits := base64.StdEncoding.EncodeToString(sum[:]), hex.EncodeToString(sum[:])
	colons := strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(fmt.Sprintf("% x", sum)), " ", ":"))
	for name, c := range map[string]struct {
		text string
		want int // pins; 0 = an error
		cert bool
		hint string
	}{
		"curl":              {text: "sha256//" + b64, want: 1},
		"one slash":         {text: "sha256/" + b64, want: 1},
		"hex":               {text: digits, want: 1, cert: true},
		"HEX":               {text: colons, want: 1, cert: true},
		"sha256:hex":        {text: "sha256:" + digits, want: 1, cert: true},
		"certificate":       {text: file("c.pem", pemOf("CERTIFICATE", der)), want: 1},
		"certificates":      {text: file("cc.pem", append(pemOf("CERTIFICATE", der), pemOf("CERTIFICATE", der)...)), want: 2},
		"certificate (DER)": {text: file("c.der", der), want: 1},
		"public key":        {text: file("k.pem", pemOf("PUBLIC KEY", spki)), want: 1},
		"public key (DER)":  {text: file("k.der", spki), want: 1},
		"short base64":      {text: "sha256//AAAA", hint: "no SHA-256 digest in base64"},
		"no base64":         {text: "sha256//" + strings.Repeat("!", 44), hint: "no SHA-256 digest in base64"},
		"short hex":         {text: digits[:40], hint: "neither a digest nor a file"},
		"no such file":      {text: filepath.Join(dir, "nothing.pem"), hint: "nothing.pem"},
		"private key":       {text: file("p.pem", pemOf("PRIVATE KEY", []byte{1})), hint: "holds a private key"},
		"empty file":        {text: file("empty.pem", nil), hint: "neither a certificate nor a public key"},
		"garbage":           {text: file("g.der", bytes.Repeat([]byte{0x30}, 100)), hint: "neither a certificate nor a public key"},
		"nothing":           {text: "", hint: "neither"},
	} {
		pins, err := parsePin(c.text)
		switch {
		case c.want == 0 && err == nil:
			t.Errorf("%s: no error", name)
		case c.want == 0:
			var u *UsageError
			var f *FileError
			if !errors.As(err, &u) && !errors.As(err, &f) || !strings.Contains(err.Error(), c.hint) {
				t.Errorf("%s: got %v, want %q", name, err, c.hint)
			}
		case err != nil || len(pins) != c.want:
			t.Errorf("%s: got %d pins, %v", name, len(pins), err)
		case pins[0].Sum != sum || pins[0].Certificate != c.cert || !pins[0].Key:
			t.Errorf("%s: got %+v", name, pins[0])
		}
	}
}

// TestParsePinSlash: a slash is a digit of base64 too.
func TestParsePinSlash(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256([]byte("key"))
	sum[0] = 0xff
	for _, prefix := range []string{"sha256/", "sha256//"} {
		pins, err := parsePin(prefix + base64.StdEncoding.EncodeToString(sum[:]))
		if err != nil || len(pins) != 1 || pins[0].Sum != sum {
			t.Errorf("%s: got %v, %v", prefix, pins, err)
		}
	}
}

func TestParseTLSA(t *testing.T) {
	t.Parallel()
	digest := strings.Repeat("ab", 32)
	for text, hint := range map[string]string{
		"3 1 1 " + digest: "",
		" 3  1 1  " + digest[:20] + " " + digest[20:]: "",
		"2 0 2 " + digest + digest:                    "",
		"0 0 0 3000":                                  "",
		"3 1 1":                                       "has 3 of four fields",
		"4 1 1 " + digest:                             `the usage "4"`,
		"3 2 1 " + digest:                             `the selector "2"`,
		"3 1 3 " + digest:                             `the matching type "3"`,
		"3 1 1 " + digest[1:]:                         "is no hex",
		"3 1 1 abcd":                                  "needs 64 hex digits",
		"3 1 2 " + digest:                             "needs 128 hex digits",
		"_25._tcp.mx.example.com. IN TLSA 3 1 1 abcdef": "the usage",
	} {
		r, err := parseTLSA(text)
		switch {
		case hint == "" && (err != nil || len(r.Data) == 0):
			t.Errorf("%q: got %+v, %v", text, r, err)
		case hint != "" && (err == nil || !strings.Contains(err.Error(), hint)):
			t.Errorf("%q: got %v, want %q", text, err, hint)
		}
	}
}

// TestLookupTLSA asks an injected DNS: records, none, an error, nobody to ask.
func TestLookupTLSA(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		records []facts.TLSA
		err     error
		note    string
	}{
		"records": {records: []facts.TLSA{{Usage: 3, Selector: 1, Matching: 1, Data: make([]byte, 32)}}, note: "DNSSEC"},
		"none":    {note: "there is no TLSA record at _25._tcp.mx.example.com"},
		"error":   {err: errors.New("SERVFAIL"), note: "could not be looked up: SERVFAIL"},
	} {
		p := &plan{opts: Options{TLSA: []string{"dns"}}}
		p.env.LookupTLSA = func(context.Context, string) ([]facts.TLSA, error) { return c.records, c.err }
		w := facts.Want{Name: "mx.example.com", Port: 25}
		if err := p.demands(&w); err != nil {
			t.Fatal(err)
		}
		p.lookupTLSA(context.Background(), &w)
		if len(w.Demand.TLSA) != len(c.records) || len(p.notes) != 1 || !strings.Contains(p.notes[0], c.note) {
			t.Errorf("%s: got %d records and the notes %q", name, len(w.Demand.TLSA), p.notes)
		}
	}
	p := &plan{opts: Options{TLSA: []string{"dns"}}}
	if err := p.demands(&facts.Want{}); err == nil || !strings.Contains(err.Error(), "no way to ask the DNS") {
		t.Errorf("nobody to ask: got %v", err)
	}
	for _, o := range []Options{{MinDHBits: -1}, {MinDHBits: 1 << 20}, {MaxValidityDays: -1}} {
		p := &plan{opts: o}
		var u *UsageError
		if err := p.demands(&facts.Want{}); !errors.As(err, &u) {
			t.Errorf("%+v: got %v", o, err)
		}
	}
}

func FuzzParsePin(f *testing.F) {
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n"))
	f.Add([]byte{0x30, 0x03, 0x30, 0x01, 0x00})
	f.Fuzz(func(_ *testing.T, data []byte) {
		pinsIn("file", data)
	})
}
