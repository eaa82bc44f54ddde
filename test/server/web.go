package server

import (
	_ "embed" // server.js, server.py
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// startLighttpd serves all endpoints in one process, one socket each.
func startLighttpd(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	conf := write(t, dir, "lighttpd.conf", lighttpdHead(t, dir)+lighttpdSockets(eps))
	process(t, dir, eps, "lighttpd", "-D", "-f", conf)
}

// lighttpdHead is all but the sockets. The server wants a main one, which
// nobody asks.
func lighttpdHead(t testing.TB, dir string) string {
	write(t, dir, "index.html", "ok")
	return fmt.Sprintf("server.modules = (\"mod_openssl\", \"mod_access\")\nserver.document-root = %q\nserver.bind = \"127.0.0.1\"\nserver.port = %d\nindex-file.names = (\"index.html\")\n",
		dir, FreePort(t))
}

func lighttpdSockets(eps []*Endpoint) string {
	var b strings.Builder
	for _, e := range eps {
		fmt.Fprintf(&b, "$SERVER[\"socket\"] == %q {\n", e.Target())
		line := func(name, value string) {
			if value != "" {
				fmt.Fprintf(&b, "\t%s = %q\n", name, value)
			}
		}
		if !e.Plain {
			line("ssl.engine", "enable")
			line("ssl.pemfile", e.Chain)
			line("ssl.privkey", e.Key)
			vs := e.versions()
			conf := []string{fmt.Sprintf("%q => %q", "MinProtocol", nginxVersions[vs[0]]), fmt.Sprintf("%q => %q", "MaxProtocol", nginxVersions[vs[len(vs)-1]]),
				fmt.Sprintf("%q => %q", "CipherString", e.ciphers())}
			if e.Groups != "" {
				conf = append(conf, fmt.Sprintf("%q => %q", "Groups", e.Groups))
			}
			fmt.Fprintf(&b, "\tssl.openssl.ssl-conf-cmd = (%s)\n", strings.Join(conf, ", "))
			if e.ClientAuth != "" {
				line("ssl.verifyclient.ca-file", e.ClientCA)
				line("ssl.verifyclient.activate", "enable")
				fmt.Fprintf(&b, "\tssl.verifyclient.depth = 4\n")
			}
			if e.ClientAuth == "required" {
				line("ssl.verifyclient.enforce", "enable")
			}
		}
		for _, x := range e.Extra {
			b.WriteString("\t" + x + "\n")
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// startCaddy serves all endpoints in one process, one site each.
func startCaddy(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	var b strings.Builder
	for _, e := range eps {
		b.WriteString(caddySite(e))
	}
	conf := write(t, dir, "Caddyfile", caddyHead(dir)+b.String())
	process(t, dir, eps, "caddy", "run", "--adapter", "caddyfile", "--config", conf)
}

func caddyHead(dir string) string {
	return fmt.Sprintf("{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system %s\n}\n", dir)
}

func caddySite(e *Endpoint) string {
	var b strings.Builder
	scheme := "https"
	if e.Plain {
		scheme = "http"
	}
	fmt.Fprintf(&b, "%s://%s:%d {\n\tbind 127.0.0.1\n\trespond %q %d\n", scheme, e.Hosts[0], e.Port, e.body(), e.status())
	if !e.Plain {
		vs := e.versions()
		fmt.Fprintf(&b, "\ttls %s %s {\n\t\tprotocols tls%s tls%s\n", e.Chain, e.Key, vs[0], vs[len(vs)-1])
		if e.Ciphers != "" {
			fmt.Fprintf(&b, "\t\tciphers %s\n", strings.ReplaceAll(e.Ciphers, ":", " "))
		}
		if e.Groups != "" {
			fmt.Fprintf(&b, "\t\tcurves %s\n", e.Groups)
		}
		if e.ClientAuth != "" {
			mode := map[string]string{"required": "require_and_verify", "optional": "verify_if_given"}[e.ClientAuth]
			fmt.Fprintf(&b, "\t\tclient_auth {\n\t\t\tmode %s\n\t\t\ttrusted_ca_cert_file %s\n\t\t}\n", mode, e.ClientCA)
		}
		b.WriteString("\t}\n")
	}
	for _, x := range e.Extra {
		b.WriteString("\t" + x + "\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// startHitch puts one hitch before a web server in clear.
func startHitch(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	var b strings.Builder
	backHost, backPort, err := net.SplitHostPort(plainBackend(t, &Endpoint{}))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "backend = \"[%s]:%s\"\ndaemon = off\nworkers = 1\nsyslog = off\n", backHost, backPort)
	if os.Geteuid() == 0 {
		b.WriteString("user = \"nobody\"\n")
	}
	for _, e := range eps {
		fmt.Fprintf(&b, "frontend = {\n\thost = \"127.0.0.1\"\n\tport = \"%d\"\n\tpem-file = %q\n", e.Port, e.combined(t, dir, ".pem", e.Chain, e.Key, e.DHParams))
		var vs []string
		for _, v := range e.versions() {
			vs = append(vs, strings.TrimSuffix("TLSv"+v, ".0"))
		}
		fmt.Fprintf(&b, "\ttls-protos = %s\n\tciphers = %q\n", strings.Join(vs, " "), e.ciphers())
		if e.ClientAuth != "" {
			fmt.Fprintf(&b, "\tclient-verify = %s\n\tclient-verify-ca = %q\n", e.ClientAuth, e.ClientCA)
		}
		for _, x := range e.Extra {
			b.WriteString("\t" + x + "\n")
		}
		b.WriteString("}\n")
	}
	process(t, dir, eps, "hitch", "--config="+write(t, dir, "hitch.conf", b.String()))
}

var (
	//go:embed testdata/server.js
	nodeSource string
	//go:embed testdata/server.py
	pythonSource string
)

// startNode and startPython run one process with the endpoints as JSON.
func startNode(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	process(t, dir, eps, "node", "--tls-min-v1.0", write(t, dir, "server.js", nodeSource), endpointsJSON(t, dir, eps))
}

func startPython(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	process(t, dir, eps, "python3", write(t, dir, "server.py", pythonSource), endpointsJSON(t, dir, eps))
}

func endpointsJSON(t testing.TB, dir string, eps []*Endpoint) string {
	t.Helper()
	var all []map[string]any
	for _, e := range eps {
		vs := e.versions()
		all = append(all, map[string]any{"port": e.Port, "chain": e.Chain, "key": e.Key, "min": nginxVersions[vs[0]], "max": nginxVersions[vs[len(vs)-1]],
			"ciphers": e.ciphers(), "groups": e.Groups, "ca": e.ClientCA, "auth": e.ClientAuth, "plain": e.Plain})
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, "endpoints.json", string(text))
}
