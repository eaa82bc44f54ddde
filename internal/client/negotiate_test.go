package client

import (
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// modern speaks TLS 1.2 and 1.3 with what servers of today have.
func modern() facts.Server {
	return facts.Server{
		Versions: map[tlswire.Version]bool{tlswire.TLS13: true, tlswire.TLS12: true, tlswire.TLS11: false, tlswire.TLS10: false, tlswire.SSL3: false, tlswire.SSL2: false},
		Suites: []tlswire.CipherSuite{tlswire.TLS_AES_128_GCM_SHA256, tlswire.TLS_AES_256_GCM_SHA384,
			tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		SuitesComplete: true,
		Groups:         []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256}, GroupsComplete: true,
		Schemes: []tlswire.SignatureScheme{tlswire.SchemeRSAPSSRSAESHA256, tlswire.SchemeRSAPKCS1SHA256}, SchemesComplete: true,
		Keys: []tlswire.Authentication{tlswire.AuthRSA},
	}
}

func with(change func(*facts.Server)) facts.Server {
	s := modern()
	change(&s)
	return s
}

func TestNegotiate(t *testing.T) {
	t.Parallel()
	versions := func(vs ...tlswire.Version) func(*facts.Server) {
		return func(s *facts.Server) {
			for v := range s.Versions {
				s.Versions[v] = false
			}
			for _, v := range vs {
				s.Versions[v] = true
			}
		}
	}
	tests := []struct {
		name   string
		client string
		server facts.Server
		want   Outcome
	}{
		{"reference, modern", "reference", modern(), Outcome{OK: true, Version: tlswire.TLS13, Suite: tlswire.TLS_AES_256_GCM_SHA384, Group: tlswire.GroupX25519}},
		{"own order", "reference", with(func(s *facts.Server) { s.OwnOrder = true }),
			Outcome{OK: true, Version: tlswire.TLS13, Suite: tlswire.TLS_AES_128_GCM_SHA256, Group: tlswire.GroupX25519}},
		{"java 6, modern", "java 6", modern(), Outcome{Why: OfVersion}},
		{"java 6, 1.0 but no suite", "java 6", with(versions(tlswire.TLS10)), Outcome{Version: tlswire.TLS10, Why: OfSuite}},
		{"java 6, 1.0", "java 6", with(func(s *facts.Server) {
			versions(tlswire.TLS10)(s)
			s.Suites = []tlswire.CipherSuite{tlswire.TLS_RSA_WITH_AES_128_CBC_SHA}
		}), Outcome{OK: true, Version: tlswire.TLS10, Suite: tlswire.TLS_RSA_WITH_AES_128_CBC_SHA}},
		{"java 6 without a name", "java 6", with(func(s *facts.Server) { s.NeedsSNI = true }), Outcome{Why: OfSNI}},
		{"reference with a name", "reference", with(func(s *facts.Server) { s.NeedsSNI = true; versions(tlswire.TLS12)(s) }),
			Outcome{OK: true, Version: tlswire.TLS12, Suite: tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, Group: tlswire.GroupX25519}},
		{"1.0 only", "reference", with(versions(tlswire.TLS10)), Outcome{Why: OfVersion}},
		{"client of 1.2, server of 1.3", "java 8u161", with(versions(tlswire.TLS13)), Outcome{Why: OfVersion}},
		{"draft of 1.3", "chrome 57", with(versions(tlswire.TLS13)), Outcome{Why: OfVersion}},
		{"dhe only", "chrome", with(func(s *facts.Server) {
			versions(tlswire.TLS12)(s)
			s.Suites = []tlswire.CipherSuite{tlswire.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256}
		}), Outcome{Version: tlswire.TLS12, Why: OfSuite}},
		{"dhe of 1024 bits", "reference", with(func(s *facts.Server) {
			versions(tlswire.TLS12)(s)
			s.Suites, s.DHBits = []tlswire.CipherSuite{tlswire.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256}, 1024
		}), Outcome{Version: tlswire.TLS12, Suite: tlswire.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, Why: OfDHSize}},
		{"suites for another key", "reference", with(func(s *facts.Server) {
			versions(tlswire.TLS12)(s)
			s.Keys = []tlswire.Authentication{tlswire.AuthECDSA}
			s.Suites = []tlswire.CipherSuite{tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}
		}), Outcome{Version: tlswire.TLS12, Why: OfSuite}},
		{"p-521 only, chrome", "chrome", with(func(s *facts.Server) { s.Groups = []tlswire.Group{tlswire.GroupP521} }),
			Outcome{Version: tlswire.TLS13, Suite: tlswire.TLS_AES_128_GCM_SHA256, Why: OfGroup}},
		{"p-521 only, reference", "reference", with(func(s *facts.Server) { s.Groups = []tlswire.Group{tlswire.GroupP521} }),
			Outcome{OK: true, Version: tlswire.TLS13, Suite: tlswire.TLS_AES_256_GCM_SHA384, Group: tlswire.GroupP521}},
		{"ed25519 only, chrome", "chrome", with(func(s *facts.Server) {
			s.Schemes, s.Keys = []tlswire.SignatureScheme{tlswire.SchemeEd25519}, nil
		}), Outcome{Version: tlswire.TLS13, Suite: tlswire.TLS_AES_128_GCM_SHA256, Group: tlswire.GroupX25519, Why: OfScheme}},
		{"sha-1 only in 1.2, openssl 3.5", "reference", with(func(s *facts.Server) {
			versions(tlswire.TLS12)(s)
			s.Schemes = []tlswire.SignatureScheme{tlswire.SchemeRSAPKCS1SHA1}
		}), Outcome{Version: tlswire.TLS12, Suite: tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, Group: tlswire.GroupX25519, Why: OfScheme}},
		{"ecdsa p-384, android 7 with p-256 alone", "android 7.0", with(func(s *facts.Server) {
			s.Keys, s.Curves = []tlswire.Authentication{tlswire.AuthECDSA}, []tlswire.Group{tlswire.GroupP384}
		}), Outcome{Version: tlswire.TLS12, Suite: tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, Group: tlswire.GroupP256, Why: OfGroup}},
		{"a scheme or nothing, java 8u161", "java 8u161", with(func(s *facts.Server) {
			s.Suites, s.Schemes, s.SchemeOrNothing = []tlswire.CipherSuite{tlswire.TLS_RSA_WITH_AES_128_GCM_SHA256}, []tlswire.SignatureScheme{tlswire.SchemeRSAPSSRSAESHA512}, true
		}), Outcome{Version: tlswire.TLS12, Why: OfScheme}},
		{"a scheme or RSA, java 8u161", "java 8u161", with(func(s *facts.Server) {
			s.Suites, s.Schemes = []tlswire.CipherSuite{tlswire.TLS_RSA_WITH_AES_128_GCM_SHA256}, []tlswire.SignatureScheme{tlswire.SchemeRSAPSSRSAESHA512}
		}), Outcome{OK: true, Version: tlswire.TLS12, Suite: tlswire.TLS_RSA_WITH_AES_128_GCM_SHA256}},
		{"named dh, java 8u161", "java 8u161", with(func(s *facts.Server) {
			s.Suites, s.NamedDH = []tlswire.CipherSuite{tlswire.TLS_DHE_RSA_WITH_AES_128_CBC_SHA}, true
		}), Outcome{Version: tlswire.TLS12, Suite: tlswire.TLS_DHE_RSA_WITH_AES_128_CBC_SHA, Why: OfGroup}},
		{"ssl 2.0 only, ie 6", "ie 6", with(versions(tlswire.SSL2)), Outcome{OK: true, Version: tlswire.SSL2}},
		{"ssl 2.0 only, java 6", "java 6", with(versions(tlswire.SSL2)), Outcome{Why: OfVersion}},
		{"nothing known", "reference", facts.Server{}, Outcome{Unknown: true, Why: OfVersion}},
		{"version known, suites not", "reference", facts.Server{Versions: map[tlswire.Version]bool{tlswire.TLS12: true}}, Outcome{Unknown: true, Version: tlswire.TLS12, Why: OfSuite}},
		{"suites partial", "reference", facts.Server{Versions: map[tlswire.Version]bool{tlswire.TLS12: true}, Suites: []tlswire.CipherSuite{tlswire.TLS_RSA_WITH_RC4_128_SHA}},
			Outcome{Unknown: true, Version: tlswire.TLS12, Why: OfSuite}},
		{"groups and schemes not known", "reference", facts.Server{Versions: map[tlswire.Version]bool{tlswire.TLS13: true}, Suites: []tlswire.CipherSuite{tlswire.TLS_AES_128_GCM_SHA256}},
			Outcome{OK: true, Version: tlswire.TLS13, Suite: tlswire.TLS_AES_128_GCM_SHA256}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := profile(t, tt.client).Negotiate(&tt.server); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
	if got := Negotiate(nil, facts.Client{}, nil); !got.Unknown {
		t.Errorf("nil: got %+v", got)
	}
}
