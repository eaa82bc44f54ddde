package test

import (
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// controls are healthy servers, most of them unusual: none may raise an alarm.
func controls(w *world) []fault {
	type change = func(*server.Kind, *server.Endpoint, *tlswhy.Options)
	row := func(name string, on []*server.Kind, f change) fault {
		return fault{name: "healthy-" + name, class: "healthy", on: on, healthy: true,
			make: func(_ *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				if f != nil {
					f(k, e, o)
				}
			}}
	}
	files := func(p pair) change {
		return func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Chain, e.Key = p.chain, p.key }
	}
	versions := func(low, high string) change {
		return func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Min, e.Max = low, high }
	}
	ciphers := func(s suites) change {
		return func(k *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Max, e.Ciphers = "1.2", s.of(k) }
	}
	rows := []fault{
		row("plain", append([]*server.Kind{}, modern...), nil),
		row("tls12-only", modern, versions("1.2", "1.2")),
		row("tls13-only", modern, versions("1.3", "1.3")),
		row("all-versions", kinds(nginx, apache, haproxy, java), versions("1.0", "1.3")),
		row("cbc-only", kinds(nginx, gnutls, java, golang), ciphers(cbcOnly)),
		row("chacha-only", kinds(nginx, haproxy, golang), ciphers(chachaOnly)),
		row("dhe-2048-only", kinds(nginx, apache, openssl), func(k *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Max, e.Ciphers, e.DHParams = "1.2", dheOnly.of(k), w.DHParams2048()
		}),
		row("static-rsa-only", kinds(nginx, golang), ciphers(staticRSAOnly)),
		row("ccm-only", kinds(openssl, nginx), func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Max, e.Ciphers = "1.2", "DHE-RSA-AES128-CCM:DHE-RSA-AES256-CCM:ECDHE-RSA-AES128-GCM-SHA256"
		}),
		row("tls13-chacha-only", kinds(nginx, openssl), func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Min, e.Suites = "1.3", "TLS_CHACHA20_POLY1305_SHA256"
		}),
		row("hello-retry-p384", kinds(nginx, apache, haproxy, openssl, gnutls, golang), func(k *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Groups = group(k, "P-384")
		}),
		row("hello-retry-p521", kinds(nginx, golang), func(k *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Groups, e.Min = group(k, "P-521"), "1.3"
		}),
		row("no-tickets", kinds(nginx, haproxy, openssl, golang), func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.NoTickets = true }),
		row("alpn-h2", kinds(nginx, haproxy, apache, golang), func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.ALPN = "h2,http/1.1" }),
		row("client-cert-optional", modern, func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.ClientCA, e.ClientAuth = w.clientCAFile, "optional"
		}),
		row("client-cert-given", modern, func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
			e.ClientCA, e.ClientAuth, o.CertFile, o.KeyFile = w.clientCAFile, "required", w.client.chain, w.client.key
		}),
		row("client-cert-given-tls12", kinds(nginx, java, golang, gnutls), func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
			e.ClientCA, e.ClientAuth, o.CertFile, o.KeyFile, e.Max = w.clientCAFile, "required", w.client.chain, w.client.key, "1.2"
		}),
		row("sni-strict", kinds(nginx, haproxy, golang, java, gnutls), func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Strict = true }),
		row("unasked-client-cert", kinds(nginx), func(_ *server.Kind, _ *server.Endpoint, o *tlswhy.Options) {
			o.CertFile, o.KeyFile = w.client.chain, w.client.key
		}),
	}
	for _, status := range []int{302, 403, 404, 500, 503} {
		rows = append(rows, row("http-"+itoa(status), kinds(nginx, haproxy), func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Status = status
			if status == 302 {
				e.Body = "https://elsewhere.test/"
			}
		}))
	}
	for name, p := range healthyPairs(w) {
		on := kinds(nginx, golang)
		if name == "p256" || name == "p384" {
			on = kinds(nginx, apache, haproxy, openssl, gnutls, java, golang)
		}
		if name == "rsa-pss" {
			on = kinds(nginx, openssl)
		}
		rows = append(rows, row(name, on, files(p)))
	}
	rows = append(rows,
		row("dual-certificates", kinds(nginx, haproxy, golang), func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			p := w.leaf("dual-ec", pki.Spec{Key: "p256"})
			e.Chain2, e.Key2 = p.chain, p.key
		}),
		row("wildcard", kinds(nginx, java), files(w.leaf("wildcard", pki.Spec{DNS: []string{"*.shop.test"}}))),
		row("upper-case-name", kinds(nginx), files(w.leaf("upper", pki.Spec{DNS: []string{"WWW.Shop.test"}}))),
		row("idn", kinds(nginx), func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			p := w.leaf("idn", pki.Spec{DNS: []string{"xn--bcher-kva.test"}})
			e.Chain, e.Key, e.Hosts = p.chain, p.key, []string{"bücher.test", "xn--bcher-kva.test"}
		}))
	ip := row("ip-san", kinds(nginx, golang, java), files(w.leaf("ip", pki.Spec{CN: "by address", IPs: []string{"127.0.0.1"}})))
	ip.target = "https://127.0.0.1"
	return append(rows, ip)
}

