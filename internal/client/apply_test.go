package client

import (
	"slices"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

func built(t *testing.T, name string, o Options) *tlswire.ClientHello {
	t.Helper()
	h, _, err := Build(profile(t, name), o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestApply(t *testing.T) {
	t.Parallel()
	const name = "shop.example.com"
	has := func(h *tlswire.ClientHello, s tlswire.CipherSuite) bool { return slices.Contains(h.CipherSuites, s) }
	size := func(h *tlswire.ClientHello) int { return messageSize(h) }
	tests := []struct {
		name  string
		base  string
		ch    facts.Changes
		check func(base, h *tlswire.ClientHello) bool
	}{
		{"nothing", "reference", facts.Changes{}, func(b, h *tlswire.ClientHello) bool { return size(b) == size(h) }},
		{"without sni", "reference", facts.Changes{SNI: "none"}, func(_, h *tlswire.ClientHello) bool { return h.ServerName() == "" }},
		{"other sni", "reference", facts.Changes{SNI: "www.example.com"}, func(_, h *tlswire.ClientHello) bool { return h.ServerName() == "www.example.com" }},
		{"sni for java 6", "java 6", facts.Changes{SNI: name}, func(_, h *tlswire.ClientHello) bool { return !h.SSL2 && h.ServerName() == name }},
		{"1.2 exactly", "reference", facts.Changes{Version: "1.2"}, func(b, h *tlswire.ClientHello) bool {
			return h.MaxVersion() == tlswire.TLS12 && h.SupportedVersions() == nil && !h.HasExtension(tlswire.ExtKeyShare) &&
				slices.Equal(h.CipherSuites, slices.DeleteFunc(slices.Clone(b.CipherSuites), tls13Suite))
		}},
		{"1.0 exactly", "reference", facts.Changes{Version: "1.0"}, func(_, h *tlswire.ClientHello) bool {
			return h.Version == tlswire.TLS10 && anyUsable(h, tlswire.TLS10, tlswire.TLS10)
		}},
		{"ssl3 exactly", "reference", facts.Changes{Version: "ssl3"}, func(_, h *tlswire.ClientHello) bool {
			return h.Version == tlswire.SSL3 && h.Extensions == nil && h.RenegotiationInfo()
		}},
		{"a range downwards", "reference", facts.Changes{Version: "1.0-1.3"}, func(b, h *tlswire.ClientHello) bool {
			return h.Offers(tlswire.TLS10) && h.Offers(tlswire.TLS13) && slices.Equal(h.CipherSuites, b.CipherSuites)
		}},
		{"1.3 for a client of 1.2", "java 8u161", facts.Changes{Version: "1.0-1.3"}, func(_, h *tlswire.ClientHello) bool {
			return h.Offers(tlswire.TLS13) && has(h, tlswire.TLS_AES_128_GCM_SHA256) && len(h.KeyShares()) == 1 &&
				slices.Contains(h.SignatureSchemes(), tlswire.SchemeRSAPSSRSAESHA256)
		}},
		{"1.3 exactly for ie 6", "ie 6", facts.Changes{Version: "1.3"}, func(_, h *tlswire.ClientHello) bool {
			return !h.SSL2 && h.Offers(tlswire.TLS13) && !h.Offers(tlswire.TLS12) && len(h.KeyShares()) == 1
		}},
		{"1.0 for a client of aead suites", "apple ats", facts.Changes{Version: "1.0"}, func(_, h *tlswire.ClientHello) bool {
			return anyUsable(h, tlswire.TLS10, tlswire.TLS10)
		}},
		{"all suites", "reference", facts.Changes{Suites: "all"}, func(b, h *tlswire.ClientHello) bool {
			return slices.Equal(h.CipherSuites[:10], b.CipherSuites[:10]) && has(h, tlswire.TLS_RSA_WITH_RC4_128_SHA) &&
				has(h, tlswire.TLS_RSA_WITH_3DES_EDE_CBC_SHA) && !has(h, tlswire.TLS_RSA_EXPORT_WITH_RC4_40_MD5) &&
				!has(h, tlswire.TLS_DH_anon_WITH_AES_128_CBC_SHA) && !has(h, tlswire.TLS_RSA_WITH_NULL_SHA) && !has(h, tlswire.TLS_PSK_WITH_AES_128_CBC_SHA)
		}},
		{"any suite", "reference", facts.Changes{Suites: "any"}, func(_, h *tlswire.ClientHello) bool {
			return has(h, tlswire.TLS_RSA_EXPORT_WITH_RC4_40_MD5) && has(h, tlswire.TLS_DH_anon_WITH_AES_128_CBC_SHA) && has(h, tlswire.TLS_RSA_WITH_NULL_SHA)
		}},
		{"suites added", "go", facts.Changes{Suites: "+TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,AES256-SHA256"}, func(b, h *tlswire.ClientHello) bool {
			return len(h.CipherSuites) == len(b.CipherSuites)+2 && h.CipherSuites[len(h.CipherSuites)-1] == tlswire.TLS_RSA_WITH_AES_256_CBC_SHA256
		}},
		{"suites replaced", "reference", facts.Changes{Suites: "=TLS_RSA_WITH_AES_128_CBC_SHA"}, func(_, h *tlswire.ClientHello) bool {
			return len(slices.DeleteFunc(slices.Clone(h.CipherSuites), signal)) == 1
		}},
		{"suites replaced, GREASE in front", "chrome", facts.Changes{Suites: "=TLS_AES_128_GCM_SHA256"}, func(_, h *tlswire.ClientHello) bool {
			return len(h.CipherSuites) == 2 && h.CipherSuites[0].IsGREASE()
		}},
		{"suites taken out", "reference", facts.Changes{Suites: "-TLS_AES_256_GCM_SHA384"}, func(b, h *tlswire.ClientHello) bool {
			return len(h.CipherSuites) == len(b.CipherSuites)-1 && !has(h, tlswire.TLS_AES_256_GCM_SHA384)
		}},
		{"all groups keep the shares", "reference", facts.Changes{Groups: "all"}, func(b, h *tlswire.ClientHello) bool {
			return len(h.Groups()) > len(b.Groups()) && len(h.KeyShares()) == len(b.KeyShares()) && slices.Contains(h.Groups(), tlswire.GroupBrainpoolP256r1)
		}},
		{"all groups below 1.3", "java 8u161", facts.Changes{Groups: "all"}, func(_, h *tlswire.ClientHello) bool {
			return !slices.ContainsFunc(h.Groups(), PostQuantum) && !h.HasExtension(tlswire.ExtKeyShare)
		}},
		{"one group", "reference", facts.Changes{Groups: "=secp521r1"}, func(_, h *tlswire.ClientHello) bool {
			shares := h.KeyShares()
			return len(h.Groups()) == 1 && len(shares) == 1 && shares[0].Group == tlswire.GroupP521
		}},
		{"a group that has no share", "reference", facts.Changes{Groups: "=brainpoolP256r1tls13"}, func(_, h *tlswire.ClientHello) bool {
			return len(h.Groups()) == 1 && h.HasExtension(tlswire.ExtKeyShare) && len(h.KeyShares()) == 0
		}},
		{"a group taken out with its share", "reference", facts.Changes{Groups: "-X25519MLKEM768"}, func(_, h *tlswire.ClientHello) bool {
			return len(h.KeyShares()) == 1 && !slices.ContainsFunc(h.Groups(), PostQuantum)
		}},
		{"schemes added", "chrome", facts.Changes{Schemes: "+ed25519"}, func(b, h *tlswire.ClientHello) bool {
			return len(h.SignatureSchemes()) == len(b.SignatureSchemes())+1
		}},
		{"all schemes", "chrome", facts.Changes{Schemes: "all"}, func(_, h *tlswire.ClientHello) bool {
			return slices.Contains(h.SignatureSchemes(), tlswire.SchemeRSAPKCS1SHA1) && slices.Contains(h.SignatureSchemes(), tlswire.SchemeEd448)
		}},
		{"without alpn", "chrome", facts.Changes{ALPN: "none"}, func(_, h *tlswire.ClientHello) bool { return h.ALPN() == nil }},
		{"alpn", "reference", facts.Changes{ALPN: "h2, acme-tls/1"}, func(_, h *tlswire.ClientHello) bool {
			return slices.Equal(h.ALPN(), []string{"h2", "acme-tls/1"})
		}},
		{"compact", "reference", facts.Changes{Shape: "compact"}, func(_, h *tlswire.ClientHello) bool {
			return size(h) < 256 && h.MaxVersion() == tlswire.TLS12 && h.ServerName() == name && !h.ExtendedMasterSecret() && len(h.CipherSuites) <= 21 &&
				has(h, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA) && has(h, tlswire.TLS_EMPTY_RENEGOTIATION_INFO_SCSV) && len(h.Extensions) <= 5
		}},
		{"compact for ie 6", "ie 6", facts.Changes{Shape: "compact"}, func(_, h *tlswire.ClientHello) bool { return !h.SSL2 && size(h) < 256 }},
		{"browser", "reference", facts.Changes{Shape: "browser"}, func(b, h *tlswire.ClientHello) bool {
			return h.HasGREASE() && h.ServerName() == name && h.ALPN() == nil && !h.HasExtension(tlswire.ExtPreSharedKey)
		}},
		{"no extensions", "reference", facts.Changes{Shape: "no-extensions"}, func(_, h *tlswire.ClientHello) bool {
			return h.Extensions == nil && h.MaxVersion() == tlswire.TLS12 && h.RenegotiationInfo()
		}},
		{"no extensions but a name", "reference", facts.Changes{Shape: "no-extensions", SNI: name}, func(_, h *tlswire.ClientHello) bool {
			return len(h.Extensions) == 1 && h.ServerName() == name
		}},
		{"ssl2", "reference", facts.Changes{Shape: "ssl2"}, func(_, h *tlswire.ClientHello) bool {
			return h.SSL2 && slices.Contains(h.SSL2Specs, 0x010080) && has(h, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA) && len(h.Random) == 32
		}},
		{"ssl2 with every suite", "reference", facts.Changes{Shape: "ssl2", Suites: "all"}, func(_, h *tlswire.ClientHello) bool {
			return h.SSL2 && has(h, tlswire.TLS_RSA_WITH_RC4_128_MD5)
		}},
		{"wide", "reference", facts.Changes{Shape: "wide"}, func(_, h *tlswire.ClientHello) bool {
			return h.Offers(tlswire.SSL3) && h.Offers(tlswire.TLS13) && has(h, tlswire.TLS_RSA_WITH_RC4_128_SHA) &&
				slices.Contains(h.Groups(), tlswire.GroupP521) && slices.Contains(h.SignatureSchemes(), tlswire.SchemeRSAPKCS1SHA1) && h.ServerName() == name
		}},
		{"wide for ie 6", "ie 6", facts.Changes{Shape: "wide"}, func(_, h *tlswire.ClientHello) bool { return h.Offers(tlswire.TLS13) && !h.SSL2 }},
		{"wide, one version", "reference", facts.Changes{Shape: "wide", Version: "1.2"}, func(_, h *tlswire.ClientHello) bool { return h.MaxVersion() == tlswire.TLS12 }},
		{"classic", "reference", facts.Changes{Shape: "classic"}, func(b, h *tlswire.ClientHello) bool {
			return len(h.KeyShares()) == 1 && h.KeyShares()[0].Group == tlswire.GroupX25519 && size(h) < 600 && len(h.CipherSuites) == len(b.CipherSuites)
		}},
		{"classic and padded", "reference", facts.Changes{Shape: "classic", Size: "1600"}, func(_, h *tlswire.ClientHello) bool {
			return size(h) >= 1400 && !slices.ContainsFunc(h.Groups(), PostQuantum)
		}},
		{"no grease", "chrome", facts.Changes{Shape: "no-grease"}, func(_, h *tlswire.ClientHello) bool {
			return !h.HasGREASE() && !slices.ContainsFunc(h.KeyShares(), func(s tlswire.KeyShare) bool { return s.Group.IsGREASE() })
		}},
		{"several", "reference", facts.Changes{SNI: "none", Version: "1.2", Suites: "=AES128-SHA", ALPN: "h2"}, func(_, h *tlswire.ClientHello) bool {
			return h.ServerName() == "" && h.MaxVersion() == tlswire.TLS12 && has(h, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA) && len(h.ALPN()) == 1
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			base := built(t, tt.base, Options{SNI: name})
			before, err := base.MarshalRecord()
			if err != nil {
				t.Fatal(err)
			}
			h, err := Apply(base, tt.ch)
			if err != nil {
				t.Fatal(err)
			}
			if h = reparse(t, h); !tt.check(base, h) {
				t.Errorf("got %+v", h)
			}
			if after, err := base.MarshalRecord(); err != nil || !slices.Equal(after, before) {
				t.Errorf("the base was changed: %v", err)
			}
		})
	}
}

func TestApplyRefuses(t *testing.T) {
	t.Parallel()
	base := built(t, "reference", Options{})
	for name, ch := range map[string]facts.Changes{
		"version":           {Version: "1.4"},
		"range upside down": {Version: "1.3-1.0"},
		"half a range":      {Version: "1.0-"},
		"suite":             {Suites: "+NO_SUCH_SUITE"},
		"no sign":           {Suites: "TLS_RSA_WITH_AES_128_CBC_SHA"},
		"nothing added":     {Groups: "+"},
		"scheme":            {Schemes: "=x"},
		"shape":             {Shape: "round"},
	} {
		if h, err := Apply(base, ch); err == nil {
			t.Errorf("%s: got %+v, want an error", name, h)
		}
	}
	if _, err := Apply(nil, facts.Changes{}); err == nil {
		t.Error("no base: want an error")
	}
}

// changesOfAll are single changes that every profile must survive.
func changesOfAll() []facts.Changes {
	out := []facts.Changes{
		{}, {SNI: "none"}, {SNI: "shop.example.com"}, {SNI: "192.0.2.1"}, {ALPN: "none"}, {ALPN: "h2,http/1.1"}, {Identity: "none"},
		{Suites: "all"}, {Suites: "any"}, {Suites: "+TLS_RSA_WITH_AES_128_CBC_SHA"}, {Suites: "=TLS_RSA_WITH_AES_128_CBC_SHA"},
		{Suites: "=TLS_AES_128_GCM_SHA256"}, {Suites: "-TLS_RSA_WITH_AES_128_CBC_SHA"},
		{Groups: "all"}, {Groups: "+x448"}, {Groups: "=X25519MLKEM768"}, {Groups: "=secp256r1"}, {Groups: "-secp256r1"},
		{Schemes: "all"}, {Schemes: "+ed25519"}, {Schemes: "=rsa_pkcs1_sha1"}, {Schemes: "-rsa_pkcs1_sha256"},
		{Version: "ssl3-1.3"}, {Version: "1.0-1.3"}, {Version: "1.0-1.2"}, {Version: "1.2-1.3"},
	}
	for _, v := range versionsBetween(tlswire.SSL3, tlswire.TLS13) {
		out = append(out, facts.Changes{Version: FormatVersion(v)})
	}
	for word := range shapes {
		out = append(out, facts.Changes{Shape: word})
	}
	return append(out, facts.Changes{Shape: "wide"})
}

// TestApplyEverywhere makes every change to every profile, and every pair of
// changes to some.
func TestApplyEverywhere(t *testing.T) {
	t.Parallel()
	all := changesOfAll()
	pairs := map[string]bool{"OpenSSL 3.5.0 (git)": true, "Java 6u45": true, "Chromium 137 (Win 11)": true, "YandexBot 3.0": true, "IE 6 XP": true, "Chrome 57 Win 7": true}
	for _, p := range Profiles() {
		base, _, err := Build(p, Options{SNI: "shop.example.com"})
		if err != nil {
			t.Fatal(err)
		}
		for _, ch := range all {
			h, err := Apply(base, ch)
			if err != nil {
				t.Errorf("%s %+v: %v", p.Name, ch, err)
				continue
			}
			h = reparse(t, h)
			checkVersion(t, p.Name, ch, h)
			if !pairs[p.Name] {
				continue
			}
			for _, second := range all {
				both := ch
				for _, property := range facts.Properties {
					if value := second.Get(property); value != "" {
						both = both.With(property, value)
					}
				}
				h, err := Apply(base, both)
				if err != nil {
					t.Errorf("%s %+v: %v", p.Name, both, err)
					continue
				}
				checkVersion(t, p.Name, both, reparse(t, h))
			}
		}
	}
}

func checkVersion(t *testing.T, name string, ch facts.Changes, h *tlswire.ClientHello) {
	t.Helper()
	if h.Offers(tlswire.TLS13) && (!h.HasExtension(tlswire.ExtKeyShare) || h.Groups() == nil || h.SignatureSchemes() == nil) {
		t.Errorf("%s %+v: TLS 1.3 is offered without what it demands: %+v", name, ch, h)
	}
	if h.Offers(tlswire.TLS13) && !slices.Equal(h.Compression, []uint8{0}) {
		t.Errorf("%s %+v: TLS 1.3 is offered with compression %v", name, ch, h.Compression)
	}
	for _, share := range h.KeyShares() {
		if !slices.Contains(h.Groups(), share.Group) {
			t.Errorf("%s %+v: a share of %v, which is not in supported_groups", name, ch, share.Group)
		}
	}
	if ch.Version == "" {
		return
	}
	lo, hi, err := ParseVersionRange(ch.Version)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versionsBetween(lo, hi) {
		if !h.Offers(v) || ch.Suites == "" && !anyUsable(h, v, v) {
			t.Errorf("%s %+v: %v cannot be negotiated: %+v", name, ch, v, h)
		}
	}
	if h.MaxVersion() > hi {
		t.Errorf("%s %+v: offers %v", name, ch, h.MaxVersion())
	}
}
