package srvconf

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register("postfix", parsePostfix)

// postfixReader holds the parameters of main.cf and, for one service, what
// master.cf puts over them.
type postfixReader struct {
	*reader
	main  map[string]facts.Line
	over  map[string]facts.Line
	place facts.Place // of main.cf, for what stands nowhere
}

func parsePostfix(r *reader, file string, data []byte) {
	p := &postfixReader{reader: r, main: map[string]facts.Line{}}
	dir := filepath.Dir(file)
	mainFile, masterFile := filepath.Join(dir, "main.cf"), filepath.Join(dir, "master.cf")
	var master []byte
	if filepath.Base(file) == "master.cf" {
		masterFile, master = file, data
		data = nil
		if found, ok := p.sibling(mainFile); ok {
			data = found
		}
	} else {
		mainFile = file
		master, _ = p.sibling(masterFile)
	}
	p.place = facts.Place{File: mainFile, Line: 1}
	p.readMain(mainFile, data)
	p.unknown()
	services := p.readMaster(masterFile, master)
	if len(services) == 0 {
		services = []postfixService{{name: "smtp", at: p.place}}
		if master == nil {
			r.c.Notes = append(r.c.Notes, "read without master.cf: only the service smtp on port 25 was judged")
		}
	}
	for _, s := range services {
		p.over = s.over
		p.service(s)
	}
}

func (p *postfixReader) sibling(file string) ([]byte, bool) {
	if _, err := os.Stat(p.real(file)); err != nil || p.o.Elsewhere {
		return nil, false
	}
	return p.read(file, facts.Place{File: file}, "the configuration")
}

// readMain reads name = value; a line that begins with a blank goes on.
func (p *postfixReader) readMain(file string, data []byte) {
	for _, l := range folded(string(data)) {
		name, value, ok := strings.Cut(l.text, "=")
		if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, " \t") {
			p.fault(facts.Fault{At: facts.Place{File: file, Line: l.line}, Text: fmt.Sprintf("%q is no line of the form name = value", firstWords(l.text))})
			continue
		}
		p.main[name] = facts.Line{Place: facts.Place{File: file, Line: l.line}, Name: name, Value: strings.TrimSpace(value)}
	}
}

// postfixSettings are the parameters of TLS of the server, 2.x to 3.10.
var postfixSettings = strings.Fields(`smtpd_tls_always_issue_session_ids smtpd_tls_ask_ccert smtpd_tls_auth_only smtpd_tls_ccert_verifydepth smtpd_tls_cert_file smtpd_tls_chain_files
	smtpd_tls_ciphers smtpd_tls_dcert_file smtpd_tls_dh1024_param_file smtpd_tls_dh512_param_file smtpd_tls_dkey_file smtpd_tls_eccert_file smtpd_tls_eckey_file smtpd_tls_eecdh_grade
	smtpd_tls_enable_rpk smtpd_tls_exclude_ciphers smtpd_tls_fingerprint_digest smtpd_tls_key_file smtpd_tls_loglevel smtpd_tls_mandatory_ciphers smtpd_tls_mandatory_exclude_ciphers
	smtpd_tls_mandatory_protocols smtpd_tls_protocols smtpd_tls_received_header smtpd_tls_req_ccert smtpd_tls_security_level smtpd_tls_session_cache_database
	smtpd_tls_session_cache_timeout smtpd_tls_wrappermode smtpd_tls_CAfile smtpd_tls_CApath smtpd_tls_cipherlist`)

// unknown finds mistyped parameters, which Postfix passes over.
func (p *postfixReader) unknown() {
	for _, name := range slices.Sorted(maps.Keys(p.main)) {
		if !strings.HasPrefix(name, "smtpd_tls") || slices.Contains(postfixSettings, name) || slices.ContainsFunc(slices.Collect(maps.Values(p.main)), func(l facts.Line) bool { return strings.Contains(l.Value, name) }) {
			continue
		}
		f := mistyped(p.main[name].Place, "Postfix knows no parameter", name, postfixSettings, ": the line has no effect")
		f.Stops = false
		p.fault(f)
	}
}

// folded joins what begins with a blank to the line before; comments and empty
// lines do not end it (postconf(5)).
func folded(text string) []textLine {
	var out []textLine
	n := 0
	for raw := range strings.Lines(text) {
		n++
		raw = strings.TrimRight(raw, "\r\n")
		trimmed := strings.TrimSpace(raw)
		switch {
		case trimmed == "" || trimmed[0] == '#':
		case (raw[0] == ' ' || raw[0] == '\t') && len(out) > 0:
			out[len(out)-1].text += " " + trimmed
		default:
			out = append(out, textLine{trimmed, n})
		}
	}
	return out
}

