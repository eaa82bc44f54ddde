package srvconf

import (
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// settings are what a server hands to OpenSSL.
type settings struct {
	versions []tlswire.Version
	ciphers  string // OpenSSL's list, "" = its default
	suites13 string // of TLS 1.3, "" = all
	// suites13At is where they are said.
	suites13At facts.Place
	groups     string // "" and "auto" = the default
	anyGroups  bool   // unknown ones are passed over
	schemes    string // SignatureAlgorithms, "" = the default
	ownOrder   bool
	dh         []byte // the prime of the parameters that were given
	defaultDH  int    // bits of the parameters that the server brings itself; 0 = no DHE without parameters
}

// command takes a setting that server and OpenSSL both know, in the words of
// SSL_CONF_cmd(3): it narrows the versions that the server's own setting leaves.
func (t *settings) command(s *facts.Site, name, value string, l facts.Line) {
	var off func(tlswire.Version) bool
	switch name = strings.ToLower(name); name {
	case "minprotocol", "maxprotocol":
		limit, ok := nginxVersions[value]
		if !ok {
			return
		}
		off = func(v tlswire.Version) bool {
			return name == "minprotocol" && v < limit || name == "maxprotocol" && v > limit
		}
	case "protocol":
		gone := map[tlswire.Version]bool{}
		for _, word := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' }) {
			for _, v := range apacheVersions[strings.ToLower(strings.TrimLeft(word, "+-"))] {
				gone[v] = word[0] == '-'
			}
		}
		off = func(v tlswire.Version) bool { return gone[v] }
	default:
		return
	}
	t.versions, s.Lines[facts.SetVersions] = slices.DeleteFunc(slices.Clone(t.versions), off), l
}

// defaultLevel is the security level of OpenSSL as Debian and Ubuntu build it
// (its own is 1, from 3.2 on 2).
const defaultLevel = 2

// defaultGroups is the list of OpenSSL 3 (SSL_CTX_set1_groups_list(3)).
var defaultGroups = []tlswire.Group{tlswire.GroupX25519, tlswire.GroupP256, tlswire.GroupX448, tlswire.GroupP521, tlswire.GroupP384,
	tlswire.GroupFFDHE2048, tlswire.GroupFFDHE3072, tlswire.GroupFFDHE4096, tlswire.GroupFFDHE6144, tlswire.GroupFFDHE8192}

var allVersions = []tlswire.Version{tlswire.SSL2, tlswire.SSL3, tlswire.TLS10, tlswire.TLS11, tlswire.TLS12, tlswire.TLS13}

