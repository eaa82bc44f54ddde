package srvconf

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
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
	https   map[int]bool // ports that Listen gives to https
	macros  map[string]*node
	used    int      // macros, bounded
	domains []string // of mod_md
}

func parseApache(r *reader, file string, data []byte) {
	a := &apacheReader{reader: r, root: r.apacheRoot(file), vars: map[string]string{}, modules: map[string]bool{}, listen: map[int]bool{}, https: map[int]bool{}, macros: map[string]*node{}}
	for _, env := range []string{"APACHE_RUN_DIR=/var/run/apache2", "APACHE_LOG_DIR=/var/log/apache2", "APACHE_LOCK_DIR=/var/lock/apache2", "APACHE_PID_FILE=/var/run/apache2/apache2.pid", "APACHE_RUN_USER=www-data", "APACHE_RUN_GROUP=www-data"} {
		name, value, _ := strings.Cut(env, "=") // Debian's envvars
		a.vars[name] = value
	}
	r.open = []string{filepath.Clean(file)}
	base := strings.ToLower(filepath.Base(file))
	a.partial = base != "apache2.conf" && base != "httpd.conf"
	top := a.expand(a.tree(file, data))
	main := &scope{nodes: top}
	opened := map[string]facts.Place{}
	for _, l := range main.named("listen") {
		if first, twice := opened[l.arg(1)]; twice {
			a.fault(facts.Fault{At: l.at, Stops: true, Text: fmt.Sprintf("Listen %s is said twice, first at %s: Apache does not start", l.arg(1), first)})
		}
		opened[l.arg(1)] = l.at
		port := portOf(nginxAddress(l.arg(1)))
		a.listen[port] = true
		a.https[port] = strings.EqualFold(l.arg(2), "https") || l.arg(2) == "" && port == 443
	}
	for _, l := range main.named("mdomain") {
		a.domains = append(a.domains, l.words[1:]...)
	}
	a.unknown(top, false)
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

// apacheSettings are the directives of mod_ssl, 2.2 to 2.4.
var apacheSettings = strings.Fields(`SSLCACertificateFile SSLCACertificatePath SSLCADNRequestFile SSLCADNRequestPath SSLCARevocationCheck SSLCARevocationFile SSLCARevocationPath
	SSLCertificateChainFile SSLCertificateFile SSLCertificateKeyFile SSLCipherSuite SSLCompression SSLCryptoDevice SSLEngine SSLFIPS SSLHonorCipherOrder SSLInsecureRenegotiation
	SSLMutex SSLOCSPDefaultResponder SSLOCSPEnable SSLOCSPNoverify SSLOCSPOverrideResponder SSLOCSPProxyURL SSLOCSPResponderCertificateFile SSLOCSPResponderTimeout
	SSLOCSPResponseMaxAge SSLOCSPResponseTimeSkew SSLOCSPUseRequestNonce SSLOpenSSLConfCmd SSLOptions SSLPassPhraseDialog SSLPolicy SSLProtocol SSLProxyCACertificateFile
	SSLProxyCACertificatePath SSLProxyCARevocationCheck SSLProxyCARevocationFile SSLProxyCARevocationPath SSLProxyCheckPeerCN SSLProxyCheckPeerExpire SSLProxyCheckPeerName
	SSLProxyCipherSuite SSLProxyEngine SSLProxyMachineCertificateChainFile SSLProxyMachineCertificateFile SSLProxyMachineCertificatePath SSLProxyProtocol SSLProxyVerify
	SSLProxyVerifyDepth SSLRandomSeed SSLRenegBufferSize SSLRequire SSLRequireSSL SSLSRPUnknownUserSeed SSLSRPVerifierFile SSLSessionCache SSLSessionCacheTimeout
	SSLSessionTicketKeyFile SSLSessionTickets SSLStaplingCache SSLStaplingErrorCacheTimeout SSLStaplingFakeTryLater SSLStaplingForceURL SSLStaplingMutex SSLStaplingResponderTimeout
	SSLStaplingResponseMaxAge SSLStaplingResponseTimeSkew SSLStaplingReturnResponderErrors SSLStaplingStandardCacheTimeout SSLStrictSNIVHostCheck SSLUserName SSLUseStapling
	SSLVerifyClient SSLVerifyDepth SSLClientHelloVars SSLVHostSNIPolicy SSLLog SSLLogLevel`)

// serverWide are those that Apache does not take within a virtual host.
var serverWide = []string{"SSLStaplingCache", "SSLSessionCache", "SSLPassPhraseDialog", "SSLRandomSeed", "SSLCryptoDevice", "SSLFIPS"}

// unknown finds directives of TLS that keep Apache from starting: mistyped, or
// in a virtual host where they may not be.
func (a *apacheReader) unknown(nodes []*node, within bool) {
	for _, n := range nodes {
		name := n.arg(0)
		known := slices.IndexFunc(apacheSettings, func(s string) bool { return strings.EqualFold(s, name) })
		switch {
		case n.isBlock:
			a.unknown(n.block, within || strings.EqualFold(name, "virtualhost"))
		case len(name) > 3 && strings.EqualFold(name[:3], "ssl") && known < 0:
			a.fault(mistyped(n.at, "Apache knows no directive", name, apacheSettings, ": it does not start"))
		case within && known >= 0 && slices.Contains(serverWide, apacheSettings[known]):
			a.fault(facts.Fault{At: n.at, Stops: true, Text: fmt.Sprintf("%s may not stand within a virtual host: Apache does not start; put it outside", apacheSettings[known])})
		}
	}
}

// apacheRoot is the folder of the main file: ServerRoot, until one is named.
func (r *reader) apacheRoot(file string) string {
	dir := filepath.Dir(file)
	for range 3 {
		for _, name := range []string{"apache2.conf", "httpd.conf"} {
			if _, err := os.Stat(r.real(filepath.Join(dir, name))); err == nil {
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
			n := &node{words: wordSyntax{}.words(text[1:end]), at: at, isBlock: true}
			if len(n.words) == 0 {
				continue
			}
			top.block = append(top.block, n)
			if len(stack) < maxNesting {
				stack = append(stack, n)
			}
		default:
			top.block = append(top.block, &node{words: wordSyntax{}.words(text), at: at})
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
				value, ok := a.vars[v[2:len(v)-1]]
				if ok {
					return value
				}
				if strings.HasPrefix(strings.ToLower(n.arg(0)), "ssl") {
					a.fault(facts.Fault{At: n.at, Text: fmt.Sprintf("%s is not defined here: Apache takes it as it stands", v)})
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
			a.macros[strings.ToLower(n.arg(1))] = n
		case "undefmacro":
			delete(a.macros, strings.ToLower(n.arg(1)))
		case "use":
			out = append(out, a.expand(a.use(n))...)
		default:
			n.block = a.expand(n.block)
			out = append(out, n)
		}
	}
	return out
}

// use puts arguments into a macro (mod_macro).
func (a *apacheReader) use(n *node) []*node {
	m := a.macros[strings.ToLower(n.arg(1))]
	if m == nil {
		if !a.partial {
			a.fault(facts.Fault{At: n.at, Stops: true, Text: fmt.Sprintf("the macro %s is not defined: Apache does not start", n.arg(1))})
		}
		return nil
	}
	if a.used++; a.used > maxFiles {
		return nil
	}
	var pairs []string
	for i, name := range m.words[min(2, len(m.words)):] {
		pairs = append(pairs, name, n.arg(i+2))
	}
	return filled(m.block, strings.NewReplacer(pairs...))
}

// filled copies nodes with their words replaced.
func filled(nodes []*node, r *strings.Replacer) []*node {
	var out []*node
	for _, n := range nodes {
		c := *n
		c.words = slices.Clone(n.words)
		for i, w := range c.words {
			c.words[i] = r.Replace(w)
		}
		c.block = filled(n.block, r)
		out = append(out, &c)
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
