package srvconf

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register("apache", parseApache)

// apacheReader turns the lines of Apache into sites.
type apacheReader struct {
	*reader
	root    string // ServerRoot
	vars    map[string]string
	modules map[string]bool
	partial bool // no LoadModule was seen: every module is assumed
	listen  map[int]bool
	macros  bool
}

func parseApache(r *reader, file string, data []byte) {
	a := &apacheReader{reader: r, root: apacheRoot(file), vars: map[string]string{}, modules: map[string]bool{}, listen: map[int]bool{}}
	for _, env := range []string{"APACHE_RUN_DIR=/var/run/apache2", "APACHE_LOG_DIR=/var/log/apache2", "APACHE_LOCK_DIR=/var/lock/apache2", "APACHE_PID_FILE=/var/run/apache2/apache2.pid", "APACHE_RUN_USER=www-data", "APACHE_RUN_GROUP=www-data"} {
		name, value, _ := strings.Cut(env, "=") // Debian's envvars
		a.vars[name] = value
	}
	r.open = []string{filepath.Clean(file)}
	base := strings.ToLower(filepath.Base(file))
	a.partial = base != "apache2.conf" && base != "httpd.conf"
	top := a.expand(a.tree(file, data))
	main := &scope{nodes: top}
	for _, l := range main.named("listen") {
		a.listen[portOf(nginxAddress(l.arg(1)))] = true
	}
	a.hosts(main)
	if a.partial && len(r.c.Sites) > 0 {
		r.c.Notes = append(r.c.Notes, "read alone: what apache2.conf sets around it is not known, the defaults of Apache were assumed")
	}
	groups := map[string][]*facts.Site{}
	for _, s := range r.c.Sites {
		for _, address := range s.Listen {
			groups[address] = append(groups[address], s)
		}
	}
	for _, s := range r.c.Sites {
		s.Peers = groups[s.Listen[0]]
	}
}

// apacheRoot is the folder of the main file: ServerRoot, until one is named.
func apacheRoot(file string) string {
	dir := filepath.Dir(file)
	for range 3 {
		for _, name := range []string{"apache2.conf", "httpd.conf"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
				return dir
			}
		}
		dir = filepath.Dir(dir)
	}
	return filepath.Dir(file)
}

// tree reads the lines of a file into sections, without following anything.
func (a *apacheReader) tree(file string, data []byte) []*node {
	root := &node{isBlock: true}
	stack := []*node{root}
	for _, l := range joined(string(data), true) {
		at := facts.Place{File: file, Line: l.line}
		text := strings.TrimSpace(l.text)
		top := stack[len(stack)-1]
		switch {
		case text == "" || text[0] == '#':
		case strings.HasPrefix(text, "</"):
			name := strings.ToLower(strings.Trim(text, "</> \t"))
			if len(stack) == 1 || strings.ToLower(top.arg(0)) != name {
				a.fault(facts.Fault{At: at, Stops: true, Text: fmt.Sprintf("the section </%s> is closed, but was not opened here", name)})
				if i := slices.IndexFunc(stack, func(n *node) bool { return strings.EqualFold(n.arg(0), name) }); i > 0 {
					stack = stack[:i]
				}
				continue
			}
			stack = stack[:len(stack)-1]
		case text[0] == '<':
			end := strings.LastIndexByte(text, '>')
			if end < 0 {
				a.fault(facts.Fault{At: at, Stops: true, Text: "the section is not ended by >"})
				end = len(text)
			}
			n := &node{words: quotedWords(text[1:end]), at: at, isBlock: true}
			if len(n.words) == 0 {
				continue
			}
			top.block = append(top.block, n)
			if len(stack) < maxNesting {
				stack = append(stack, n)
			}
		default:
			top.block = append(top.block, &node{words: quotedWords(text), at: at})
		}
	}
	for _, open := range stack[1:] {
		a.fault(facts.Fault{At: open.at, Stops: true, Text: fmt.Sprintf("the section <%s> that is opened here is never closed", open.arg(0))})
	}
	return root.block
}

var apacheVariable = regexp.MustCompile(`\$\{(\w+)\}`)

