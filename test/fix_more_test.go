package test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// rupture is a fault in the settings of TLS of one server. {{live}} and {{etc}}
// are replaced in them.
type rupture struct {
	kind           *server.Kind
	scheme, name   string
	want, settings string
	opts           func(w *world, o *tlswhy.Options)
}

// The certificate and key in the words of each server.
var pairLines = map[*server.Kind]string{
	server.Lighttpd: "ssl.engine = \"enable\"\nssl.pemfile = \"{{live}}/fullchain.pem\"\nssl.privkey = \"{{live}}/privkey.pem\"\n",
	server.Postfix:  "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = {{live}}/fullchain.pem\nsmtpd_tls_key_file = {{live}}/privkey.pem\n",
	server.Dovecot:  "ssl = yes\nssl_cert = <{{live}}/fullchain.pem\nssl_key = <{{live}}/privkey.pem\n",
	server.Vsftpd:   "ssl_enable=YES\nallow_anon_ssl=YES\nssl_ciphers=HIGH\nrsa_cert_file={{live}}/fullchain.pem\nrsa_private_key_file={{live}}/privkey.pem\n",
	server.Slapd:    "TLSCertificateFile {{live}}/fullchain.pem\nTLSCertificateKeyFile {{live}}/privkey.pem\n",
	server.Postgres: "ssl = on\nssl_cert_file = '{{live}}/fullchain.pem'\nssl_key_file = '{{live}}/privkey.pem'\n",
	server.MariaDB:  "ssl_cert = {{live}}/fullchain.pem\nssl_key = {{live}}/privkey.pem\n",
}

