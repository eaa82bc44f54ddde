package server

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

func startNginx(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	process(t, dir, eps, "nginx", nginxArgs(t, dir, eps)...)
}

// nginxArgs writes the configuration and returns nginx's arguments.
func nginxArgs(t testing.TB, dir string, eps []*Endpoint) []string {
	t.Helper()
	var blocks strings.Builder
	for _, e := range eps {
		blocks.WriteString(NginxBlock(e))
	}
	conf := write(t, dir, "nginx.conf", nginxHead()+blocks.String()+"}\n")
	return []string{"-p", dir, "-c", conf, "-e", "stderr"}
}

func nginxHead() string {
	user := ""
	if os.Geteuid() == 0 {
		user = "user root;\n"
	}
	return user + `daemon off;
master_process off;
pid nginx.pid;
worker_rlimit_nofile 4096;
events { worker_connections 2048; }
http {
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	server_names_hash_bucket_size 256;
	variables_hash_bucket_size 128;
`
}

var nginxVersions = map[string]string{"1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}

// NginxBlock writes the server block (or two, with a default beside it).
func NginxBlock(e *Endpoint) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "\t\t"+format+";\n", args...) }
	if e.Plain {
		fmt.Fprintf(&b, "\tserver { # %s\n", e.Name)
		line("listen 127.0.0.1:%d", e.Port)
		line("return %d '%s'", e.status(), e.body())
		b.WriteString("\t}\n")
		return b.String()
	}
	switch {
	case e.Strict:
		fmt.Fprintf(&b, "\tserver { listen 127.0.0.1:%d ssl default_server; ssl_reject_handshake on; }\n", e.Port)
	case e.DefaultChain != "":
		fmt.Fprintf(&b, "\tserver { listen 127.0.0.1:%d ssl default_server; server_name _; ssl_certificate %s; ssl_certificate_key %s; return 200 default; }\n",
			e.Port, e.DefaultChain, e.DefaultKey)
	}
	fmt.Fprintf(&b, "\tserver { # %s\n", e.Name)
	alpn := ""
	if strings.Contains(e.ALPN, "h2") {
		alpn = " http2"
	}
	line("listen 127.0.0.1:%d ssl%s", e.Port, alpn)
	if len(e.Hosts) > 0 {
		line("server_name %s", strings.Join(e.Hosts, " "))
	}
	line("ssl_certificate %s", e.Chain)
	line("ssl_certificate_key %s", e.Key)
	if e.Chain2 != "" {
		line("ssl_certificate %s", e.Chain2)
		line("ssl_certificate_key %s", e.Key2)
	}
	var vs []string
	for _, v := range e.versions() {
		vs = append(vs, nginxVersions[v])
	}
	line("ssl_protocols %s", strings.Join(vs, " "))
	line("ssl_ciphers %s", e.ciphers())
	if e.Suites != "" {
		line("ssl_conf_command Ciphersuites %s", e.Suites)
	}
	if e.SigAlgs != "" {
		line("ssl_conf_command SignatureAlgorithms %s", e.SigAlgs)
	}
	if e.Groups != "" {
		line("ssl_ecdh_curve %s", e.Groups)
	}
	if e.DHParams != "" {
		line("ssl_dhparam %s", e.DHParams)
	}
	if e.ClientCA != "" {
		line("ssl_client_certificate %s", e.ClientCA)
		line("ssl_verify_depth 4")
	}
	switch e.ClientAuth {
	case "required":
		line("ssl_verify_client on")
	case "optional":
		line("ssl_verify_client optional")
	}
	if e.CRL != "" {
		line("ssl_crl %s", e.CRL)
	}
	if e.Staple != "" {
		line("ssl_stapling on")
		line("ssl_stapling_file %s", e.Staple)
	}
	if e.NoTickets {
		line("ssl_session_tickets off")
	}
	for _, x := range e.Extra {
		fmt.Fprintf(&b, "\t\t%s\n", x)
	}
	fmt.Fprintf(&b, "\t\tlocation / { return %d '%s'; }\n\t}\n", e.status(), e.body())
	return b.String()
}
