package srvconf

import (
	"fmt"
	"strings"

	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

func (n *nginxReader) certificates(s *facts.Site, sc *scope) {
	certs, keys := sc.all("ssl_certificate"), sc.all("ssl_certificate_key")
	if len(certs) == 0 && s.Lines[facts.SetListen].Name != "" {
		if l, ok := sc.one("ssl_reject_handshake"); ok && l.Value == "on" {
			return
		}
		s.Lines[facts.SetCertificate] = s.Lines[facts.SetListen]
		return // the default's certificate may stand in: finish decides
	}
	passwords := n.passwords(s, sc)
	for i, c := range certs {
		cert := c.line()
		if strings.Contains(cert.Value, "$") || strings.HasPrefix(cert.Value, "data:") {
			if len(certs) == 1 && len(keys) == 1 && n.hanging(s, sc, cert, keys[0].line()) {
				continue
			}
			addFault(s, facts.Fault{At: c.at, Remark: true, Text: "the certificate is named by a variable, so it is known only while nginx runs"})
			continue
		}
		cert.Value = absolute(n.prefix, cert.Value)
		if i == 0 {
			s.Lines[facts.SetCertificate] = cert
		}
		if i >= len(keys) {
			addFault(s, facts.Fault{At: c.at, Stops: true, Text: "no ssl_certificate_key goes with this certificate: nginx does not start"})
			continue
		}
		key := keys[i].line()
		if strings.HasPrefix(key.Value, "engine:") || strings.HasPrefix(key.Value, "store:") || strings.Contains(key.Value, "$") {
			s.Pairs = append(s.Pairs, facts.Pair{CertFile: cert.Value, Cert: cert, KeyAt: key, Chain: n.hold(cert.Value).chain})
			continue
		}
		key.Value = absolute(n.prefix, key.Value)
		if i == 0 {
			s.Lines[facts.SetKey] = key
		}
		n.pair(s, cert, key)
		n.unlock(s, key, passwords, "nginx asks for its password when it starts, and does not start as a service: name it with ssl_password_file")
	}
	sortKeys(s.Pairs)
}

// passwords are those of ssl_password_file, one on each line.
func (n *nginxReader) passwords(s *facts.Site, sc *scope) []string {
	l, ok := sc.one("ssl_password_file")
	if !ok {
		return nil
	}
	l.Value = absolute(n.prefix, l.Value)
	data, err := n.fileOf(l.Value, maxFile)
	if err != nil {
		fileFault(s, l, l.Value, err, "the file of passwords")
		return nil
	}
	return strings.Split(strings.ReplaceAll(string(data), "\r", ""), "\n")
}

// sortKeys gives keys to the certificates of their kind, as OpenSSL does where
// several pairs are loaded.
func sortKeys(pairs []facts.Pair) {
	for i := range pairs {
		for j := range pairs {
			a, b := &pairs[i], &pairs[j]
			if a.Mismatch() && b.Mismatch() && chain.MatchesKey(a.Chain[0], b.Key) {
				a.Key, b.Key, a.KeyFile, b.KeyFile, a.KeyAt, b.KeyAt = b.Key, a.Key, b.KeyFile, a.KeyFile, b.KeyAt, a.KeyAt
			}
		}
	}
}

func (n *nginxReader) clientAuth(s *facts.Site, sc *scope) {
	verify, ok := sc.one("ssl_verify_client")
	if !ok || verify.Value == "off" {
		return
	}
	s.Lines[facts.SetVerify] = verify
	s.Verify = map[string]string{"on": "required"}[verify.Value]
	if s.Verify == "" {
		s.Verify, s.Unjudged = "optional", verify.Value == "optional_no_ca"
	}
	for _, name := range []string{"ssl_client_certificate", "ssl_trusted_certificate"} {
		if l, ok := sc.one(name); ok {
			l.Value = absolute(n.prefix, l.Value)
			n.authorities(s, l)
			s.Lines[facts.SetClientCA] = l
		}
	}
	if s.Lines[facts.SetClientCA].Name == "" && !s.Unjudged {
		addFault(s, facts.Fault{At: verify.Place, Stops: true, Text: "client certificates are wanted, but no ssl_client_certificate says of which CA: nginx does not start"})
	}
	depth, ok := sc.one("ssl_verify_depth")
	if !ok {
		depth = facts.Line{Place: verify.Place, Name: "ssl_verify_depth", Value: "1"}
	}
	limit(s, depth, 1)
	if l, ok := sc.one("ssl_crl"); ok {
		l.Value = absolute(n.prefix, l.Value)
		s.Lines[facts.SetClientCRL] = l
		n.revocations(s, l)
	}
}

var nginxVersions = map[string]tlswire.Version{"SSLv2": tlswire.SSL2, "SSLv3": tlswire.SSL3, "TLSv1": tlswire.TLS10, "TLSv1.1": tlswire.TLS11, "TLSv1.2": tlswire.TLS12, "TLSv1.3": tlswire.TLS13}

func (n *nginxReader) settings(s *facts.Site, sc *scope) {
	t := settings{versions: []tlswire.Version{tlswire.TLS10, tlswire.TLS11, tlswire.TLS12, tlswire.TLS13}, ciphers: "HIGH:!aNULL:!MD5"}
	if _, ok := s.Lines[facts.SetVersions]; ok {
		t.versions = nil
		for _, x := range sc.all("ssl_protocols") { // lines of one block add up
			for _, word := range x.words[1:] {
				v, known := nginxVersions[word]
				if !known {
					s.Lines[facts.SetVersions] = x.line()
					addFault(s, facts.Fault{At: x.at, Stops: true, Text: fmt.Sprintf("nginx knows no protocol %q and does not start", word)})
					continue
				}
				t.versions = append(t.versions, v)
			}
		}
	}
	if l, ok := s.Lines[facts.SetSuites]; ok {
		t.ciphers = l.Value
	}
	t.groups = s.Lines[facts.SetGroups].Value
	if t.groups == "auto" {
		t.groups = ""
	}
	if l, ok := sc.one("ssl_prefer_server_ciphers"); ok {
		t.ownOrder = l.Value == "on"
	}
	for _, c := range sc.all("ssl_conf_command") {
		switch strings.ToLower(c.arg(1)) {
		case "ciphersuites":
			t.suites13, t.suites13At = c.arg(2), c.at
		case "signaturealgorithms":
			t.schemes, s.Lines[facts.SetSchemes] = c.arg(2), c.line()
		case "groups", "curves":
			t.groups, s.Lines[facts.SetGroups] = c.arg(2), c.line()
		case "cipherstring":
			t.ciphers, s.Lines[facts.SetSuites] = c.arg(2), c.line()
		default:
			t.command(s, c.arg(1), c.arg(2), c.line())
		}
	}
	if l, ok := s.Lines[facts.SetDH]; ok {
		l.Value = absolute(n.prefix, l.Value)
		h := n.hold(l.Value)
		switch t.dh = h.dh; {
		case h.err != nil:
			fileFault(s, l, l.Value, h.err, "the file of DH parameters")
		case h.dh == nil:
			addFault(s, facts.Fault{At: l.Place, File: l.Value, Stops: true, Text: l.Value + " holds no DH parameters"})
		}
	}
	negotiate(s, t)
}
