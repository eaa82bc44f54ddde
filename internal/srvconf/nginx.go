package srvconf

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register("nginx", parseNginx)

// nginxReader turns the tree of nginx into sites.
type nginxReader struct {
	*reader
	prefix string // relative paths begin there: the folder of nginx.conf
	// listeners are the sites of each address, in order; first names those that
	// were marked as default.
	listeners map[string][]*facts.Site
	order     []string
	defaults  map[string]facts.Place
	marked    map[string]*facts.Site
	secure    map[string]bool // addresses at which a server listens with ssl: they all do
}

func parseNginx(r *reader, file string, data []byte) {
	n := &nginxReader{reader: r, prefix: r.nginxPrefix(file), listeners: map[string][]*facts.Site{}, defaults: map[string]facts.Place{}, marked: map[string]*facts.Site{}}
	r.open = []string{filepath.Clean(file)}
	top := n.tree(file, data)
	fragment := true
	for _, x := range top {
		switch x.arg(0) {
		case "http", "stream", "mail":
			n.context(x.arg(0), x.block, nil)
			fragment = false
		case "events":
			fragment = false
		}
	}
	if fragment { // a file of sites-enabled, judged alone
		n.context("http", top, nil)
		if len(r.c.Sites) > 0 {
			r.c.Notes = append(r.c.Notes, "read alone: what nginx.conf sets around it is not known, the defaults of nginx were assumed")
		}
	}
	n.finish()
}

// nginxPrefix is the folder that relative paths begin at: that of nginx.conf.
func (r *reader) nginxPrefix(file string) string {
	dir := filepath.Dir(file)
	for range 3 {
		if _, err := os.Stat(r.real(filepath.Join(dir, "nginx.conf"))); err == nil {
			return dir
		}
		dir = filepath.Dir(dir)
	}
	return filepath.Dir(file)
}

// tree reads a file with all that it includes.
func (n *nginxReader) tree(file string, data []byte) []*node {
	l := &nginxLexer{text: string(data), line: 1, file: file, fault: n.fault}
	return n.resolve(l.block(0))
}

func (n *nginxReader) resolve(nodes []*node) []*node {
	var out []*node
	for _, x := range nodes {
		switch {
		case x.arg(0) == "include" && !x.isBlock:
			n.include(absolute(n.prefix, x.arg(1)), x.at, false, func(file string, data []byte) {
				out = append(out, n.tree(file, data)...)
			})
		default:
			x.block = n.resolve(x.block)
			out = append(out, x)
		}
	}
	return out
}

// scope is a block with those around it.
type scope struct {
	nodes []*node
	outer *scope
}

