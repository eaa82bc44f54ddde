package causes

import (
	"crypto/tls"
	"slices"
	"strings"
)

// Lists of Mozilla's intermediate configuration, guidelines 6.0
// (https://ssl-config.mozilla.org/guidelines/6.0.json).
const (
	mozillaSuites = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" +
		"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" +
		"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
	mozillaSuitesIANA = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:" +
		"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:" +
		"TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
	commonSchemes = "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384:ecdsa_secp521r1_sha512:ed25519:" +
		"rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:rsa_pss_rsae_sha512:rsa_pss_pss_sha256:" +
		"rsa_pkcs1_sha256:rsa_pkcs1_sha384:rsa_pkcs1_sha512"
	mozillaTLS13  = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
	mozillaGroups = "X25519:prime256v1:secp384r1"
)

// SuiteList is Mozilla's intermediate list of TLS 1.2 suites, followed by what
// was proven to be needed beyond it; in OpenSSL's names, joined by colons.
func (p *FixParams) SuiteList() string {
	return strings.Join(withExtra(mozillaSuites, p.ServerSuites()), ":")
}

// OldSuiteList is SuiteList with what clients without TLS 1.2 have.
func (p *FixParams) OldSuiteList() string {
	return strings.Join(withExtra(mozillaSuites, append([]string{"ECDHE-RSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA", "AES128-SHA"}, p.ServerSuites()...)), ":")
}

// SuiteListIANA is SuiteList with IANA's names, joined by sep.
func (p *FixParams) SuiteListIANA(sep string) string {
	return strings.Join(withExtra(mozillaSuitesIANA, p.ServerSuitesIANA()), sep)
}

// SuiteListTLS13 is the list of TLS 1.3 suites that everybody knows.
func (p *FixParams) SuiteListTLS13() string { return mozillaTLS13 }

func withExtra(list string, extra []string) []string {
	all := strings.Split(list, ":")
	for _, s := range extra {
		if !slices.Contains(all, s) && !tls13Suite(s) {
			all = append(all, s)
		}
	}
	return all
}

// tls13Suite tells the suites of TLS 1.3, which are configured apart.
func tls13Suite(name string) bool {
	return strings.HasPrefix(name, "TLS_AES_") || strings.HasPrefix(name, "TLS_CHACHA20_")
}

// GroupList are X25519, P-256 and P-384 with the groups that were proven to be
// needed; in OpenSSL's names, joined by colons.
func (p *FixParams) GroupList() string {
	var extra []string
	for _, g := range p.ServerGroups() {
		extra = append(extra, or(opensslGroups[g], g))
	}
	return strings.Join(withExtra(mozillaGroups, extra), ":")
}

// ClientGroupList are Groups in OpenSSL's names, joined by colons.
func (p *FixParams) ClientGroupList() string {
	var list []string
	for _, g := range p.Groups {
		list = append(list, or(opensslGroups[g], g))
	}
	return strings.Join(list, ":")
}

// ClientGroups are the usual groups with those of Groups, in OpenSSL's names,
// joined by colons, none twice.
func (p *FixParams) ClientGroups() string {
	return strings.Join(withExtra(mozillaGroups, strings.Split(p.ClientGroupList(), ":")), ":")
}

// JavaGroups are the groups of JSSE with those of Groups, in its names; "" where
// JSSE knows none of Groups.
func (p *FixParams) JavaGroups() string {
	known := slices.DeleteFunc(slices.Clone(p.Groups), func(g string) bool { return strings.HasPrefix(g, "brainpool") })
	if len(p.Groups) > 0 && len(known) == 0 {
		return ""
	}
	return strings.Join(withExtra("x25519:secp256r1:secp384r1:secp521r1", known), ",")
}

// ClientGoGroups are those of Groups that Go 1.26 knows, in its names.
func (p *FixParams) ClientGoGroups() []string {
	var known []string
	for _, g := range p.Groups {
		if name := goGroups[g]; name != "" {
			known = append(known, name)
		}
	}
	return known
}

var goGroups = map[string]string{"x25519": "X25519", "secp256r1": "CurveP256", "secp384r1": "CurveP384", "secp521r1": "CurveP521",
	"X25519MLKEM768": "X25519MLKEM768", "SecP256r1MLKEM768": "SecP256r1MLKEM768", "SecP384r1MLKEM1024": "SecP384r1MLKEM1024"}

var opensslGroups = map[string]string{"secp256r1": "prime256v1", "x25519": "X25519", "x448": "X448"}

