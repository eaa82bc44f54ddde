package client

import (
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// signal reports a value that rides in the list of suites without being one.
func signal(s tlswire.CipherSuite) bool { return s.IsGREASE() || s.Info().SCSV }

// tls13Suite reports a suite that only TLS 1.3 negotiates.
func tls13Suite(s tlswire.CipherSuite) bool { return s.Info().MinVersion == tlswire.TLS13 }

// usable reports whether any version from lo to hi may negotiate the suite.
// An unknown suite counts as one of TLS 1.2.
func usable(s tlswire.CipherSuite, lo, hi tlswire.Version) bool {
	info := s.Info()
	if !info.Known {
		return lo <= tlswire.TLS12 && hi >= tlswire.TLS12
	}
	return !info.SCSV && !s.IsGREASE() && info.MinVersion <= hi && info.MaxVersion >= lo
}

// The suites that a hello gets when it has none for a version that it is to
// offer: what OpenSSL 3.5 offers there by default, then what SSL 3.0 servers
// have.
var (
	suites13 = []tlswire.CipherSuite{
		tlswire.TLS_AES_256_GCM_SHA384, tlswire.TLS_CHACHA20_POLY1305_SHA256, tlswire.TLS_AES_128_GCM_SHA256,
	}
	suites12 = []tlswire.CipherSuite{
		tlswire.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tlswire.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tlswire.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tlswire.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tlswire.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tlswire.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384, tlswire.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,
		tlswire.TLS_RSA_WITH_AES_256_GCM_SHA384, tlswire.TLS_RSA_WITH_AES_128_GCM_SHA256,
	}
	suites10 = []tlswire.CipherSuite{
		tlswire.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tlswire.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
		tlswire.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tlswire.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
		tlswire.TLS_DHE_RSA_WITH_AES_256_CBC_SHA, tlswire.TLS_DHE_RSA_WITH_AES_128_CBC_SHA,
		tlswire.TLS_RSA_WITH_AES_256_CBC_SHA, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA,
	}
	suitesSSL3 = []tlswire.CipherSuite{
		tlswire.TLS_RSA_WITH_AES_256_CBC_SHA, tlswire.TLS_RSA_WITH_AES_128_CBC_SHA,
		tlswire.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tlswire.TLS_RSA_WITH_RC4_128_SHA, tlswire.TLS_RSA_WITH_RC4_128_MD5,
	}
)

func defaultSuites(v tlswire.Version) []tlswire.CipherSuite {
	switch {
	case v >= tlswire.TLS13:
		return suites13
	case v == tlswire.TLS12:
		return suites12
	case v >= tlswire.TLS10:
		return suites10
	}
	return suitesSSL3
}

// setSuites replaces the suites, in the SSLv2 format those of the cipher specs
// that are TLS suites.
func setSuites(h *tlswire.ClientHello, suites []tlswire.CipherSuite) {
	if !h.SSL2 {
		h.SetCipherSuites(suites)
		return
	}
	specs := make([]uint32, 0, len(h.SSL2Specs)+len(suites))
	for _, s := range suites {
		specs = append(specs, uint32(s))
	}
	for _, spec := range h.SSL2Specs {
		if spec > 0xFFFF {
			specs = append(specs, spec)
		}
	}
	h.CipherSuites, h.SSL2Specs = suites, specs
}

// addSuites adds what is missing: suites of TLS 1.3 before the others, where
// clients have them, the rest before the signals at the end.
func addSuites(h *tlswire.ClientHello, suites []tlswire.CipherSuite) {
	have := slices.Clone(h.CipherSuites)
	front := 0
	for front < len(have) && have[front].IsGREASE() {
		front++
	}
	back := len(have)
	for back > front && signal(have[back-1]) {
		back--
	}
	for _, s := range suites {
		switch {
		case slices.Contains(have, s):
		case tls13Suite(s):
			have = slices.Insert(have, front, s)
			front, back = front+1, back+1
		default:
			have = slices.Insert(have, back, s)
			back++
		}
	}
	setSuites(h, have)
}

// keepSuites drops the suites that no version from lo to hi negotiates. The
// signals of older versions go with them when only TLS 1.3 is left.
func keepSuites(h *tlswire.ClientHello, lo, hi tlswire.Version) {
	var kept []tlswire.CipherSuite
	for _, s := range h.CipherSuites {
		if s.IsGREASE() || s.Info().SCSV && lo < tlswire.TLS13 || usable(s, lo, hi) {
			kept = append(kept, s)
		}
	}
	setSuites(h, kept)
}

func anyUsable(h *tlswire.ClientHello, lo, hi tlswire.Version) bool {
	return slices.ContainsFunc(h.CipherSuites, func(s tlswire.CipherSuite) bool { return usable(s, lo, hi) })
}

// allSuites are the known suites that a client can offer without a shared key:
// with "any" also export, NULL, anonymous and pre-shared key ones. Strong ones come first.
func allSuites(anything bool) []tlswire.CipherSuite {
	var groups [4][]tlswire.CipherSuite
	for _, s := range tlswire.AllCipherSuites() {
		info := s.Info()
		if info.SCSV || info.PSK && !anything || s == tlswire.TLS_NULL_WITH_NULL_NULL {
			continue
		}
		bare := info.PSK || info.Export || info.Cipher == "NULL" || info.Auth == tlswire.AuthAnon
		if !anything && (bare || info.Kex == tlswire.KexOther) {
			continue
		}
		rank := 3
		switch {
		case bare || info.Kex == tlswire.KexOther:
		case info.MinVersion == tlswire.TLS13:
			rank = 0
		case info.AEAD:
			rank = 1
		default:
			rank = 2
		}
		groups[rank] = append(groups[rank], s)
	}
	return slices.Concat(groups[:]...)
}
