package srvconf

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// TestDebianDefaults reads what the packages install: nothing is wrong with it.
func TestDebianDefaults(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("testdata/debian")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file, server string
		sites        int
	}{
		{"etc/nginx/nginx.conf", "nginx", 0}, {"etc/nginx/sites-available/default", "nginx", 0},
		{"etc/apache2/apache2.conf", "apache", 0}, {"etc/apache2/sites-available/default-ssl.conf", "apache", 1}, {"etc/apache2/mods-available/ssl.conf", "apache", 0},
		{"etc/haproxy/haproxy.cfg", "haproxy", 0}, {"etc/postfix/main.cf", "postfix", 1}, {"etc/postfix/master.cf", "postfix", 1}, {"etc/dovecot/dovecot.conf", "dovecot", 1},
		{"etc/dovecot/conf.d/10-ssl.conf", "dovecot", 1},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			got := Load(filepath.Join(root, c.file), Options{Root: root})
			if got.Software != c.server || len(got.Sites) != c.sites {
				t.Errorf("got %q with %d sites, want %q with %d", got.Software, len(got.Sites), c.server, c.sites)
			}
			faults := got.Faults
			for _, s := range got.Sites {
				faults = append(faults, s.Faults...)
				if v := s.Server.Versions; !v[tlswire.TLS12] || !v[tlswire.TLS13] || v[tlswire.SSL3] {
					t.Errorf("got versions %v", v)
				}
			}
			for _, f := range faults {
				if !strings.Contains(f.File, "snakeoil") && !strings.Contains(f.File, "dovecot/private") && !strings.Contains(f.File, "share/dovecot/dh.pem") {
					t.Errorf("%s: %s", f.At, f.Text)
				}
			}
		})
	}
}

// TestMail reads Postfix and Dovecot as people break them.
func TestMail(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, text, fault, at string }{
		{"postfix without a level", "postfix/main.cf", "myhostname = mx.test\nsmtpd_tls_cert_file = $config_directory/x.pem\n", "offers no STARTTLS", "main.cf:2"},
		{"postfix without a certificate", "postfix/main.cf", "smtpd_tls_security_level = may\n", "no certificate is set", "main.cf:1"},
		{"dovecot off", "dovecot/dovecot.conf", "ssl_cert = </x.pem\nssl_key = </x.key\nssl = no\n", "ssl = no", "dovecot.conf:3"},
		{"dovecot without a certificate", "dovecot/dovecot.conf", "ssl = required\nprotocols = imap\n", "no ssl_cert", "dovecot.conf:1"},
		{"dovecot without a key", "dovecot/dovecot.conf", "ssl = yes\nlocal_name a.test {\n  ssl_cert = </x.pem\n}\nprotocols = imap\nssl_cert = </y.pem\n", "not ssl_key", "dovecot.conf:6"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, map[string]string{c.file: c.text})
			got := Load(filepath.Join(dir, c.file), Options{})
			if len(got.Sites) == 0 {
				t.Fatalf("no site; %v", got.Faults)
			}
			for _, f := range got.Sites[0].Faults {
				if strings.Contains(f.Text, c.fault) && strings.HasSuffix(f.At.String(), c.at) {
					return
				}
			}
			t.Errorf("no fault says %q at %s: %v", c.fault, c.at, got.Sites[0].Faults)
		})
	}
}

func TestPostfixOverrides(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"postfix/main.cf":   "cert = /etc/x\nsmtpd_tls_cert_file =\n  ${cert}.pem\nsmtpd_tls_security_level = may\nsmtpd_tls_mandatory_protocols = !SSLv2, !SSLv3, !TLSv1, !TLSv1.1\n",
		"postfix/master.cf": "smtp inet n - y - - smtpd\nsubmission inet n - y - - smtpd\n  -o smtpd_tls_security_level=encrypt\n# c\n  -o smtpd_tls_ciphers=high\nsmtps inet n - y - - smtpd\n  -o smtpd_tls_wrappermode=yes\npickup unix n - y 60 1 pickup\n",
	})
	c := Load(filepath.Join(dir, "postfix/master.cf"), Options{})
	if len(c.Sites) != 3 {
		t.Fatalf("got %d sites, want 3", len(c.Sites))
	}
	smtp, submission, smtps := c.Sites[0], c.Sites[1], c.Sites[2]
	if smtp.Pairs[0].CertFile != "/etc/x.pem" || smtp.Pairs[0].Cert.Line != 2 {
		t.Errorf("got %+v", smtp.Pairs[0].Cert)
	}
	if !smtp.Server.Versions[tlswire.TLS10] || submission.Server.Versions[tlswire.TLS10] || smtps.StartTLS != "" || !smtp.Optional || submission.Optional {
		t.Error("the services do not differ as their lines say")
	}
}

