package report

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tlswhy/tlswhy/diag"
)

// redactor masks names, addresses and credentials. The same value gets the
// same mask in every field of every diagnosis that goes through one redactor,
// so that what belongs together can still be seen: name-1.example for a
// domain, 192.0.2.1 and 2001:db8::1 for addresses (RFC 2606, RFC 5737, RFC
// 3849). It is a heuristic: a name that stands in free text and looks like
// none may stay.
type redactor struct {
	bases    map[string]string     // domain: its mask
	labels   map[string]string     // host label under a domain: its mask
	words    map[string]string     // other values (subjects, serials): their masks
	order    []string              // keys of words, longest first
	v4, v6   map[netip.Addr]string // addresses: their masks
	counters map[string]int
}

func newRedactor() *redactor {
	return &redactor{bases: map[string]string{}, labels: map[string]string{}, words: map[string]string{},
		v4: map[netip.Addr]string{}, v6: map[netip.Addr]string{}, counters: map[string]int{}}
}

// diagnosis returns a masked copy of d. Certificates in PEM and raw bytes are
// dropped: they are full of names.
func (r *redactor) diagnosis(d *diag.Diagnosis) *diag.Diagnosis {
	raw, err := json.Marshal(d)
	c := &diag.Diagnosis{}
	if err == nil {
		err = json.Unmarshal(raw, c)
	}
	if err != nil { // a number that JSON cannot say: better nothing than everything
		return &diag.Diagnosis{Schema: diag.Schema, Verdict: d.Verdict, StartedAt: d.StartedAt, JudgedAt: d.JudgedAt, Tool: d.Tool,
			Notes: []string{"not printed: masking it went wrong"}}
	}
	for i := range c.Certificates {
		c.Certificates[i].PEM = ""
	}
	for i := range c.Attempts {
		for k := range c.Attempts[i].Messages {
			c.Attempts[i].Messages[k].Raw, c.Attempts[i].Messages[k].Fields = "", nil
		}
	}
	r.learn(c)
	tool := c.Tool
	r.walk(reflect.ValueOf(c).Elem())
	c.Tool = tool
	return c
}