func firstWords(s string) string {
	if len(s) > 40 {
		return s[:40] + "..."
	}
	return s
}

// postfixService is a line of master.cf that runs smtpd.
type postfixService struct {
	name string
	at   facts.Place
	over map[string]facts.Line
}

func (p *postfixReader) readMaster(file string, data []byte) []postfixService {
	var out []postfixService
	for _, l := range folded(string(data)) {
		f := strings.Fields(l.text)
		if len(f) < 8 || f[1] != "inet" && f[1] != "pass" || f[7] != "smtpd" && f[7] != "postscreen" {
			continue
		}
		if f[1] == "pass" && slices.ContainsFunc(out, func(s postfixService) bool { return s.name == "smtp" }) {
			continue // behind postscreen, which has the same parameters
		}
		s := postfixService{name: f[0], at: facts.Place{File: file, Line: l.line}, over: map[string]facts.Line{}}
		for i := 8; i+1 < len(f); i++ {
			if f[i] != "-o" {
				continue
			}
			name, value, ok := strings.Cut(f[i+1], "=")
			if f[i+1] == "{" { // -o { name = value }
				inner, _, _ := strings.Cut(strings.Join(f[i+2:], " "), " }")
				name, value, ok = strings.Cut(inner, "=")
				name, value = strings.TrimSpace(name), strings.TrimSpace(value)
			}
			if !ok {
				p.fault(facts.Fault{At: s.at, Stops: true, Text: fmt.Sprintf("-o %s is followed by a blank where = must be: the service %s does not start; write -o name=value or -o { name = value }", f[i+1], s.name)})
				continue
			}
			s.over[name] = facts.Line{Place: s.at, Name: name, Value: value}
		}
		out = append(out, s)
	}
	return out
}

var postfixVariable = regexp.MustCompile(`\$(\w+|\{[^{}]*\}|\([^()]*\))`)

// get is a parameter with its variables expanded, and where it stands.
func (p *postfixReader) get(name string, otherwise string) (facts.Line, bool) {
	l, ok := p.over[name]
	if !ok {
		l, ok = p.main[name]
	}
	if !ok {
		l = facts.Line{Name: name, Value: otherwise}
	}
	l.Value = p.expand(l.Value, 0)
	return l, ok
}

func (p *postfixReader) value(name, otherwise string) string {
	l, _ := p.get(name, otherwise)
	return l.Value
}

var postfixDefaults = map[string]string{"config_directory": "/etc/postfix", "data_directory": "/var/lib/postfix", "queue_directory": "/var/spool/postfix", "mail_name": "Postfix"}

func (p *postfixReader) expand(s string, depth int) string {
	if depth > 10 || len(s) > 1<<16 {
		return s
	}
	return postfixVariable.ReplaceAllStringFunc(s, func(v string) string {
		name := strings.Trim(v[1:], "{}()")
		name, alternative, conditional := strings.Cut(name, "?")
		l, ok := p.over[name]
		if !ok {
			l, ok = p.main[name]
		}
		switch {
		case conditional && ok:
			return p.expand(alternative, depth+1)
		case conditional:
			return ""
		case ok:
			return p.expand(l.Value, depth+1)
		}
		return p.expand(postfixDefaults[name], depth+1)
	})
}

var postfixPorts = map[string]int{"smtp": 25, "submission": 587, "smtps": 465, "submissions": 465}

