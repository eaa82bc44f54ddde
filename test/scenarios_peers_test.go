package test

import (
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// software is what one kind of server can be made to do in one of its protocols.
type software struct {
	kind   *server.Kind
	scheme string // of the URL; one with an "s" begins with TLS
	can    string // old, cipher, group, mtls, optional, plain, ecdsa
	// ciphers is a choice of suites that the reference client can be kept
	// from, in the server's language; "" is ECDHE-RSA-AES256-GCM-SHA384.
	ciphers string
}

// gnutlsAES256 leaves one suite of TLS 1.2 in GnuTLS's language.
const gnutlsAES256 = "-CIPHER-ALL:+AES-256-GCM:-KX-ALL:+ECDHE-RSA"

// packaged are the servers of Debian that scenarios_*_test.go do not cover in full.
var packaged = []software{
	{kind: server.Lighttpd, scheme: "https", can: "old cipher group mtls plain ecdsa"},
	{kind: server.Caddy, scheme: "https", can: "cipher group mtls plain ecdsa", ciphers: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"},
	{kind: server.Hitch, scheme: "https", can: "old cipher mtls ecdsa"},
	{kind: server.Node, scheme: "https", can: "old cipher group mtls plain ecdsa"},
	{kind: server.Python, scheme: "https", can: "old cipher mtls plain ecdsa"},
	{kind: server.Postfix, scheme: "smtp", can: "old cipher group mtls optional plain ecdsa"},
	{kind: server.Postfix, scheme: "smtps", can: "old mtls"},
	{kind: server.Dovecot, scheme: "imap", can: "cipher plain ecdsa"},
	{kind: server.Dovecot, scheme: "imaps", can: ""},
	{kind: server.Dovecot, scheme: "pop3", can: "plain"},
	{kind: server.Dovecot, scheme: "pop3s", can: ""},
	{kind: server.Dovecot, scheme: "lmtp", can: "plain"},
	{kind: server.Dovecot, scheme: "sieve", can: "plain"},
	{kind: server.Slapd, scheme: "ldap", can: "old cipher mtls plain ecdsa", ciphers: gnutlsAES256},
	{kind: server.Slapd, scheme: "ldaps", can: "mtls"},
	{kind: server.Postgres, scheme: "postgres", can: "old cipher mtls plain"},
	{kind: server.MariaDB, scheme: "mysql", can: "old cipher plain"},
	{kind: server.Vsftpd, scheme: "ftp", can: "cipher mtls plain"},
	{kind: server.Vsftpd, scheme: "ftps", can: ""},
	{kind: server.Prosody, scheme: "xmpp", can: "old cipher plain ecdsa"},
	{kind: server.Prosody, scheme: "xmpps", can: ""},
	{kind: server.InspIRCd, scheme: "irc", can: "old plain", ciphers: gnutlsAES256},
	{kind: server.InspIRCd, scheme: "ircs", can: ""},
	{kind: server.Mosquitto, scheme: "mqtts", can: "cipher mtls plain"},
	{kind: server.Redis, scheme: "rediss", can: "cipher mtls plain"},
	{kind: server.Unbound, scheme: "dot", can: "ecdsa"},
	{kind: server.Xrdp, scheme: "rdp", can: "cipher plain"},
}

// starttls tells whether a dialogue in clear comes before TLS.
func (p *software) starttls() bool {
	return p.scheme == "rdp" || p.scheme == "postgres" || !strings.HasSuffix(p.scheme, "s") && p.scheme != "dot"
}

// greeters are the protocols in which the server speaks first, so that a bare
// HOST:PORT is enough.
var greeters = []string{"smtp", "lmtp", "imap", "pop3", "sieve", "ftp", "mysql"}

// peerScenarios crosses the packaged servers with the faults that they can have.
func peerScenarios(w *world) []scenario {
	old := w.leaf("software-old", pki.Spec{NotAfter: weeksAgo(2)})
	other := w.leaf("software-other", pki.Spec{DNS: []string{"mail.other.test"}})
	alone := w.files("software-alone", w.Leaf(pki.Spec{DNS: []string{host}}))
	foreign := w.files("software-foreign", w.other.Leaf(pki.Spec{DNS: []string{host}}), w.other.Intermediate)
	ecdsa := w.leaf("software-ecdsa", pki.Spec{Key: "p256"})
	stranger := w.files("software-stranger", w.other.Issue(w.other.Intermediate, pki.Spec{CN: "stranger", EKU: clientAuthEKU}), w.other.Intermediate)
	lapsed := w.clientLeaf("software-lapsed", pki.Spec{NotAfter: weeksAgo(1)}, true)

	var out []scenario
	for _, p := range packaged {
		add := func(fault, class string, chain pair, change func(*scenario), want ...string) {
			s := scenario{name: p.scheme + "-" + fault, class: class, kind: p.kind, target: p.scheme + "://" + host, want: want, healthy: want == nil,
				ep:   server.Endpoint{Name: p.kind.Name + "/" + p.scheme + "-" + fault, Scheme: p.scheme, Hosts: []string{host}, Chain: chain.chain, Key: chain.key},
				opts: tlswhy.Options{CAFile: w.RootFile}}
			if change != nil {
				change(&s)
			}
			out = append(out, s)
		}
		can := func(word string) bool { return slices.Contains(strings.Fields(p.can), word) }
		add("healthy", "healthy", w.good, nil)
		add("cert-expired", "certificate", old, nil, "cert-expired")
		add("hostname-mismatch", "certificate", other, nil, "hostname-mismatch", "wrong-vhost-cert")
		add("incomplete-chain", "certificate", alone, nil, "incomplete-chain")
		add("unknown-ca", "certificate", foreign, nil, "unknown-ca")
		if p.kind != server.Vsftpd { // it has no lowest version
			add("no-shared-version", "version", w.good, func(s *scenario) { s.ep.Min, s.opts.MaxVersion = "1.2", "1.1" }, "protocol-version")
		}
		if can("ecdsa") {
			add("healthy-ecdsa", "healthy", ecdsa, nil)
			add("rsa-only-client", "cipher", ecdsa, func(s *scenario) {
				s.opts.MaxVersion, s.opts.Ciphers = "1.2", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
			}, "cipher-mismatch")
		}
		if can("old") {
			add("version-old", "version", w.good, func(s *scenario) { s.ep.Max = "1.1" }, "protocol-version")
		}
		if can("cipher") {
			add("cipher-mismatch", "cipher", w.good, func(s *scenario) {
				s.ep.Max, s.ep.Ciphers = "1.2", p.ciphers
				if p.ciphers == "" {
					s.ep.Ciphers = aes256Only.openssl
				}
				s.opts.MaxVersion, s.opts.Ciphers = "1.2", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"
			}, "cipher-mismatch")
		}
		if can("group") {
			add("no-common-group", "cipher", w.good, func(s *scenario) {
				s.ep.Groups = map[bool]string{true: "secp384r1", false: "secp521r1"}[p.kind == server.Caddy]
				s.ep.Min, s.opts.Groups = "1.3", "X25519:P-256"
			}, "no-common-group")
		}
		ask := func(mode string, id pair, high string) func(*scenario) {
			return func(s *scenario) {
				s.ep.ClientCA, s.ep.ClientAuth, s.ep.Max = w.clientCAFile, mode, high
				s.opts.CertFile, s.opts.KeyFile = id.chain, id.key
			}
		}
		if can("mtls") {
			add("client-cert-good", "healthy", w.good, ask("required", w.client, ""))
			add("client-cert-required", "client-auth", w.good, ask("required", pair{}, ""), "client-cert-required")
			add("client-cert-required-tls12", "client-auth", w.good, ask("required", pair{}, "1.2"), "client-cert-required")
			add("client-cert-untrusted", "client-auth", w.good, ask("required", stranger, ""), "client-cert-untrusted")
		}
		if can("mtls") {
			add("client-cert-expired", "client-auth", w.good, ask("required", lapsed, "1.2"), "client-cert-expired")
		}
		if can("optional") {
			add("client-cert-optional", "healthy", w.good, ask("optional", pair{}, ""))
		}
		plain, reverse := "server-speaks-plaintext", "client-speaks-plaintext"
		if p.starttls() {
			add("in-clear-to-tls", "transport", w.good, func(s *scenario) { s.target = "tls://" + host }, plain, "handshake-timeout", "eof-during-handshake", "connection-reset")
			plain = "starttls-missing"
			add("by-flag", "healthy", w.good, func(s *scenario) { s.target, s.opts.StartTLS = host, p.scheme })
			if slices.Contains(greeters, p.scheme) {
				add("by-greeting", "healthy", w.good, func(s *scenario) { s.target = host })
				add("by-greeting-expired", "certificate", old, func(s *scenario) { s.target = host }, "cert-expired")
			}
		} else if p.scheme != "https" {
			add("starttls-to-tls", "transport", w.good, func(s *scenario) { s.target = "smtp://" + host }, reverse)
		}
		if can("plain") {
			add("plain", "transport", w.good, func(s *scenario) { s.ep.Plain = true }, plain)
		}
	}
	return append(out, scenario{name: "https", class: "transport", kind: server.SSH, want: []string{"server-speaks-plaintext"},
		ep: server.Endpoint{Name: "sshd/https", Hosts: []string{host}}, opts: tlswhy.Options{CAFile: w.RootFile}})
}
