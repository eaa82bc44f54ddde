package client

import (
	"strings"
	"testing"
)

const small = "name: X 1\nfamily: X\nversion: 1\nlowest: 1.0\nhighest: 1.2\nsends_sni: yes\nsource: a test\n\n16030100\n0000\n"

func TestParseProfile(t *testing.T) {
	t.Parallel()
	p, err := parseProfile(small)
	if err != nil {
		t.Fatal(err)
	}
	if p.hex != "160301000000" || p.Name != "X 1" || !p.Client.SendsSNI {
		t.Errorf("got %+v", p)
	}
	if h := p.Hello(); h == nil || h.Version != p.Client.MaxVersion {
		t.Errorf("unreadable hello: got %+v", h)
	}
	if _, err := parseProfile(strings.ReplaceAll(small, "\n", "\r\n")); err != nil {
		t.Errorf("CRLF: %v", err)
	}
	for name, text := range map[string]string{
		"empty":         "",
		"no hello":      strings.TrimSuffix(small, "\n16030100\n0000\n"),
		"unknown key":   "colour: red\n" + small,
		"no colon":      "nonsense\n" + small,
		"no value":      "note:\n" + small,
		"twice":         "name: Y\n" + small,
		"no name":       strings.Replace(small, "name: X 1\n", "", 1),
		"version":       strings.Replace(small, "1.2", "1.9", 1),
		"neither":       strings.Replace(small, "yes", "maybe", 1),
		"bits":          "min_dh_bits: -1\n" + small,
		"too many":      "min_dh_bits: 70000\n" + small,
		"endless hello": small + strings.Repeat("00", maxProfileHex),
	} {
		if p, err := parseProfile(text); err == nil {
			t.Errorf("%s: got %+v, want an error", name, p)
		}
	}
}

func FuzzParseProfile(f *testing.F) {
	f.Add(small)
	f.Add(strings.Replace(small, "0000", "zz", 1))
	if text, err := data.ReadFile("data/java-6u45.hello"); err == nil {
		f.Add(string(text))
	}
	if text, err := data.ReadFile("data/chromium-137-win-11.hello"); err == nil {
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parseProfile(text)
		if err != nil {
			return
		}
		h, _, err := Build(p, Options{SNI: "example.com"})
		if err != nil {
			return
		}
		_, _ = h.MarshalRecord() // may be too long, must not panic
	})
}
