package server

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

// startOpenSSL starts one s_server per endpoint: it serves one connection at a
// time, and so shows what a busy small device does.
func startOpenSSL(t testing.TB, dir string, eps []*Endpoint) {
	t.Helper()
	for _, e := range eps {
		args := []string{"s_server", "-accept", e.Target(), "-www", "-quiet"}
		arg := func(name, value string) {
			if value != "" {
				args = append(args, name, value)
			}
		}
		if e.Chain == "" {
			args = append(args, "-nocert")
		} else {
			arg("-cert", e.Chain)
			arg("-key", e.Key)
			arg("-cert_chain", restOfChain(t, dir, e))
		}
		arg("-dcert", e.Chain2)
		arg("-dkey", e.Key2)
		vs := e.versions()
		arg("-min_protocol", opensslVersion(vs[0]))
		arg("-max_protocol", opensslVersion(vs[len(vs)-1]))
		arg("-cipher", e.ciphers())
		arg("-ciphersuites", e.Suites)
		arg("-groups", e.Groups)
		arg("-sigalgs", e.SigAlgs)
		arg("-dhparam", e.DHParams)
		arg("-alpn", e.ALPN)
		if e.ClientCA != "" {
			arg("-CAfile", e.ClientCA)
			args = append(args, "-verify_return_error")
		}
		if e.Staple != "" {
			arg("-status_file", e.Staple)
			args = append(args, "-status")
		}
		if e.CRL != "" {
			arg("-CRL", e.CRL)
			args = append(args, "-crl_check")
		}
		switch e.ClientAuth {
		case "required":
			arg("-Verify", "5")
		case "optional":
			arg("-verify", "5")
		}
		if e.Strict {
			arg("-servername", e.Hosts[0])
			args = append(args, "-servername_fatal")
			arg("-cert2", e.Chain)
			arg("-key2", e.Key)
		}
		if e.NoTickets {
			arg("-num_tickets", "0")
		}
		for _, x := range e.Extra {
			args = append(args, strings.Fields(x)...)
		}
		process(t, dir, []*Endpoint{e}, "openssl", args...)
	}
}

func opensslVersion(v string) string {
	return "TLSv" + strings.TrimSuffix(v, ".0")
}

// restOfChain writes what follows the leaf: s_server takes it apart.
func restOfChain(t testing.TB, dir string, e *Endpoint) string {
	t.Helper()
	body, err := os.ReadFile(e.Chain)
	if err != nil {
		t.Fatal(err)
	}
	const end = "-----END CERTIFICATE-----\n"
	_, rest, _ := strings.Cut(string(body), end)
	if rest == "" {
		return ""
	}
	return write(t, dir, "chain-"+strconv.Itoa(e.Port)+".pem", rest)
}
