package test

import (
	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// cipherFaults are suites, groups and schemes that miss each other.
func cipherFaults(w *world) []fault {
	ed := w.leaf("ed25519", pki.Spec{Key: "ed25519"})
	type change = func(*world, *server.Kind, *server.Endpoint, *tlswhy.Options)
	row := func(name string, on []*server.Kind, want string, f change) fault {
		return fault{name: name, class: "cipher", on: on, want: []string{want}, make: f}
	}
	rows := []fault{
		row("cipher-ecdsa-suites-rsa-cert", kinds(nginx, apache, haproxy, stunnel, openssl), "server-no-certificate",
			func(_ *world, k *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Ciphers, e.Max = ecdsaOnly.of(k), "1.2"
			}),
		row("cipher-client-aes128", kinds(nginx, apache, gnutls, java, golang), "cipher-mismatch",
			func(_ *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Ciphers, e.Max = aes256Only.of(k), "1.2"
				o.Ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256"
			}),
		row("cipher-static-rsa", kinds(nginx, haproxy, stunnel, java, golang, gnutls), "cipher-mismatch",
			func(_ *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Ciphers, e.Max = staticRSAOnly.of(k), "1.2"
				o.Ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256"
			}),
		row("cipher-tls13-suites", kinds(nginx, openssl, haproxy), "cipher-mismatch",
			func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Min, e.Suites = "1.3", "TLS_CHACHA20_POLY1305_SHA256"
				o.Ciphers, o.MinVersion = "TLS_AES_128_GCM_SHA256", "1.3"
			}),
		row("cipher-rc4", kinds(zcrypto), "cipher-mismatch", legacySuites("1.2", "0005:0004")),
		row("cipher-3des", kinds(zcrypto), "cipher-mismatch", legacySuites("1.2", "000a:c012")),
		row("group-p521-only", kinds(nginx, apache, haproxy, stunnel, openssl, gnutls, golang), "no-common-group",
			func(_ *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Groups, o.Groups = group(k, "P-521"), "X25519:P-256"
			}),
		row("group-brainpool-only", kinds(openssl, apache), "no-common-group", // which TLS 1.3 does not have
			func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Groups, e.Ciphers = "brainpoolP256r1", "ECDHE-RSA-AES128-GCM-SHA256"
			}),
		row("group-brainpool-only-dhe", kinds(openssl, apache), "no-common-group", // and DHE in TLS 1.2
			func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Groups = "brainpoolP256r1" }),
		row("scheme-server-pkcs1", kinds(openssl, nginx, apache), "sigalg-mismatch", // which TLS 1.3 does not have
			func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.SigAlgs = "RSA+SHA256" }),
		row("group-p384-only-tls12", kinds(nginx, haproxy, golang), "no-common-group",
			func(_ *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Groups, e.Max, o.Groups = group(k, "P-384"), "1.2", "X25519:P-256"
				if k != golang { // no DHE, no static RSA to fall back to
					e.Ciphers = "ECDHE-RSA-AES128-GCM-SHA256"
				} else {
					e.Ciphers = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
				}
			}),
		row("scheme-ed25519-cert", kinds(nginx, openssl, golang), "sigalg-mismatch",
			func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Chain, e.Key, e.Min = ed.chain, ed.key, "1.3"
				o.SigAlgs = "rsa_pss_rsae_sha256:rsa_pkcs1_sha256:ecdsa_secp256r1_sha256"
			}),
		row("scheme-server-sha512", kinds(openssl, nginx), "sigalg-mismatch",
			func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.SigAlgs, e.Min = "rsa_pss_rsae_sha512", "1.3"
				o.SigAlgs = "rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256:rsa_pkcs1_sha256"
			}),
		row("dh-1024", kinds(nginx, apache, stunnel, openssl), "dh-key-too-small",
			func(_ *world, k *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Ciphers, e.DHParams, e.Max = dheOnly.of(k), w.dh1024, "1.2"
			}),
	}
	return rows
}

