package srvconf

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register("haproxy", parseHAProxy)

// haproxyReader turns the sections of HAProxy into sites: one for each
// certificate of a bind line, since HAProxy chooses by the names in them.
type haproxyReader struct {
	*reader
	global          map[string]facts.Line
	options         []string // ssl-default-bind-options
	caBase, crtBase string
	defaultDH       int
	dh              []byte
}

func parseHAProxy(r *reader, file string, data []byte) {
	h := &haproxyReader{reader: r, global: map[string]facts.Line{}}
	section := &node{}
	for _, l := range joined(string(data), false) {
		words := haproxyWords(l.text)
		if len(words) == 0 {
			continue
		}
		at := facts.Place{File: file, Line: l.line}
		switch words[0] {
		case "global", "defaults", "frontend", "listen", "backend", "peers", "resolvers", "userlist", "mailers", "cache", "program", "ring", "http-errors", "fcgi-app", "crt-store", "traces", "log-forward", "log-profile", "acme":
			section = &node{words: words, at: at}
			continue
		}
		line := facts.Line{Place: at, Name: words[0], Value: strings.Join(words[1:], " ")}
		switch {
		case section.arg(0) == "global":
			h.setting(words, line)
		case words[0] == "bind" && (section.arg(0) == "frontend" || section.arg(0) == "listen"):
			h.bind(section, words, line)
		case words[0] == "bind" && section.arg(0) == "":
			r.fault(facts.Fault{At: at, Stops: true, Text: "bind stands outside of a frontend"})
		}
	}
}

// haproxyWords splits a line; backslashes and quotes keep blanks, and # begins
// a comment.
func haproxyWords(s string) []string {
	var out []string
	var b strings.Builder
	in, any := byte(0), false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && in != '\'' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
			any = true
		case in != 0 && c == in:
			in = 0
		case in == 0 && (c == '"' || c == '\''):
			in, any = c, true
		case in == 0 && c == '#':
			i = len(s)
		case in == 0 && (c == ' ' || c == '\t'):
			if any || b.Len() > 0 {
				out = append(out, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteByte(c)
		}
	}
	if any || b.Len() > 0 {
		out = append(out, b.String())
	}
	return out
}

func (h *haproxyReader) setting(words []string, line facts.Line) {
	if len(words) < 2 {
		return
	}
	h.global[words[0]] = line
	switch words[0] {
	case "ca-base":
		h.caBase = words[1]
	case "crt-base":
		h.crtBase = words[1]
	case "ssl-default-bind-options":
		h.options = words[1:]
	case "tune.ssl.default-dh-param":
		h.defaultDH, _ = strconv.Atoi(words[1])
	case "ssl-dh-param-file":
		h.dh = h.hold(words[1]).dh
	}
}

// flags of a bind line that take a value.
var haproxyValues = []string{"crt", "crt-list", "ca-file", "ca-verify-file", "crl-file", "verify", "ciphers", "ciphersuites", "ssl-min-ver", "ssl-max-ver", "curves", "ecdhe", "alpn", "npn",
	"default-crt", "name", "user", "group", "mode", "gid", "uid", "backlog", "maxconn", "mss", "namespace", "interface", "process", "thread", "level", "severity-output", "tcp-ut", "id", "nice",
	"sigalgs", "client-sigalgs", "ca-sign-file", "ca-sign-pass", "ca-ignore-err", "crt-ignore-err", "ocsp-update", "proto", "shards", "tls-ticket-keys", "expose-fd", "nbconn", "guid-prefix", "quic-cc-algo"}