// negotiate fills in what the site negotiates. Its pairs must be there.
func negotiate(s *facts.Site, t settings) {
	list := ExpandCiphers(t.ciphers)
	if strings.TrimSpace(t.ciphers) == "" {
		list = ExpandCiphers("DEFAULT")
	}
	s.Level = defaultLevel
	if list.Level >= 0 {
		s.Level = list.Level
	}
	for _, word := range list.Unknown {
		addFault(s, facts.Fault{At: s.Line(facts.SetSuites).Place, Remark: true, Text: fmt.Sprintf("OpenSSL does not know %q in the list of cipher suites and passes over it", word)})
	}
	if len(list.Suites) == 0 && s.Level >= 0 && t.ciphers != "" && !onlySuites13(t.ciphers) {
		addFault(s, facts.Fault{At: s.Line(facts.SetSuites).Place, Stops: true, Text: "no cipher suite of OpenSSL matches the list: the server does not start"})
	}
	srv := &s.Server
	srv.Versions = map[tlswire.Version]bool{}
	for _, v := range allVersions {
		srv.Versions[v] = slices.Contains(t.versions, v) && v >= tlswire.TLS10 && (v >= tlswire.TLS12 || s.Level <= 0)
	}
	if s.Level > 0 && slices.ContainsFunc(t.versions, func(v tlswire.Version) bool { return v < tlswire.TLS12 && v >= tlswire.TLS10 }) && s.Lines[facts.SetVersions].Value != "" {
		addFault(s, facts.Fault{At: s.Line(facts.SetVersions).Place, Remark: true,
			Text: fmt.Sprintf("OpenSSL 3 speaks TLS 1.0 and 1.1 only at security level 0, here it is %d: they are off in spite of this line", s.Level)})
	}
	for _, p := range s.Pairs {
		if len(p.Chain) > 0 {
			if a := facts.AuthOf(p.Chain[0]); a != tlswire.AuthOther && !slices.Contains(srv.Keys, a) {
				srv.Keys = append(srv.Keys, a)
			}
		}
	}
	s.DHPrime = t.dh
	if t.dh != nil {
		srv.DHBits = new(big.Int).SetBytes(t.dh).BitLen()
	} else {
		srv.DHBits = t.defaultDH
	}
	if srv.Versions[tlswire.TLS13] {
		srv.Suites = suites13(t.suites13)
	}
	for _, suite := range Permitted(list.Suites, s.Level) {
		info := suite.Info()
		if info.Kex == tlswire.KexRSA && !slices.ContainsFunc(s.Pairs, decrypts) && len(srv.Keys) > 0 {
			continue // a key of RSA-PSS signs, and decrypts nothing
		}
		if info.PSK || info.Kex == tlswire.KexOther || info.Kex == tlswire.KexDHE && srv.DHBits == 0 {
			continue // needs keys that a site of certificates does not have
		}
		srv.Suites = append(srv.Suites, suite)
	}
	if t.suites13 != "" && len(suites13(t.suites13)) == 0 {
		addFault(s, facts.Fault{At: t.suites13At, Stops: true, Text: fmt.Sprintf("OpenSSL knows no suite of TLS 1.3 in %q: the server does not start", t.suites13)})
	}
	srv.SuitesComplete, srv.OwnOrder = true, t.ownOrder
	srv.Groups, srv.GroupsComplete = defaultGroups, true
	if t.groups != "" && t.groups != "auto" {
		srv.Groups = nil
		for word := range strings.FieldsFuncSeq(t.groups, func(r rune) bool { return r == ':' || r == '/' || r == ' ' }) {
			word = strings.TrimPrefix(strings.TrimPrefix(word, "?"), "*")
			groups, err := tlswire.ParseGroups(word)
			if err != nil {
				srv.GroupsComplete = slices.Contains(oldCurves, word)
				if !srv.GroupsComplete && !t.anyGroups {
					addFault(s, mistyped(s.Line(facts.SetGroups).Place, "OpenSSL knows no group", word, commonGroups, ": the server does not start"))
				}
				continue
			}
			srv.Groups = append(srv.Groups, groups...)
		}
	}
	srv.Schemes, srv.SchemesComplete = schemes(s.Pairs, s.Level), len(srv.Keys) > 0
	if only, err := tlswire.ParseSignatureSchemes(t.schemes); t.schemes != "" && err == nil {
		if srv.SchemesComplete && !slices.ContainsFunc(srv.Schemes, func(x tlswire.SignatureScheme) bool { return slices.Contains(only, x) }) {
			addFault(s, facts.Fault{At: s.Line(facts.SetSchemes).Place, Stops: true, Text: "the site's key can sign with none of these signature algorithms: every handshake fails"})
		}
		srv.Schemes = only
	}
	strength(s)
}

// commonGroups are the names that people mistype.
var commonGroups = strings.Fields("X25519 X448 prime256v1 secp256r1 secp384r1 secp521r1 P-256 P-384 P-521 X25519MLKEM768 ffdhe2048 ffdhe3072")

// oldCurves are names of OpenSSL for curves that no client of today offers.
var oldCurves = strings.Fields(`sect163k1 sect163r1 sect163r2 sect193r1 sect193r2 sect233k1 sect233r1 sect239k1 sect283k1 sect283r1 sect409k1 sect409r1 sect571k1 sect571r1
	secp160k1 secp160r1 secp160r2 secp192k1 secp192r1 prime192v1 secp224k1 secp224r1 P-192 P-224 B-163 B-233 B-283 B-409 B-571 K-163 K-233 K-283 K-409 K-571`)

