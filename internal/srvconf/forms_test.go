package srvconf

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// madePair writes a certificate, its key, and both in other forms.
func madePair(t *testing.T, name string, pub, priv any) map[string]string {
	t.Helper()
	tmpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2036, 1, 1, 0, 0, 0, 0, time.UTC)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, pub, priv)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{
		name + ".pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), name + ".der": string(der),
		name + ".key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})), name + ".key.der": string(key),
	}
}

// forms are two pairs in every form, with what a test writes beside them.
func forms(t *testing.T, text string, file string) *Config {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"a.test", "b.test"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		for f, data := range madePair(t, name, key.Public(), key) {
			files[f] = data
		}
	}
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for f, data := range madePair(t, "ed.test", pub, priv) {
		files[f] = data
	}
	dir := write(t, files)
	return Load(filepath.Join(write(t, map[string]string{file: strings.ReplaceAll(text, "DIR", dir)}), file), Options{})
}

// every are the faults of a configuration and of its sites.
func every(c *Config) []facts.Fault {
	out := c.Faults
	for _, s := range c.Sites {
		out = append(out, s.Faults...)
	}
	return out
}

// TestFaultsOfFiles reads configurations that people write, and what is next to
// them and in order (fault is "" there).
func TestFaultsOfFiles(t *testing.T) {
	t.Parallel()
	const server = "http {\n MAP\n server {\n listen 443 ssl;\n server_name a.test b.test;\n ssl_certificate CERT;\n ssl_certificate_key KEY;\n MORE\n }\n}\n"
	nginx := func(cert, key, maps, more string) string {
		return strings.NewReplacer("CERT", cert, "KEY", key, "MAP", maps, "MORE", more).Replace(server)
	}
	plain := func(more string) string { return nginx("DIR/a.test.pem", "DIR/a.test.key", "", more) }
	for _, c := range []struct{ name, file, text, fault string }{
		{"a certificate in DER", "nginx.conf", nginx("DIR/a.test.der", "DIR/a.test.key", "", ""), "it is binary"},
		{"a key in DER", "nginx.conf", nginx("DIR/a.test.pem", "DIR/a.test.key.der", "", ""), "it is binary"},
		{"PEM", "nginx.conf", plain(""), ""},
		{"no semicolon", "nginx.conf", plain("ssl_session_timeout 5m\n ssl_session_tickets off;"), "ssl_session_timeout is not ended by a semicolon"},
		{"a value on the next line", "nginx.conf", plain("ssl_ciphers\n HIGH;\n ssl_session_cache shared:x:1m\n ;"), ""},
		{"a quoted word like a directive", "nginx.conf", plain("add_header X-Note\n \"listen\";"), ""},
		{"an upstream without a CA", "nginx.conf", plain("location / { proxy_pass https://up.test; proxy_ssl_verify on; }"), "no proxy_ssl_trusted_certificate"},
		{"an upstream whose CA is gone", "nginx.conf", plain("location / { grpc_pass grpcs://up.test; grpc_ssl_trusted_certificate DIR/gone.pem; }"), "does not exist"},
		{"an upstream with a CA", "nginx.conf", plain("proxy_ssl_trusted_certificate DIR/b.test.pem; location / { proxy_pass https://up.test; proxy_ssl_verify on; }"), ""},
		{"an upstream in clear", "nginx.conf", plain("location / { proxy_pass http://up.test; proxy_ssl_verify on; }"), ""},
		{"a variable that leads nowhere", "nginx.conf", nginx("DIR/$ssl_server_name.pem", "DIR/${ssl_server_name}.secret", "", ""), "a.test.secret cannot be read"},
		{"a variable", "nginx.conf", nginx("DIR/$ssl_server_name.pem", "DIR/$ssl_server_name.key", "", ""), ""},
		{"a map", "nginx.conf", nginx("$crt", "$crt_key", "map $ssl_server_name $crt { hostnames; default DIR/a.test.pem; *.test DIR/b.test.pem; a.test DIR/a.test.pem; }\n"+
			"map $ssl_server_name $crt_key { default DIR/a.test.key; b.test DIR/b.test.key; }", ""), ""},
		{"a map of something else", "nginx.conf", nginx("$crt", "$crt", "map $remote_addr $crt { default DIR/gone.pem; }", ""), ""},
		{"a map of regular expressions", "nginx.conf", nginx("$crt", "$crt", "map $ssl_server_name $crt { ~^a DIR/gone.pem; }", ""), ""},
		{"old names for Dovecot 2.4", "dovecot.conf", "dovecot_config_version = 2.4.0\nprotocols = imap\nssl = required\nssl_cert = <DIR/a.test.pem\nssl_key = <DIR/a.test.key\n", "knows no ssl_cert"},
		{"new names for Dovecot 2.4", "dovecot.conf", "dovecot_config_version = 2.4.0\nprotocols = imap\nssl = required\nssl_server_cert_file = DIR/a.test.pem\nssl_server_key_file = DIR/a.test.key\n", ""},
		{"Dovecot 2.3", "dovecot.conf", "protocols = imap\nssl = required\nssl_cert = <DIR/a.test.pem\nssl_key = <DIR/a.test.key\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := forms(t, c.text, c.file)
			found := every(got)
			if len(got.Sites) == 0 {
				t.Errorf("no site; faults %v", found)
			}
			if c.fault != "" && !stops(found, c.fault) || c.fault == "" && stops(found, "") {
				t.Errorf("got %v, want %q", found, c.fault)
			}
		})
	}
}

// TestCertificateByName sees that each name has the pair that its map row names,
// and that clients without a name meet the map's default.
func TestCertificateByName(t *testing.T) {
	t.Parallel()
	c := forms(t, "http { map $ssl_server_name $crt { default DIR/b.test; a.test DIR/a.test; }\n server { listen 443 ssl; server_name a.test b.test; ssl_certificate $crt.pem; ssl_certificate_key $crt.key; } }", "nginx.conf")
	if len(c.Sites) != 2 {
		t.Fatalf("got %d sites, want 2", len(c.Sites))
	}
	for name, want := range map[string]string{"a.test": "a.test", "b.test": "b.test", "": "b.test"} {
		s := c.Sites[0].Answering(name)
		if len(s.Pairs) != 1 || s.Pairs[0].Mismatch() || s.Pairs[0].Chain[0].DNSNames[0] != want {
			t.Errorf("for %q got %v", name, s.Pairs)
		}
	}
}

// TestSchemesOfKeys sees that a key signs by its own schemes alone.
func TestSchemesOfKeys(t *testing.T) {
	t.Parallel()
	c := forms(t, "http { server { listen 443 ssl; server_name ed.test; ssl_certificate DIR/ed.test.pem; ssl_certificate_key DIR/ed.test.key; } }", "nginx.conf")
	if got := c.Sites[0].Server.Schemes; len(got) != 1 || got[0] != tlswire.SchemeEd25519 {
		t.Errorf("got %v, want ed25519 alone", got)
	}
}