func (h *haproxyReader) bind(section *node, words []string, line facts.Line) {
	values := map[string][]string{}
	set := map[string]bool{}
	if len(words) < 2 {
		return
	}
	for i := 2; i < len(words); i++ {
		set[words[i]] = true
		if slices.Contains(haproxyValues, words[i]) && i+1 < len(words) {
			values[words[i]] = append(values[words[i]], words[i+1])
			i++
		}
	}
	if !set["ssl"] {
		if len(values["crt"])+len(values["crt-list"]) > 0 {
			s := h.site(section, words, line)
			s.Plain, s.Lines[facts.SetEnable] = true, line
			h.c.Sites = append(h.c.Sites, s)
		}
		return
	}
	certs := h.certificates(values, line)
	if len(certs) == 0 && !set["generate-certificates"] {
		s := h.site(section, words, line)
		addFault(s, facts.Fault{At: line.Place, Stops: true, Text: "the bind line says ssl, but names no certificate with crt: HAProxy does not start"})
		h.c.Sites = append(h.c.Sites, s)
		return
	}
	var sites []*facts.Site
	for _, c := range certs {
		s := h.site(section, words, line)
		if c.fault != nil {
			addFault(s, *c.fault)
		} else {
			h.load(s, c)
		}
		s.Title = cmp(section.arg(0)+" "+section.arg(1), c.file)
		for _, names := range []string{"strict-sni"} {
			s.Strict = s.Strict || set[names]
		}
		s.ProxyHeader = set["accept-proxy"]
		h.clientAuth(s, values, line)
		h.settings(s, values, set, c, line)
		if twin := h.twin(sites, s); twin != nil {
			twin.Pairs = append(twin.Pairs, s.Pairs...)
			h.settings(twin, values, set, c, line)
			continue
		}
		sites = append(sites, s)
	}
	share(sites)
	h.c.Sites = append(h.c.Sites, sites...)
}

func cmp(a, b string) string { return strings.TrimSpace(a) + ", " + b }

// twin is a site of the same names with a key of another kind: HAProxy serves
// both under one name.
func (h *haproxyReader) twin(sites []*facts.Site, s *facts.Site) *facts.Site {
	for _, other := range sites {
		if len(s.Names) > 0 && slices.Equal(other.Names, s.Names) && len(other.Pairs) > 0 && len(s.Pairs) > 0 && len(other.Faults)+len(s.Faults) == 0 &&
			len(other.Server.Keys) > 0 && len(s.Server.Keys) > 0 && other.Server.Keys[0] != s.Server.Keys[0] {
			return other
		}
	}
	return nil
}

func (h *haproxyReader) site(section *node, words []string, line facts.Line) *facts.Site {
	s := &facts.Site{Software: "haproxy", At: line.Place, Protocol: "https", Title: section.arg(0) + " " + section.arg(1), Lines: map[facts.Setting]facts.Line{facts.SetListen: line},
		Reload: "haproxy -c -f " + line.File + " && systemctl reload haproxy"}
	for address := range strings.SplitSeq(words[1], ",") {
		for _, family := range []string{"ipv4@", "ipv6@", "fd@", "quic4@", "quic6@"} {
			address = strings.TrimPrefix(address, family)
		}
		if strings.HasPrefix(address, ":") {
			address = "0.0.0.0" + address
		}
		s.Listen = append(s.Listen, strings.Replace(address, "*:", "0.0.0.0:", 1))
	}
	s.Port = portOf(s.Listen[0])
	return s
}

// haproxyCert is one certificate of a bind line.
type haproxyCert struct {
	file  string
	line  facts.Line
	names []string          // filters of a crt-list
	local map[string]string // settings of a crt-list
	fault *facts.Fault
}

func (h *haproxyReader) certificates(values map[string][]string, line facts.Line) []haproxyCert {
	var out []haproxyCert
	for _, path := range slices.Concat(values["default-crt"], values["crt"]) {
		if strings.HasPrefix(path, "@") {
			continue // of a crt-store
		}
		out = append(out, h.files(path, line, nil, nil)...)
	}
	for _, list := range values["crt-list"] {
		data, err := readBounded(h.real(list), maxFile)
		if err != nil {
			out = append(out, haproxyCert{file: list, fault: &facts.Fault{At: line.Place, File: list, Stops: true, Text: "the list of certificates " + list + " cannot be read: " + reason(err)}})
			continue
		}
		for _, l := range joined(string(data), false) {
			out = append(out, h.listed(list, l)...)
		}
	}
	return out
}