func onlySuites13(list string) bool {
	return !slices.ContainsFunc(strings.FieldsFunc(list, func(r rune) bool { return strings.ContainsRune(": ,;", r) }), func(w string) bool { return !strings.HasPrefix(w, "TLS_") })
}

func suites13(list string) []tlswire.CipherSuite {
	if list == "" { // SSL_CTX_set_ciphersuites(3)
		return []tlswire.CipherSuite{tlswire.TLS_AES_256_GCM_SHA384, tlswire.TLS_CHACHA20_POLY1305_SHA256, tlswire.TLS_AES_128_GCM_SHA256}
	}
	var out []tlswire.CipherSuite
	for _, word := range strings.Split(list, ":") {
		if s, err := tlswire.ParseCipherSuites(word); err == nil {
			out = append(out, s...)
		}
	}
	return out
}

// decrypts tells of a pair whether static RSA key exchange can use it.
func decrypts(p facts.Pair) bool {
	return len(p.Chain) > 0 && p.Chain[0].Key.Algorithm == chain.KeyRSA
}

// schemes are those by which OpenSSL signs with the keys.
func schemes(pairs []facts.Pair, level int) []tlswire.SignatureScheme {
	var out []tlswire.SignatureScheme
	for _, p := range pairs {
		if len(p.Chain) == 0 {
			continue
		}
		switch p.Chain[0].Key.Algorithm {
		case chain.KeyECDSA:
			out = append(out, tlswire.SchemeECDSAP256SHA256, tlswire.SchemeECDSAP384SHA384, tlswire.SchemeECDSAP521SHA512)
			if level <= 0 {
				out = append(out, tlswire.SchemeECDSASHA1)
			}
		case chain.KeyEd25519:
			out = append(out, tlswire.SchemeEd25519)
		case chain.KeyEd448:
			out = append(out, tlswire.SchemeEd448)
		case chain.KeyRSAPSS:
			out = append(out, tlswire.SchemeRSAPSSPSSSHA256, tlswire.SchemeRSAPSSPSSSHA384, tlswire.SchemeRSAPSSPSSSHA512)
		case chain.KeyRSA:
			out = append(out, tlswire.SchemeRSAPSSRSAESHA256, tlswire.SchemeRSAPSSRSAESHA384, tlswire.SchemeRSAPSSRSAESHA512,
				tlswire.SchemeRSAPKCS1SHA256, tlswire.SchemeRSAPKCS1SHA384, tlswire.SchemeRSAPKCS1SHA512)
			if level <= 0 {
				out = append(out, tlswire.SchemeRSAPKCS1SHA1)
			}
		}
	}
	return out
}

// strength finds what OpenSSL refuses to load at the site's security level.
func strength(s *facts.Site) {
	if s.Level < 1 {
		return
	}
	least := []int{0, 1024, 2048, 3072, 7680, 15360}[min(s.Level, 5)]
	for _, p := range s.Pairs {
		if len(p.Chain) == 0 {
			continue
		}
		if k := p.Chain[0].Key; k.Algorithm == chain.KeyRSA && k.Bits < least {
			addFault(s, facts.Fault{At: p.Cert.Place, File: p.CertFile, Stops: true, Text: fmt.Sprintf("OpenSSL at security level %d takes no RSA key of %d bits: the server does not start (ee key too small)", s.Level, k.Bits)})
		}
	}
	if bits := s.Server.DHBits; s.DHPrime != nil && bits < least {
		addFault(s, facts.Fault{At: s.Line(facts.SetDH).Place, Stops: true, Text: fmt.Sprintf("OpenSSL at security level %d takes no Diffie-Hellman prime of %d bits (dh key too small)", s.Level, bits)})
	}
}

// share makes sites of one address know one another; the first answers where no
// name fits.
func share(sites []*facts.Site) {
	for _, s := range sites {
		s.Peers = sites
	}
}
