package keyfile

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
)

// inUTF16 is what a Windows editor makes of a text.
func inUTF16(text []byte, mark bool) []byte {
	var out []byte
	if mark {
		out = []byte{0xff, 0xfe}
	}
	for _, u := range utf16.Encode([]rune(string(text))) {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}

// TestFlaws spoils a good file in the ways in which people spoil them. What
// OpenSSL does with each was measured: it refuses the file or skips a block.
func TestFlaws(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	good := p.pem()
	text := string(good)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	replace := func(line int, with string) []byte {
		out := append([]string{}, lines...)
		out[line-1] = with
		return []byte(strings.Join(out, "\n"))
	}
	prefixed := func(with string) []byte { return []byte(with + strings.Join(lines, "\n"+with) + "\n") }
	second := 0
	for i, l := range lines {
		if i > 0 && strings.Contains(l, "BEGIN") {
			second = i + 1
		}
	}
	for _, tt := range []struct {
		name string
		data []byte
		says string // of the error, or of the flaw; "" = no flaw
		good bool   // the certificates are read all the same
	}{
		{"as it should be", good, "", true},
		{"crlf", bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")), "", true},
		{"byte order mark", append([]byte("\xef\xbb\xbf"), good...), "", true},
		{"text between", []byte("Bag Attributes\n" + text + "\nsubject=x\n" + text), "", true},
		{"a key that is a comment", append([]byte("# -----BEGIN RSA PRIVATE KEY-----\n"), good...), "", true},
		{"blank line", replace(3, lines[2]+"\n"), "blank line in the middle", true},
		{"two blocks on a line", []byte(strings.ReplaceAll(text, "-----\n-----BEGIN", "----------BEGIN")), "another ends", true},
		{"UTF-16", inUTF16(good, true), "UTF-16", true},
		{"UTF-16 without a mark", inUTF16(good, false), "UTF-16", true},
		{"second block indented", []byte(strings.Join(lines[:second-1], "\n") + "\n  " + strings.Join(lines[second-1:], "\n  ")), "stands before the BEGIN line", true},
		{"indented", prefixed("   "), "line 1: ", false},
		{"from a mail", prefixed("> "), "stands before the BEGIN line", false},
		{"line breaks lost", []byte(strings.Join(lines, "")), "line breaks are lost", false},
		{"blanks for line breaks", []byte(strings.Join(lines, " ")), "line breaks are lost", false},
		{"escaped line breaks", []byte(strings.Join(lines, `\n`)), `\n stands where`, false},
		{"from JSON", []byte(`"` + strings.Join(lines, `\n`) + `"`), `\n stands where`, false},
		{"carriage returns", bytes.ReplaceAll(good, []byte("\n"), []byte("\r")), "carriage return", false},
		{"no marks", []byte(strings.Join(lines[1:second-2], "\n")), "without the BEGIN and END lines", false},
		{"four hyphens", replace(1, "----BEGIN CERTIFICATE----"), "other dashes", true},
		{"typographic dashes", []byte(strings.ReplaceAll(text, "-----", "——–")), "other dashes", false},
		{"cut short", []byte(strings.Join(lines[:4], "\n")), "cut short", false},
		{"no END line", []byte(strings.Join(append(append([]string{}, lines[:second-2]...), lines[second-1:]...), "\n")), "begins before the END line", true},
		{"a foreign character", []byte(strings.Join(append([]string{lines[0], "é" + lines[1]}, lines[2:second-1]...), "\n")), "no character of base64", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c, err := Parse(tt.data, Options{})
			if !tt.good {
				var e *Error
				if !errors.As(err, &e) || !errors.Is(err, ErrFormat) || !strings.Contains(e.Msg, tt.says) || e.Hint == "" {
					t.Fatalf("got %v, want %q and what to do", err, tt.says)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if tt.says == "" && c.Flaw != "" || !strings.Contains(c.Flaw, tt.says) || (c.Flaw == "") != (c.Mend == "") {
				t.Errorf("got the flaw %q (%q), want %q", c.Flaw, c.Mend, tt.says)
			}
		})
	}
}

// TestKinds: what is no certificate is called by its name.
func TestKinds(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	once := base64.StdEncoding.EncodeToString(p.pem())
	tar := make([]byte, 600)
	copy(tar[257:], "ustar")
	crl := p.openssl(t, "out", "req", "-new", "-x509", "-newkey", "ed25519", "-keyout", "k", "-out", "out", "-noenc", "-subj", "/CN=x")
	for _, tt := range []struct {
		name string
		data []byte
		says string
	}{
		{"gzip", []byte("\x1f\x8b\x08\x00\x00\x00"), "gunzip"},
		{"zip", []byte("PK\x03\x04xxxx"), "ZIP"},
		{"tar", append(tar, p.pem()...), "tar archive"},
		{"ssh public key", []byte("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI me@host\n"), "SSH public key"},
		{"web page", []byte("\n<!DOCTYPE html><html>"), "web page"},
		{"openpgp", []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxsBNBF\n-----END PGP PUBLIC KEY BLOCK-----\n"), "OpenPGP"},
		{"encoded twice", []byte(once), "once more"},
		{"jwk", []byte(`{"kty":"EC","crv":"P-256"}`), "JWK"},
		{"manifest", []byte("apiVersion: v1\nkind: Pod\n"), "Kubernetes"},
		{"public key", p.openssl(t, "out", "pkey", "-in", "key.pem", "-pubout", "-out", "out"), "a public key"},
		{"parameters", p.openssl(t, "out", "ecparam", "-name", "prime256v1", "-out", "out"), "parameters"},
		{"words", []byte("hello"), "text without a PEM block"},
	} {
		_, err := Parse(tt.data, Options{})
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.says)
		}
	}
	if c, err := Parse(crl, Options{}); err != nil || len(c.Chain) != 1 {
		t.Errorf("a certificate: got %v, %v", c, err)
	}
}

// TestOddKeys: keys that Go's parsers refuse are read, or named.
func TestOddKeys(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	key := func(args ...string) []byte {
		return p.openssl(t, "out", append(append([]string{"genpkey", "-algorithm"}, args...), "-out", "out")...)
	}
	pss, err := Parse(key("rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"), Options{})
	if err != nil || pss.Key == nil {
		t.Errorf("RSA-PSS: got %v, %v", pss, err)
	}
	for _, tt := range []struct{ data, says string }{
		{string(key("ed448")), "Ed448"},
		{string(key("ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1")), "brainpoolP256r1"},
		{string(p.openssl(t, "out", "ecparam", "-name", "secp256k1", "-genkey", "-noout", "-out", "out")), "secp256k1"},
		{string(key("x25519")), "key exchange"},
	} {
		if _, err := Parse([]byte(tt.data), Options{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("got %v, want %q", err, tt.says)
		}
		c, err := Parse(append([]byte(tt.data), p.pem()...), Options{})
		if err != nil || len(c.Chain) != 2 || c.Key != nil || len(c.Other) != 1 || !strings.Contains(c.Other[0], tt.says) {
			t.Errorf("%s with certificates: got %+v, %v", tt.says, c, err)
		}
	}
}

func FuzzFlaw(f *testing.F) {
	f.Add(newPair(f).pem())
	f.Add([]byte("> -----BEGIN CERTIFICATE-----\\nMII\n\n-----END X-----BEGIN Y"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if x := flawOf(data); x != nil && (x.what == "" || x.hint == "") {
			t.Errorf("a flaw without words: %+v", x)
		}
		for _, n := range Manifests(data) {
			if n.Problem == nil && len(n.Data) == 0 {
				t.Errorf("an empty part %q", n.Name)
			}
		}
	})
}
