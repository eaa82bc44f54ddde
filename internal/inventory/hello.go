package inventory

import (
	"slices"

	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// offer is what a hello offers of one version.
type offer struct {
	version tlswire.Version
	suites  []tlswire.CipherSuite
	groups  []tlswire.Group
	schemes []tlswire.SignatureScheme
	alpn    []string
	shares  []tlswire.Group // of TLS 1.3; none asks for a HelloRetryRequest
	bare    bool            // only the extensions without which nothing goes

	noTicket bool
}

// wide offers everything that is known, of one version.
func (s *scan) wide(v tlswire.Version) offer {
	o := offer{version: v, suites: everySuite(v), groups: everyGroup(v), schemes: everyScheme(v)}
	return o
}

// narrow offers what nearly every server has one of, in a small hello.
func narrow(v tlswire.Version) offer {
	o := offer{version: v, bare: true, groups: []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384}}
	for _, c := range everySuite(v) {
		if usual(c) {
			o.suites = append(o.suites, c)
		}
	}
	for _, sc := range everyScheme(v) {
		if h := sc.Hash(); h == "SHA256" || h == "SHA384" || h == "SHA512" || h == "SHA1" {
			if k := sc.Key(); k == "rsa" || k == "ecdsa" {
				o.schemes = append(o.schemes, sc)
			}
		}
	}
	if v == tlswire.TLS13 {
		o.shares = []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256}
	}
	return o
}

// hello builds the ClientHello of an offer.
func (s *scan) hello(o offer) *tlswire.ClientHello {
	h := &tlswire.ClientHello{Version: min(o.version, tlswire.TLS12), Random: make([]byte, 32), CipherSuites: slices.Clone(o.suites), Compression: []byte{0}}
	if o.version == tlswire.SSL3 { // it has no extensions
		h.CipherSuites = append(h.CipherSuites, tlswire.TLS_EMPTY_RENEGOTIATION_INFO_SCSV)
		h.RecordVersion = tlswire.SSL3
		return h
	}
	h.SetServerName(s.o.Name)
	if o.groups != nil {
		h.SetGroups(o.groups)
		if o.version < tlswire.TLS13 {
			h.SetPointFormats([]byte{0})
		}
	}
	if o.version >= tlswire.TLS12 {
		h.SetSignatureSchemes(o.schemes)
	}
	if o.alpn != nil {
		h.SetALPN(o.alpn)
	}
	if o.version == tlswire.TLS13 {
		shares := []tlswire.KeyShare{}
		for _, g := range o.shares {
			shares = append(shares, tlswire.KeyShare{Group: g})
		}
		h.SetKeyShares(shares)
		h.SetSupportedVersions([]tlswire.Version{tlswire.TLS13})
		h.SetPSKModes([]byte{1})
	} else {
		h.SetRenegotiationInfo(true)
	}
	if o.bare {
		return h
	}
	h.SetStatusRequest(true)
	h.SetSCT(true)
	if o.version < tlswire.TLS13 {
		if !o.noTicket {
			h.SetSessionTicket([]byte{})
		}
		h.SetExtendedMasterSecret(true)
		h.SetEncryptThenMAC(true)
	}
	return h
}

// ssl2Hello offers every cipher kind of SSL 2.0.
func ssl2Hello() *tlswire.ClientHello {
	return &tlswire.ClientHello{SSL2: true, Version: tlswire.SSL2, Random: make([]byte, 16),
		SSL2Specs: []uint32{0x010080, 0x020080, 0x030080, 0x040080, 0x050080, 0x060040, 0x060140, 0x0700C0, 0x0701C0, 0x080080}}
}

