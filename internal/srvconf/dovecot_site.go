package srvconf

import (
	"cmp"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// dovecotScope looks a setting up in a section, then outside of it.
type dovecotScope []*node

func (s dovecotScope) find(names ...string) *node {
	for _, n := range s {
		if n == nil {
			continue
		}
		for i := len(n.block) - 1; i >= 0; i-- {
			x := n.block[i]
			if !x.isBlock && slices.Contains(names, x.arg(0)) {
				return x
			}
			if x.isBlock && x.arg(0) == "ssl_server" { // 2.4: its settings without the prefix
				for _, y := range slices.Backward(x.block) {
					if !y.isBlock && slices.Contains(names, "ssl_server_"+y.arg(0)) {
						return y
					}
				}
			}
		}
	}
	return nil
}

func (s dovecotScope) get(names ...string) (facts.Line, bool) {
	if x := s.find(names...); x != nil {
		return x.line(), true
	}
	return facts.Line{}, false
}

// file is a setting that names a file: ssl_cert = </path, or 2.4's
// ssl_server_cert_file = /path.
func (s dovecotScope) file(base string, names ...string) (facts.Line, bool) {
	l, ok := s.get(names...)
	if !ok || l.Value == "" {
		return l, false
	}
	l.Value = strings.TrimSpace(strings.TrimPrefix(l.Value, "<"))
	if !strings.Contains(l.Value, "-----BEGIN") {
		l.Value = absolute(base, l.Value)
	}
	return l, true
}

// literal tells whether a setting of 2.3 holds a path where Dovecot expects the
// text of the file: without <, or with it in quotes.
func (s dovecotScope) literal(name string) (facts.Line, bool) {
	x := s.find(name)
	return x.lineOr(), x != nil && !strings.Contains(x.value(), "-----BEGIN") && !strings.HasPrefix(x.value(), "#") && (x.quoted || !strings.HasPrefix(x.arg(1), "<"))
}

func (n *node) lineOr() facts.Line {
	if n == nil {
		return facts.Line{}
	}
	return n.line()
}

// dovecotListener is a port on which a service of Dovecot listens.
type dovecotListener struct {
	protocol, address string
	port              int
	tls               bool // from the first byte
	line              facts.Line
}

// dovecotServices are the services with their listeners, as Dovecot comes.
var dovecotServices = []struct{ protocol, service, name, tlsName string }{
	{"imap", "imap-login", "imap", "imaps"}, {"pop3", "pop3-login", "pop3", "pop3s"}, {"submission", "submission-login", "submission", "submissions"},
	{"sieve", "managesieve-login", "sieve", "sieves"}, {"lmtp", "lmtp", "lmtp", "lmtps"},
}

var dovecotPorts = map[string]int{"imap": 143, "imaps": 993, "pop3": 110, "pop3s": 995, "submission": 587, "sieve": 4190}

// listeners are those of the protocols that are served.
func (d *dovecotReader) listeners(root *node) []dovecotListener {
	protocols := facts.Line{Value: "imap pop3"}
	if l, ok := (dovecotScope{root}).get("protocols"); ok {
		protocols = l
	}
	served := strings.FieldsFunc(protocols.Value, func(r rune) bool { return r == ' ' || r == ',' })
	var out []dovecotListener
	for _, s := range dovecotServices {
		if !slices.Contains(served, s.protocol) && !(s.protocol == "sieve" && slices.Contains(served, "managesieve")) {
			continue
		}
		all := map[string]*dovecotListener{}
		names := []string{s.tlsName, s.name}
		for _, name := range names {
			if port := dovecotPorts[name]; port != 0 {
				all[name] = &dovecotListener{protocol: s.protocol, port: port, tls: name == s.tlsName, line: protocols}
			}
		}
		for _, n := range root.block {
			if !n.isBlock || n.arg(0) != "service" || n.arg(1) != s.service {
				continue
			}
			for _, x := range n.block {
				if x.isBlock && x.arg(0) == "inet_listener" {
					if all[x.arg(1)] == nil {
						all[x.arg(1)] = &dovecotListener{protocol: s.protocol}
						names = append(names, x.arg(1))
					}
					all[x.arg(1)].read(x)
				}
			}
		}
		for _, name := range names {
			if l := all[name]; l != nil && l.port != 0 {
				out = append(out, *l)
			}
		}
	}
	return out
}

// read takes what an inet_listener says.
func (l *dovecotListener) read(n *node) {
	own := dovecotScope{n}
	l.line = n.line()
	if port, ok := own.get("port"); ok {
		l.port, _ = strconv.Atoi(port.Value)
		l.line = port
	}
	if ssl, ok := own.get("ssl"); ok {
		l.tls, l.line = ssl.Value == "yes", ssl
	}
	if a, ok := own.get("address", "listen"); ok {
		l.address, _, _ = strings.Cut(strings.Trim(a.Value, "[]"), " ")
	}
}

// tlsPorts are those at which clients speak TLS from the first byte.
var tlsPorts = []int{993, 995, 465}

// sites makes one site of all listeners that share their settings of TLS, and
// one more for each local_name.
func (d *dovecotReader) sites(root *node, at facts.Place) {
	var own []string // protocols with settings of their own
	sections := map[string]*node{}
	for _, n := range root.block {
		if n.isBlock && n.arg(0) == "protocol" && slices.ContainsFunc(n.block, func(x *node) bool { return strings.HasPrefix(x.arg(0), "ssl") }) {
			own, sections[n.arg(1)] = append(own, n.arg(1)), n
		}
	}
	listeners := d.listeners(root)
	for _, group := range append([]string{""}, own...) {
		var at4 []dovecotListener
		for _, l := range listeners {
			if l.protocol == group || group == "" && !slices.Contains(own, l.protocol) {
				at4 = append(at4, l)
			}
		}
		slices.SortStableFunc(at4, func(a, b dovecotListener) int { return cmp.Compare(b2i(b.tls), b2i(a.tls)) })
		if len(at4) == 0 {
			continue
		}
		from := len(d.c.Sites)
		d.site(dovecotScope{sections[group], root}, nil, at, at4)
		for _, n := range root.block {
			if n.isBlock && n.arg(0) == "local_name" {
				d.site(dovecotScope{n, sections[group], root}, n, n.at, at4)
			}
		}
		share(d.c.Sites[from:])
		d.inClear(at4)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// inClear finds listeners at ports of TLS that speak in clear.
func (d *dovecotReader) inClear(listeners []dovecotListener) {
	for _, l := range listeners {
		if !l.tls && slices.Contains(tlsPorts, l.port) && l.line.Name == "ssl" {
			d.c.Sites = append(d.c.Sites, &facts.Site{Software: "dovecot", At: l.line.Place, Title: fmt.Sprintf("dovecot %ss (port %d)", l.protocol, l.port), Listen: []string{l.listen()},
				Port: l.port, Protocol: l.protocol + "s", Plain: true, Lines: map[facts.Setting]facts.Line{facts.SetEnable: l.line, facts.SetListen: l.line}, Reload: dovecotReload})
		}
	}
}

func (l *dovecotListener) listen() string {
	return net.JoinHostPort(cmp.Or(strings.Replace(l.address, "*", "0.0.0.0", 1), "0.0.0.0"), strconv.Itoa(l.port))
}

const dovecotReload = "doveconf -n > /dev/null && systemctl reload dovecot"

// defaultDovecotCiphers is ssl_cipher_list of Dovecot 2.3.
const defaultDovecotCiphers = "ALL:!kRSA:!SRP:!kDHd:!DSS:!aNULL:!eNULL:!EXPORT:!DES:!3DES:!MD5:!PSK:!RC4:!ADH:!LOW@STRENGTH"

func (d *dovecotReader) site(sc dovecotScope, local *node, at facts.Place, listeners []dovecotListener) {
	base := filepath.Dir(at.File)
	first := listeners[0]
	s := &facts.Site{Software: "dovecot", At: at, Title: "dovecot", Port: first.port, Protocol: first.protocol + "s", Lines: map[facts.Setting]facts.Line{facts.SetListen: first.line}, Reload: dovecotReload}
	if !first.tls {
		s.Protocol, s.StartTLS = first.protocol, first.protocol
	}
	for _, l := range listeners {
		s.Listen = append(s.Listen, l.listen())
	}
	if local != nil {
		s.Names = local.words[1:]
		s.Title = "dovecot " + strings.Join(s.Names, " ")
		s.Lines[facts.SetName] = local.line()
	}
	ssl, hasSSL := sc.get("ssl")
	s.Lines[facts.SetEnable] = ssl
	cert, hasCert := sc.file(base, "ssl_cert", "ssl_server_cert_file")
	key, hasKey := sc.file(base, "ssl_key", "ssl_server_key_file")
	if hasSSL && ssl.Value == "no" {
		if hasCert {
			addFault(s, facts.Fault{At: ssl.Place, Stops: true, Text: "ssl = no: Dovecot offers no TLS, although a certificate is set"})
			d.c.Sites = append(d.c.Sites, s)
		}
		return
	}
	switch {
	case !hasCert && !hasSSL:
		return // a part of a configuration that says nothing of TLS
	case !hasCert:
		addFault(s, facts.Fault{At: ssl.Place, Stops: true, Text: "ssl = " + ssl.Value + ", but no ssl_cert is set: Dovecot refuses every handshake"})
	case !hasKey:
		addFault(s, facts.Fault{At: cert.Place, Stops: true, Text: "ssl_cert is set, but not ssl_key: Dovecot refuses every handshake"})
	default:
		s.Lines[facts.SetCertificate], s.Lines[facts.SetKey] = cert, key
		d.certificate(s, sc, base, cert, key)
	}
	d.settings(s, sc, base)
	d.clientAuth(s, sc, base)
	d.c.Sites = append(d.c.Sites, s)
}

// certificate reads the pair and the alternative one, of another kind of key.
func (d *dovecotReader) certificate(s *facts.Site, sc dovecotScope, base string, cert, key facts.Line) {
	bad := false
	for _, name := range []string{"ssl_cert", "ssl_key"} {
		if l, literal := sc.literal(name); literal {
			addFault(s, facts.Fault{At: l.Place, Stops: true, Text: fmt.Sprintf("%s holds the path itself instead of what the file holds: write %s = <%s, without quotes", l.Name, l.Name, strings.TrimPrefix(l.Value, "<"))})
			bad = true
		}
	}
	if bad || strings.Contains(cert.Value, "-----BEGIN") {
		return
	}
	if x := sc.find("ssl_key"); x != nil && strings.HasPrefix(x.value(), "# hidden") { // doveconf -n
		s.Pairs = append(s.Pairs, facts.Pair{CertFile: cert.Value, Cert: cert, KeyAt: key, Chain: d.hold(cert.Value).chain})
		addFault(s, facts.Fault{At: key.Place, Remark: true, Text: "doveconf hides which key it is: it was not compared with the certificate"})
		return
	}
	d.pair(s, cert, key)
	var passwords []string
	if l, ok := sc.get("ssl_key_password", "ssl_server_key_password"); ok {
		passwords = []string{l.Value}
	}
	d.unlock(s, key, passwords, "no ssl_key_password is set, and Dovecot refuses every handshake")
	other, hasCert := sc.file(base, "ssl_alt_cert", "ssl_server_alt_cert_file")
	otherKey, hasKey := sc.file(base, "ssl_alt_key", "ssl_server_alt_key_file")
	if hasCert && hasKey {
		d.pair(s, other, otherKey)
		d.unlock(s, otherKey, passwords, "no ssl_key_password is set, and Dovecot refuses every handshake")
	}
}

// clientAuth reads what is wanted of clients. Dovecot asks in the handshake and
// refuses at the login.
func (d *dovecotReader) clientAuth(s *facts.Site, sc dovecotScope, base string) {
	l, ok := sc.get("ssl_verify_client_cert", "ssl_server_request_client_cert")
	if !ok || l.Value != "yes" {
		return
	}
	s.Verify, s.Lines[facts.SetVerify] = "optional", l
	ca, ok := sc.file(base, "ssl_ca", "ssl_server_ca_file")
	if !ok {
		addFault(s, facts.Fault{At: l.Place, Stops: true, Text: "client certificates are wanted, but no ssl_ca says of which CA: Dovecot does not start"})
		return
	}
	s.Lines[facts.SetClientCA] = ca
	d.authorities(s, ca)
	if h := d.hold(ca.Value); len(h.lists) > 0 { // 2.3 keeps revocation lists beside the CAs
		s.Lines[facts.SetClientCRL] = ca
		d.revocations(s, ca)
	}
}

var dovecotVersions = []string{"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"}

func (d *dovecotReader) settings(s *facts.Site, sc dovecotScope, base string) {
	t := settings{ciphers: defaultDovecotCiphers}
	low := 3
	if l, ok := sc.get("ssl_min_protocol", "ssl_server_min_protocol"); ok {
		s.Lines[facts.SetVersions] = l
		switch i := slices.Index(dovecotVersions, l.Value); {
		case l.Value == "ANY" || l.Value == "LATEST":
			low = map[string]int{"ANY": 0, "LATEST": 4}[l.Value]
		case i < 0:
			addFault(s, mistyped(l.Place, "Dovecot knows no protocol", l.Value, dovecotVersions, ": it refuses every handshake"))
		default:
			low = i
		}
	}
	t.versions = []tlswire.Version{tlswire.SSL3, tlswire.TLS10, tlswire.TLS11, tlswire.TLS12, tlswire.TLS13}[low:]
	if l, ok := sc.get("ssl_protocols"); ok { // until 2.2
		s.Lines[facts.SetVersions] = l
		t.versions, _ = postfixVersions(l.Value)
	}
	if l, ok := sc.get("ssl_cipher_list"); ok {
		s.Lines[facts.SetSuites], t.ciphers = l, l.Value
	}
	if l, ok := sc.get("ssl_cipher_suites"); ok {
		s.Lines[facts.SetSuites13], t.suites13, t.suites13At = l, l.Value, l.Place
	}
	if l, ok := sc.get("ssl_curve_list"); ok {
		s.Lines[facts.SetGroups], t.groups = l, l.Value
	}
	if l, ok := sc.get("ssl_prefer_server_ciphers", "ssl_server_prefer_ciphers"); ok {
		t.ownOrder = l.Value == "yes" || l.Value == "server"
	}
	if l, ok := sc.file(base, "ssl_dh", "ssl_server_dh_file"); ok {
		s.Lines[facts.SetDH] = l
		h := d.hold(l.Value)
		switch t.dh = h.dh; {
		case h.err != nil:
			fileFault(s, l, l.Value, h.err, "the file of DH parameters")
		case h.dh == nil:
			addFault(s, facts.Fault{At: l.Place, File: l.Value, Stops: true, Text: l.Value + " holds no DH parameters"})
		}
	}
	negotiate(s, t)
}