// expand follows conditions, definitions and includes, in their order.
func (a *apacheReader) expand(nodes []*node) []*node {
	var out []*node
	for _, n := range nodes {
		for i, w := range n.words {
			n.words[i] = apacheVariable.ReplaceAllStringFunc(w, func(v string) string {
				if value, ok := a.vars[v[2:len(v)-1]]; ok {
					return value
				}
				return v
			})
		}
		switch strings.ToLower(n.arg(0)) {
		case "define":
			a.vars[n.arg(1)] = n.arg(2)
		case "undefine":
			delete(a.vars, n.arg(1))
		case "serverroot":
			a.root = n.arg(1)
		case "loadmodule":
			a.modules[n.arg(1)] = true
			a.partial = false
		case "include", "includeoptional":
			pattern := absolute(a.root, n.arg(1))
			if info, err := os.Stat(a.real(pattern)); err == nil && info.IsDir() {
				pattern = filepath.Join(pattern, "*")
			}
			a.include(pattern, n.at, strings.EqualFold(n.arg(0), "includeoptional"), func(file string, data []byte) {
				out = append(out, a.expand(a.tree(file, data))...)
			})
		case "ifmodule", "ifdefine", "ifversion", "iffile", "ifdirective", "ifsection":
			if a.holds(n) {
				out = append(out, a.expand(n.block)...)
			}
		case "macro":
			a.macros = true
		default:
			n.block = a.expand(n.block)
			out = append(out, n)
		}
	}
	return out
}

// holds decides a condition.
func (a *apacheReader) holds(n *node) bool {
	word, not := strings.CutPrefix(n.arg(1), "!")
	yes := true
	switch strings.ToLower(n.arg(0)) {
	case "ifmodule":
		name := strings.TrimSuffix(strings.TrimPrefix(word, "mod_"), ".c")
		if !strings.HasSuffix(name, "_module") {
			name += "_module"
		}
		yes = a.partial || a.modules[name] || slices.Contains([]string{"core_module", "so_module", "http_module", "log_config_module", "logio_module", "version_module", "unixd_module", "watchdog_module"}, name)
		if name == "gnutls_module" && a.partial {
			yes = false // mod_ssl and mod_gnutls exclude each other
		}
	case "ifdefine":
		_, yes = a.vars[word]
	case "iffile":
		_, err := os.Stat(a.real(absolute(a.root, word)))
		yes = err == nil
	}
	return yes != not
}

// named are the directives of a name, whatever its case, in this block alone.
func (s *scope) named(name string) []*node {
	var out []*node
	for _, x := range s.nodes {
		if strings.EqualFold(x.arg(0), name) {
			out = append(out, x)
		}
	}
	return out
}

// nearest are those of the innermost block that has one.
func (s *scope) nearest(name string) []*node {
	for ; s != nil; s = s.outer {
		if found := s.named(name); len(found) > 0 {
			return found
		}
	}
	return nil
}

func (s *scope) last(name string) (facts.Line, bool) {
	if found := s.nearest(name); len(found) > 0 {
		return found[len(found)-1].line(), true
	}
	return facts.Line{}, false
}

func (a *apacheReader) hosts(main *scope) {
	for _, n := range main.named("virtualhost") {
		a.host(n, &scope{nodes: n.block, outer: main})
	}
	if engine, ok := main.last("sslengine"); ok && strings.EqualFold(engine.Value, "on") && len(main.named("virtualhost")) == 0 {
		a.host(&node{words: []string{"VirtualHost", "*:443"}, at: engine.Place}, main)
	}
}

func (a *apacheReader) host(n *node, sc *scope) {
	engine, on := sc.last("sslengine")
	if !on || strings.EqualFold(engine.Value, "off") {
		a.withoutEngine(n, sc, engine)
		return
	}
	s := a.site(n, sc)
	s.Lines[facts.SetEnable] = engine
	a.certificates(s, sc)
	a.clientAuth(s, sc)
	a.settings(s, sc)
	a.c.Sites = append(a.c.Sites, s)
}

func (a *apacheReader) site(n *node, sc *scope) *facts.Site {
	s := &facts.Site{Software: "apache", At: n.at, Protocol: "https", Lines: map[facts.Setting]facts.Line{facts.SetListen: n.line()}, Reload: "apachectl -t && systemctl reload apache2"}
	for _, word := range n.words[1:] {
		s.Listen = append(s.Listen, apacheAddress(word))
	}
	if len(s.Listen) == 0 {
		s.Listen = []string{"0.0.0.0:443"}
	}
	if s.Port = portOf(s.Listen[0]); s.Port == 0 {
		s.Port = 443
	}
	for _, name := range sc.named("servername") {
		host, _, err := net.SplitHostPort(strings.TrimPrefix(name.arg(1), "https://"))
		if err != nil {
			host = strings.TrimPrefix(name.arg(1), "https://")
		}
		s.Names = []string{host}
		s.Lines[facts.SetName] = name.line()
	}
	for _, alias := range sc.named("serveralias") {
		s.Names = append(s.Names, alias.words[1:]...)
	}
	s.Title = siteTitle(s.Names, s.At)
	if len(a.listen) > 0 && !a.listen[s.Port] {
		addFault(s, facts.Fault{At: n.at, Stops: true, Text: fmt.Sprintf("no Listen line opens port %d: nobody reaches this virtual host", s.Port)})
	}
	return s
}

