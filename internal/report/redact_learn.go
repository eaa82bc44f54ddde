package report

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
)

// learn collects what is to be masked: the target's names, those in
// certificates, and whatever looks like a host name where a peer or the
// environment speaks.
func (r *redactor) learn(d *diag.Diagnosis) {
	r.name(d.Target.Name)
	r.name(d.Target.SNI)
	if d.Target.Protocol == "file" {
		r.path(d.Target.Input)
	} else {
		r.name(inputHost(d.Target.Input))
	}
	r.name(inputHost(d.Target.Address))
	for _, c := range d.Certificates {
		for _, n := range c.Names {
			r.name(n)
		}
		r.subject(c.Subject, c.Role)
		r.subject(c.Issuer, "issuer")
		r.word(c.Serial, "serial-")
		r.word(c.Fingerprint, "fingerprint-")
		r.word(c.SubjectKeyID, "key-")
		r.word(c.AuthorityKeyID, "key-")
	}
	for _, c := range d.Causes {
		r.speech(c.Summary)
		for _, e := range c.Evidence {
			r.speech(e.Text)
		}
		for _, f := range c.Fixes {
			all := f.Text + "\n" + f.Config + "\n" + f.Command
			r.urls(all)
			r.distinguished(all)
		}
	}
	for _, s := range d.Handshake.Steps {
		r.speech(s.Text)
		for _, n := range s.Notes {
			r.speech(n)
		}
	}
	for _, a := range d.Addresses {
		r.speech(a.Text)
	}
	for _, a := range d.Attempts {
		r.speech(a.Change)
		r.speech(a.End)
	}
	for _, n := range d.NotTested {
		r.speech(n.What + " " + n.Reason)
	}
	for _, n := range d.Notes {
		r.speech(n)
	}
}

// path remembers the host names in the path of a file, such as
// live/shop.example.com/fullchain.pem.
func (r *redactor) path(s string) {
	for _, part := range strings.FieldsFunc(s, func(c rune) bool { return c == '/' || c == '\\' || c == ' ' }) {
		for _, ext := range []string{".pem", ".crt", ".cer", ".der", ".p12", ".pfx", ".jks", ".p7b", ".yaml", ".yml", ".json", ".conf"} {
			part = strings.TrimSuffix(part, ext)
		}
		if strings.Contains(part, ".") && looksLikeHost(part) {
			r.name(part)
		}
	}
}

// inputHost is the host of a target as typed.
func inputHost(s string) string {
	if _, rest, ok := strings.Cut(s, "://"); ok {
		s = rest
	}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		s = s[i+1:]
	}
	s, _, _ = strings.Cut(s, "/")
	if _, err := netip.ParseAddr(s); err == nil {
		return s
	}
	s, _, _ = strings.Cut(s, ":")
	return s
}

// name remembers a host name by its domain.
func (r *redactor) name(s string) {
	s = strings.ToLower(strings.Trim(strings.TrimPrefix(s, "*."), ". "))
	if s == "" || s == "localhost" || strings.ContainsAny(s, " /=,") {
		return
	}
	if _, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return
	}
	if !strings.Contains(s, ".") {
		r.word(s, "name-")
		return
	}
	base := baseOf(s)
	if r.bases[base] == "" {
		r.bases[base] = r.number("name-", base) + ".example"
	}
}

// secondLevels are labels under which countries register names.
var secondLevels = []string{"co", "com", "net", "org", "ac", "gov", "edu", "go", "or", "ne", "gob", "gouv"}

// baseOf is the domain that a host name is registered under: its last two
// labels, three under such as co.uk. It is a heuristic; a wrong answer masks
// too much or numbers one domain as two.
func baseOf(name string) string {
	labels := strings.Split(strings.TrimPrefix(name, "*."), ".")
	n := 2
	if len(labels) >= 3 && len(labels[len(labels)-1]) == 2 && slices.Contains(secondLevels, labels[len(labels)-2]) {
		n = 3
	}
	return strings.Join(labels[max(0, len(labels)-n):], ".")
}

// publicAuthorities are organisations whose names say nothing about the user.
var publicAuthorities = []string{"let's encrypt", "internet security research group", "digicert", "sectigo", "globalsign",
	"google trust services", "amazon", "godaddy", "entrust", "comodo", "usertrust", "identrust", "zerossl", "buypass",
	"certum", "asseco", "harica", "hellenic academic", "ssl.com", "ssl corp", "quovadis", "microsoft corporation",
	"actalis", "telia", "d-trust", "swisssign", "starfield", "verisign", "symantec", "geotrust", "thawte", "baltimore",
	"cybertrust", "certigna", "trustasia", "isrg"}

// subject remembers the values of a distinguished name, except those of
// public authorities.
func (r *redactor) subject(dn, role string) {
	prefix := "subject-"
	if role == "issuer" || role == "intermediate" || role == "root" || role == "missing" {
		if publicAuthority(dn) {
			return
		}
		prefix = "ca-"
	}
	for _, part := range splitDN(dn) {
		kind, value, ok := strings.Cut(part, "=")
		if !ok {
			continue
		}
		switch kind = strings.TrimSpace(kind); {
		case strings.EqualFold(kind, "C"):
		case strings.Contains(value, ".") && !strings.Contains(value, " "):
			r.name(value)
		case strings.EqualFold(kind, "CN"):
			r.word(value, prefix)
		default:
			r.word(value, "organization-")
		}
	}
}