// everySuite are the suites to offer in a version, the better ones first. Below
// TLS 1.3 all are offered in every version: servers that negotiate what a
// version does not allow exist.
func everySuite(v tlswire.Version) []tlswire.CipherSuite {
	var out []tlswire.CipherSuite
	for _, c := range tlswire.AllCipherSuites() {
		info := c.Info()
		if info.SCSV || c == tlswire.TLS_NULL_WITH_NULL_NULL || (info.MinVersion == tlswire.TLS13) != (v == tlswire.TLS13) {
			continue
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, func(a, b tlswire.CipherSuite) int { return rank(b) - rank(a) })
	return out
}

// rank is how good a suite is; only the order in which suites are offered and,
// where the server has none, shown depends on it.
func rank(c tlswire.CipherSuite) int {
	info := c.Info()
	r := 10 * info.KeyLen
	switch info.Kex {
	case tlswire.KexECDHE, tlswire.KexTLS13:
		r += 4000
	case tlswire.KexDHE:
		r += 3000
	case tlswire.KexRSA:
		r += 2000
	}
	if info.Auth == tlswire.AuthECDSA {
		r += 100
	}
	if info.AEAD {
		r += 5000
	}
	switch {
	case info.Cipher == "NULL" || info.Export || info.Auth == tlswire.AuthAnon:
		r -= 9000
	case !usual(c):
		r -= 1000
	}
	return r
}

// usual says whether common software has the suite.
func usual(c tlswire.CipherSuite) bool {
	info := c.Info()
	if info.PSK || info.Export || info.Kex != tlswire.KexRSA && info.Kex != tlswire.KexDHE && info.Kex != tlswire.KexECDHE && info.Kex != tlswire.KexTLS13 ||
		info.Auth == tlswire.AuthDSS || info.Auth == tlswire.AuthAnon {
		return false
	}
	switch info.Cipher {
	case "AES_128_GCM", "AES_256_GCM", "CHACHA20_POLY1305", "AES_128_CBC", "AES_256_CBC", "3DES_EDE_CBC", "RC4_128":
		return c != tlswire.TLS_RSA_WITH_RC4_128_MD5
	}
	return false
}

// chachaLast moves the ChaCha20 suites to the end: at the head of a client's
// list they change the order of OpenSSL's and Go's servers.
func chachaLast(list []tlswire.CipherSuite) []tlswire.CipherSuite {
	var first, last []tlswire.CipherSuite
	for _, c := range list {
		if c.Info().Cipher == "CHACHA20_POLY1305" {
			last = append(last, c)
			continue
		}
		first = append(first, c)
	}
	return append(first, last...)
}

// weakFirst and strongFirst are the two orders in which suites are offered.
func weakFirst(list []tlswire.CipherSuite) []tlswire.CipherSuite {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b tlswire.CipherSuite) int { return rank(a) - rank(b) })
	return chachaLast(list)
}

func strongFirst(list []tlswire.CipherSuite) []tlswire.CipherSuite {
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b tlswire.CipherSuite) int { return rank(b) - rank(a) })
	return chachaLast(list)
}

// everyGroup are the groups to offer in a version, the usual ones first.
func everyGroup(v tlswire.Version) []tlswire.Group {
	usual := []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupP384, tlswire.GroupP521, tlswire.GroupX448}
	if v == tlswire.TLS13 {
		usual = append([]tlswire.Group{tlswire.GroupX25519MLKEM768, tlswire.GroupSecP256r1MLKEM768, tlswire.GroupSecP384r1MLKEM1024}, usual...)
	}
	out := usual
	for _, g := range tlswire.AllGroups() {
		if !slices.Contains(out, g) && groupIn(g, v) {
			out = append(out, g)
		}
	}
	return out
}

// groupIn says whether a group can be agreed upon in a version.
func groupIn(g tlswire.Group, v tlswire.Version) bool {
	ffdhe := g >= tlswire.GroupFFDHE2048 && g <= tlswire.GroupFFDHE8192
	only13 := g >= 0x0200 && g < 0xFF00 || g >= tlswire.GroupBrainpoolP256r1TLS13 && g <= tlswire.GroupBrainpoolP512r1TLS13
	if g >= 0xFF01 { // explicit curves
		return false
	}
	if v == tlswire.TLS13 {
		return g >= tlswire.GroupP256
	}
	return ffdhe || !only13 // RFC 7919 has ffdhe below TLS 1.3, too
}

// everyScheme are the signature schemes to offer in a version.
func everyScheme(v tlswire.Version) []tlswire.SignatureScheme {
	var out []tlswire.SignatureScheme
	for _, sc := range tlswire.AllSchemes() {
		if v < tlswire.TLS12 || v == tlswire.TLS13 && !sc.InTLS13() {
			continue
		}
		out = append(out, sc)
	}
	return out
}
