package main

import (
	"strings"
	"testing"
)

func TestTrustedFile(t *testing.T) {
	t.Parallel()
	env := func(name string) string {
		return map[string]string{"CURL_CA_BUNDLE": "curl.env", "NODE_EXTRA_CA_CERTS": "node.env"}[name]
	}
	for command, want := range map[string]string{
		"curl --cacert a.pem https://a.test":            "a.pem",
		"/usr/bin/curl --cacert a.pem --cacert b.pem u": "b.pem",
		"curl https://a.test":                           "curl.env",
		"wget --ca-certificate=a.pem u":                 "a.pem",
		"wget --ca-certificate a.pem u":                 "a.pem",
		"wget --ca-directory=d u":                       "",
		"aria2c --ca-certificate=a.pem u":               "a.pem",
		"openssl s_client -connect a:443 -CAfile a.pem": "a.pem",
		"openssl s_client -connect a:443 -CAfile":       "",
		"node app.js --cacert a.pem":                    "node.env",
		"env GIT_SSL_CAINFO=a.pem git ls-remote u":      "a.pem",
		"env A=1 NODE_EXTRA_CA_CERTS=b.pem node app.js": "b.pem",
		"env A=1": "",
		"true":    "",
		"":        "",
	} {
		if got := trustedFile(strings.Fields(command), env); got != want {
			t.Errorf("%q: got %q, want %q", command, got, want)
		}
	}
}

func TestResolved(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"curl --resolve A.test:443:127.0.0.1 u":        "127.0.0.1:443",
		"curl --resolve +a.test:443:[::1],127.0.0.1 u": "[::1]:443",
		"curl --resolve -a.test:443 u":                 "",
		"curl --resolve a.test:8443:127.0.0.1 u":       "",
		"curl --resolve":                               "",
		"wget --resolve a.test:443:127.0.0.1 u":        "",
	} {
		if got := resolved(strings.Fields(command))["a.test:443"]; got != want {
			t.Errorf("%q: got %q, want %q", command, got, want)
		}
	}
}