func publicAuthority(s string) bool {
	lower := strings.ToLower(s)
	return slices.ContainsFunc(publicAuthorities, func(a string) bool { return strings.Contains(lower, a) })
}

var (
	// dnPart is one attribute of a distinguished name in a sentence.
	dnPart = regexp.MustCompile(`\b(CN|OU|O|L|ST|emailAddress|serialNumber|DC)=([^,+;()"'\n/]+)`)
	// namedCA is a CA's name at the end of a statement.
	namedCA = regexp.MustCompile(`\bCA (\p{Lu}[^;:,()"\n]*)$`)
	// issuedBy is how a step names a certificate: "billing-01, issued by Acme CA (Acme)".
	issuedBy = regexp.MustCompile(`^(.+?), issued by ([^(;]+?)(?: \(([^)]*)\))?(?:;|$)`)
)

// distinguished remembers the distinguished names that stand in a text.
func (r *redactor) distinguished(s string) {
	for line := range strings.Lines(s) {
		if publicAuthority(line) {
			continue
		}
		for _, m := range dnPart.FindAllStringSubmatch(line, -1) {
			value, _, _ := strings.Cut(m[2], ". ") // the sentence ends
			prefix := "organization-"
			if m[1] == "CN" {
				prefix = "subject-"
			}
			r.title(strings.TrimRight(value, ". "), prefix)
		}
	}
}

// title remembers a name of a certificate: a host name, or any other.
func (r *redactor) title(s, prefix string) {
	s = strings.TrimSpace(s)
	switch {
	case strings.Contains(s, ".") && !strings.Contains(s, " "):
		r.name(s)
	default:
		r.word(s, prefix)
	}
}

// splitDN splits a distinguished name at commas and plus signs that are not
// escaped.
func splitDN(dn string) []string {
	var parts []string
	start := 0
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case ',', '+', ';':
			parts = append(parts, dn[start:i])
			start = i + 1
		}
	}
	return append(parts, dn[start:])
}

// speech looks for host names in text that a peer or the environment wrote.
func (r *redactor) speech(s string) {
	r.urls(s)
	r.distinguished(s)
	if m := issuedBy.FindStringSubmatch(s); m != nil && !publicAuthority(s) {
		r.title(m[1], "subject-")
		r.title(m[2], "ca-")
		r.title(m[3], "organization-")
	}
	if m := namedCA.FindStringSubmatch(s); m != nil && !publicAuthority(s) {
		r.title(m[1], "ca-")
	}
	for _, m := range hostName.FindAllString(s, -1) {
		if looksLikeHost(m) {
			r.name(m)
		}
	}
}

// notTopLevel are last labels of file names and of identifiers.
var notTopLevel = []string{"pem", "crt", "cer", "key", "der", "csr", "crl", "p12", "pfx", "jks", "conf", "cfg", "cnf",
	"ini", "json", "yaml", "yml", "xml", "properties", "md", "txt", "log", "html", "htm", "js", "ts", "py", "java", "so",
	"dll", "exe", "sh", "ps1", "service", "timer", "socket", "target", "security", "php", "policy", "default", "config"}

// notHosts begin identifiers of programs.
var notHosts = []string{"java", "javax", "jdk", "sun", "tls", "ssl", "http", "https", "system", "crypto", "x509", "asp", "node", "os"}

// looksLikeHost says whether a dotted word may be a host name rather than a
// file, a version or an identifier.
func looksLikeHost(s string) bool {
	labels := strings.Split(strings.ToLower(strings.TrimPrefix(s, "*.")), ".")
	last := labels[len(labels)-1]
	if len(last) < 2 || slices.Contains(notTopLevel, last) || slices.Contains(notHosts, labels[0]) {
		return false
	}
	return !strings.ContainsAny(last, "0123456789_") || strings.HasPrefix(last, "xn--")
}

// publicHosts are domains of authorities and of documents; they stay.
var publicHosts = []string{"lencr.org", "digicert.com", "sectigo.com", "globalsign.com", "pki.goog", "amazontrust.com",
	"entrust.net", "identrust.com", "rfc-editor.org", "mozilla.org", "cabforum.org", "openssl.org", "nginx.org", "apache.org"}

// urls remembers the hosts of the URLs in s.
func (r *redactor) urls(s string) {
	for {
		i := strings.Index(s, "://")
		if i < 0 {
			return
		}
		s = s[i+3:]
		end := strings.IndexAny(s, " \t\n'\"<>,;)")
		if end < 0 {
			end = len(s)
		}
		u, err := url.Parse("x://" + s[:end])
		if err != nil {
			continue
		}
		if h := strings.ToLower(u.Hostname()); strings.Contains(h, ".") && !slices.Contains(publicHosts, baseOf(h)) {
			r.name(h)
		}
	}
}