func (p *postfixReader) service(v postfixService) {
	name := v.name[strings.LastIndexByte(v.name, ':')+1:]
	port := postfixPorts[name]
	if port == 0 {
		port = portOf("x:" + name)
	}
	if port == 0 {
		return
	}
	s := &facts.Site{Software: "postfix", At: v.at, Title: fmt.Sprintf("postfix %s (port %d)", v.name, port), Listen: []string{fmt.Sprintf("0.0.0.0:%d", port)}, Port: port,
		Protocol: "smtp", StartTLS: "smtp", Lines: map[facts.Setting]facts.Line{}, Reload: "postfix check && systemctl reload postfix"}
	if l, ok := p.get("smtpd_tls_wrappermode", "no"); ok && l.Value == "yes" {
		s.Protocol, s.StartTLS = "smtps", ""
	}
	certs := p.files(s)
	level, ok := p.get("smtpd_tls_security_level", "")
	if old, has := p.get("smtpd_use_tls", ""); level.Value == "" && has && old.Value == "yes" {
		level = facts.Line{Place: old.Place, Name: old.Name, Value: "may"}
	}
	if old, has := p.get("smtpd_enforce_tls", ""); level.Value == "" && has && old.Value == "yes" {
		level = facts.Line{Place: old.Place, Name: old.Name, Value: "encrypt"}
	}
	s.Lines[facts.SetEnable] = level
	if s.StartTLS != "" && !slices.Contains([]string{"", "none", "may", "encrypt"}, level.Value) {
		addFault(s, facts.Fault{At: level.Place, Stops: true, Text: fmt.Sprintf("a server of Postfix knows no %s %q (none, may, encrypt): the service answers nobody", level.Name, level.Value)})
	}
	switch {
	case (level.Value == "" || level.Value == "none") && s.StartTLS != "":
		if !certs {
			return // no TLS at all, and none was meant
		}
		at := level.Place
		if !ok {
			at = s.Line(facts.SetCertificate).Place
		}
		if _, explicit := v.over["smtpd_tls_security_level"]; explicit {
			return // off on purpose for this service
		}
		addFault(s, facts.Fault{At: at, Stops: true, Text: "a certificate is set, but smtpd_tls_security_level is not: Postfix offers no STARTTLS"})
	case !certs:
		addFault(s, facts.Fault{At: level.Place, Stops: true, Text: "TLS is on, but no certificate is set with smtpd_tls_chain_files or smtpd_tls_cert_file: Postfix offers no TLS that a client accepts"})
	}
	s.Optional = s.StartTLS != "" && port == 25
	mandatory := level.Value == "encrypt" || s.StartTLS == ""
	p.settings(s, mandatory)
	p.clientAuth(s)
	p.c.Sites = append(p.c.Sites, s)
	s.Peers = append([]*facts.Site{s}, p.named(s, mandatory)...)
	for _, other := range s.Peers[1:] {
		other.Peers = s.Peers
		p.c.Sites = append(p.c.Sites, other)
	}
}

// files reads the certificates; it tells whether any is set.
func (p *postfixReader) files(s *facts.Site) bool {
	if l, ok := p.get("smtpd_tls_chain_files", ""); ok && l.Value != "" {
		s.Lines[facts.SetCertificate] = l
		files := strings.FieldsFunc(l.Value, func(r rune) bool { return r == ',' || r == ' ' })
		p.chains(s, l, files)
		return len(files) > 0
	}
	found := false
	for _, kind := range []string{"", "ec", "d"} {
		cert, ok := p.get("smtpd_tls_"+kind+"cert_file", "")
		if !ok || cert.Value == "" || cert.Value == "none" {
			continue
		}
		key, hasKey := p.get("smtpd_tls_"+kind+"key_file", cert.Value)
		if !hasKey || key.Value == "" {
			key = cert
		}
		if !found {
			s.Lines[facts.SetCertificate], s.Lines[facts.SetKey] = cert, key
		}
		found = true
		p.load(s, cert, key)
	}
	return found
}

func (p *postfixReader) load(s *facts.Site, cert, key facts.Line) {
	p.pair(s, cert, key)
	p.unlock(s, key, nil, "Postfix cannot ask for a password, and offers no TLS")
}