// listed reads one line of a crt-list: FILE [settings] names...
func (h *haproxyReader) listed(list string, l textLine) []haproxyCert {
	text := strings.TrimSpace(l.text)
	if text == "" || text[0] == '#' {
		return nil
	}
	local := map[string]string{}
	if open, end := strings.IndexByte(text, '['), strings.IndexByte(text, ']'); open >= 0 && end > open {
		words := strings.Fields(text[open+1 : end])
		for i, w := range words {
			local[w] = ""
			if i+1 < len(words) {
				local[w] = words[i+1]
			}
		}
		text = text[:open] + text[end+1:]
	}
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil
	}
	line := facts.Line{Place: facts.Place{File: list, Line: l.line}, Name: "crt", Value: words[0]}
	return h.files(words[0], line, words[1:], local)
}

// files are the certificates of a path: itself, or all of a folder.
func (h *haproxyReader) files(path string, line facts.Line, names []string, local map[string]string) []haproxyCert {
	path = absolute(h.crtBase, path)
	line.Name, line.Value = "crt", path
	info, err := os.Stat(h.real(path))
	if err != nil || !info.IsDir() {
		return []haproxyCert{{file: path, line: line, names: names, local: local}}
	}
	entries, err := os.ReadDir(h.real(path))
	if err != nil {
		return []haproxyCert{{file: path, fault: &facts.Fault{At: line.Place, File: path, Stops: true, Text: "the folder of certificates " + path + " cannot be read: " + reason(err)}}}
	}
	var out []haproxyCert
	for _, e := range entries {
		ext := filepath.Ext(e.Name())
		if strings.HasPrefix(e.Name(), ".") || slices.Contains([]string{".issuer", ".ocsp", ".sctl", ".key"}, ext) || e.Type()&fs.ModeDir != 0 || len(out) >= maxFiles {
			continue
		}
		out = append(out, haproxyCert{file: filepath.Join(path, e.Name()), line: line})
	}
	if len(out) == 0 {
		return []haproxyCert{{file: path, fault: &facts.Fault{At: line.Place, File: path, Stops: true, Text: "the folder of certificates " + path + " is empty"}}}
	}
	return out
}

func (h *haproxyReader) load(s *facts.Site, c haproxyCert) {
	cert := c.line
	cert.Value = c.file
	key := cert
	if held := h.hold(c.file); held.err == nil && held.key == nil && !held.locks {
		for _, other := range []string{c.file + ".key", strings.TrimSuffix(c.file, ".crt") + ".key"} {
			if _, err := os.Stat(h.real(other)); err == nil {
				key.Value = other
			}
		}
	}
	s.Lines[facts.SetCertificate], s.Lines[facts.SetKey] = cert, key
	h.pair(s, cert, key)
	if issuer := h.hold(c.file + ".issuer"); issuer.err == nil && len(s.Pairs[0].Chain) == 1 {
		s.Pairs[0].Chain = autoChain(s.Pairs[0].Chain, issuer.chain)
	}
	s.Names = slices.DeleteFunc(slices.Clone(c.names), func(n string) bool { return strings.HasPrefix(n, "!") })
	if len(s.Names) == 0 && len(s.Pairs[0].Chain) > 0 {
		leaf := s.Pairs[0].Chain[0]
		s.Names = slices.Clone(leaf.DNSNames)
		if cn := leaf.Subject.CN(); cn != "" && !slices.Contains(s.Names, cn) {
			s.Names = append(s.Names, cn)
		}
	}
}

func (h *haproxyReader) clientAuth(s *facts.Site, values map[string][]string, line facts.Line) {
	verify := "none"
	if v := values["verify"]; len(v) > 0 {
		verify = v[len(v)-1]
	} else if len(values["ca-file"]) == 0 {
		return
	}
	if verify == "none" {
		return
	}
	s.Verify = verify
	s.Lines[facts.SetVerify] = line
	if len(values["ca-file"])+len(values["ca-verify-file"]) == 0 {
		addFault(s, facts.Fault{At: line.Place, Stops: true, Text: "client certificates are wanted, but no ca-file says of which CA: HAProxy does not start"})
	}
	for _, ca := range slices.Concat(values["ca-file"], values["ca-verify-file"]) {
		if ca == "@system-ca" {
			continue
		}
		l := line
		l.Value = absolute(h.caBase, ca)
		s.Lines[facts.SetClientCA] = l
		h.authorities(s, l)
	}
	for _, crl := range values["crl-file"] {
		l := line
		l.Value = absolute(h.caBase, crl)
		s.Lines[facts.SetClientCRL] = l
		h.revocations(s, l)
	}
}