// withoutEngine notices a virtual host on port 443 that speaks plain HTTP.
func (a *apacheReader) withoutEngine(n *node, sc *scope, engine facts.Line) {
	certs := sc.named("sslcertificatefile")
	if len(certs) == 0 {
		return
	}
	s := a.site(n, sc)
	if engine.File != "" {
		s.Lines[facts.SetEnable] = engine
	}
	s.Plain = true
	a.certificates(s, sc)
	a.c.Sites = append(a.c.Sites, s)
}

func (a *apacheReader) certificates(s *facts.Site, sc *scope) {
	certs, keys := sc.nearest("sslcertificatefile"), sc.nearest("sslcertificatekeyfile")
	if len(certs) == 0 {
		addFault(s, facts.Fault{At: s.Lines[facts.SetEnable].Place, Stops: true, Text: "SSLEngine is on, but no SSLCertificateFile is set: Apache does not start"})
		return
	}
	for i, c := range certs {
		cert := c.line()
		cert.Value = absolute(a.root, cert.Value)
		key := cert
		if i < len(keys) {
			key = keys[i].line()
			key.Value = absolute(a.root, key.Value)
		}
		if i == 0 {
			s.Lines[facts.SetCertificate], s.Lines[facts.SetKey] = cert, key
		}
		a.pair(s, cert, key)
	}
	if l, ok := sc.last("sslcertificatechainfile"); ok {
		l.Value = absolute(a.root, l.Value)
		s.Lines[facts.SetChain] = l
		h := a.hold(l.Value)
		if h.err != nil {
			fileFault(s, l, l.Value, h.err, "the chain")
		}
		for i := range s.Pairs {
			if len(s.Pairs[i].Chain) == 1 {
				s.Pairs[i].Chain = append(slices.Clone(s.Pairs[i].Chain), h.chain...)
			}
		}
		addFault(s, facts.Fault{At: l.Place, Remark: true, Text: "SSLCertificateChainFile is obsolete since Apache 2.4.8: SSLCertificateFile takes the leaf with its intermediates"})
	}
}

func (a *apacheReader) clientAuth(s *facts.Site, sc *scope) {
	for _, name := range []string{"sslcacertificatefile", "sslcadnrequestfile"} {
		if l, ok := sc.last(name); ok && len(s.Authorities) == 0 {
			l.Value = absolute(a.root, l.Value)
			s.Lines[facts.SetClientCA] = l
			a.authorities(s, l)
		}
	}
	for i := range s.Pairs {
		s.Pairs[i].Chain = autoChain(s.Pairs[i].Chain, s.Authorities)
	}
	verify, ok := sc.last("sslverifyclient")
	if !ok || strings.EqualFold(verify.Value, "none") {
		return
	}
	s.Lines[facts.SetVerify] = verify
	s.Verify = "optional"
	if strings.EqualFold(verify.Value, "require") {
		s.Verify = "required"
	}
	_, path := sc.last("sslcacertificatepath")
	if len(s.Authorities) == 0 && !path && !strings.EqualFold(verify.Value, "optional_no_ca") && s.Lines[facts.SetClientCA].Value == "" {
		addFault(s, facts.Fault{At: verify.Place, Stops: s.Verify == "required", Text: "client certificates are wanted, but neither SSLCACertificateFile nor SSLCACertificatePath says of which CA: every one is refused"})
	}
	if l, ok := sc.last("sslcarevocationfile"); ok {
		l.Value = absolute(a.root, l.Value)
		s.Lines[facts.SetClientCRL] = l
		check, ok := sc.last("sslcarevocationcheck")
		if !ok || strings.EqualFold(check.Value, "none") {
			addFault(s, facts.Fault{At: l.Place, Text: "the revocation list is not used: SSLCARevocationCheck is none"})
			return
		}
		a.revocations(s, l)
	}
}

// autoChain completes a chain of one certificate from the CAs that the server
// knows, as OpenSSL does (SSL_MODE_NO_AUTO_CHAIN is off by default).
func autoChain(sent, known []*chain.Certificate) []*chain.Certificate {
	if len(sent) != 1 {
		return sent
	}
	out := slices.Clone(sent)
	for len(out) < 10 {
		last := out[len(out)-1]
		i := slices.IndexFunc(known, func(c *chain.Certificate) bool {
			return c.Subject.Equal(last.Issuer) && chain.CheckSignature(last, c).Outcome == chain.Valid
		})
		if last.SelfIssued() || i < 0 {
			return out
		}
		out = append(out, known[i])
	}
	return out
}

