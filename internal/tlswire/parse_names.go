package tlswire

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/spell"
)

// ParseCipherSuites reads a list of suites, separated by commas, colons or
// spaces: IANA names, OpenSSL names or hex (0xC02F). It knows no cipher-string
// algebra such as HIGH:!aNULL.
func ParseCipherSuites(list string) ([]CipherSuite, error) {
	return parseList(list, "cipher suite", suiteTable)
}

// ParseGroups reads a list of groups: IANA names, the usual others (P-256,
// prime256v1, X25519) or hex.
func ParseGroups(list string) ([]Group, error) {
	return parseList(list, "group", groupTable)
}

// ParseSignatureSchemes reads a list of signature schemes: IANA names, OpenSSL
// names (ECDSA+SHA256, RSA-PSS+SHA256) or hex.
func ParseSignatureSchemes(list string) ([]SignatureScheme, error) {
	return parseList(list, "signature scheme", schemeTable)
}

// ParseExtensionTypes reads a list of extension types: IANA names or hex.
func ParseExtensionTypes(list string) ([]ExtensionType, error) {
	return parseList(list, "extension", extensionTable)
}

// versionNames holds the spellings beside those that normalName makes equal.
var versionNames = map[string]Version{
	"ssl2": SSL2, "ssl20": SSL2, "sslv2": SSL2,
	"ssl3": SSL3, "ssl30": SSL3, "sslv3": SSL3,
	"10": TLS10, "tls1": TLS10, "tls10": TLS10, "tlsv1": TLS10, "tlsv10": TLS10,
	"11": TLS11, "tls11": TLS11, "tlsv11": TLS11,
	"12": TLS12, "tls12": TLS12, "tlsv12": TLS12,
	"13": TLS13, "tls13": TLS13, "tlsv13": TLS13,
}

// ParseVersion reads a version: `1.2`, `TLSv1.2`, `TLS 1.2`, `tls1_2`, `ssl3`,
// `0x0303`.
func ParseVersion(name string) (Version, error) {
	if v, ok := versionNames[normalName(name)]; ok {
		return v, nil
	}
	if v, ok := parseHex(name); ok {
		return Version(v), nil
	}
	return 0, &NameError{Kind: "version", Name: name, Near: []string{"ssl2", "ssl3", "1.0", "1.1", "1.2", "1.3"}}
}

// NameError is an item of a list that nothing is called by.
type NameError struct {
	Kind string // "cipher suite"
	Name string
	Near []string // known names like it
}

// Error implements error; its text ends in the hint.
func (e *NameError) Error() string {
	text := fmt.Sprintf("unknown %s %q", e.Kind, e.Name)
	switch n := len(e.Near); n {
	case 0:
		return text
	case 1:
		return text + "; did you mean " + e.Near[0] + "?"
	default:
		return text + "; did you mean " + strings.Join(e.Near[:n-1], ", ") + " or " + e.Near[n-1] + "?"
	}
}

// normalName makes spellings equal that differ in case and separators.
func normalName(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '-' || r == '_' || r == '.' || r == ' ':
			return -1
		case r >= 'A' && r <= 'Z':
			return r - 'A' + 'a'
		}
		return r
	}, name)
}

func parseHex(text string) (uint16, bool) {
	digits, ok := strings.CutPrefix(strings.ToLower(text), "0x")
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseUint(digits, 16, 16)
	return uint16(v), err == nil
}

func splitList(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool {
		return r == ',' || r == ':' || r == ' ' || r == '\t' || r == '\n' || r == '\r' || r == ';'
	})
}

// parseList looks every item up.
func parseList[T ~uint16](list, kind string, table []entry[T]) ([]T, error) {
	index := make(map[string]T, 2*len(table))
	for _, e := range table {
		for _, name := range append(strings.Fields(e.alias), e.name) {
			if _, taken := index[normalName(name)]; !taken {
				index[normalName(name)] = e.value
			}
		}
	}
	items := splitList(list)
	if len(items) == 0 {
		return nil, fmt.Errorf("empty list of %ss", kind)
	}
	out := make([]T, 0, len(items))
	for _, item := range items {
		if v, ok := parseHex(item); ok {
			out = append(out, T(v))
			continue
		}
		v, ok := index[normalName(item)]
		if !ok {
			return nil, &NameError{Kind: kind, Name: item, Near: nearNames(item, table)}
		}
		out = append(out, v)
	}
	return out, nil
}

// nearNames returns up to three names within a third of the item's length in
// edits, nearest first.
func nearNames[T ~uint16](item string, table []entry[T]) []string {
	const most = 3
	want := normalName(item)
	bound := max(2, len(want)/3)
	near := make([][]string, bound+1) // by distance
	for _, e := range table {
		for _, name := range append(strings.Fields(e.alias), e.name) {
			if d := spell.Distance(want, normalName(name), bound); d <= bound {
				near[d] = append(near[d], name)
			}
		}
	}
	var out []string
	for _, names := range near {
		for _, name := range names {
			if len(out) < most {
				out = append(out, name)
			}
		}
	}
	return out
}