func legacySuites(high, codes string) func(*world, *server.Kind, *server.Endpoint, *tlswhy.Options) {
	return func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Ciphers, e.Max = codes, high }
}

// versionFaults are versions that miss each other, and what goes with them.
func versionFaults(_ *world) []fault {
	row := func(name string, on []*server.Kind, low, high, clientMin, clientMax string) fault {
		return fault{name: name, class: "version", on: on, want: []string{"protocol-version"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Min, e.Max, o.MinVersion, o.MaxVersion = low, high, clientMin, clientMax
			}}
	}
	return []fault{
		row("version-tls10-only", append([]*server.Kind{zcrypto}, modern...), "1.0", "1.0", "", ""),
		row("version-tls11-only", kinds(nginx, java, haproxy), "1.1", "1.1", "", ""),
		row("version-ssl3-only", kinds(zcrypto), "ssl3", "ssl3", "", ""),
		row("version-tls13-only-old-client", modern, "1.3", "1.3", "", "1.2"),
		row("version-tls12-only-new-client", kinds(nginx, golang, openssl, gnutls), "1.2", "1.2", "1.3", ""),
		row("version-client-tls10", kinds(nginx, haproxy, java), "1.2", "1.3", "1.0", "1.0"),
		{name: "alpn-no-overlap", class: "version", on: kinds(golang, gnutls), want: []string{"alpn-no-overlap"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.ALPN, o.ALPN = "imap", "http/1.1"
			}},
		{name: "renegotiation-rfc5746", class: "version", on: kinds(gnutls), want: []string{"legacy-renegotiation"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Max, e.Ciphers = "1.2", "%DISABLE_SAFE_RENEGOTIATION"
			}},
	}
}

// sniFaults are names that the client does not send or the server does not know.
func sniFaults(w *world) []fault {
	def := w.leaf("default-vhost", pki.Spec{DNS: []string{"default.hosting.test"}})
	both := w.leaf("other-vhost", pki.Spec{DNS: []string{"blog.shop.test"}})
	return []fault{
		{name: "sni-missing-refused", class: "sni", on: kinds(nginx, haproxy, golang), want: []string{"sni-missing"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) { e.Strict, o.SNI = true, "none" }},
		{name: "sni-missing-default-cert", class: "sni", on: kinds(nginx, apache, haproxy), want: []string{"sni-missing"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.DefaultChain, e.DefaultKey, o.SNI = def.chain, def.key, "none"
			}},
		{name: "sni-missing-old-client", class: "sni", on: kinds(nginx), want: []string{"sni-missing"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Strict, e.Min, o.Client = true, "1.0", "java-6"
			}},
		{name: "sni-unrecognized", class: "sni", on: kinds(nginx, haproxy, openssl, gnutls, java), want: []string{"sni-unrecognized"},
			target: "https://unknown.shop.test",
			make:   func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Strict = true }},
		// crypto/tls says internal_error, whatever the name: nobody can tell more.
		{name: "sni-unknown-alert-80", class: "sni", on: kinds(golang), want: []string{"internal-error"}, target: "https://unknown.shop.test",
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Strict = true }},
		{name: "wrong-vhost-default", class: "sni", on: kinds(nginx, apache, haproxy), want: []string{"wrong-vhost-cert", "hostname-mismatch"},
			target: "https://unknown.shop.test",
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.DefaultChain, e.DefaultKey = def.chain, def.key
			}},
		{name: "wrong-vhost-other-sni", class: "sni", on: kinds(nginx, apache, haproxy), want: []string{"wrong-vhost-cert"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.DefaultChain, e.DefaultKey, o.SNI = both.chain, both.key, "blog.shop.test"
			}},
		{name: "wrong-vhost-without-sni", class: "sni", on: kinds(nginx, apache, haproxy), healthy: true, warn: []string{"wrong-vhost-cert"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.DefaultChain, e.DefaultKey = def.chain, def.key
			}},
	}
}