// SchemeList are the schemes of today with those that were proven to be needed,
// joined by colons.
func (p *FixParams) SchemeList() string {
	return strings.Join(withExtra(commonSchemes, p.ServerSchemes()), ":")
}

// GoSuites are Mozilla's suites with those of ServerSuitesIANA that Go knows.
func (p *FixParams) GoSuites() []string {
	return goSuites(withExtra(mozillaSuitesIANA, p.ServerSuitesIANA()))
}

// CaddySuites are GoSuites without static RSA, which Caddy does not take.
func (p *FixParams) CaddySuites() []string {
	return slices.DeleteFunc(p.GoSuites(), func(s string) bool { return !strings.HasPrefix(s, "TLS_ECDHE_") || strings.Contains(s, "RC4") })
}

// ClientGoSuites are those of SuitesIANA that Go knows.
func (p *FixParams) ClientGoSuites() []string { return goSuites(p.SuitesIANA) }

func goSuites(names []string) []string {
	var known []string
	for _, s := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if slices.Contains(names, s.Name) && !tls13Suite(s.Name) {
			known = append(known, s.Name)
		}
	}
	return known
}

// ServerSuites are the suites for a server to enable so that it shares one with
// this client: from what the client offers, those that fit the certificate and
// are recommended; failing that, the first three that fit.
func (p *FixParams) ServerSuites() []string { return p.pick(p.OfferedSuites, mozillaSuites) }

// ServerSuitesIANA is the same with IANA's names.
func (p *FixParams) ServerSuitesIANA() []string {
	return p.pick(p.OfferedSuitesIANA, mozillaSuitesIANA)
}

func (p *FixParams) pick(offered []string, recommended string) []string {
	var best, fit []string
	for _, s := range offered {
		switch {
		case tls13Suite(s) || brokenSuite(s) || strings.Contains(s, "SCSV"),
			!p.authenticates(strings.Contains(s, "ECDSA")):
			continue
		case slices.Contains(strings.Split(recommended, ":"), s):
			best = append(best, s)
		}
		fit = append(fit, s)
	}
	if len(best) > 0 {
		fit = best
	}
	return fit[:min(len(fit), 3)]
}

// brokenSuite tells suites that nobody should be told to enable; current TLS
// libraries no longer have them.
func brokenSuite(name string) bool {
	for _, part := range []string{"RC4", "RC2", "DES", "MD5", "NULL", "EXP", "ADH", "AECDH", "anon"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return strings.HasPrefix(name, "ECDH-") || strings.HasPrefix(name, "TLS_ECDH_") // static ECDH
}

// authenticates says whether the certificate's key fits suites with ECDSA in
// the name, or those without.
func (p *FixParams) authenticates(ecdsa bool) bool {
	switch p.KeyType {
	case "RSA", "RSA-PSS":
		return !ecdsa
	case "ECDSA", "Ed25519", "Ed448":
		return ecdsa
	}
	return true
}

// noSuiteFits says that nothing which the client offers fits the certificate,
// so that another list of suites cannot help.
func (p *FixParams) noSuiteFits() bool {
	return p.KeyType != "" && len(p.OfferedSuites) > 0 && len(p.ServerSuites()) == 0
}

// noSchemeFits says the same of signature schemes.
func (p *FixParams) noSchemeFits() bool {
	return p.KeyType != "" && len(p.OfferedSchemes) > 0 && len(p.ServerSchemes()) == 0
}

// ServerGroups are the groups for a server to enable: of what the client
// offers, those that everybody knows; failing that, the first two.
func (p *FixParams) ServerGroups() []string {
	var common []string
	for _, g := range p.OfferedGroups {
		if g == "x25519" || g == "secp256r1" || g == "secp384r1" {
			common = append(common, g)
		}
	}
	if len(common) == 0 {
		common = p.OfferedGroups[:min(len(p.OfferedGroups), 2)]
	}
	return common
}

// ServerSchemes are the first schemes that the client offers for this key.
func (p *FixParams) ServerSchemes() []string {
	prefix := map[string]string{"RSA": "rsa_p", "RSA-PSS": "rsa_pss_pss", "ECDSA": "ecdsa", "Ed25519": "ed25519", "Ed448": "ed448"}[p.KeyType]
	var fit []string
	for _, s := range p.OfferedSchemes {
		if strings.HasPrefix(s, prefix) && !strings.Contains(s, "sha1") && !strings.Contains(s, "md5") &&
			(p.KeyType != "RSA" || !strings.HasPrefix(s, "rsa_pss_pss")) {
			fit = append(fit, s)
		}
	}
	return fit[:min(len(fit), 3)]
}
