package client

import (
	"slices"
	"sync"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Kind is a kind of server that exists in numbers.
type Kind struct {
	Name   string // after "a server ..."
	Server facts.Server
}

// Kinds are what a client may meet: each lacks something that some client needs.
func Kinds() []Kind {
	only := func(v ...tlswire.Version) map[tlswire.Version]bool {
		m := map[tlswire.Version]bool{tlswire.SSL3: false, tlswire.TLS10: false, tlswire.TLS11: false, tlswire.TLS12: false, tlswire.TLS13: false}
		for _, x := range v {
			m[x] = true
		}
		return m
	}
	suites := func(names string) []tlswire.CipherSuite {
		s, err := tlswire.ParseCipherSuites(names)
		if err != nil {
			return nil // a test reads all of them
		}
		return s
	}
	groups := []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384}
	aead := suites("ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305")
	tls13 := suites("TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256")
	modern := func(s facts.Server) facts.Server {
		s.Versions = only(tlswire.TLS12, tlswire.TLS13)
		s.Suites, s.SuitesComplete = append(append([]tlswire.CipherSuite{}, tls13...), aead...), true
		if s.Groups == nil {
			s.Groups = groups
		}
		s.GroupsComplete = true
		return s
	}
	v12 := func(names string, keys ...tlswire.Authentication) facts.Server {
		return facts.Server{Versions: only(tlswire.TLS12), Suites: suites(names), SuitesComplete: true, Groups: groups, GroupsComplete: true, Keys: keys, DHBits: 2048}
	}
	return []Kind{
		{"with today's settings (TLS 1.2 and 1.3, ECDHE)", modern(facts.Server{})},
		{"that needs SNI", modern(facts.Server{NeedsSNI: true})},
		{"with TLS 1.3 only", facts.Server{Versions: only(tlswire.TLS13), Suites: tls13, SuitesComplete: true, Groups: groups, GroupsComplete: true}},
		{"with TLS 1.2 only", v12("ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384")},
		{"with TLS 1.0 only", facts.Server{Versions: only(tlswire.TLS10), Suites: suites("ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA:AES128-SHA:AES256-SHA:DES-CBC3-SHA"), SuitesComplete: true, Groups: groups, GroupsComplete: true}},
		{"with TLS 1.2 and static RSA key exchange only", v12("AES128-GCM-SHA256:AES256-GCM-SHA384:AES128-SHA256:AES128-SHA:AES256-SHA", tlswire.AuthRSA)},
		{"with TLS 1.2 and finite-field DHE only", v12("DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384:DHE-RSA-AES128-SHA", tlswire.AuthRSA)},
		{"with TLS 1.2 and CBC suites only", v12("ECDHE-RSA-AES128-SHA256:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA")},
		{"with the post-quantum group X25519MLKEM768 only", modern(facts.Server{Groups: []tlswire.Group{tlswire.GroupX25519MLKEM768}})},
		{"with P-256 as its only group (FIPS)", modern(facts.Server{Groups: []tlswire.Group{tlswire.GroupP256}})},
		{"with P-521 as its only group", modern(facts.Server{Groups: []tlswire.Group{tlswire.GroupP521}})},
		{"with an ECDSA P-256 certificate", modern(facts.Server{Keys: []tlswire.Authentication{tlswire.AuthECDSA}, Schemes: []tlswire.SignatureScheme{0x0403}, SchemesComplete: true})},
		{"with an RSA certificate", modern(facts.Server{Keys: []tlswire.Authentication{tlswire.AuthRSA}, Schemes: []tlswire.SignatureScheme{0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601}, SchemesComplete: true})},
		{"with an Ed25519 certificate", modern(facts.Server{Keys: []tlswire.Authentication{tlswire.AuthECDSA}, Schemes: []tlswire.SignatureScheme{0x0807}, SchemesComplete: true})},
		{"with an ECDSA P-521 certificate", modern(facts.Server{Keys: []tlswire.Authentication{tlswire.AuthECDSA}, Schemes: []tlswire.SignatureScheme{0x0603}, SchemesComplete: true})},
	}
}

// Alike names the profiles whose hello has the same fingerprint.
func Alike(h *tlswire.ClientHello) []string { return slices.Clone(byFingerprint()[tail(JA4(h))]) }

// byFingerprint lists the profiles. Their SNI and ALPN may be the collection's,
// not the client's, so that only the tail of the JA4 counts.
var byFingerprint = sync.OnceValue(func() map[string][]string {
	m := map[string][]string{}
	for _, p := range Profiles() {
		of := tail(JA4(p.Hello()))
		m[of] = append(m[of], p.Name)
	}
	return m
})

// tail is the part of a JA4 that does not count extensions.
func tail(ja4 string) string { return ja4[len(ja4)-25:] }