// TestBadInput reads what is no configuration; each gives a word and nothing
// hangs.
func TestBadInput(t *testing.T) {
	t.Parallel()
	dir := write(t, map[string]string{
		"junk.conf": "\x7fELF\x00\x01", "empty.conf": "", "utf16.conf": "\xFF\xFEs\x00e\x00", "latin1/nginx.conf": "# caf\xe9\nserver { listen 443 ssl; ssl_reject_handshake on; }\n",
		"nginx/nginx.conf": "include nginx.conf;\ninclude *.conf;\n", "prose.txt": "dear all,\nthe server is down\n",
	})
	if err := os.Truncate(filepath.Join(dir, "empty.conf"), 1<<32); err != nil { // sparse
		t.Skip(err)
	}
	for name, words := range map[string]string{"junk.conf": "binary data", "empty.conf": "larger than", "utf16.conf": "UTF-16", "nginx/nginx.conf": "a loop", "prose.txt": "no configuration", "gone.conf": "does not exist", "nginx": "a folder"} {
		if c := Load(filepath.Join(dir, name), Options{}); !stops(c.Faults, words) {
			t.Errorf("%s: no fault says %q: %v", name, words, c.Faults)
		}
	}
	if c := Load(filepath.Join(dir, "latin1/nginx.conf"), Options{}); len(c.Sites) != 1 || len(c.Faults) > 0 {
		t.Errorf("Latin-1 in a comment: %v", c.Faults)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add("apache", "<VirtualHost *:443>\nSSLEngine on\nSSLProtocol all -x\nDefine a ${a}\n</VirtualHost>")
	f.Add("haproxy", "global\nfrontend x\n bind :443 ssl crt \"a ssl-min-ver")
	f.Add("postfix", "a = $a ${a?$a}\nsmtpd_tls_security_level = may\nsmtpd_tls_protocols = ! >= ,")
	f.Add("dovecot", "ssl = yes\nlocal_name { \nssl_cert = <\n!include_try x*\n}")
	f.Fuzz(func(t *testing.T, server, text string) {
		parse, ok := servers[server]
		if !ok || strings.Contains(text, "/") || strings.Contains(text, "nclude") {
			return // nothing of this machine is read
		}
		r := &reader{o: Options{}, c: &Config{}, certs: map[string]*holding{}}
		parse(r, "testdata/none/x.conf", []byte(text))
		for _, s := range r.c.Sites {
			for _, aim := range []Aim{AimVersions, AimSuites, AimGroups, AimDH, AimPair, AimEnable} {
				Mend(s, aim, Need{}, Options{Instead: map[string][]byte{"testdata/none/x.conf": []byte(text)}})
			}
		}
	})
}

func TestDiff(t *testing.T) {
	t.Parallel()
	old := "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15"
	fresh, err := Apply([]Edit{{Place: facts.Place{File: "f", Line: 2}, Old: "2", New: "two"}, {Place: facts.Place{File: "f", Line: 14}, Insert: true, New: "14a"}}, Options{Instead: map[string][]byte{"f": []byte(old)}})
	if err != nil {
		t.Fatal(err)
	}
	want := "--- a/f\n+++ b/f\n@@ -1,5 +1,5 @@\n 1\n-2\n+two\n 3\n 4\n 5\n@@ -12,4 +12,5 @@\n 12\n 13\n 14\n+14a\n 15\n\\ No newline at end of file\n"
	if got := Diff("f", old, string(fresh["f"])); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