func (p *postfixReader) settings(s *facts.Site, mandatory bool) {
	word := "smtpd_tls_"
	if mandatory {
		word += "mandatory_"
	}
	t := settings{defaultDH: 2048}
	protocols, ok := p.get(word+"protocols", ">=TLSv1")
	if ok {
		s.Lines[facts.SetVersions] = protocols
	}
	versions, unknown := postfixVersions(protocols.Value)
	t.versions = versions
	if unknown != "" {
		addFault(s, facts.Fault{At: protocols.Place, Stops: true, Text: fmt.Sprintf("Postfix knows no protocol %q: TLS is not available", unknown)})
	}
	grade, ok := p.get(word+"ciphers", "medium")
	if ok {
		s.Lines[facts.SetSuites] = grade
	}
	lists := map[string]string{"high": "aNULL:-aNULL:HIGH:@STRENGTH", "medium": "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH", "low": "aNULL:-aNULL:HIGH:MEDIUM:LOW:+RC4:@STRENGTH",
		"export": "aNULL:-aNULL:HIGH:MEDIUM:LOW:EXPORT:+RC4:@STRENGTH", "null": "eNULL:!aNULL"}
	list, ok := p.get("tls_"+grade.Value+"_cipherlist", lists[grade.Value])
	if ok {
		s.Lines[facts.SetSuites] = list
	}
	t.ciphers = list.Value
	if lists[grade.Value] == "" {
		addFault(s, facts.Fault{At: grade.Place, Stops: true, Text: fmt.Sprintf("Postfix knows no grade of cipher suites %q (high, medium, low, null): the handshake is refused", grade.Value)})
		t.ciphers = lists["medium"]
	}
	for _, name := range []string{"smtpd_tls_exclude_ciphers", "smtpd_tls_mandatory_exclude_ciphers"} {
		if name == "smtpd_tls_mandatory_exclude_ciphers" && !mandatory {
			continue
		}
		l, ok := p.get(name, "")
		if ok {
			s.Lines[facts.SetSuites] = l
		}
		for x := range strings.FieldsFuncSeq(l.Value, func(r rune) bool { return strings.ContainsRune(" ,:;", r) }) {
			t.ciphers += ":!" + x
		}
	}
	if !strings.Contains(t.ciphers, "@SECLEVEL") {
		t.ciphers += ":@SECLEVEL=0" // Postfix sets the level itself
	}
	t.ownOrder = p.value("tls_preempt_cipherlist", "no") == "yes"
	if l, ok := p.get("smtpd_tls_dh1024_param_file", ""); ok && l.Value != "" && l.Value != "auto" {
		s.Lines[facts.SetDH] = l
		if h := p.hold(l.Value); h.err != nil || h.dh == nil {
			addFault(s, facts.Fault{At: l.Place, File: l.Value, Remark: true, Text: l.Value + " holds no DH parameters that can be read: Postfix takes its own"})
		} else {
			t.dh = h.dh
		}
	}
	if l, ok := p.get("tls_eecdh_auto_curves", ""); ok {
		t.groups, s.Lines[facts.SetGroups] = l.Value, l
	}
	t.anyGroups = true
	negotiate(s, t)
}

// postfixVersions reads ">=TLSv1.2, <=TLSv1.3", "!SSLv2, !TLSv1" and "TLSv1.2".
func postfixVersions(text string) (versions []tlswire.Version, unknown string) {
	names := []string{"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}
	numbers := []tlswire.Version{tlswire.SSL3, tlswire.TLS10, tlswire.TLS11, tlswire.TLS12, tlswire.TLS13}
	only, off := map[int]bool{}, map[int]bool{}
	low, high := 0, len(names)-1
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(" ,:", r) }) {
		name := strings.TrimLeft(word, "!<>=")
		i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) || strings.EqualFold(n, name+".0") })
		switch {
		case i < 0 && strings.EqualFold(name, "SSLv2"):
		case i < 0:
			unknown = word
		case strings.HasPrefix(word, ">="):
			low = i
		case strings.HasPrefix(word, "<="):
			high = i
		case word[0] == '!':
			off[i] = true
		default:
			only[i] = true
		}
	}
	var out []tlswire.Version
	for i := low; i <= high; i++ {
		if !off[i] && (len(only) == 0 || only[i]) {
			out = append(out, numbers[i])
		}
	}
	return out, unknown
}

func (p *postfixReader) clientAuth(s *facts.Site) {
	require, ok := p.get("smtpd_tls_req_ccert", "no")
	if ok && require.Value == "yes" {
		s.Verify, s.Lines[facts.SetVerify] = "required", require
	} else if ask, ok := p.get("smtpd_tls_ask_ccert", "no"); ok && ask.Value == "yes" {
		s.Verify, s.Lines[facts.SetVerify] = "optional", ask
	}
	if l, ok := p.get("smtpd_tls_CAfile", ""); ok && l.Value != "" {
		s.Lines[facts.SetClientCA] = l
		p.authorities(s, l)
		for i := range s.Pairs {
			s.Pairs[i].Chain = autoChain(s.Pairs[i].Chain, s.Authorities)
		}
	} else if path, ok := p.get("smtpd_tls_CApath", ""); ok && path.Value != "" {
		s.Lines[facts.SetClientCA] = path
	}
	depth, _ := p.get("smtpd_tls_ccert_verifydepth", "9")
	if depth.File == "" {
		depth.Place = s.Line(facts.SetVerify).Place
	}
	limit(s, depth, 0)
}
