package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func startHAProxy(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`global
	maxconn 1000
	tune.ssl.default-dh-param 2048
	ssl-default-bind-options ssl-min-ver TLSv1.0
defaults
	mode http
	timeout connect 5s
	timeout client 20s
	timeout server 20s
`)
	for _, e := range eps {
		b.WriteString(HAProxyBlock(t, dir, e))
	}
	conf := write(t, dir, "haproxy.cfg", b.String())
	process(t, dir, eps, "haproxy", "-db", "-f", conf)
}

// HAProxyBlock writes a frontend. Extra lines that begin with "bind " are
// arguments of the bind line, the others lines of the frontend.
func HAProxyBlock(t testing.TB, dir string, e *Endpoint) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "\nfrontend f%d # %s\n\tbind 127.0.0.1:%d", e.Port, e.Name, e.Port)
	var lines []string
	mode := "http"
	for _, x := range e.Extra {
		if x == "mode tcp" {
			mode = "tcp"
		}
		if _, isBind := strings.CutPrefix(x, "bind "); !isBind {
			lines = append(lines, "\t"+x+"\n")
		}
	}
	if !e.Plain {
		arg := func(name, value string) {
			if value != "" {
				fmt.Fprintf(&b, " %s %s", name, value)
			}
		}
		b.WriteString(" ssl")
		if e.DefaultChain != "" {
			arg("crt", e.combined(t, dir, "-default.pem", e.DefaultChain, e.DefaultKey))
		}
		crt := e.combined(t, dir, ".pem", e.Chain, e.Key, e.DHParams)
		arg("crt", crt)
		if e.Staple != "" {
			staple, err := os.ReadFile(e.Staple)
			if err != nil {
				t.Fatal(err)
			}
			write(t, dir, filepath.Base(crt)+".ocsp", string(staple))
		}
		if e.Chain2 != "" {
			arg("crt", e.combined(t, dir, "-2.pem", e.Chain2, e.Key2))
		}
		vs := e.versions()
		arg("ssl-min-ver", "TLSv"+vs[0])
		arg("ssl-max-ver", "TLSv"+vs[len(vs)-1])
		arg("ciphers", e.ciphers())
		arg("ciphersuites", e.Suites)
		arg("curves", e.Groups)
		arg("sigalgs", e.SigAlgs)
		arg("alpn", e.ALPN)
		arg("ca-file", e.ClientCA)
		arg("verify", e.ClientAuth)
		arg("crl-file", e.CRL)
		if e.Strict {
			b.WriteString(" strict-sni")
		}
		if e.NoTickets {
			b.WriteString(" no-tls-tickets")
		}
		for _, x := range e.Extra {
			if a, isBind := strings.CutPrefix(x, "bind "); isBind {
				b.WriteString(" " + a)
			}
		}
	}
	b.WriteString("\n")
	for _, l := range lines {
		b.WriteString(l)
	}
	if mode == "http" {
		fmt.Fprintf(&b, "\thttp-request return status %d content-type text/plain string \"%s\"\n", e.status(), e.body())
	}
	return b.String()
}
