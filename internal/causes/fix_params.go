package causes

import (
	"crypto/tls"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
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

// clean returns a copy in which nothing can break out of the place where it is
// inserted: names and URLs that are not well formed are dropped, other texts
// lose control characters and quotes.
func (p FixParams) clean() FixParams {
	for _, s := range []*string{&p.Name, &p.Host, &p.SNI} {
		*s = hostWord(*s)
	}
	if _, err := netip.ParseAddrPort(p.Address); err != nil {
		p.Address = ""
	}
	if p.Port < 0 || p.Port > 65535 {
		p.Port = 0
	}
	for _, list := range []*[]string{&p.Names, &p.Covered} {
		names := []string{}
		for _, n := range *list {
			if n = hostWord(n); n != "" && !slices.Contains(names, n) {
				names = append(names, n)
			}
		}
		*list = names
	}
	for _, s := range []*string{&p.MissingURL, &p.ListURL, &p.OCSPURL} {
		if u, err := url.Parse(*s); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(*s, shellSafe+"~?&") != "" {
			*s = ""
		}
	}
	for _, s := range []*string{&p.Subject, &p.Issuer, &p.IssuerOrg, &p.MissingSubject, &p.Client, &p.Words,
		&p.CertFile, &p.KeyFile, &p.CAFile, &p.ServerCertFile, &p.ServerKeyFile, &p.ChainFile} {
		*s = oneLine(*s)
	}
	for _, s := range []*string{&p.Version, &p.MinVersion, &p.MaxVersion, &p.KeyType, &p.Protocol, &p.StartTLS, &p.Reason, &p.Serial} {
		*s = word(*s)
	}
	for _, list := range []*[]string{&p.Suites, &p.SuitesIANA, &p.Groups, &p.Schemes, &p.ClientALPN,
		&p.OfferedSuites, &p.OfferedSuitesIANA, &p.OfferedGroups, &p.OfferedSchemes, &p.ALPN} {
		kept := []string{}
		for _, s := range *list {
			if s = word(s); s != "" {
				kept = append(kept, s)
			}
		}
		*list = kept
	}
	cas := []string{}
	for _, s := range p.CAs {
		if s = oneLine(s); s != "" {
			cas = append(cas, s)
		}
	}
	p.CAs = cas
	if strings.HasPrefix(p.Client, "reference") {
		p.Client = ""
	}
	p.MissingPEM, p.FullChainPEM = pemOnly(p.MissingPEM), pemOnly(p.FullChainPEM)
	return p
}

// hostWord returns s when it can be a host name (wildcards and underscores
// included) or an IP literal, else "".
func hostWord(s string) string {
	if _, err := netip.ParseAddr(s); err == nil && !strings.Contains(s, "%") {
		return s
	}
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > 253 || s[0] == '-' || strings.HasPrefix(s, ".") {
		return ""
	}
	for i, r := range s {
		if r == '*' && i == 0 || r == '-' || r == '.' || r == '_' || r < 0x80 && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			continue
		}
		return ""
	}
	return s
}

// word returns s when it is made of letters, digits and a few marks that mean
// nothing to a shell or a configuration file, else "".
func word(s string) string {
	for _, r := range s {
		if r > 0x7E || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-./+:", r) {
			return ""
		}
	}
	return s
}

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || !unicode.IsPrint(r) || r == '`' {
			return ' '
		}
		return r
	}, s)
	const most = 300
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strings.TrimSpace(s)
}

// pemOnly keeps the certificates of a PEM text and nothing between them.
func pemOnly(s string) string {
	var b strings.Builder
	in := false
	for line := range strings.Lines(s) {
		line = strings.TrimSpace(line)
		switch {
		case line == "-----BEGIN CERTIFICATE-----":
			in = true
		case !in || line != "-----END CERTIFICATE-----" && strings.Trim(line, shellSafe) != "":
			continue
		}
		b.WriteString(line + "\n")
		if line == "-----END CERTIFICATE-----" {
			in = false
		}
	}
	return strings.TrimSpace(b.String())
}

// The methods below are for the texts: a value, or what stands in for it.

// Domain is the DNS name that the server is asked for.
func (p *FixParams) Domain() string {
	for _, s := range append([]string{p.Name, p.SNI}, p.Names...) {
		if _, err := netip.ParseAddr(s); s != "" && err != nil {
			return s
		}
	}
	return "YOUR.DOMAIN"
}

// AllNames are the names that the certificate must have, at least one.
func (p *FixParams) AllNames() []string {
	switch {
	case len(p.Names) > 0:
		return p.Names
	case p.Name != "":
		return []string{p.Name}
	}
	return []string{"YOUR.DOMAIN"}
}

// DNSNames are AllNames without the IP addresses.
func (p *FixParams) DNSNames() []string {
	return slices.DeleteFunc(slices.Clone(p.AllNames()), func(s string) bool { _, err := netip.ParseAddr(s); return err == nil })
}

