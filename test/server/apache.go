package server

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func startApache(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	var b strings.Builder
	b.WriteString(apacheHead(t, dir))
	for _, e := range eps {
		write(t, dir, fmt.Sprintf("body-%d.txt", e.Port), e.body())
		if e.DHParams != "" { // Apache reads them from the certificate's file
			e.Chain = e.combined(t, dir, ".pem", e.Chain, e.DHParams)
		}
		b.WriteString(ApacheBlock(e))
	}
	conf := write(t, dir, "apache.conf", b.String())
	process(t, dir, eps, "apache2", "-d", dir, "-f", conf, "-DFOREGROUND")
}

var apacheModules = []string{"mpm_event", "authz_core", "authz_host", "socache_shmcb", "ssl", "http2", "rewrite", "setenvif", "headers", "alias", "dir"}

func apacheHead(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "Define ROOT %s\nServerRoot %s\nServerName localhost\nPidFile %s/apache.pid\nErrorLog /dev/stderr\nLogLevel warn\n", dir, dir, dir)
	fmt.Fprintf(&b, "Mutex file:%s default\nDefaultRuntimeDir %s\n", dir, dir)
	for _, m := range apacheModules {
		for _, root := range []string{"/usr/lib/apache2/modules", "/usr/lib64/httpd/modules"} {
			so := root + "/mod_" + m + ".so"
			if _, err := os.Stat(so); err == nil {
				fmt.Fprintf(&b, "LoadModule %s_module %s\n", m, so)
			}
		}
	}
	if os.Geteuid() == 0 {
		b.WriteString("User www-data\nGroup www-data\n")
	}
	b.WriteString("SSLSessionCache none\nSSLStaplingCache shmcb:stapling(32768)\nSSLRandomSeed startup builtin\nServerTokens Full\n" +
		"StartServers 1\nThreadsPerChild 25\nServerLimit 2\nMaxRequestWorkers 50\nKeepAliveTimeout 1\n")
	fmt.Fprintf(&b, "<Directory %s>\n\tRequire all granted\n</Directory>\n", dir)
	return b.String()
}

var apacheVersions = map[string]string{"1.0": "+TLSv1", "1.1": "+TLSv1.1", "1.2": "+TLSv1.2", "1.3": "+TLSv1.3"}

// ApacheBlock writes the virtual host (or two, with a default before it).
func ApacheBlock(e *Endpoint) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\n# %s\nListen 127.0.0.1:%d\n", e.Name, e.Port)
	if e.Plain {
		fmt.Fprintf(&b, "<VirtualHost 127.0.0.1:%d>\n\tRewriteEngine on\n\tRewriteRule .* - [R=%d,L]\n</VirtualHost>\n", e.Port, max(e.status(), 204))
		return b.String()
	}
	vhost := func(name, chain, key string, main bool) {
		line := func(format string, args ...any) { fmt.Fprintf(&b, "\t"+format+"\n", args...) }
		fmt.Fprintf(&b, "<VirtualHost 127.0.0.1:%d>\n", e.Port)
		line("ServerName %s", name)
		if main && len(e.Hosts) > 1 {
			line("ServerAlias %s", strings.Join(e.Hosts[1:], " "))
		}
		line("DocumentRoot %s", "${ROOT}")
		line("SSLEngine on")
		line("SSLCertificateFile %s", chain)
		line("SSLCertificateKeyFile %s", key)
		if main && e.Chain2 != "" {
			line("SSLCertificateFile %s", e.Chain2)
			line("SSLCertificateKeyFile %s", e.Key2)
		}
		var vs []string
		for _, v := range e.versions() {
			vs = append(vs, apacheVersions[v])
		}
		line("SSLProtocol -all %s", strings.Join(vs, " "))
		line("SSLCipherSuite %s", e.ciphers())
		if e.Suites != "" {
			line("SSLCipherSuite TLSv1.3 %s", e.Suites)
		}
		if e.Groups != "" {
			line("SSLOpenSSLConfCmd Groups %s", e.Groups)
		}
		if e.SigAlgs != "" {
			line("SSLOpenSSLConfCmd SignatureAlgorithms %s", e.SigAlgs)
		}
		if e.ALPN != "" {
			line("Protocols %s", strings.ReplaceAll(e.ALPN, ",", " "))
		}
		if e.ClientCA != "" {
			line("SSLCACertificateFile %s", e.ClientCA)
			line("SSLVerifyDepth 4")
		}
		switch e.ClientAuth {
		case "required":
			line("SSLVerifyClient require")
		case "optional":
			line("SSLVerifyClient optional")
		}
		if e.CRL != "" {
			line("SSLCARevocationFile %s\n\tSSLCARevocationCheck leaf", e.CRL)
		}
		if e.Strict {
			line("SSLStrictSNIVHostCheck on")
		}
		if e.NoTickets {
			line("SSLSessionTickets off")
		}
		if main {
			for _, x := range e.Extra {
				line("%s", x)
			}
		}
		if e.status() != 200 {
			line("RewriteEngine on\n\tRewriteRule .* - [R=%d,L]", e.status())
		} else {
			line("RewriteEngine on\n\tRewriteRule .* /body-%d.txt [L]", e.Port)
		}
		b.WriteString("</VirtualHost>\n")
	}
	if e.DefaultChain != "" {
		vhost("default.invalid", e.DefaultChain, e.DefaultKey, false)
	}
	name := "localhost"
	if len(e.Hosts) > 0 {
		name = e.Hosts[0]
	}
	vhost(name, e.Chain, e.Key, true)
	return b.String()
}
