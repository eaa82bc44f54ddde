package test

import (
	"strconv"
	"testing"

	"github.com/tlswhy/tlswhy/test/server"
)

// The groups of servers that can have a fault.
var (
	nginx   = server.Nginx
	apache  = server.Apache
	haproxy = server.HAProxy
	stunnel = server.Stunnel
	openssl = server.OpenSSL
	gnutls  = server.GnuTLS
	java    = server.Java
	golang  = server.Go
	zcrypto = server.Zcrypto

	modern = []*server.Kind{nginx, apache, haproxy, stunnel, openssl, gnutls, java, golang}
)

func kinds(k ...*server.Kind) []*server.Kind { return k }

// suites are the names of one choice of TLS 1.2 suites in each server's
// language.
type suites struct{ openssl, gnutls, java, golang string }

func (s suites) of(k *server.Kind) string {
	switch k {
	case gnutls:
		return s.gnutls
	case java:
		return s.java
	case golang:
		return s.golang
	}
	return s.openssl
}

var (
	aes256Only = suites{
		openssl: "ECDHE-RSA-AES256-GCM-SHA384",
		gnutls:  "-CIPHER-ALL:+AES-256-GCM:-KX-ALL:+ECDHE-RSA",
		java:    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		golang:  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
	}
	cbcOnly = suites{
		openssl: "ECDHE-RSA-AES128-SHA:ECDHE-RSA-AES256-SHA",
		gnutls:  "-CIPHER-ALL:+AES-128-CBC:-KX-ALL:+ECDHE-RSA",
		java:    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
		golang:  "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA:TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
	}
	staticRSAOnly = suites{
		openssl: "AES128-GCM-SHA256:AES128-SHA",
		gnutls:  "-KX-ALL:+RSA",
		java:    "TLS_RSA_WITH_AES_128_GCM_SHA256,TLS_RSA_WITH_AES_128_CBC_SHA",
		golang:  "TLS_RSA_WITH_AES_128_GCM_SHA256:TLS_RSA_WITH_AES_128_CBC_SHA",
	}
	dheOnly = suites{
		openssl: "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384",
		gnutls:  "-KX-ALL:+DHE-RSA",
		java:    "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256,TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
	}
	chachaOnly = suites{
		openssl: "ECDHE-RSA-CHACHA20-POLY1305",
		gnutls:  "-CIPHER-ALL:+CHACHA20-POLY1305",
		java:    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
		golang:  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
	}
	// ecdsaOnly does not fit the RSA certificate that the server has.
	ecdsaOnly = suites{openssl: "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"}
)

// groups names one elliptic curve in each server's language.
func group(k *server.Kind, curve string) string {
	switch k {
	case gnutls:
		return map[string]string{"P-521": "+GROUP-SECP521R1", "P-384": "+GROUP-SECP384R1", "P-256": "+GROUP-SECP256R1"}[curve]
	case golang:
		return curve
	}
	return map[string]string{"P-521": "secp521r1", "P-384": "secp384r1", "P-256": "prime256v1"}[curve]
}

// TestKindsOfTables keeps the rule that a fault names what each kind can do.
func TestKindsOfTables(t *testing.T) {
	t.Parallel()
	for _, s := range []suites{aes256Only, cbcOnly, staticRSAOnly, chachaOnly} {
		for _, k := range modern {
			if s.of(k) == "" {
				t.Errorf("no suites for %s beside %s", k.Name, s.openssl)
			}
		}
	}
}

func itoa(n int) string { return strconv.Itoa(n) }
