package server

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

func startStunnel(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	var b strings.Builder
	b.WriteString("foreground = yes\npid =\ndebug = 4\nsyslog = no\n")
	for _, e := range eps {
		if e.DHParams != "" { // read from the certificate's file
			e.Chain = e.combined(t, dir, ".pem", e.Chain, e.DHParams)
		}
		b.WriteString(stunnelService(t, e))
	}
	conf := write(t, dir, "stunnel.conf", b.String())
	process(t, dir, eps, "stunnel4", conf)
}

func stunnelService(t testing.TB, e *Endpoint) string {
	t.Helper()
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s = %s\n", name, value)
		}
	}
	fmt.Fprintf(&b, "\n[%s]\n", strings.ReplaceAll(e.Name, "/", "-"))
	line("accept", e.Target())
	line("connect", plainBackend(t, e))
	line("cert", e.Chain)
	line("key", e.Key)
	vs := e.versions()
	line("sslVersionMin", "TLSv"+strings.TrimSuffix(vs[0], ".0"))
	line("sslVersionMax", "TLSv"+strings.TrimSuffix(vs[len(vs)-1], ".0"))
	line("ciphers", e.ciphers())
	line("securityLevel", "0")
	line("ciphersuites", e.Suites)
	line("curves", e.Groups)
	line("CAfile", e.ClientCA)
	line("CRLfile", e.CRL)
	switch e.ClientAuth {
	case "required":
		b.WriteString("verifyChain = yes\nrequireCert = yes\n")
	case "optional":
		b.WriteString("verifyChain = yes\nrequireCert = no\n")
	}
	for _, x := range e.Extra {
		b.WriteString(x + "\n")
	}
	return b.String()
}

// plainBackend serves HTTP in clear: what stands behind a TLS proxy.
func plainBackend(t testing.TB, e *Endpoint) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(e.status())
		_, _ = io.WriteString(w, e.body())
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(ln)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return ln.Addr().String()
}