var apacheVersions = map[string][]tlswire.Version{"sslv3": {tlswire.SSL3}, "tlsv1": {tlswire.TLS10}, "tlsv1.1": {tlswire.TLS11}, "tlsv1.2": {tlswire.TLS12}, "tlsv1.3": {tlswire.TLS13},
	"all": {tlswire.TLS10, tlswire.TLS11, tlswire.TLS12, tlswire.TLS13}}

func (a *apacheReader) settings(s *facts.Site, sc *scope) {
	t := settings{versions: apacheVersions["all"], defaultDH: 2048}
	if l, ok := sc.last("sslprotocol"); ok {
		s.Lines[facts.SetVersions] = l
		t.versions = nil
		for word := range strings.FieldsSeq(l.Value) {
			name := strings.ToLower(strings.TrimLeft(word, "+-"))
			versions, known := apacheVersions[name]
			switch {
			case name == "sslv2" && word[0] == '-':
			case !known:
				addFault(s, facts.Fault{At: l.Place, Stops: true, Text: fmt.Sprintf("Apache knows no protocol %q and does not start", word)})
			case word[0] == '-':
				t.versions = slices.DeleteFunc(slices.Clone(t.versions), func(v tlswire.Version) bool { return slices.Contains(versions, v) })
			case word[0] == '+':
				t.versions = append(slices.Clone(t.versions), versions...)
			default:
				t.versions = slices.Clone(versions)
			}
		}
		if len(t.versions) == 0 && len(s.Faults) == 0 {
			addFault(s, facts.Fault{At: l.Place, Stops: true, Text: "no protocol is left: Apache does not start"})
		}
	}
	for ; sc != nil; sc = sc.outer {
		for _, n := range sc.named("sslciphersuite") {
			switch {
			case strings.EqualFold(n.arg(1), "TLSv1.3"):
				if t.suites13 == "" {
					t.suites13 = n.arg(2)
				}
			case t.ciphers == "":
				l := n.line()
				if strings.EqualFold(n.arg(1), "SSL") {
					l.Value = n.arg(2)
				}
				s.Lines[facts.SetSuites], t.ciphers = l, l.Value+":!aNULL:!eNULL:!EXP" // mod_ssl adds these itself
			}
		}
		for _, n := range sc.named("sslopensslconfcmd") {
			switch strings.ToLower(n.arg(1)) {
			case "curves", "groups", "ecdhparameters":
				if t.groups == "" && !strings.EqualFold(n.arg(2), "automatic") {
					t.groups, s.Lines[facts.SetGroups] = n.arg(2), n.line()
				}
			case "dhparameters":
				if l := n.line(); t.dh == nil {
					l.Value = absolute(a.root, strings.Trim(n.arg(2), `"`))
					s.Lines[facts.SetDH], t.dh = l, a.hold(l.Value).dh
				}
			case "ciphersuites":
				t.suites13 = n.arg(2)
			case "signaturealgorithms":
				t.schemes, s.Lines[facts.SetSchemes] = n.arg(2), n.line()
			}
		}
		if n := sc.named("sslhonorcipherorder"); len(n) > 0 && !t.ownOrder {
			t.ownOrder = strings.EqualFold(n[len(n)-1].arg(1), "on")
		}
		if n := sc.named("sslusestapling"); len(n) > 0 && s.Lines[facts.SetStaple].Name == "" {
			l := n[len(n)-1].line()
			s.Lines[facts.SetStaple], s.Staples = l, strings.EqualFold(l.Value, "on")
		}
		if sc.outer == nil && s.Staples && len(sc.named("sslstaplingcache")) == 0 && !a.partial {
			addFault(s, facts.Fault{At: s.Lines[facts.SetStaple].Place, Stops: true, Text: "SSLUseStapling is on, but no SSLStaplingCache is set: Apache does not start"})
		}
	}
	if len(s.Pairs) > 0 && t.dh == nil {
		if h := a.hold(s.Pairs[0].CertFile); h.dh != nil {
			t.dh, s.Lines[facts.SetDH] = h.dh, s.Lines[facts.SetCertificate]
		}
	}
	negotiate(s, t)
}

// apacheAddress completes what VirtualHost names.
func apacheAddress(s string) string {
	s = strings.Replace(s, "_default_", "*", 1)
	if s == "*" || s == "" {
		return "0.0.0.0:0"
	}
	if host, port, err := net.SplitHostPort(s); err == nil && port == "*" {
		return net.JoinHostPort(host, "0")
	}
	return nginxAddress(s)
}
