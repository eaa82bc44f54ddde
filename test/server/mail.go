package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// implicit tells whether the endpoint's protocol begins with TLS.
func (e *Endpoint) implicit() bool { return !e.Plain && strings.HasSuffix(e.Scheme, "s") }

// startPostfix serves all endpoints in one instance, one smtpd each. It needs
// root, as Postfix does.
func startPostfix(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	needRoot(t, "postfix")
	var b strings.Builder
	b.WriteString(postfixMaster)
	for _, e := range eps {
		fmt.Fprintf(&b, "127.0.0.1:%d inet n - n - - smtpd\n", e.Port)
		option := func(name, value string) {
			if value != "" {
				fmt.Fprintf(&b, "  -o { %s = %s }\n", name, value)
			}
		}
		option("smtpd_tls_security_level", map[bool]string{true: "none", false: "may"}[e.Plain])
		if e.Plain {
			continue
		}
		option("smtpd_tls_wrappermode", map[bool]string{true: "yes"}[e.implicit()])
		option("smtpd_tls_cert_file", e.Chain)
		option("smtpd_tls_key_file", e.Key)
		vs := e.versions()
		for _, when := range []string{"", "mandatory_"} {
			option("smtpd_tls_"+when+"protocols", ">="+nginxVersions[vs[0]]+", <="+nginxVersions[vs[len(vs)-1]])
		}
		option("smtpd_tls_ciphers", "medium")
		option("tls_medium_cipherlist", e.ciphers())
		option("tls_eecdh_auto_curves", e.Groups)
		option("smtpd_tls_CAfile", e.ClientCA)
		switch e.ClientAuth {
		case "required":
			option("smtpd_tls_security_level", "encrypt")
			option("smtpd_tls_req_ccert", "yes")
		case "optional":
			option("smtpd_tls_ask_ccert", "yes")
		}
		for _, x := range e.Extra {
			b.WriteString("  " + x + "\n")
		}
	}
	postfixInstance(t, dir, eps, "", b.String())
}

// postfixInstance runs an instance of Postfix with a master.cf and lines for
// its main.cf.
func postfixInstance(t testing.TB, dir string, eps []*Endpoint, main, master string) {
	t.Helper()
	for _, d := range []string{"conf", "data", "queue/pid", "queue/active", "queue/incoming", "queue/maildrop", "queue/private", "queue/public"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
		if d != "conf" && d != "queue/pid" {
			command(t, "chown", "postfix", filepath.Join(dir, d))
		}
	}
	write(t, dir, "conf/main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
myhostname = mail.shop.test
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_relay_restrictions = reject
smtpd_recipient_restrictions = reject
smtpd_peername_lookup = no
alias_maps =
`, dir)+main)
	write(t, dir, "conf/master.cf", master)
	// "postfix start-fg" takes seconds to look after folders that are new here.
	process(t, dir, eps, filepath.Join(postfixDaemons, "master"), "-c", filepath.Join(dir, "conf"), "-d")
}

// postfixDaemons is where Debian has Postfix's programs.
const postfixDaemons = "/usr/lib/postfix/sbin"

// postfixMaster are the services without which smtpd does not work.
const postfixMaster = `cleanup unix n - n - 0 cleanup
rewrite unix - - n - - trivial-rewrite
tlsmgr unix - - n 1000? 1 tlsmgr
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
`

// startDovecot runs one instance per endpoint, each with one listener. It
// needs root, as Dovecot does.
func startDovecot(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	needRoot(t, "dovecot")
	for i, e := range eps {
		own := subfolder(t, dir, i)
		dovecotInstance(t, own, e, dovecotTLS(e))
	}
}

// dovecotTLS are the settings of TLS.
func dovecotTLS(e *Endpoint) string {
	if e.Plain {
		return "ssl = no\n"
	}
	vs := e.versions()
	s := fmt.Sprintf("ssl = yes\nssl_cert = <%s\nssl_key = <%s\nssl_min_protocol = %s\nssl_cipher_list = %s\n", e.Chain, e.Key, nginxVersions[vs[0]], e.ciphers())
	if e.Groups != "" {
		s += "ssl_curve_list = " + e.Groups + "\n"
	}
	if e.ClientAuth != "" {
		s += fmt.Sprintf("ssl_ca = <%s\nssl_verify_client_cert = yes\nssl_require_crl = no\n", e.ClientCA)
	}
	if e.ClientAuth == "required" {
		s += "auth_ssl_require_client_cert = yes\n"
	}
	for _, x := range e.Extra {
		s += x + "\n"
	}
	return s
}

// dovecotInstance runs Dovecot with these settings of TLS on one port.
func dovecotInstance(t testing.TB, dir string, e *Endpoint, settings string) {
	t.Helper()
	protocol := strings.TrimSuffix(e.Scheme, "s")
	service, listener := protocol+"-login", protocol
	switch protocol {
	case "lmtp":
		service, listener = "lmtp", "lmtp"
	case "sieve":
		service, listener = "managesieve-login", "sieve"
	case "smtp":
		protocol, service, listener = "submission", "submission-login", "submission"
	}
	var others strings.Builder // the usual ports stay closed
	for _, l := range []string{"imap", "imaps", "pop3", "pop3s", "submission"} {
		if l != listener && strings.HasPrefix(l, protocol) {
			fmt.Fprintf(&others, "  inet_listener %s {\n    port = 0\n  }\n", l)
		}
	}
	conf := write(t, dir, "dovecot.conf", fmt.Sprintf(`base_dir = %[1]s/run
state_dir = %[1]s/run
log_path = /dev/stderr
verbose_ssl = yes
listen = 127.0.0.1
protocols = %[2]s
mail_location = maildir:%[1]s/mail
auth_mechanisms = plain
passdb {
  driver = static
  args = password=none
}
userdb {
  driver = static
  args = uid=nobody gid=nogroup home=%[1]s
}
service %[3]s {
  inet_listener %[4]s {
    port = %[5]d
    ssl = %[6]s
  }
%[7]s}
%[8]s`, dir, protocol, service, listener, e.Port, map[bool]string{true: "yes", false: "no"}[e.implicit()], others.String(), settings))
	process(t, dir, []*Endpoint{e}, "dovecot", "-F", "-c", conf)
}