// all are the directives of a name in the innermost block that has one.
func (s *scope) all(name string) []*node {
	for ; s != nil; s = s.outer {
		var out []*node
		for _, x := range s.nodes {
			if !x.isBlock && x.arg(0) == name {
				out = append(out, x)
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// one is the last of them.
func (s *scope) one(name string) (facts.Line, bool) {
	if all := s.all(name); len(all) > 0 {
		return all[len(all)-1].line(), true
	}
	return facts.Line{}, false
}

func (n *nginxReader) context(kind string, nodes []*node, outer *scope) {
	sc := &scope{nodes: nodes, outer: outer}
	n.check(nodes)
	n.upstreams(sc)
	n.secure = map[string]bool{}
	var servers []*node
	for _, x := range nodes {
		if x.arg(0) != "server" || !x.isBlock {
			continue
		}
		servers = append(servers, x)
		n.check(x.block)
		for _, l := range (&scope{nodes: x.block}).all("listen") {
			n.listen(kind, l)
		}
	}
	for _, x := range servers {
		for _, one := range n.apart(x, &scope{nodes: x.block, outer: sc}) {
			n.server(kind, one, &scope{nodes: one.block, outer: sc})
		}
	}
}

// listen notes what one listen line says of its address for all servers there.
func (n *nginxReader) listen(kind string, l *node) {
	address := nginxAddress(l.arg(1))
	if slices.Contains(l.words, "ssl") {
		n.secure[address] = true
	}
	if !slices.Contains(l.words, "default_server") && !slices.Contains(l.words, "default") || kind != "http" || slices.Contains(l.words, "quic") {
		return
	}
	if first, twice := n.defaults[address]; twice {
		n.fault(facts.Fault{At: l.at, Stops: true, Text: fmt.Sprintf("a second default server for %s, the first is at %s: nginx does not start", address, first)})
		return
	}
	n.defaults[address] = l.at
}

// onceOnly are the directives of TLS that nginx takes once in a block; the
// others add up (ssl_protocols, ssl_certificate, ssl_conf_command).
var onceOnly = strings.Fields(`ssl ssl_ciphers ssl_dhparam ssl_ecdh_curve ssl_client_certificate ssl_trusted_certificate ssl_crl ssl_verify_client ssl_verify_depth
	ssl_prefer_server_ciphers ssl_session_timeout ssl_session_tickets ssl_stapling ssl_stapling_file ssl_stapling_responder ssl_stapling_verify ssl_buffer_size ssl_early_data
	ssl_reject_handshake ssl_ocsp ssl_ocsp_cache ssl_ocsp_responder ssl_password_file`)

// nginxOthers are the further directives of TLS, up to nginx 1.29.
var nginxOthers = strings.Fields(`ssl_protocols ssl_certificate ssl_certificate_key ssl_conf_command ssl_session_cache ssl_session_ticket_key ssl_certificate_cache
	ssl_certificate_compression ssl_object_cache_inheritable ssl_key_log ssl_handshake_timeout ssl_alpn ssl_preread ssl_name ssl_server_name ssl_session_reuse ssl_verify ssl_engine
	ssl_client_hello_by_lua_block ssl_client_hello_by_lua_file ssl_certificate_by_lua_block ssl_certificate_by_lua_file ssl_session_fetch_by_lua_block ssl_session_fetch_by_lua_file
	ssl_session_store_by_lua_block ssl_session_store_by_lua_file ssl_ech_file ssl_encrypted_hello_key ssl_dyn_rec_enable ssl_dyn_rec_timeout ssl_dyn_rec_size_lo ssl_dyn_rec_size_hi ssl_dyn_rec_threshold`)

// check finds the directives of TLS that keep nginx from starting: said twice,
// or not known.
func (n *nginxReader) check(nodes []*node) {
	seen := map[string]facts.Place{}
	for _, x := range nodes {
		name := x.arg(0)
		if x.isBlock || !strings.HasPrefix(name, "ssl") {
			continue
		}
		if !slices.Contains(onceOnly, name) {
			if !slices.Contains(nginxOthers, name) {
				n.fault(mistyped(x.at, "nginx knows no directive", name, slices.Concat(onceOnly, nginxOthers), ": it does not start"))
			}
			continue
		}
		if first, twice := seen[name]; twice {
			n.fault(facts.Fault{At: x.at, Stops: true, Text: fmt.Sprintf("%s is said twice in one block, first at %s: nginx does not start", name, first)})
			continue
		}
		seen[name] = x.at
	}
}

// server reads one virtual host.
func (n *nginxReader) server(kind string, x *node, sc *scope) {
	s := &facts.Site{Software: "nginx", At: x.at, Protocol: "https", Lines: map[facts.Setting]facts.Line{}, Reload: "nginx -t && systemctl reload nginx"}
	for _, names := range (&scope{nodes: x.block}).all("server_name") {
		s.Lines[facts.SetName] = names.line()
		s.Names = append(s.Names, names.words[1:]...)
	}
	switch kind {
	case "stream":
		s.Protocol = "tls"
	case "mail":
		n.mail(s, sc)
	}
	on, hasOn := sc.one("ssl")
	everywhere := hasOn && on.Value == "on" || s.StartTLS != ""
	var tls []string
	for _, l := range (&scope{nodes: x.block}).all("listen") {
		words := l.words[1:]
		if len(words) == 0 || slices.Contains(words, "quic") || !everywhere && !n.secure[nginxAddress(words[0])] {
			continue
		}
		address := nginxAddress(words[0])
		tls = append(tls, address)
		if _, has := s.Lines[facts.SetListen]; !has {
			s.Lines[facts.SetListen] = l.line()
		}
		s.ProxyHeader = s.ProxyHeader || slices.Contains(words, "proxy_protocol")
		if slices.Contains(words, "default_server") || slices.Contains(words, "default") {
			if n.marked[address] == nil {
				n.marked[address] = s
			}
		}
	}
	if len(tls) == 0 {
		n.plain(s, x, sc)
		return
	}
	s.Listen, s.Port = tls, portOf(tls[0])
	s.Title = siteTitle(s.Names, s.At)
	n.certificates(s, sc)
	n.clientAuth(s, sc)
	for setting, name := range map[facts.Setting]string{facts.SetVersions: "ssl_protocols", facts.SetSuites: "ssl_ciphers", facts.SetGroups: "ssl_ecdh_curve", facts.SetDH: "ssl_dhparam", facts.SetStaple: "ssl_stapling"} {
		if l, ok := sc.one(name); ok {
			s.Lines[setting] = l
		}
	}
	n.stapling(s, sc)
	if l, ok := sc.one("ssl_reject_handshake"); ok && l.Value == "on" {
		s.Refuses = true
	}
	n.settings(s, sc)
	for _, a := range tls {
		if n.listeners[a] == nil {
			n.order = append(n.order, a)
		}
		n.listeners[a] = append(n.listeners[a], s)
	}
	n.c.Sites = append(n.c.Sites, s)
}

// plain notices a certificate where nobody listens with ssl.
func (n *nginxReader) plain(s *facts.Site, x *node, sc *scope) {
	own := &scope{nodes: x.block}
	if len(own.all("ssl_certificate")) == 0 {
		return
	}
	for _, l := range own.all("listen") {
		if address := nginxAddress(l.arg(1)); portOf(address) != 80 && portOf(address) != 0 && !slices.Contains(l.words, "quic") {
			s.Listen, s.Port, s.Title, s.Plain = []string{address}, portOf(address), siteTitle(s.Names, s.At), true
			s.Lines[facts.SetEnable] = l.line()
			n.certificates(s, sc)
			n.c.Sites = append(n.c.Sites, s)
			return
		}
	}
}

func (n *nginxReader) mail(s *facts.Site, sc *scope) {
	protocol, _ := sc.one("protocol")
	s.Protocol = protocol.Value + "s"
	if l, ok := sc.one("starttls"); ok && l.Value != "off" {
		s.Protocol, s.StartTLS = protocol.Value, protocol.Value
	}
}

// finish ties together the sites of each address. What is decided before the
// name is known is decided by the default server: the versions and the groups.
func (n *nginxReader) finish() {
	shared := map[*facts.Site]bool{}
	for _, address := range n.order {
		sites := n.listeners[address]
		if d := n.marked[address]; d != nil {
			i := slices.Index(sites, d)
			sites = append([]*facts.Site{d}, slices.Delete(slices.Clone(sites), i, i+1)...)
		}
		first := sites[0]
		for _, s := range sites {
			if shared[s] {
				continue
			}
			shared[s] = true
			s.Peers = sites
			if s.Lines[facts.SetCertificate].Name == "listen" && !s.Refuses && !slices.ContainsFunc(s.Faults, func(f facts.Fault) bool { return f.Stops }) {
				n.borrow(s, first)
			}
			n.inheritFromDefault(s, first)
		}
	}
}

// borrow is for a virtual host without a certificate of its own.
func (n *nginxReader) borrow(s, first *facts.Site) {
	at := s.Lines[facts.SetListen].Place
	if s == first || len(first.Pairs) == 0 {
		addFault(s, facts.Fault{At: at, Stops: true, Text: "it listens with ssl, but no ssl_certificate is defined"})
		return
	}
	addFault(s, facts.Fault{At: at, Stops: true, Text: "it listens with ssl, but has no ssl_certificate: nginx refuses the handshake for its names"})
}

func (n *nginxReader) inheritFromDefault(s, first *facts.Site) {
	if s == first {
		return
	}
	var differs []string
	for _, v := range allVersions {
		if s.Server.Versions[v] != first.Server.Versions[v] {
			differs = append(differs, v.String())
		}
	}
	if len(differs) > 0 {
		own, theirs := s.Line(facts.SetVersions, facts.SetListen), first.Line(facts.SetVersions, facts.SetListen)
		addFault(s, facts.Fault{At: own.Place, Text: fmt.Sprintf("nginx takes the versions from the default server of the address, %s: this line has no effect on %s", theirs.Place, strings.Join(differs, ", "))})
		s.Lines[facts.SetVersions] = first.Line(facts.SetVersions)
	}
	has13 := slices.ContainsFunc(s.Server.Suites, func(c tlswire.CipherSuite) bool { return c.Info().Kex == tlswire.KexTLS13 })
	if first.Server.Versions[tlswire.TLS13] && !has13 {
		s.Server.Suites = append(suites13(""), s.Server.Suites...)
	}
	s.Server.Versions = first.Server.Versions
	s.Server.Groups, s.Server.GroupsComplete = first.Server.Groups, first.Server.GroupsComplete
}

// nginxAddress completes what listen names.
func nginxAddress(s string) string {
	switch {
	case strings.HasPrefix(s, "unix:"):
		return s
	case strings.Trim(s, "0123456789") == "":
		return net.JoinHostPort("0.0.0.0", s)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), "80"
	}
	if host == "*" {
		host = "0.0.0.0"
	}
	return net.JoinHostPort(host, port)
}

func portOf(address string) int {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(port)
	return n
}

// siteTitle is how people would call a virtual host.
func siteTitle(names []string, at facts.Place) string {
	for _, name := range names {
		if name != "_" && name != "" && !strings.HasPrefix(name, "~") && !strings.HasPrefix(name, "$") {
			return name
		}
	}
	return at.String()
}