// healthyPairs are chains that are unusual and right.
func healthyPairs(w *world) map[string]pair {
	now := time.Now()
	// The intermediate exists twice: signed by the root, and by an older root
	// whose signature over it has expired.
	crossRoot := w.Issue(nil, pki.Spec{CN: "Older Root", CA: true, KeyID: "older-root", NotBefore: now.Add(-4000 * pki.Day)})
	cross := w.Issue(crossRoot, pki.Spec{CN: "Test Intermediate", CA: true, KeyID: "intermediate",
		NotBefore: now.Add(-3000 * pki.Day), NotAfter: now.Add(-30 * pki.Day)})
	rootCross := w.Issue(crossRoot, pki.Spec{CN: "Test Root", CA: true, KeyID: "root",
		NotBefore: now.Add(-3000 * pki.Day), NotAfter: now.Add(-30 * pki.Day)})
	plain := func() *pki.Cert { return w.Leaf(pki.Spec{DNS: []string{host}}) }

	deep := []*pki.Cert{w.Intermediate}
	for i := range 5 {
		deep = append([]*pki.Cert{w.Issue(deep[0], pki.Spec{CN: "Level " + itoa(i), CA: true, KeyID: "level" + itoa(i)})}, deep...)
	}
	deepLeaf := w.Issue(deep[0], pki.Spec{DNS: []string{host}})

	out := map[string]pair{
		"expired-cross-sign":      w.files("cross", plain(), w.Intermediate, cross),
		"expired-cross-first":     w.files("cross-first", plain(), cross, w.Intermediate),
		"expired-root-cross-sign": w.files("root-cross", plain(), w.Intermediate, rootCross),
		"root-sent":               w.files("root-sent", plain(), w.Intermediate, w.Root),
		"chain-order":             w.files("order", plain(), w.Root, w.Intermediate),
		"extra-certificates":      w.files("extra", plain(), w.other.Intermediate, w.Intermediate, w.other.Root),
		"leaf-twice":              w.files("twice", plain(), w.Intermediate, w.Intermediate),
		"long-chain":              w.files("deep", append([]*pki.Cert{deepLeaf}, deep...)...),
		"p256":                    w.leaf("h-p256", pki.Spec{Key: "p256"}),
		"p384":                    w.leaf("h-p384", pki.Spec{Key: "p384"}),
		"p521":                    w.leaf("h-p521", pki.Spec{Key: "p521"}),
		"ed25519":                 w.leaf("h-ed25519", pki.Spec{Key: "ed25519"}),
		"rsa3072":                 w.leaf("h-rsa3072", pki.Spec{Key: "rsa3072"}),
		"many-names":              w.leaf("h-names", pki.Spec{DNS: manyNames(200)}),
		"expires-soon":            w.leaf("h-soon", pki.Spec{NotBefore: now.Add(-80 * pki.Day), NotAfter: now.Add(3 * pki.Day)}),
	}
	pss := w.OpenSSLLeaf("h-pss", host, "RSA-PSS", "rsa_keygen_bits:2048")
	out["rsa-pss"] = w.files("h-pss", pss, w.Intermediate)
	return out
}

func manyNames(n int) []string {
	names := []string{host}
	for i := range n {
		names = append(names, "tenant-"+itoa(i)+".hosting.test")
	}
	return names
}
