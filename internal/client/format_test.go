package client

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestFormat writes every profile and reads it again.
func TestFormat(t *testing.T) {
	t.Parallel()
	for _, p := range Profiles() {
		text := p.Format()
		got, err := ReadProfile(text)
		if err != nil {
			t.Fatalf("%s: %v", p.Name, err)
		}
		if got.Format() != text || got.Client != p.Client || got.Name != p.Name || got.Current != p.Current {
			t.Errorf("%s: got %+v, want %+v", p.Name, got, p)
		}
	}
}

// TestCaught makes a profile of a hello that came, and puts it to the others.
func TestCaught(t *testing.T) {
	t.Parallel()
	known, err := Lookup("curl")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := hex.DecodeString(known.hex)
	if err != nil {
		t.Fatal(err)
	}
	p, err := Caught("curl", "9.1", "2026-11-22", "a\ntest", raw)
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "curl 9.1" || p.FileName() != "curl-9.1.hello" || !p.Current || p.Client.MinRSABits != known.Client.MinRSABits || p.Captured != "2026-11-22" {
		t.Errorf("got %+v", p)
	}
	again, err := ReadProfile(p.Format())
	if err != nil || again.Format() != p.Format() {
		t.Fatalf("got %v, %s", err, p.Format())
	}
	all := Merge([]*Profile{again}, Profiles())
	if one, err := LookupIn(all, "curl"); err != nil || one != again || len(all) != len(Profiles())+1 {
		t.Errorf("got %v, %v of %d", one, err, len(all))
	}
	if twice := Merge([]*Profile{p}, all); len(twice) != len(all) {
		t.Errorf("got %d, want %d: the name is known", len(twice), len(all))
	}
	// A hello to localhost without a name is no client that never sends one.
	h, err := tlswire.ParseClientHelloRecord(raw)
	if err != nil {
		t.Fatal(err)
	}
	h.RemoveExtension(tlswire.ExtServerName)
	bare, err := h.MarshalRecord()
	if err != nil {
		t.Fatal(err)
	}
	if p, err := Caught("curl", "9.1", "2026-11-22", "a test", bare); err != nil || !p.Client.SendsSNI {
		t.Errorf("got %v, %+v", err, p)
	} else if built, _, err := Build(p, Options{SNI: "shop.example.com"}); err != nil || built.ServerName() != "shop.example.com" {
		t.Errorf("got %v, the name %q", err, built.ServerName())
	}
	if _, err := Caught("curl", "9.1", "", "", raw[:20]); err == nil {
		t.Error("half a hello makes no profile")
	}
	for _, bad := range []string{"", "name: x\n\n16", strings.Replace(p.Format(), "captured: 2026-11-22", "captured: yesterday", 1)} {
		if _, err := ReadProfile(bad); err == nil {
			t.Errorf("%.20q is no profile", bad)
		}
	}
}
