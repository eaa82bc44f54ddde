package causes

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// mostNames is how many names a fix repeats: Let's Encrypt takes no more for one
// certificate.
const mostNames = 100

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
		names, has := []string{}, map[string]bool{}
		for _, n := range *list {
			if n = hostWord(n); n != "" && !has[n] {
				names, has[n] = append(names, n), true
			}
		}
		*list = names
	}
	if len(p.Names) > mostNames {
		p.Names = nil // Name is left
	}
	p.Covered = p.Covered[:min(len(p.Covered), mostNames)]
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
