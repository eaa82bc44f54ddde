package srvconf

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register("dovecot", parseDovecot)

// dovecotReader turns the settings of Dovecot 2.3 and 2.4 into sites.
type dovecotReader struct{ *reader }

func parseDovecot(r *reader, file string, data []byte) {
	d := &dovecotReader{r}
	r.open = []string{filepath.Clean(file)}
	root := &node{isBlock: true}
	d.lines(file, data, []*node{root})
	d.site(root, nil, facts.Place{File: file, Line: 1})
	for _, n := range root.block {
		if n.isBlock && n.arg(0) == "local_name" {
			d.site(root, n, n.at)
		}
	}
	share(r.c.Sites)
}

// lines reads a file into the tree; a setting is a node of its name and value.
func (d *dovecotReader) lines(file string, data []byte, stack []*node) {
	depth := len(stack)
	for _, l := range joined(string(data), true) {
		at := facts.Place{File: file, Line: l.line}
		text := strings.TrimSpace(l.text)
		if text == "" || text[0] == '#' {
			continue
		}
		top := stack[len(stack)-1]
		switch words := strings.Fields(text); {
		case words[0] == "!include" || words[0] == "!include_try":
			pattern := absolute(filepath.Dir(file), strings.Join(words[1:], " "))
			if strings.ContainsAny(pattern, "*?[") {
				pattern = absolute(filepath.Dir(file), pattern)
			}
			d.include(pattern, at, words[0] == "!include_try" || strings.ContainsAny(pattern, "*?["), func(name string, data []byte) {
				d.lines(name, data, slices.Clone(stack))
			})
		case text == "}":
			if len(stack) <= depth {
				d.fault(facts.Fault{At: at, Stops: true, Text: "a closing brace } without a section"})
				continue
			}
			stack = stack[:len(stack)-1]
		case strings.HasSuffix(withoutComment(text), "{") && !strings.Contains(strings.SplitN(text, "{", 2)[0], "="):
			n := &node{words: strings.Fields(strings.TrimSuffix(withoutComment(text), "{")), at: at, isBlock: true}
			if len(n.words) == 0 || len(stack) > maxNesting {
				d.fault(facts.Fault{At: at, Stops: true, Text: "a section without a name"})
				n.words = []string{"?"}
			}
			for i, w := range n.words {
				n.words[i] = strings.Trim(w, `"`)
			}
			top.block = append(top.block, n)
			stack = append(stack, n)
		default:
			name, value, ok := strings.Cut(text, "=")
			if !ok {
				d.fault(facts.Fault{At: at, Text: fmt.Sprintf("%q is no setting of the form name = value", firstWords(text))})
				continue
			}
			value = strings.TrimSpace(value)
			if !strings.HasPrefix(value, `"`) && !strings.HasPrefix(value, "'") {
				value = withoutComment(value)
			}
			top.block = append(top.block, &node{words: []string{strings.TrimSpace(name), strings.Trim(value, `"'`)}, at: at})
		}
	}
	if len(stack) > depth {
		d.fault(facts.Fault{At: stack[len(stack)-1].at, Stops: true, Text: "the section that is opened here is never closed: a brace } is missing"})
	}
}

// withoutComment drops what follows a # behind a blank.
func withoutComment(s string) string {
	if i := strings.Index(s, " #"); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}

// dovecotScope looks a setting up in a section, then outside of it.
type dovecotScope []*node

func (s dovecotScope) get(names ...string) (facts.Line, bool) {
	for _, n := range s {
		if n == nil {
			continue
		}
		for i := len(n.block) - 1; i >= 0; i-- {
			if x := n.block[i]; !x.isBlock && slices.Contains(names, x.arg(0)) {
				return x.line(), true
			}
		}
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
	l.Value = absolute(base, l.Value)
	return l, true
}

// defaultDovecotCiphers is ssl_cipher_list of Dovecot 2.3.
const defaultDovecotCiphers = "ALL:!kRSA:!SRP:!kDHd:!DSS:!aNULL:!eNULL:!EXPORT:!DES:!3DES:!MD5:!PSK:!RC4:!ADH:!LOW@STRENGTH"

func (d *dovecotReader) site(root, local *node, at facts.Place) {
	sc := dovecotScope{local, root}
	base := filepath.Dir(at.File)
	s := &facts.Site{Software: "dovecot", At: at, Title: "dovecot", Listen: []string{"0.0.0.0:993"}, Port: 993, Protocol: "imaps", Lines: map[facts.Setting]facts.Line{},
		Reload: "doveconf -n > /dev/null && systemctl reload dovecot"}
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
		if !strings.Contains(cert.Value, "-----BEGIN") {
			d.pair(s, cert, key)
		}
	}
	d.settings(s, sc, base)
	if l, ok := sc.get("ssl_verify_client_cert", "ssl_server_request_client_cert"); ok && l.Value == "yes" {
		s.Verify, s.Lines[facts.SetVerify] = "optional", l
		if ca, ok := sc.file(base, "ssl_ca", "ssl_server_ca_file"); ok {
			s.Lines[facts.SetClientCA] = ca
			d.authorities(s, ca)
			d.ownLists(s, ca)
		} else {
			addFault(s, facts.Fault{At: l.Place, Stops: true, Text: "client certificates are wanted, but no ssl_ca says of which CA"})
		}
	}
	d.c.Sites = append(d.c.Sites, s)
}

// ownLists are the revocation lists that Dovecot 2.3 keeps beside the CAs.
func (d *dovecotReader) ownLists(s *facts.Site, ca facts.Line) {
	if h := d.hold(ca.Value); len(h.lists) > 0 {
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
			addFault(s, facts.Fault{At: l.Place, Stops: true, Text: fmt.Sprintf("Dovecot knows no protocol %q", l.Value)})
		default:
			low = i
		}
	}
	t.versions = []tlswire.Version{tlswire.SSL3, tlswire.TLS10, tlswire.TLS11, tlswire.TLS12, tlswire.TLS13}[low:]
	if l, ok := sc.get("ssl_protocols"); ok { // until 2.2
		s.Lines[facts.SetVersions] = l
		t.versions = postfixVersions(l.Value)
	}
	if l, ok := sc.get("ssl_cipher_list"); ok {
		s.Lines[facts.SetSuites], t.ciphers = l, l.Value
	}
	if l, ok := sc.get("ssl_cipher_suites"); ok {
		t.suites13 = l.Value
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
		if t.dh = h.dh; h.err != nil {
			fileFault(s, l, l.Value, h.err, "the file of DH parameters")
		}
	}
	negotiate(s, t)
}