// SANs are AllNames in the syntax of OpenSSL's subjectAltName.
func (p *FixParams) SANs() string {
	var list []string
	for _, n := range p.AllNames() {
		kind := "DNS:"
		if _, err := netip.ParseAddr(n); err == nil {
			kind = "IP:"
		}
		list = append(list, kind+n)
	}
	return strings.Join(list, ",")
}

// Target is the name to reach.
func (p *FixParams) Target() string {
	for _, s := range []string{p.Host, p.Name, p.SNI} {
		if s != "" {
			return s
		}
	}
	return "YOUR.DOMAIN"
}

// HostPort is the target with its port, an IPv6 literal in brackets.
func (p *FixParams) HostPort() string {
	h := p.Target()
	if strings.Contains(h, ":") {
		h = "[" + h + "]"
	}
	return h + ":" + strconv.Itoa(p.PortOr())
}

// PortOr is the port, 443 when unknown.
func (p *FixParams) PortOr() int {
	if p.Port == 0 {
		return 443
	}
	return p.Port
}

// URL is the target as an https URL.
func (p *FixParams) URL() string {
	return "https://" + strings.TrimSuffix(p.HostPort(), ":443") + "/"
}

func or(s, placeholder string) string {
	if s == "" {
		return placeholder
	}
	return s
}

// Cert, Key and CA are the client's files.
func (p *FixParams) Cert() string { return or(p.CertFile, "/path/to/client-chain.pem") }

// Key is the file of the client's key.
func (p *FixParams) Key() string { return or(p.KeyFile, "/path/to/client.key") }

// CA is the file of the CA that the client is to trust.
func (p *FixParams) CA() string { return or(p.CAFile, "/path/to/ca.pem") }

// RevocationHost is where the issuer says what it has revoked, as host:port.
func (p *FixParams) RevocationHost() string {
	for _, s := range []string{p.ListURL, p.OCSPURL} {
		if u, err := url.Parse(s); err == nil && u.Hostname() != "" {
			port := u.Port()
			if port == "" {
				port = map[string]string{"https": "443"}[u.Scheme]
			}
			return strings.TrimSuffix(u.Host, ":"+u.Port()) + ":" + or(port, "80")
		}
	}
	return "the issuer's hosts"
}

// ServerCert is the file of the server's certificate with its intermediates.
func (p *FixParams) ServerCert() string { return or(p.ServerCertFile, "/path/to/fullchain.pem") }

// ServerKey is the file of the server's key.
func (p *FixParams) ServerKey() string { return or(p.ServerKeyFile, "/path/to/privkey.pem") }

// FileName is a file name made of the domain: shop.example.com.SUFFIX.
func (p *FixParams) FileName(suffix string) string {
	return strings.ReplaceAll(strings.ToLower(p.Domain()), "*", "wildcard") + "." + suffix
}

// ChainPath is where the complete chain is to lie: in dir when the texts write
// it, else where certbot has it.
func (p *FixParams) ChainPath(dir string) string {
	if p.FullChainPEM+p.MissingPEM+p.MissingURL != "" {
		return dir + "/" + p.FileName("fullchain.pem")
	}
	return "/etc/letsencrypt/live/" + p.Domain() + "/fullchain.pem"
}

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

// ByHand says that the issuer is known and not one that is used through ACME,
// so that somebody renews by hand.
func (p *FixParams) ByHand() bool { return p.IssuerOrg != "" && !p.ACME }

// ServerIsOld says that the server's version is below what the client takes, or
// below what clients of today take.
func (p *FixParams) ServerIsOld() bool { return older(p.Version, p.MinVersion) }

// VersionWords and MaxVersionWords name the version as people do.
func (p *FixParams) VersionWords() string { return versionName(p.Version) }

// MaxVersionWords is MaxVersion in words.
func (p *FixParams) MaxVersionWords() string { return versionName(p.MaxVersion) }

func versionName(v string) string {
	switch v {
	case "ssl3":
		return "SSL 3.0"
	case "ssl2":
		return "SSL 2.0"
	}
	return "TLS " + v
}

// ClientIsOld says that the client's highest version is below the server's, or
// below what servers of today take.
func (p *FixParams) ClientIsOld() bool { return older(p.MaxVersion, p.Version) }

// older compares two versions; an unknown second one counts as TLS 1.2.
func older(a, b string) bool {
	order := []string{"ssl2", "ssl3", "1.0", "1.1", "1.2", "1.3"}
	i, j := slices.Index(order, a), slices.Index(order, b)
	if j < 0 {
		j = 4
	}
	return i >= 0 && i < j
}

// Has says whether a list has an element with the prefix.
func (p *FixParams) Has(list []string, prefix string) bool {
	return slices.ContainsFunc(list, func(s string) bool { return strings.HasPrefix(s, prefix) })
}