// ruptures are the faults whose printed fixes are tried.
func ruptures() []rupture {
	var out []rupture
	add := func(k *server.Kind, scheme, name, want, settings string, opts func(*world, *tlswhy.Options)) {
		out = append(out, rupture{k, scheme, name, want, settings, opts})
	}
	suites := func(_ *world, o *tlswhy.Options) {
		o.MaxVersion, o.Ciphers = "1.2", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
	}
	identity := func(w *world, o *tlswhy.Options) { o.CertFile, o.KeyFile = w.client.chain, w.client.key }
	for _, k := range []*server.Kind{server.Lighttpd, server.Postfix, server.Dovecot, server.Vsftpd, server.Slapd, server.Postgres, server.MariaDB} {
		scheme := map[*server.Kind]string{server.Lighttpd: "https", server.Postfix: "smtp", server.Dovecot: "imap", server.Vsftpd: "ftp",
			server.Slapd: "ldap", server.Postgres: "postgres", server.MariaDB: "mysql"}[k]
		add(k, scheme, "incomplete-chain", "incomplete-chain", strings.Replace(pairLines[k], "fullchain.pem", "cert.pem", 1), nil)
	}
	versions := map[*server.Kind]string{
		server.Lighttpd: "ssl.openssl.ssl-conf-cmd = (\"MinProtocol\" => \"TLSv1\", \"MaxProtocol\" => \"TLSv1.1\", \"CipherString\" => \"DEFAULT:@SECLEVEL=0\")\n",
		server.Postfix:  "smtpd_tls_protocols = <=TLSv1.1\nsmtpd_tls_mandatory_protocols = <=TLSv1.1\ntls_medium_cipherlist = DEFAULT:@SECLEVEL=0\nsmtpd_tls_ciphers = medium\n",
		server.Slapd:    "TLSCipherSuite NORMAL:-VERS-ALL:+VERS-TLS1.1\n",
		server.Postgres: "ssl_min_protocol_version = 'TLSv1'\nssl_max_protocol_version = 'TLSv1.1'\nssl_ciphers = 'DEFAULT:@SECLEVEL=0'\n",
		server.MariaDB:  "tls_version = TLSv1.1\nssl_cipher = DEFAULT:@SECLEVEL=0\n",
	}
	ciphers := map[*server.Kind]string{
		server.Lighttpd: "ssl.openssl.ssl-conf-cmd = (\"MaxProtocol\" => \"TLSv1.2\", \"CipherString\" => \"AES128-SHA:AES256-SHA\")\n",
		server.Postfix:  "smtpd_tls_protocols = >=TLSv1.2, <=TLSv1.2\ntls_medium_cipherlist = AES128-SHA:AES256-SHA\nsmtpd_tls_ciphers = medium\n",
		server.Dovecot:  "ssl_cipher_list = AES128-SHA:AES256-SHA\n",
		server.Vsftpd:   "ssl_ciphers=AES128-SHA\n",
		server.Slapd:    "TLSCipherSuite NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA\n",
		server.Postgres: "ssl_max_protocol_version = 'TLSv1.2'\nssl_ciphers = 'AES128-SHA:AES256-SHA'\n",
		server.MariaDB:  "tls_version = TLSv1.2\nssl_cipher = AES128-SHA:AES256-SHA\n",
	}
	asks := map[*server.Kind]string{
		server.Lighttpd: "ssl.verifyclient.activate = \"enable\"\nssl.verifyclient.enforce = \"enable\"\nssl.verifyclient.ca-file = \"{{etc}}/lighttpd/client-cas.pem\"\n",
		server.Postfix:  "smtpd_tls_security_level = encrypt\nsmtpd_tls_req_ccert = yes\nsmtpd_tls_CAfile = {{etc}}/postfix/client-cas.pem\n",
		server.Slapd:    "TLSCACertificateFile {{etc}}/ldap/client-cas.pem\nTLSVerifyClient demand\n",
		server.Postgres: "ssl_ca_file = '{{etc}}/postgresql/client-cas.pem'\n",
	}
	plain := map[*server.Kind]string{
		server.Lighttpd: "", server.Postfix: "smtpd_tls_security_level = none\n", server.Dovecot: "ssl = no\n", server.Vsftpd: "ssl_enable=NO\nallow_anon_ssl=YES\nssl_ciphers=HIGH\n",
		server.Slapd: "sizelimit 10\n", server.Postgres: "ssl = off\n", server.MariaDB: "skip_name_resolve\n",
	}
	for _, base := range slices.Clone(out) {
		k := base.kind
		if s, ok := versions[k]; ok {
			add(k, base.scheme, "protocol-version", "protocol-version", pairLines[k]+s, nil)
		}
		if s, ok := ciphers[k]; ok {
			add(k, base.scheme, "cipher-mismatch", "cipher-mismatch", without(pairLines[k], s)+s, suites)
		}
		if s, ok := asks[k]; ok {
			add(k, base.scheme, "client-ca", "client-cert-untrusted", without(pairLines[k], s)+s, identity)
		}
		want := "starttls-missing"
		if base.scheme == "https" {
			want = "server-speaks-plaintext"
		}
		add(k, base.scheme, "plain", want, plain[k], nil)
	}
	caddy := "\ttls {{live}}/fullchain.pem {{live}}/privkey.pem {\n"
	add(server.Caddy, "https", "incomplete-chain", "incomplete-chain", strings.Replace(caddy, "fullchain", "cert", 1)+"\t}\n", nil)
	add(server.Caddy, "https", "protocol-version", "protocol-version", caddy+"\t\tprotocols tls1.3 tls1.3\n\t}\n", func(_ *world, o *tlswhy.Options) { o.MaxVersion = "1.2" })
	add(server.Caddy, "https", "cipher-mismatch", "cipher-mismatch", caddy+"\t\tprotocols tls1.2 tls1.2\n\t\tciphers TLS_RSA_WITH_AES_128_GCM_SHA256\n\t}\n", suites)
	add(server.Caddy, "https", "no-common-group", "no-common-group", caddy+"\t\tcurves secp521r1\n\t}\n", func(_ *world, o *tlswhy.Options) { o.Groups = "X25519:P-256" })
	return out
}

// without drops the lines of settings whose word the others set too.
func without(settings, others string) string {
	var out strings.Builder
	for line := range strings.Lines(settings) {
		if !slices.ContainsFunc(strings.Split(others, "\n"), func(o string) bool { return o != "" && wordOf(o) == wordOf(line) }) {
			out.WriteString(line)
		}
	}
	return out.String()
}

// wordOf is the word that a line of settings sets.
func wordOf(line string) string {
	f := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t=\n", r) })
	if len(f) == 0 {
		return ""
	}
	return f[0]
}

// TestFixesOfOtherServers does what TestFixesTurnServersGreen does for servers
// whose settings are lines: the printed ones take the place of those with the
// same word.
func TestFixesOfOtherServers(t *testing.T) {
	if testing.Short() {
		t.Skip("real servers")
	}
	runOtherFixes(t, newWorld(t), func(string, bool) {})
}

// runOtherFixes tries the fixes of all ruptures; see runFixes.
func runOtherFixes(t *testing.T, w *world, done func(name string, green bool)) {
	cache := server.Folder(t)
	for _, r := range ruptures() {
		t.Run(r.kind.Name+"/"+r.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if !t.Skipped() {
					done(t.Name(), !t.Failed())
				}
			}()
			r.run(t, w, cache)
		})
	}
}

