package srvconf

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// Aim is what a change of a configuration is to reach.
type Aim string

// The aims.
const (
	AimVersions Aim = "versions" // speak TLS 1.2 and 1.3
	AimSuites   Aim = "suites"   // share a suite with the client
	AimGroups   Aim = "groups"   // share a group with it
	AimSchemes  Aim = "schemes"  // sign as it understands
	AimDH       Aim = "DH"       // no small prime
	AimPair     Aim = "pair"     // certificate, chain and key that fit
	AimEnable   Aim = "enable"   // serve TLS at all
)

// Need is the client for whom a change is made.
type Need struct {
	Name  string
	At    time.Time
	Hello *tlswire.ClientHello
}

// Edit changes one line, removes it (New is empty) or adds one behind it.
type Edit struct {
	facts.Place
	Old, New string
	Insert   bool
}

// Mend proposes the smallest change of the lines of a site, nil where none is
// known. It changes nothing.
func Mend(s *facts.Site, aim Aim, need Need, o Options) []Edit {
	m := &mender{s: s, need: need, r: &reader{o: o, c: &Config{}, certs: map[string]*holding{}}}
	switch aim {
	case AimVersions:
		return m.versions()
	case AimSuites:
		return m.suites()
	case AimGroups:
		return m.groups()
	case AimSchemes:
		return m.drop(facts.SetSchemes)
	case AimDH:
		return m.primes()
	case AimPair:
		return m.pair()
	case AimEnable:
		return m.enable()
	}
	return nil
}

// Spell proposes the nearest known word in the place of a mistyped one.
func Spell(f facts.Fault, o Options) []Edit {
	m := &mender{r: &reader{o: o, c: &Config{}}}
	old, ok := m.raw(f.At)
	if !ok || f.Meant == "" || !strings.Contains(old, f.Word) {
		return nil
	}
	return []Edit{{Place: f.At, Old: old, New: strings.Replace(old, f.Word, f.Meant, 1)}}
}

type mender struct {
	s    *facts.Site
	need Need
	r    *reader
	// guessed says that no name is wanted: only a single candidate will do.
	guessed bool
}

// raw is the text of a line.
func (m *mender) raw(at facts.Place) (string, bool) {
	data, changed := m.r.o.Instead[at.File]
	if !changed {
		var err error
		if data, err = readBounded(m.r.real(at.File), maxFile); err != nil {
			return "", false
		}
	}
	lines := strings.Split(string(data), "\n")
	if at.Line < 1 || at.Line > len(lines) {
		return "", false
	}
	return lines[at.Line-1], true
}

// valueOf finds the value behind the name of a directive, by the syntax of the
// server.
func (m *mender) valueOf(l facts.Line) *regexp.Regexp {
	name := regexp.QuoteMeta(l.Name)
	switch m.s.Software {
	case "nginx":
		return regexp.MustCompile(`^(.*?\b` + name + `\s+)([^;]*)(;.*)$`)
	case "apache":
		return regexp.MustCompile(`(?i)^(\s*` + name + `\s+)(.*?)(\s*)$`)
	case "haproxy":
		return regexp.MustCompile(`^(.*?(?:^|\s)` + name + `\s+)(\S+)(.*)$`)
	case "postfix":
		return regexp.MustCompile(`^((?:\s*-o\s+)?` + name + `\s*=\s*)(.*?)(\s*)$`)
	}
	return regexp.MustCompile(`^(\s*` + name + `\s*=\s*<?\s*)(.*?)(\s*)$`)
}

// parts splits the line of a directive around its value: all of it, what stands
// before, the value, what stands behind. A value on the next line moves l there.
func (m *mender) parts(l *facts.Line) (string, []string) {
	old, ok := m.raw(l.Place)
	if !ok {
		return "", nil
	}
	part := m.valueOf(*l).FindStringSubmatch(old)
	if part == nil || part[2] != "" || m.s.Software != "postfix" {
		return old, part
	}
	next := l.Place
	next.Line++
	if text, ok := m.raw(next); ok && strings.TrimSpace(text) == l.Value {
		l.Place = next
		before, behind, _ := strings.Cut(text, l.Value)
		return text, []string{text, before, l.Value, behind}
	}
	return old, part
}

// set gives a directive another value, or adds it behind an anchor.
func (m *mender) set(l facts.Line, value, name string, anchor facts.Line) []Edit {
	if l.Line > 0 && l.Name != "" {
		old, part := m.parts(&l)
		if part == nil || part[2] == value {
			return nil
		}
		return []Edit{{Place: l.Place, Old: old, New: part[1] + value + part[3]}}
	}
	old, ok := m.raw(anchor.Place)
	if !ok || name == "" {
		return nil
	}
	indent := old[:len(old)-len(strings.TrimLeft(old, " \t"))]
	line := map[string]string{"nginx": "%s%s %s;", "apache": "%s%s %s", "postfix": "%s%s = %s", "dovecot": "%s%s = %s"}[m.s.Software]
	if line == "" || m.s.Software == "nginx" && !endOfDirective.MatchString(old) {
		return nil
	}
	return []Edit{{Place: anchor.Place, Insert: true, New: fmt.Sprintf(line, indent, name, value)}}
}

var endOfDirective = regexp.MustCompile(`;\s*(#.*)?$`)

