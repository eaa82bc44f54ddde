package srvconf

import (
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

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
	if !on && len(sc.named("sslcertificatefile")) > 0 && a.opensHTTPS(n) { // mod_ssl switches itself on (ssl_init_Module)
		engine = sc.named("sslcertificatefile")[0].line()
		on = true
	}
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

// opensHTTPS tells whether Listen gives the port of a virtual host to https.
func (a *apacheReader) opensHTTPS(n *node) bool {
	return slices.ContainsFunc(n.words[1:], func(w string) bool {
		port := portOf(apacheAddress(w))
		return a.https[port] || len(a.listen) == 0 && port == 443
	})
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
	if len(certs) == 0 && slices.ContainsFunc(s.Names, func(n string) bool { return slices.Contains(a.domains, n) }) {
		addFault(s, facts.Fault{At: s.Lines[facts.SetEnable].Place, Remark: true, Text: "the certificate is that which mod_md gets and keeps, so it is known only while Apache runs"})
		return
	}
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
		a.locked(s, key, sc)
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

// locked is for a key that needs a password: Apache asks for it when it starts,
// and until somebody answers it accepts connections and says nothing.
func (a *apacheReader) locked(s *facts.Site, key facts.Line, sc *scope) {
	if !a.hold(key.Value).locks {
		return
	}
	f := facts.Fault{At: key.Place, File: key.Value, Text: fmt.Sprintf("the key in %s is encrypted: each time Apache starts it asks for the password, and serves nobody until it has it", key.Value)}
	if dialog, ok := sc.last("sslpassphrasedialog"); ok && !strings.Contains(dialog.Value, "ask-for-passphrase") && dialog.Value != "builtin" {
		f.Remark, f.Text = true, fmt.Sprintf("the key in %s is encrypted, its password comes from %s: it was not compared with the certificate", key.Value, dialog.Value)
		if program, ok := strings.CutPrefix(dialog.Value, "exec:"); ok && a.gone(strings.SplitN(program, " ", 2)[0]) {
			f = facts.Fault{At: dialog.Place, File: program, Stops: true, Text: fmt.Sprintf("the program %s, which is to give the password of %s, does not exist: Apache does not start", program, key.Value)}
		}
	}
	addFault(s, f)
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
	s.Verify, s.Unjudged = "optional", strings.EqualFold(verify.Value, "optional_no_ca")
	if strings.EqualFold(verify.Value, "require") {
		s.Verify = "required"
	}
	if path, ok := sc.last("sslcacertificatepath"); ok {
		s.Lines[facts.SetClientCA], s.Authorities = path, nil // more than this file
	}
	depth, ok := sc.last("sslverifydepth")
	if !ok {
		depth = facts.Line{Place: verify.Place, Name: "SSLVerifyDepth", Value: "1"}
	}
	limit(s, depth, 0)
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
	top := sc
	for ; sc != nil; sc = sc.outer {
		for _, n := range sc.named("sslciphersuite") {
			switch {
			case strings.EqualFold(n.arg(1), "TLSv1.3"):
				if t.suites13 == "" {
					t.suites13, t.suites13At = n.arg(2), n.at
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
				t.suites13, t.suites13At = n.arg(2), n.at
			case "signaturealgorithms":
				t.schemes, s.Lines[facts.SetSchemes] = n.arg(2), n.line()
			default:
				t.command(s, n.arg(1), strings.Trim(n.arg(2), `"`), n.line())
			}
		}
		if n := sc.named("sslhonorcipherorder"); len(n) > 0 && !t.ownOrder {
			t.ownOrder = strings.EqualFold(n[len(n)-1].arg(1), "on")
		}
		if n := sc.named("sslusestapling"); len(n) > 0 && s.Lines[facts.SetStaple].Name == "" {
			l := n[len(n)-1].line()
			s.Lines[facts.SetStaple], s.Staples = l, strings.EqualFold(l.Value, "on")
		}
		if sc.outer == nil && s.Staples && len(sc.named("sslstaplingcache")) == 0 && !a.partial && !slices.ContainsFunc(a.c.Faults, func(f facts.Fault) bool { return strings.HasPrefix(f.Text, "SSLStaplingCache") }) {
			addFault(s, facts.Fault{At: s.Lines[facts.SetStaple].Place, Stops: true, Text: "SSLUseStapling is on, but no SSLStaplingCache is set: Apache does not start"})
		}
	}
	if s.Staples {
		force, _ := top.last("sslstaplingforceurl")
		stapleable(s, s.Lines[facts.SetStaple], force.Value, "SSLCACertificateFile", s.Authorities)
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
