package diagnose

import (
	"cmp"
	"net/netip"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/starttls"
)

// Target is what a user typed, taken apart.
type Target struct {
	Input    string
	Name     string // lower-case A-labels without a trailing dot, or an IP literal
	Zone     string // the interface of a link-local IPv6 literal, "" where none is named
	Port     int
	Protocol string
	StartTLS string
	Path     string
	Guessed  bool // the protocol follows from the port only
}

// scheme is a URL scheme: its port, and whether TLS comes after a plaintext
// dialogue.
type scheme struct {
	port     int
	starttls bool
}

// schemes of implicit TLS, plus those that package starttls adds.
var schemes = map[string]scheme{
	"https": {443, false}, "http": {80, false}, "tls": {0, false}, "ssl": {0, false}, "wss": {443, false},
	"smtps": {465, false}, "submissions": {465, false}, "imaps": {993, false}, "pop3s": {995, false}, "ldaps": {636, false},
	"ftps": {990, false}, "nntps": {563, false}, "ircs": {6697, false}, "xmpps": {5223, false}, "mqtts": {8883, false},
	"amqps": {5671, false}, "sips": {5061, false}, "rediss": {6379, false}, "dot": {853, false}, "telnets": {992, false}, strictSQL: {1433, false},
}

// strictSQL is SQL Server with TDS 8, whose TLS begins at once and names its
// protocol ([MS-TDS], Section 2.2.6.5).
const (
	strictSQL     = "mssqls"
	strictSQLALPN = "tds/8.0"
)

// portProtocols says what usually speaks on a port.
var portProtocols = map[int]string{443: "https", 8443: "https", 4443: "https", 9443: "https", 465: "smtps", 993: "imaps",
	995: "pop3s", 636: "ldaps", 990: "ftps", 563: "nntps", 6697: "ircs", 5223: "xmpps", 8883: "mqtts", 5671: "amqps", 5061: "sips", 853: "dot", 992: "telnets"}

// ParseTarget reads host, host:port, [v6]:port, v6 or a URL. The error is a
// *UsageError.
func ParseTarget(input string) (Target, error) {
	t := Target{Input: input, Protocol: "https", Port: 443}
	s := strings.TrimSpace(input)
	switch {
	case s == "":
		return t, usage("give a host, host:port or URL", "the target is empty")
	case s == "-":
		return t, usage("--targets - reads targets from standard input", "%q is no host name", s)
	case strings.HasPrefix(s, "/") || strings.HasPrefix(s, "./") || strings.HasPrefix(s, "../"):
		return t, usage("for files there are tlswhy capture, cert, config and explain", "%q is a path and no host", s)
	}
	host := s
	if name, rest, isURL := strings.Cut(s, "://"); isURL {
		name = strings.ToLower(name)
		sch, ok := lookupScheme(name)
		switch {
		case !ok:
			return t, usage("known are "+strings.Join(knownSchemes(), ", "), "the scheme %q is unknown", name)
		}
		t.Protocol, t.Port = name, sch.port
		if p, ok := starttls.Lookup(name); ok && sch.starttls {
			t.StartTLS, t.Protocol = p.Name(), p.Name()
		}
		if name == "ssl" {
			t.Protocol = "tls"
		}
		if name == "wss" {
			t.Protocol = "https"
		}
		u, err := url.Parse("x://" + rest)
		if err != nil {
			return t, usage("", "the URL %q cannot be read", input)
		}
		if u.User != nil {
			return t, usage("leave user and password out", "the target holds credentials")
		}
		host = strings.TrimSuffix(u.Host, ":")
		if t.Path = u.EscapedPath(); u.RawQuery != "" {
			t.Path = cmp.Or(t.Path, "/") + "?" + strings.ReplaceAll(u.RawQuery, " ", "%20")
		}
		if t.StartTLS == "mssql" && strings.EqualFold(u.Query().Get("encrypt"), "strict") {
			t.Protocol, t.StartTLS = strictSQL, "" // TDS 8: TLS from the first byte
		}
		if host == "" {
			return t, usage("", "the URL %q names no host", input)
		}
	} else if i := strings.IndexByte(host, '/'); i >= 0 {
		host, t.Path = host[:i], host[i:]
		u, err := url.Parse(t.Path)
		if err != nil {
			return t, usage("", "the path of %q cannot be read", input)
		}
		if t.Path = u.EscapedPath(); u.RawQuery != "" {
			t.Path += "?" + strings.ReplaceAll(u.RawQuery, " ", "%20")
		}
	}
	named, port, hasPort, err := splitHost(host)
	if err != nil {
		return t, err
	}
	if hasPort {
		t.Port = port
		if !strings.Contains(s, "://") {
			t.guess()
		}
	}
	if t.Port == 0 {
		return t, usage("write "+t.Protocol+"://HOST:PORT", "%s has no usual port", t.Protocol)
	}
	if t.Name, err = normalName(named); err != nil {
		return t, err
	}
	if addr, err := netip.ParseAddr(named); err == nil {
		if t.Zone = addr.Zone(); strings.ContainsFunc(t.Zone, func(r rune) bool { return r == utf8.RuneError || !unicode.IsGraphic(r) }) {
			return t, usage("", "%q is no interface", t.Zone)
		}
	} else if last := t.Name[strings.LastIndexByte(t.Name, '.')+1:]; last != t.Name && strings.Trim(last, "0123456789") == "" {
		return t, usage("an IPv4 address has four numbers from 0 to 255", "%q is neither an address nor a host name", named)
	}
	return t, nil
}

