package errtext

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
)

// target fills in the host that was wanted: what a phrase captured, else the
// first URL of the text. Placeholders and pages that explain errors are no
// hosts.
func (e *event) target(text string) {
	e.Host = hostName(e.Host)
	if e.Host == "" {
		for rest := text; ; {
			i := strings.Index(rest, "://")
			if i < 0 {
				break
			}
			from := i
			for from > 0 && (isLower(rest[from-1]) || isUpper(rest[from-1])) {
				from--
			}
			end := i + 3
			for end < len(rest) && strings.IndexByte(" \t\n\"'<>`)|,;", rest[end]) < 0 {
				end++
			}
			if u, err := url.Parse(strings.TrimRight(rest[from:end], ".:")); err == nil && hostName(u.Hostname()) != "" && tlsScheme(u.Scheme) {
				e.Host = hostName(u.Hostname())
				if e.Port == 0 {
					_, e.Port = splitPort(u.Host, 0)
				}
				break
			}
			rest = rest[i+3:]
		}
	}
	e.CertName = strings.Trim(e.CertName, ".:'\"")
	if e.Host == "" {
		return
	}
	if wellKnown(e.Host) {
		e.Signs = append(e.Signs, facts.SignKnownSite)
	}
	if e.CertName != "" && ofInternet(e.CertName) && ofInternet(e.Host) && domain(e.CertName) != domain(e.Host) {
		e.Signs = append(e.Signs, facts.SignForeignName)
	}
}

func tlsScheme(s string) bool {
	switch strings.ToLower(s) {
	case "http", "ftp", "file", "redis", "node", "javascript":
		return false
	}
	return true
}

// hostName is a name or address that can be a host, "" when it is none.
func hostName(s string) string {
	s = strings.TrimSuffix(strings.ToLower(strings.Trim(s, "[]'\"`.,:*")), ".")
	if a, err := netip.ParseAddr(s); err == nil {
		if a.IsUnspecified() {
			return ""
		}
		return a.String()
	}
	if len(s) > 253 || s == "" || strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-._") != "" {
		return ""
	}
	if !strings.Contains(s, ".") && s != "localhost" || explains(s) || strings.HasSuffix(s, ".go") || strings.HasSuffix(s, ".c") || strings.HasSuffix(s, ".java") || strings.HasSuffix(s, ".pem") || strings.HasSuffix(s, ".py") {
		return ""
	}
	last := s[strings.LastIndexByte(s, '.')+1:]
	if strings.Trim(last, "0123456789") == "" {
		return ""
	}
	return s
}

// ofInternet tells names with a domain from those of one network or cluster,
// which say nothing about who runs the server.
func ofInternet(name string) bool {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return false
	}
	switch strings.ToLower(name[i+1:]) {
	case "local", "default", "svc", "internal", "lan", "localdomain", "home", "corp", "localhost":
		return false
	}
	return !isAddress(name)
}

// explains tells hosts to which error messages send their readers.
func explains(host string) bool {
	for _, h := range []string{"curl.haxx.se", "curl.se", "openssl.org", "readthedocs.io", "learn.microsoft.com", "docs.microsoft.com", "go.microsoft.com", "aka.ms",
		"nodejs.org", "go.dev", "docs.python.org", "docs.rs", "dev.mysql.com", "docs.docker.com", "support.google.com", "support.mozilla.org", "developer.mozilla.org",
		"example.invalid", "bugs.openjdk.org", "wiki.apache.org", "cwiki.apache.org", "stackoverflow.com", "crbug.com"} {
		if host == h || strings.HasSuffix(host, "."+h) {
			return true
		}
	}
	return false
}

// wellKnown tells sites whose certificate every public store accepts, and
// which are broken for nobody for long.
func wellKnown(host string) bool {
	switch domain(host) {
	case "google.com", "googleapis.com", "gstatic.com", "github.com", "githubusercontent.com", "gitlab.com", "bitbucket.org", "microsoft.com", "azure.com", "windows.net",
		"microsoftonline.com", "visualstudio.com", "amazonaws.com", "amazon.com", "apple.com", "pypi.org", "pythonhosted.org", "npmjs.org", "npmjs.com", "yarnpkg.com", "nuget.org",
		"rubygems.org", "crates.io", "rust-lang.org", "golang.org", "docker.io", "docker.com", "quay.io", "gcr.io", "apache.org", "maven.org", "gradle.org", "debian.org", "ubuntu.com",
		"python.org", "wikipedia.org", "cloudflare.com", "mozilla.org", "anaconda.com", "anaconda.org", "huggingface.co", "openai.com", "slack.com", "facebook.com", "youtube.com",
		"sentry.io", "atlassian.com", "letsencrypt.org", "packagist.org", "k8s.io", "hashicorp.com", "anthropic.com", "office.com", "office365.com", "stripe.com":
		return true
	}
	return false
}

// domain is the registrable part of a name, roughly: its last two labels, three
// where the last but one is short, as in example.co.uk.
func domain(name string) string {
	labels := strings.Split(strings.ToLower(strings.TrimPrefix(name, "*.")), ".")
	n := 2
	if len(labels) > 2 && len(labels[len(labels)-2]) <= 3 && len(labels[len(labels)-1]) == 2 {
		n = 3
	}
	return strings.Join(labels[max(0, len(labels)-n):], ".")
}
