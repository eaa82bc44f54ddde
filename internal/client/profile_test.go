package client

import (
	"encoding/hex"
	"path"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

func TestEveryFile(t *testing.T) {
	t.Parallel()
	entries, err := data.ReadDir("data")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	for _, e := range entries {
		text, err := data.ReadFile("data/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		p, err := parseProfile(string(text))
		if err != nil {
			t.Errorf("%s: %v", e.Name(), err)
			continue
		}
		if path.Ext(e.Name()) != ".hello" || strings.ToLower(e.Name()) != e.Name() {
			t.Errorf("%s: not <client>-<version>.hello in lower case", e.Name())
		}
		for _, n := range p.names() {
			if other := names[squeeze(n)]; other != "" {
				t.Errorf("%s: %q is also in %s", e.Name(), n, other)
			}
			names[squeeze(n)] = e.Name()
		}
		if p.Client.MinVersion > p.Client.MaxVersion {
			t.Errorf("%s: lowest %v is above highest %v", e.Name(), p.Client.MinVersion, p.Client.MaxVersion)
		}
		for _, line := range strings.Split(string(text), "\n") {
			if len(line) > 120 {
				t.Errorf("%s: a line of %d characters", e.Name(), len(line))
			}
		}
	}
	if got, want := len(Profiles()), len(entries); got != want || got < 174 {
		t.Errorf("got %d profiles of %d files, want at least 174", got, want)
	}
}

// TestRoundTrip holds that each record comes out byte for byte, and that what
// is said beside it agrees with it.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	for _, p := range Profiles() {
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			h, err := p.parse()
			if err != nil {
				t.Fatal(err)
			}
			for name, hello := range map[string]*tlswire.ClientHello{"parsed": h, "copied": p.Hello()} {
				record, err := hello.MarshalRecord()
				if err != nil {
					t.Fatal(err)
				}
				if got := hex.EncodeToString(record); got != p.hex {
					t.Errorf("%s: got %s\nwant %s", name, got, p.hex)
				}
			}
			if h.ServerName() != "" && !p.Client.SendsSNI {
				t.Errorf("the hello has SNI %q and sends_sni is no", h.ServerName())
			}
			if versions := h.SupportedVersions(); versions != nil {
				for _, v := range versionsBetween(tlswire.SSL3, tlswire.TLS13) {
					if got, want := h.Offers(v), v >= p.Client.MinVersion && v <= p.Client.MaxVersion; got != want {
						t.Errorf("offers %v: %v, want %v", v, got, want)
					}
				}
			} else if h.Version != p.Client.MaxVersion {
				t.Errorf("legacy_version is %v and highest %v", h.Version, p.Client.MaxVersion)
			}
		})
	}
}

func TestProfilesOrder(t *testing.T) {
	t.Parallel()
	all := Profiles()
	if got, want := all[0].Name, "OpenSSL 4.0.0 (git)"; got != want {
		t.Errorf("first: got %s, want %s", got, want)
	}
	current := true
	for _, p := range all {
		if p.Current && !current {
			t.Fatalf("%s is current and stands behind others", p.Name)
		}
		current = p.Current
	}
}

func TestCompareVersions(t *testing.T) {
	t.Parallel()
	ordered := []string{"6u45", "7u25", "8b132", "8u31", "8u111", "8u442", "9.0.4", "11.0.2", "17.0.3"}
	for i := range ordered[1:] {
		if compareVersions(ordered[i], ordered[i+1]) >= 0 || compareVersions(ordered[i+1], ordered[i]) <= 0 {
			t.Errorf("want %s < %s", ordered[i], ordered[i+1])
		}
	}
	for _, pair := range [][2]string{{"1.0.1h", "1.0.1l"}, {"1.0.1l", "1.0.2e"}, {"3.0.3", "3.0.15"}, {"9", "10.0"}, {"", "1"}} {
		if compareVersions(pair[0], pair[1]) >= 0 {
			t.Errorf("want %s < %s", pair[0], pair[1])
		}
	}
}

func TestNoSNI(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Java 6u45", "Android 2.3.7", "IE 6 XP", "IE 8 XP"} {
		p, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		if p.Client.SendsSNI {
			t.Errorf("%s sends no SNI", name)
		}
	}
}