// namesPort tells whether a target that ParseTarget takes says its port, by
// number or by its scheme.
func namesPort(input string) bool {
	s := strings.TrimSpace(input)
	if strings.Contains(s, "://") {
		return true
	}
	host, _, _ := strings.Cut(s, "/")
	_, _, hasPort, err := splitHost(host)
	return err != nil || hasPort
}

// guess derives the protocol from the port.
func (t *Target) guess() {
	if p, ok := portProtocols[t.Port]; ok {
		t.Protocol = p
		return
	}
	if p, ok := starttls.ByPort(t.Port); ok {
		t.Protocol, t.StartTLS, t.Guessed = p.Name(), p.Name(), true
		return
	}
	t.Guessed = true // https, as browsers and curl take it
}

func lookupScheme(name string) (scheme, bool) {
	if s, ok := schemes[name]; ok {
		return s, true
	}
	if p, ok := starttls.Lookup(name); ok && len(p.Ports()) > 0 {
		return scheme{p.Ports()[0], true}, true
	}
	return scheme{}, false
}

func knownSchemes() []string {
	var out []string
	for name := range schemes {
		out = append(out, name)
	}
	out = append(out, starttls.Names()...)
	sort.Strings(out)
	return slices.Compact(out)
}

// splitHost separates host and port.
func splitHost(s string) (host string, port int, hasPort bool, err error) {
	if strings.Contains(s, "@") {
		return "", 0, false, usage("leave user and password out", "the target holds credentials")
	}
	if strings.HasPrefix(s, "[") {
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, false, usage("write [ADDRESS]:PORT", "the address %q has no closing bracket", s)
		}
		host, s = s[1:end], s[end+1:]
		if _, e := netip.ParseAddr(host); e != nil && host != "" {
			return "", 0, false, usage("brackets are for IPv6 addresses", "%q is no IPv6 address", host)
		}
		if s == "" {
			return host, 0, false, nil
		}
		if s[0] != ':' {
			return "", 0, false, usage("write [ADDRESS]:PORT", "%q follows the address", s)
		}
		s = s[1:]
	} else {
		if _, e := netip.ParseAddr(s); e == nil {
			return s, 0, false, nil // a bare IPv6 address, or IPv4
		}
		var found bool
		if host, s, found = strings.Cut(s, ":"); !found {
			return host, 0, false, nil
		}
		if strings.Contains(s, ":") {
			return "", 0, false, usage("write [ADDRESS]:PORT for IPv6", "the target holds more than one colon")
		}
	}
	port, e := strconv.Atoi(s)
	if e != nil || strings.HasPrefix(s, "+") {
		return "", 0, false, usage("", "the port %q is no number", s)
	}
	if port < 1 || port > 65535 {
		return "", 0, false, usage("", "the port %d is out of range (1 to 65535)", port)
	}
	return host, port, true, nil
}

// normalName brings a host name into the form that SNI and certificates use.
func normalName(s string) (string, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return addr.Unmap().WithZone("").String(), nil
	}
	for _, r := range s { // a pasted name may hold what nobody sees
		if r == utf8.RuneError || r > unicode.MaxASCII && !unicode.IsLetter(r) && !unicode.IsMark(r) && !unicode.IsDigit(r) && !strings.ContainsRune("\u00B7\u30FB\u3002\uFF0E\uFF61", r) {
			return "", usage("type it again; a pasted name may hold invisible characters", "%q is no host name: %q cannot stand in one", s, r)
		}
	}
	name := strings.TrimSuffix(strings.ToLower(s), ".")
	if name = chain.ToASCII(name); name == "" {
		return "", usage("", "%q is no host name", s)
	}
	if len(name) > 253 {
		return "", usage("", "the host name is longer than 253 characters")
	}
	for _, label := range strings.Split(name, ".") {
		if label == "" || len(label) > 63 {
			return "", usage("", "%q is no host name: a label is empty or longer than 63 characters", s)
		}
		for _, r := range label {
			if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_') {
				return "", usage("", "%q is no host name: %q cannot stand in one", s, r)
			}
		}
	}
	return name, nil
}
