package server

import (
	"strconv"
	"strings"
	"testing"
)

// startGnuTLS starts one gnutls-serv per endpoint. Ciphers and Groups are parts
// of a GnuTLS priority string here ("+AES-128-GCM", "+GROUP-SECP521R1").
func startGnuTLS(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	for _, e := range eps {
		args := []string{"--http", "--quiet", "--port", strconv.Itoa(e.Port), "--priority", gnutlsPriority(e)}
		arg := func(name, value string) {
			if value != "" {
				args = append(args, name, value)
			}
		}
		arg("--x509certfile", e.Chain)
		arg("--x509keyfile", e.Key)
		arg("--x509certfile", e.Chain2)
		arg("--x509keyfile", e.Key2)
		arg("--dhparams", e.DHParams)
		arg("--x509cafile", e.ClientCA)
		arg("--x509crlfile", e.CRL)
		switch e.ClientAuth {
		case "required":
			args = append(args, "--require-client-cert", "--verify-client-cert")
		case "":
			args = append(args, "--disable-client-cert")
		}
		if e.ALPN != "" {
			for _, p := range strings.Split(e.ALPN, ",") {
				arg("--alpn", p)
			}
			args = append(args, "--alpn-fatal")
		}
		if e.Strict {
			arg("--sni-hostname", e.Hosts[0])
			args = append(args, "--sni-hostname-fatal")
		}
		if e.NoTickets {
			args = append(args, "--noticket")
		}
		args = append(args, e.Extra...)
		process(t, dir, []*Endpoint{e}, "gnutls-serv", args...)
	}
}

func gnutlsPriority(e *Endpoint) string {
	p := "NORMAL:-VERS-ALL"
	for _, v := range e.versions() {
		p += ":+VERS-TLS" + v
	}
	if e.Ciphers != "" {
		p += ":" + e.Ciphers
	}
	if e.Groups != "" {
		p += ":-GROUP-ALL:" + e.Groups
	}
	if e.SigAlgs != "" {
		p += ":-SIGN-ALL:" + e.SigAlgs
	}
	return p
}