func (m *mender) drop(setting facts.Setting) []Edit {
	l, ok := m.s.Lines[setting]
	if !ok || m.s.Software == "haproxy" && l.Name == "bind" {
		return nil
	}
	old, ok := m.raw(l.Place)
	if !ok || m.s.Software == "haproxy" && !strings.HasPrefix(strings.TrimSpace(old), l.Name) {
		return nil
	}
	return []Edit{{Place: l.Place, Old: old}}
}

func (m *mender) versions() []Edit {
	first := m.s
	if len(m.s.Peers) > 0 && m.s.Software == "nginx" {
		first = m.s.Peers[0]
	}
	anchor := first.Line(facts.SetCertificate, facts.SetListen)
	l := first.Lines[facts.SetVersions]
	if m.s.Software != "haproxy" {
		value := map[string]string{"nginx": "TLSv1.2 TLSv1.3", "apache": "-all +TLSv1.2 +TLSv1.3", "postfix": ">=TLSv1.2", "dovecot": "TLSv1.2"}[m.s.Software]
		return m.set(l, value, map[string]string{"nginx": "ssl_protocols", "apache": "SSLProtocol"}[m.s.Software], anchor)
	}
	old, ok := m.raw(l.Place)
	if !ok || l.Line == 0 {
		return nil
	}
	fresh := regexp.MustCompile(`(\bssl-min-ver\s+)\S+`).ReplaceAllString(old, "${1}TLSv1.2")
	fresh = regexp.MustCompile(`(\bssl-max-ver\s+)\S+`).ReplaceAllString(fresh, "${1}TLSv1.3")
	fresh = regexp.MustCompile(`\s+(force-tlsv1[0-3]|no-tlsv1[23])\b`).ReplaceAllString(fresh, "")
	if fresh == old {
		return nil
	}
	if words := strings.Fields(fresh); len(words) == 1 {
		fresh = ""
	}
	return []Edit{{Place: l.Place, Old: old, New: fresh}}
}

// goodSuites are what the recommended configuration of Mozilla, intermediate,
// has below TLS 1.3 (guideline 5.7).
var goodSuites = []string{"ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305"}

func (m *mender) suites() []Edit {
	if l, ok := m.s.Lines[facts.SetSuites13]; ok && m.need.Hello != nil && m.s.Server.Versions[tlswire.TLS13] && !slices.ContainsFunc(m.s.Server.Suites, func(c tlswire.CipherSuite) bool {
		return c.Info().Kex == tlswire.KexTLS13 && slices.Contains(m.need.Hello.CipherSuites, c)
	}) {
		return m.set(l, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "", l)
	}
	l, ok := m.s.Lines[facts.SetSuites]
	if !ok || m.need.Hello == nil {
		return nil
	}
	var fresh []string
	for _, name := range goodSuites {
		suites, err := tlswire.ParseCipherSuites(name)
		if err == nil && slices.Contains(m.need.Hello.CipherSuites, suites[0]) && slices.Contains(m.s.Server.Keys, suites[0].Info().Auth) {
			fresh = append(fresh, name)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	if m.s.Software == "postfix" {
		return nil // its lists are grades; see the text of the fix
	}
	words, _, _ := strings.Cut(l.Value, ":!aNULL:!eNULL:!EXP")
	value := strings.Trim(words, `"'`) + ":" + strings.Join(fresh, ":")
	wanted, _ := tlswire.ParseCipherSuites(fresh[0])
	if list := ExpandCiphers(value); !slices.Contains(Permitted(list.Suites, m.s.Level), wanted[0]) {
		value = strings.Join(goodSuites, ":") // the list excludes them for good
	}
	return m.set(l, value, "", l)
}

func (m *mender) groups() []Edit {
	l, ok := m.s.Lines[facts.SetGroups]
	if !ok {
		return nil
	}
	value := l.Value
	if i := strings.LastIndexByte(value, ' '); i >= 0 { // SSLOpenSSLConfCmd Curves VALUE
		value = value[i+1:]
	}
	fresh := strings.Replace(l.Value, value, value+":X25519:prime256v1", 1)
	return m.set(l, fresh, "", l)
}

func (m *mender) primes() []Edit {
	l, ok := m.s.Lines[facts.SetDH]
	switch {
	case !ok:
		return nil
	case l.Name == "tune.ssl.default-dh-param":
		return m.set(l, "2048", "", l)
	case l.Name == "crt" || l == m.s.Lines[facts.SetCertificate]:
		return nil // the parameters are in the file of the certificate
	}
	return m.drop(facts.SetDH)
}

func (m *mender) enable() []Edit {
	l := m.s.Lines[facts.SetEnable]
	switch m.s.Software {
	case "nginx":
		return m.set(l, l.Value+" ssl", "", l)
	case "apache":
		return m.set(l, "on", "SSLEngine", m.s.Line(facts.SetCertificate))
	case "haproxy":
		old, ok := m.raw(l.Place)
		part := regexp.MustCompile(`^(\s*bind\s+\S+)(.*)$`).FindStringSubmatch(old)
		if !ok || part == nil {
			return nil
		}
		return []Edit{{Place: l.Place, Old: old, New: part[1] + " ssl" + part[2]}}
	case "postfix":
		return m.set(l, "may", "smtpd_tls_security_level", m.s.Line(facts.SetCertificate))
	}
	return m.set(l, "yes", "ssl", m.s.Line(facts.SetCertificate))
}
