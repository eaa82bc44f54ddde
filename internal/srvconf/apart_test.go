package srvconf

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestApart reads configurations of strangers: whether the files that they name
// are on this machine must make no difference.
func TestApart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"there.pem": "secret words of there.pem\n", "nginx.conf": "events{}", "apache2.conf": "", "conf/a.conf": "ssl_protocols TLSv1;\n", "tls.key": "secret words of tls.key"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"nginx": "events{}\nhttp{ include DIR/there.pem; include DIR/conf/*.conf; server{ listen 443 ssl; server_name a.example; ssl_certificate DIR/there.pem; ssl_certificate_key DIR/tls.key; " +
			"ssl_dhparam DIR/there.pem; ssl_password_file DIR/there.pem; ssl_client_certificate DIR/there.pem; ssl_crl DIR/there.pem; ssl_stapling on; ssl_stapling_file DIR/there.pem; ssl_trusted_certificate DIR/there.pem; }}\n",
		"nginx -T": "# configuration file DIR/conf/x.conf:\nserver{ listen 443 ssl; server_name a.example; ssl_certificate there.pem; ssl_certificate_key ../there.pem; }\n",
		"apache": "ServerRoot DIR\nInclude DIR\nInclude DIR/there.pem\nIncludeOptional conf/*.conf\nLoadModule ssl_module DIR/there.pem\n<IfFile DIR/there.pem>\nListen 444\n</IfFile>\nListen 443 https\n" +
			"<VirtualHost *:443>\nServerName a.example\nSSLEngine on\nSSLCertificateFile DIR/there.pem\nSSLCertificateKeyFile DIR/tls.key\nSSLCACertificatePath DIR\nSSLCACertificateFile DIR/there.pem\n</VirtualHost>\n",
		"haproxy": "global\n crt-base DIR\n ssl-load-extra-files all\nfrontend f\n bind :443 ssl crt there.pem crt DIR crt-list DIR/there.pem ca-file DIR/there.pem\n bind :444 ssl crt DIR/there.pem ca-file DIR\n",
		"postfix": "smtpd_tls_security_level = may\nmyhostname = a.example\nsmtpd_tls_cert_file = DIR/there.pem\nsmtpd_tls_key_file = DIR/tls.key\nsmtpd_tls_CAfile = DIR/there.pem\nsmtpd_tls_dh1024_param_file = DIR/there.pem\n" +
			"tls_server_sni_maps = texthash:DIR/there.pem\nsmtpd_tls_chain_files = DIR/there.pem\n",
		"dovecot": "protocols = imap\nssl = yes\n!include DIR/there.pem\n!include_try DIR/conf/*.conf\nssl_cert = <DIR/there.pem\nssl_key = <DIR/tls.key\nssl_dh = <DIR/there.pem\nssl_ca = <DIR/there.pem\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			elsewhere := "/nowhere" + strings.Repeat("x", len(dir)-len("/nowhere"))
			server, _, _ := strings.Cut(name, " ")
			read := func(at string) string {
				c := LoadText([]byte(strings.ReplaceAll(text, "DIR", at)), Options{Server: server, Apart: true})
				out := fmt.Sprint(c.Faults, c.Notes)
				for _, s := range c.Sites {
					out += "\n" + describeSite(s)
				}
				return strings.ReplaceAll(out, at, "DIR")
			}
			here, there := read(dir), read(elsewhere)
			if here != there {
				t.Errorf("it can be told that the files are there:\n%s\nelse\n%s", here, there)
			}
			if strings.Contains(here, "Stops:true") {
				t.Errorf("what cannot be looked at is no fault: %s", here)
			}
			if strings.Contains(here, "secret") || len(here) < 10 {
				t.Errorf("got %s", here)
			}
		})
	}
}

// describeSite is all that is known of a site, but for what it points to.
func describeSite(s *facts.Site) string {
	c := *s
	c.Peers, c.Depth = nil, nil
	return fmt.Sprintf("%+v", c)
}

// TestCommands: what OpenSSL is told beside the server's own words counts too.
func TestCommands(t *testing.T) {
	t.Parallel()
	const v12, v13 = tlswire.TLS12, tlswire.TLS13
	for _, c := range []struct {
		name, command string
		v12, v13      bool
	}{
		{"nothing", "", true, true},
		{"a minimum", "MinProtocol TLSv1.3", false, true},
		{"a maximum", "MaxProtocol TLSv1.2", true, false},
		{"one taken away", "Protocol -TLSv1.3", true, false},
		{"one left", `Protocol "-ALL, TLSv1.3"`, false, true},
		{"all again", `Protocol "-ALL,ALL"`, true, true},
		{"no version", "Options PrioritizeChaCha", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			apache, nginx := "", ""
			if c.command != "" {
				apache, nginx = "SSLOpenSSLConfCmd "+c.command, "ssl_conf_command "+c.command+";"
			}
			dir := write(t, map[string]string{
				"apache2.conf": "Listen 443\n<VirtualHost *:443>\nServerName a.test\nSSLEngine on\n" + apache + "\n</VirtualHost>\n",
				"nginx.conf":   "http { server { listen 443 ssl; server_name a.test; ssl_protocols TLSv1.2 TLSv1.3; ssl_reject_handshake on; " + nginx + " } }",
			})
			for _, file := range []string{"apache2.conf", "nginx.conf"} {
				got := Load(filepath.Join(dir, file), Options{}).Sites[0].Server.Versions
				if got[v12] != c.v12 || got[v13] != c.v13 {
					t.Errorf("%s: TLS 1.2 %v, TLS 1.3 %v; want %v, %v", file, got[v12], got[v13], c.v12, c.v13)
				}
			}
		})
	}
}

// TestHAProxyMaximum: without a minimum of its own HAProxy lowers its default.
func TestHAProxyMaximum(t *testing.T) {
	t.Parallel()
	for options, wanted := range map[string]bool{"ssl-max-ver TLSv1.1": false, "ssl-max-ver TLSv1.1 ssl-min-ver TLSv1.2": true, "ssl-max-ver TLSv1.2": false} {
		dir := write(t, map[string]string{"haproxy.cfg": "global\nfrontend f\n bind :443 ssl crt /nowhere.pem " + options + "\n"})
		site := Load(filepath.Join(dir, "haproxy.cfg"), Options{}).Sites[0]
		if got := stops(site.Faults, "no version is left"); got != wanted {
			t.Errorf("%s: no version left: got %v, want %v", options, got, wanted)
		}
	}
}