var haproxyVersions = []string{"SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2", "TLSv1.3"}

func (h *haproxyReader) settings(s *facts.Site, values map[string][]string, set map[string]bool, c haproxyCert, line facts.Line) {
	one := func(name string, setting facts.Setting) string {
		if v, ok := c.local[name]; ok {
			s.Lines[setting] = facts.Line{Place: c.line.Place, Name: name, Value: v}
			return v
		}
		if v := values[name]; len(v) > 0 {
			s.Lines[setting] = facts.Line{Place: line.Place, Name: name, Value: v[len(v)-1]}
			return v[len(v)-1]
		}
		if g, ok := h.global["ssl-default-bind-"+name]; ok {
			s.Lines[setting] = g
			return g.Value
		}
		return ""
	}
	t := settings{ciphers: one("ciphers", facts.SetSuites), suites13: one("ciphersuites", ""), groups: one("curves", facts.SetGroups), schemes: one("sigalgs", facts.SetSchemes), dh: h.dh, defaultDH: h.defaultDH,
		ownOrder: !set["prefer-client-ciphers"] && !slices.Contains(h.options, "prefer-client-ciphers")}
	delete(s.Lines, "")
	if t.groups == "" {
		t.groups = one("ecdhe", facts.SetGroups)
	}
	if held := h.hold(c.file); held.dh != nil {
		t.dh, s.Lines[facts.SetDH] = held.dh, c.line
	} else if g, ok := h.global["ssl-dh-param-file"]; ok {
		s.Lines[facts.SetDH] = g
	} else if g, ok := h.global["tune.ssl.default-dh-param"]; ok {
		s.Lines[facts.SetDH] = g
	}
	if t.dh == nil && t.defaultDH < 2048 { // OpenSSL refuses its own parameters of that size at level 2
		t.defaultDH = 0
	}
	low, high := 3, 4 // TLSv1.2 since HAProxy 2.2
	off := map[int]bool{}
	apply := func(words []string, l facts.Line) {
		for i, w := range words {
			next := ""
			if i+1 < len(words) {
				next = words[i+1]
			}
			version := slices.Index(haproxyVersions, next)
			name := strings.TrimPrefix(strings.TrimPrefix(w, "no-"), "force-")
			named := slices.IndexFunc(haproxyVersions, func(v string) bool { return strings.EqualFold(strings.ReplaceAll(v, ".", ""), name) })
			switch {
			case (w == "ssl-min-ver" || w == "ssl-max-ver") && version < 0:
				s.Lines[facts.SetVersions] = facts.Line{Place: l.Place, Name: w, Value: next}
				addFault(s, facts.Fault{At: l.Place, Stops: true, Text: fmt.Sprintf("HAProxy knows no version %q after %s and does not start", next, w)})
			case w == "ssl-min-ver":
				low, s.Lines[facts.SetVersions] = version, facts.Line{Place: l.Place, Name: w, Value: next}
			case w == "ssl-max-ver":
				high, s.Lines[facts.SetVersions] = version, facts.Line{Place: l.Place, Name: w, Value: next}
			case strings.HasPrefix(w, "no-") && named >= 0:
				off[named] = true
				s.Lines[facts.SetVersions] = l
			case strings.HasPrefix(w, "force-") && named >= 0:
				low, high = named, named
				s.Lines[facts.SetVersions] = l
			}
		}
	}
	apply(h.options, h.global["ssl-default-bind-options"])
	apply(strings.Fields(line.Value), line)
	for name, value := range c.local {
		if name == "ssl-min-ver" || name == "ssl-max-ver" {
			apply([]string{name, value}, c.line)
		}
	}
	for i := low; i <= high && i < len(haproxyVersions); i++ {
		if !off[i] {
			t.versions = append(t.versions, []tlswire.Version{tlswire.SSL3, tlswire.TLS10, tlswire.TLS11, tlswire.TLS12, tlswire.TLS13}[i])
		}
	}
	if len(t.versions) == 0 {
		addFault(s, facts.Fault{At: s.Line(facts.SetVersions).Place, Stops: true, Text: "no version is left: HAProxy does not start"})
	}
	s.Server = facts.Server{}
	negotiate(s, t)
}
