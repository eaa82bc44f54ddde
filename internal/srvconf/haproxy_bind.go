package srvconf

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// flags of a bind line that take a value.
var haproxyValues = []string{"crt", "crt-list", "ca-file", "ca-verify-file", "crl-file", "verify", "ciphers", "ciphersuites", "ssl-min-ver", "ssl-max-ver", "curves", "ecdhe", "alpn", "npn",
	"default-crt", "name", "user", "group", "mode", "gid", "uid", "backlog", "maxconn", "mss", "namespace", "interface", "process", "thread", "level", "severity-output", "tcp-ut", "id", "nice",
	"sigalgs", "client-sigalgs", "ca-sign-file", "ca-sign-pass", "ca-ignore-err", "crt-ignore-err", "ocsp-update", "proto", "shards", "tls-ticket-keys", "expose-fd", "nbconn", "guid-prefix", "quic-cc-algo",
	"accept-netscaler-cip", "label", "cc", "ktls", "ech", "default-crt-ignore", "quic-socket", "renegotiate-mode", "tcp-md5sig", "guid"}

// flags of a bind line that take none.
var haproxyFlags = strings.Fields(`ssl accept-proxy allow-0rtt defer-accept force-sslv3 force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13 generate-certificates no-alpn no-ca-names no-sslv3
	no-tls-tickets tls-tickets no-tlsv10 no-tlsv11 no-tlsv12 no-tlsv13 no-strict-sni prefer-client-ciphers strict-sni tfo transparent v4v6 v6only quic-force-retry mptcp`)

func (h *haproxyReader) bind(section *node, words []string, line facts.Line) {
	values := map[string][]string{}
	set := map[string]bool{}
	if len(words) < 2 {
		return
	}
	for i := 2; i < len(words); i++ {
		if w := words[i]; !slices.Contains(haproxyValues, w) && !slices.Contains(haproxyFlags, w) {
			f := mistyped(line.Place, "a bind line of HAProxy knows no", w, slices.Concat(haproxyValues, haproxyFlags), ": it does not start")
			if h.fault(f); slices.Contains(haproxyValues, f.Meant) {
				i++ // its value
			}
			continue
		}
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
		s.Title = strings.TrimSpace(section.arg(0)+" "+section.arg(1)) + ", " + c.file
		s.Strict = set["strict-sni"]
		s.ProxyHeader = set["accept-proxy"]
		h.clientAuth(s, values, c, line)
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

func (h *haproxyReader) clientAuth(s *facts.Site, all map[string][]string, c haproxyCert, line facts.Line) {
	values := maps.Clone(all)
	for _, name := range []string{"verify", "ca-file", "ca-verify-file", "crl-file"} {
		if v, ok := c.local[name]; ok { // of a crt-list
			values[name], line = []string{v}, c.line
		}
	}
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
		l := line
		l.Name, l.Value = "ca-file", absolute(h.caBase, ca)
		s.Lines[facts.SetClientCA] = l
		if ca == "@system-ca" || isFolder(h.real(l.Value)) {
			s.Authorities = nil // more than are worth reading
			break
		}
		h.authorities(s, l)
	}
	for _, crl := range values["crl-file"] {
		l := line
		l.Name, l.Value = "crl-file", absolute(h.caBase, crl)
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
	t := settings{ciphers: one("ciphers", facts.SetSuites), suites13: one("ciphersuites", facts.SetSuites13), groups: one("curves", facts.SetGroups), schemes: one("sigalgs", facts.SetSchemes), dh: h.dh, defaultDH: h.defaultDH,
		ownOrder: !set["prefer-client-ciphers"] && !slices.Contains(h.options, "prefer-client-ciphers")}
	t.suites13At = s.Line(facts.SetSuites13).Place
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
	if bits := new(big.Int).SetBytes(t.dh).BitLen(); t.dh != nil && bits < 2048 && ExpandCiphers(t.ciphers).Level < 0 {
		addFault(s, facts.Fault{At: s.Line(facts.SetDH).Place, Remark: true, Text: fmt.Sprintf("HAProxy cannot use a Diffie-Hellman prime of %d bits at OpenSSL's security level: the suites of DHE are off", bits)})
		t.dh, t.defaultDH = nil, 0
	}
	if t.dh == nil && t.defaultDH < 2048 { // OpenSSL refuses its own parameters of that size at level 2
		t.defaultDH = 0
	}
	low, high := 3, 4 // TLSv1.2 since HAProxy 2.2
	lowest := false   // whether low was configured
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
				addFault(s, mistyped(l.Place, "HAProxy knows no version", next, haproxyVersions, " after "+w+": it does not start"))
			case w == "ssl-min-ver":
				low, lowest, s.Lines[facts.SetVersions] = version, true, facts.Line{Place: l.Place, Name: w, Value: next}
			case w == "ssl-max-ver":
				high, s.Lines[facts.SetVersions] = version, facts.Line{Place: l.Place, Name: w, Value: next}
			case strings.HasPrefix(w, "no-") && named >= 0:
				off[named] = true
				s.Lines[facts.SetVersions] = l
			case strings.HasPrefix(w, "force-") && named >= 0:
				low, high, lowest = named, named, true
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
	if !lowest {
		low = min(low, high) // HAProxy warns and goes on
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