// walk masks every string below v.
func (r *redactor) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if v.Type() == reflect.TypeFor[string]() {
			v.SetString(r.text(v.String()))
		}
	case reflect.Pointer:
		if !v.IsNil() {
			r.walk(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() && v.Field(i).CanSet() {
				r.walk(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			r.walk(v.Index(i))
		}
	case reflect.Interface:
		if !v.IsNil() {
			v.Set(reflect.ValueOf(r.decoded(v.Interface())))
		}
	}
}

// decoded masks what encoding/json made of a value of any type.
func (r *redactor) decoded(v any) any {
	switch v := v.(type) {
	case string:
		return r.text(v)
	case []any:
		for i := range v {
			v[i] = r.decoded(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = r.decoded(v[k])
		}
	}
	return v
}

var (
	pemBlock   = regexp.MustCompile(`(?s)-----BEGIN ([A-Z0-9 ]+)-----.*?(?:-----END [A-Z0-9 ]+-----|$)`)
	userInfo   = regexp.MustCompile(`://[^/\s@'"]+@`)
	urlQuery   = regexp.MustCompile(`(://[^\s?'"<>]+)\?[^\s'"<>]+`)
	headers    = regexp.MustCompile(`(?i)\b((?:proxy-)?authorization|set-cookie|cookie|x-api-key)(\s*:\s*)[^\r\n]+`)
	secrets    = regexp.MustCompile(`(?i)\b(pass(?:word|wd|phrase)?|token|secret|api[_-]?key)=[^\s&'"]+`)
	homeFolder = regexp.MustCompile(`(?i)((?:/home/|/Users/|\\Users\\))[^/\\\s'"]+`)
	mailUser   = regexp.MustCompile(`[A-Za-z0-9._%+-]+@([A-Za-z0-9][A-Za-z0-9.-]*)`)
	hostName   = regexp.MustCompile(`(?:\*\.)?[\pL\pN_][\pL\pN_-]*(?:\.[\pL\pN_][\pL\pN_-]*)+`)
	addressRun = regexp.MustCompile(`[0-9A-Fa-f:.]+`)
)

// text masks one string.
func (r *redactor) text(s string) string {
	s = pemBlock.ReplaceAllString(s, "-----BEGIN $1----- (removed)")
	s = userInfo.ReplaceAllString(s, "://user:password@")
	s = urlQuery.ReplaceAllString(s, "$1?…")
	s = headers.ReplaceAllString(s, "$1${2}(removed)")
	s = secrets.ReplaceAllString(s, "$1=(removed)")
	s = homeFolder.ReplaceAllString(s, "${1}user")
	s = mailUser.ReplaceAllStringFunc(s, func(m string) string {
		user, host, _ := strings.Cut(m, "@")
		if user == "password" { // our own mask of a URL's credentials
			return m
		}
		return r.number("user-", user) + "@" + host
	})
	for _, w := range r.order {
		s = replaceWord(s, w, r.words[w])
	}
	s = hostName.ReplaceAllStringFunc(s, r.host)
	return addressRun.ReplaceAllStringFunc(s, r.address)
}

// number returns prefix and a number that is the same for the same value.
func (r *redactor) number(prefix, value string) string {
	key := prefix + strings.ToLower(value)
	if m, ok := r.labels[key]; ok {
		return m
	}
	r.counters[prefix]++
	m := fmt.Sprint(prefix, r.counters[prefix])
	r.labels[key] = m
	return m
}

// host masks a host name below a known domain and leaves all others. What
// follows the name in a file's name stays: shop.example.com-rsa.pem.
func (r *redactor) host(name string) string {
	for end := len(name); end > 0; end = strings.LastIndexAny(name[:end], ".-") {
		lower := strings.ToLower(name[:end])
		base := baseOf(lower)
		mask, ok := r.bases[base]
		if !ok {
			continue
		}
		above := strings.TrimSuffix(strings.TrimSuffix(lower, base), ".")
		if above == "" {
			return mask + name[end:]
		}
		labels := strings.Split(above, ".")
		for i, l := range labels {
			if l != "*" && l != "www" {
				labels[i] = r.number("h", l)
			}
		}
		return strings.Join(labels, ".") + "." + mask + name[end:]
	}
	return name
}

// address masks an IP address, with a port behind it or not.
func (r *redactor) address(s string) string {
	body := strings.TrimRight(s, ".:")
	if strings.HasSuffix(s, "::") {
		body = s
	}
	tail := s[len(body):]
	if a, err := netip.ParseAddr(body); err == nil {
		return r.maskAddress(a, body) + tail
	}
	if i := strings.LastIndexByte(body, ':'); i > 0 && !strings.Contains(body[:i], ":") {
		if a, err := netip.ParseAddr(body[:i]); err == nil {
			return r.maskAddress(a, body[:i]) + body[i:] + tail
		}
	}
	return s
}

func (r *redactor) maskAddress(a netip.Addr, s string) string {
	if a.IsLoopback() || a.IsUnspecified() {
		return s
	}
	a = a.Unmap()
	if a.Is4() {
		if m, ok := r.v4[a]; ok {
			return m
		}
		nets := []string{"192.0.2.", "198.51.100.", "203.0.113."}
		n := len(r.v4)
		m := fmt.Sprintf("198.18.%d.%d", n/250%256, n%250+1) // RFC 2544, once the others are used up
		if n/250 < len(nets) {
			m = fmt.Sprint(nets[n/250], n%250+1)
		}
		r.v4[a] = m
		return m
	}
	if m, ok := r.v6[a]; ok {
		return m
	}
	m := fmt.Sprintf("2001:db8::%x", len(r.v6)+1)
	r.v6[a] = m
	return m
}

// word remembers a value that is to be replaced wherever it stands.
func (r *redactor) word(value, prefix string) {
	value = strings.TrimSpace(value)
	if utf8.RuneCountInString(value) < 2 || r.words[value] != "" {
		return
	}
	r.words[value] = r.number(prefix, value)
	at, _ := slices.BinarySearchFunc(r.order, value, func(x, y string) int {
		if len(x) != len(y) {
			return len(y) - len(x)
		}
		return strings.Compare(x, y)
	})
	r.order = slices.Insert(r.order, at, value)
}

// replaceWord replaces w in s where it is not a part of a longer word.
func replaceWord(s, w, mask string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, w)
		if i < 0 {
			return b.String() + s
		}
		before, _ := utf8.DecodeLastRuneInString(s[:i])
		after, _ := utf8.DecodeRuneInString(s[i+len(w):])
		b.WriteString(s[:i])
		if i > 0 && wordRune(before) || i+len(w) < len(s) && wordRune(after) {
			b.WriteString(w)
		} else {
			b.WriteString(mask)
		}
		s = s[i+len(w):]
	}
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' }