func (r *rupture) run(t *testing.T, w *world, cache string) {
	t.Helper()
	m := newMachine(t, w, r.kind)
	for _, dir := range []string{"lighttpd", "postfix", "ldap", "postgresql", "vsftpd", "caddy", "dovecot", "mysql"} {
		m.put(t, "etc/"+dir+"/client-cas.pem", pki.PEM(w.other.Root))
	}
	if r.kind == server.Postgres { // it wants its key for itself
		if out, err := exec.Command("sh", "-c", "chown postgres "+m.root+"/etc/letsencrypt/live/*/privkey.pem && chmod 600 "+m.root+"/etc/letsencrypt/live/*/privkey.pem").CombinedOutput(); err != nil {
			t.Skipf("SKIPPED: giving the key to postgres: %s", out)
		}
	}
	m.config = r.settings
	m.expand()
	s := scenario{ep: server.Endpoint{Name: r.kind.Name, Port: m.port, Hosts: []string{host}, Scheme: r.scheme}, target: r.scheme + "://" + host,
		opts: tlswhy.Options{CAFile: w.RootFile, Server: r.kind.Name}, want: []string{r.want}}
	if r.opts != nil {
		r.opts(w, &s.opts)
	}
	var fix diag.Fix
	t.Run("broken", func(t *testing.T) {
		m.startSettings(t, r.scheme, cache)
		d, _ := s.diagnose(t)
		if wrong := s.judge(d); len(wrong) > 0 {
			t.Fatalf("%v\n%s", wrong, explain(d))
		}
		i := slices.IndexFunc(d.Causes[0].Fixes, func(f diag.Fix) bool {
			return f.For == r.kind.Name && (f.Config != "" || r.kind == server.Postfix)
		})
		if i < 0 {
			t.Fatalf("no fix for %s: %+v", r.kind.Name, d.Causes[0].Fixes)
		}
		fix = d.Causes[0].Fixes[i]
	})
	if t.Failed() {
		return
	}
	m.apply(t, fix)
	t.Run("fixed", func(t *testing.T) {
		m.startSettings(t, r.scheme, cache)
		d, _ := s.diagnose(t)
		if got := failures(d); len(got) > 0 {
			t.Errorf("after the fix: %v\nfix %s: %s\nconfig:\n%s\ncommand:\n%s\nresult:\n%s\n%s",
				got, fix.Action, fix.Text, fix.Config, fix.Command, m.config, explain(d))
		}
	})
}

func (m *machine) startSettings(t *testing.T, scheme, cache string) {
	t.Helper()
	server.StartSettings(t, m.kind, m.root, m.config, &server.Endpoint{Name: m.kind.Name, Port: m.port, Hosts: []string{host}, Scheme: scheme, Cache: cache})
}

// apply puts a printed fix into the settings and runs its commands.
func (m *machine) apply(t *testing.T, fix diag.Fix) {
	t.Helper()
	var fresh []string
	for line := range strings.Lines(m.below(fix.Config)) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != '[' {
			fresh = append(fresh, line)
		}
	}
	switch m.kind {
	case server.Slapd:
		m.put(t, "files/tls.ldif", []byte(m.below(fix.Config)+"\n"))
	case server.Postfix:
		m.put(t, "etc/postfix/main.cf", []byte(m.config))
	case server.Caddy:
		m.config = caddyWith(m.config, fresh)
	default:
		m.config = without(m.config, strings.Join(fresh, "\n")) + strings.Join(fresh, "\n") + "\n"
	}
	stubs := []string{
		"ldapmodify() { " + server.Need(t, "slapmodify") + " -n 0 -F " + filepath.Join(m.root, "etc/ldap/slapd.d") + " -l tls.ldif; }\n",
		"postconf() { " + server.Need(t, "postconf") + " -c " + filepath.Join(m.root, "etc/postfix") + " \"$@\"; }\n",
	}
	for _, c := range []string{"lighttpd", "caddy", "doveconf", "doveadm", "postfix", "psql", "mysql"} {
		stubs = append(stubs, c+"() { :; }\n")
	}
	m.carryOut(t, fix.Command, stubs...)
	if m.kind == server.Postfix {
		m.config = m.read(t, "etc/postfix/main.cf")
	}
}

// caddyWith puts lines of a tls block, or a tls line, into those of a site.
func caddyWith(config string, fresh []string) string {
	head, body, _ := strings.Cut(config, "{\n")
	if fresh[0] != "tls {" {
		return "\t" + fresh[0] + " {\n" + body
	}
	inner := strings.Join(fresh[1:len(fresh)-1], "\n\t\t")
	return head + "{\n\t\t" + inner + "\n" + without(body, inner)
}
