package client

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

func profile(t *testing.T, name string) *Profile {
	t.Helper()
	p, err := Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// reparse marshals the hello, holds that it parses, and returns what a server
// reads.
func reparse(t *testing.T, h *tlswire.ClientHello) *tlswire.ClientHello {
	t.Helper()
	record, err := h.MarshalRecord()
	if err != nil {
		t.Fatal(err)
	}
	back, err := tlswire.ParseClientHelloRecord(record)
	if err != nil {
		t.Fatalf("reading back: %v", err)
	}
	return back
}

func TestReference(t *testing.T) {
	t.Parallel()
	h, c, err := Build(Reference(), Options{SNI: "shop.example.com", ALPN: HTTPProtocols})
	if err != nil {
		t.Fatal(err)
	}
	h = reparse(t, h)
	if !c.Reference || c.MinVersion != tlswire.TLS12 || c.MaxVersion != tlswire.TLS13 || c.MinRSABits != 2048 ||
		c.MinDHBits != 2048 || c.AllowSHA1 || c.CNFallback || c.NoRFC5746 || !c.SendsSNI {
		t.Errorf("client: %+v", c)
	}
	if got := h.ServerName(); got != "shop.example.com" {
		t.Errorf("SNI %q", got)
	}
	if h.HasGREASE() {
		t.Error("GREASE")
	}
	if got := h.ALPN(); !slices.Equal(got, HTTPProtocols) {
		t.Errorf("ALPN %q", got)
	}
	if got := h.Groups()[0]; got != tlswire.GroupX25519MLKEM768 {
		t.Errorf("first group %v", got)
	}
	if plain, _, _ := Build(Reference(), Options{}); plain.ALPN() != nil || plain.ServerName() != "" {
		t.Errorf("without options: ALPN %q, SNI %q", plain.ALPN(), plain.ServerName())
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	suites := func(list string) []tlswire.CipherSuite {
		s, err := tlswire.ParseCipherSuites(list)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	offers13 := func(h *tlswire.ClientHello) bool {
		return h.Offers(tlswire.TLS13) && h.HasExtension(tlswire.ExtKeyShare) && anyUsable(h, tlswire.TLS13, tlswire.TLS13)
	}
	tests := []struct {
		name    string
		profile string
		options Options
		bounds  string // of the client
		check   func(h *tlswire.ClientHello) bool
	}{
		{"unchanged", "reference", Options{}, "1.2-1.3", offers13},
		{"ip literal", "reference", Options{SNI: "192.0.2.1", ForceSNI: true}, "1.2-1.3",
			func(h *tlswire.ClientHello) bool { return !h.HasExtension(tlswire.ExtServerName) }},
		{"ipv6 literal", "reference", Options{SNI: "[2001:db8::1]"}, "1.2-1.3",
			func(h *tlswire.ClientHello) bool { return !h.HasExtension(tlswire.ExtServerName) }},
		{"name with a dot", "reference", Options{SNI: "example.com."}, "1.2-1.3",
			func(h *tlswire.ClientHello) bool { return h.ServerName() == "example.com" }},
		{"java 6 sends no name", "java 6", Options{SNI: "example.com"}, "ssl3-1.0",
			func(h *tlswire.ClientHello) bool { return h.SSL2 }},
		{"java 6 with a name by force", "java 6", Options{SNI: "example.com", ForceSNI: true}, "ssl3-1.0",
			func(h *tlswire.ClientHello) bool {
				return !h.SSL2 && h.ServerName() == "example.com" && len(h.Random) == 32
			}},
		{"android 2.3 sends no name", "android 2.3", Options{SNI: "example.com"}, "ssl3-1.0",
			func(h *tlswire.ClientHello) bool { return h.ServerName() == "" }},
		{"max 1.2", "reference", Options{MaxVersion: tlswire.TLS12}, "1.2-1.2", func(h *tlswire.ClientHello) bool {
			return h.Version == tlswire.TLS12 && h.SupportedVersions() == nil && !h.HasExtension(tlswire.ExtKeyShare) &&
				!h.HasExtension(tlswire.ExtPSKKeyExchangeModes) && !slices.ContainsFunc(h.CipherSuites, tls13Suite) &&
				!slices.ContainsFunc(h.Groups(), PostQuantum) && h.SignatureSchemes() != nil
		}},
		{"max 1.1 lowers the min", "reference", Options{MaxVersion: tlswire.TLS11}, "1.1-1.1", func(h *tlswire.ClientHello) bool {
			return h.Version == tlswire.TLS11 && h.SupportedVersions() == nil && anyUsable(h, tlswire.TLS11, tlswire.TLS11) &&
				h.SignatureSchemes() == nil
		}},
		{"1.0 to 1.2", "reference", Options{MinVersion: tlswire.TLS10, MaxVersion: tlswire.TLS12}, "1.0-1.2",
			func(h *tlswire.ClientHello) bool {
				return h.Version == tlswire.TLS12 && anyUsable(h, tlswire.TLS10, tlswire.TLS10)
			}},
		{"min 1.0", "reference", Options{MinVersion: tlswire.TLS10}, "1.0-1.3", func(h *tlswire.ClientHello) bool {
			return slices.Equal(h.SupportedVersions(), []tlswire.Version{tlswire.TLS13, tlswire.TLS12, tlswire.TLS11, tlswire.TLS10})
		}},
		{"ssl3", "reference", Options{MaxVersion: tlswire.SSL3}, "ssl3-ssl3", func(h *tlswire.ClientHello) bool {
			return h.Version == tlswire.SSL3 && h.RecordVersion == tlswire.SSL3 && len(h.Extensions) == 0 &&
				slices.Contains(h.CipherSuites, tlswire.TLS_RSA_WITH_RC4_128_SHA)
		}},
		{"min 1.3", "reference", Options{MinVersion: tlswire.TLS13}, "1.3-1.3", func(h *tlswire.ClientHello) bool {
			return offers13(h) && h.Version == tlswire.TLS12 && !slices.ContainsFunc(h.CipherSuites, func(s tlswire.CipherSuite) bool { return !tls13Suite(s) }) &&
				!h.ExtendedMasterSecret()
		}},
		{"java 7 raised to 1.3", "java 7", Options{MaxVersion: tlswire.TLS13}, "ssl3-1.3", offers13},
		{"ciphers of 1.2 leave those of 1.3", "reference", Options{Suites: suites("AES128-SHA")}, "1.2-1.3", func(h *tlswire.ClientHello) bool {
			return offers13(h) && !slices.Contains(h.CipherSuites, tlswire.TLS_RSA_WITH_AES_256_CBC_SHA) &&
				slices.Contains(h.CipherSuites, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA)
		}},
		{"ciphers of 1.3 leave those of 1.2", "reference", Options{Suites: suites("TLS_AES_128_GCM_SHA256")}, "1.2-1.3", func(h *tlswire.ClientHello) bool {
			return h.CipherSuites[0] == tlswire.TLS_AES_128_GCM_SHA256 && !slices.Contains(h.CipherSuites, tlswire.TLS_AES_256_GCM_SHA384) &&
				slices.Contains(h.CipherSuites, tlswire.TLS_RSA_WITH_AES_256_CBC_SHA)
		}},
		{"groups", "reference", Options{Groups: []tlswire.Group{tlswire.GroupP521, tlswire.GroupP256}}, "1.2-1.3", func(h *tlswire.ClientHello) bool {
			shares := h.KeyShares()
			return slices.Equal(h.Groups(), []tlswire.Group{tlswire.GroupP521, tlswire.GroupP256}) &&
				len(shares) == 1 && shares[0].Group == tlswire.GroupP521 && len(shares[0].Data) == 133
		}},
		{"hybrid first", "reference", Options{Groups: []tlswire.Group{tlswire.GroupX25519MLKEM768, tlswire.GroupP256, tlswire.GroupX25519}}, "1.2-1.3",
			func(h *tlswire.ClientHello) bool {
				shares := h.KeyShares()
				return len(shares) == 2 && shares[0].Group == tlswire.GroupX25519MLKEM768 && shares[1].Group == tlswire.GroupX25519
			}},
		{"schemes", "reference", Options{Schemes: []tlswire.SignatureScheme{tlswire.SchemeEd25519}}, "1.2-1.3", func(h *tlswire.ClientHello) bool {
			return slices.Equal(h.SignatureSchemes(), []tlswire.SignatureScheme{tlswire.SchemeEd25519})
		}},
		{"no alpn", "chrome", Options{ALPN: []string{}}, "1.2-1.3", func(h *tlswire.ClientHello) bool {
			return h.ALPN() == nil && !h.HasExtension(tlswire.ExtApplicationSettings)
		}},
		{"no foreign ticket", "android 15", Options{SNI: "example.com"}, "1.2-1.3",
			func(h *tlswire.ClientHello) bool { return !h.HasExtension(tlswire.ExtPreSharedKey) && h.HasGREASE() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h, c, err := Build(profile(t, tt.profile), tt.options)
			if err != nil {
				t.Fatal(err)
			}
			if got := FormatVersion(c.MinVersion) + "-" + FormatVersion(c.MaxVersion); got != tt.bounds {
				t.Errorf("client speaks %s, want %s", got, tt.bounds)
			}
			if h = reparse(t, h); !tt.check(h) {
				t.Errorf("got %+v", h)
			}
		})
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		options Options
		option  string
		text    string
	}{
		{"min above max", Options{MinVersion: tlswire.TLS13, MaxVersion: tlswire.TLS12}, "--tls-min", "1.3 is above --tls-max 1.2"},
		{"ciphers for another version", Options{MinVersion: tlswire.TLS13, Suites: []tlswire.CipherSuite{tlswire.TLS_RSA_WITH_AES_128_CBC_SHA}},
			"--ciphers", "none of these cipher suites can be used with TLS 1.3 only"},
		{"ciphers too new", Options{MaxVersion: tlswire.TLS12, Suites: []tlswire.CipherSuite{tlswire.TLS_AES_128_GCM_SHA256}},
			"--ciphers", "TLS 1.2 only"},
		{"groups for another version", Options{MaxVersion: tlswire.TLS12, Groups: []tlswire.Group{tlswire.GroupX25519MLKEM768}},
			"--groups", "TLS 1.2 only"},
		{"groups in ssl3", Options{MaxVersion: tlswire.SSL3, Groups: []tlswire.Group{tlswire.GroupP256}}, "--groups", "TLS 1.0 or newer"},
		{"sigalgs in 1.0", Options{MaxVersion: tlswire.TLS10, Schemes: []tlswire.SignatureScheme{tlswire.SchemeEd25519}}, "--sigalgs", "TLS 1.2"},
		{"sigalgs in 1.3", Options{MinVersion: tlswire.TLS13, Schemes: []tlswire.SignatureScheme{tlswire.SchemeRSAPKCS1SHA256}}, "--sigalgs", "TLS 1.3 only"},
		{"no version", Options{MaxVersion: 0x0305, MinVersion: 0x0305}, "--tls-max", "no version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := Build(Reference(), tt.options)
			var option *OptionError
			if !errors.As(err, &option) || option.Option != tt.option || !strings.Contains(option.Msg, tt.text) {
				t.Errorf("got %v, want %s: …%s…", err, tt.option, tt.text)
			}
		})
	}
}

// TestBuildEveryProfile holds that each profile makes a hello with a name, and
// with every single version.
func TestBuildEveryProfile(t *testing.T) {
	t.Parallel()
	for _, p := range Profiles() {
		h, c, err := Build(p, Options{SNI: "shop.example.com"})
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		h = reparse(t, h)
		if got := h.ServerName() != ""; got != c.SendsSNI {
			t.Errorf("%s: SNI is sent: %v, want %v", p.Name, got, c.SendsSNI)
		}
		for _, v := range versionsBetween(tlswire.SSL3, tlswire.TLS13) {
			h, _, err := Build(p, Options{MinVersion: v, MaxVersion: v, SNI: "shop.example.com"})
			if err != nil {
				t.Errorf("%s at %v: %v", p.Name, v, err)
				continue
			}
			if h = reparse(t, h); !h.Offers(v) || !anyUsable(h, v, v) || h.MaxVersion() != v {
				t.Errorf("%s at %v: %+v", p.Name, v, h)
			}
		}
	}
}
