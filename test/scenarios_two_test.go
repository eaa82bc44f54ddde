package test

import (
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// twoFaults are servers with two faults, one behind the other or side by side:
// both must be found.
func twoFaults(w *world) []fault {
	now := time.Now()
	past := now.Add(-12 * pki.Day)
	oldLeaf := w.Leaf(pki.Spec{DNS: []string{host}, NotAfter: past})
	old := w.files("two-old", oldLeaf, w.Intermediate)
	oldOther := w.leaf("two-old-other", pki.Spec{DNS: []string{"mail.other.test"}, NotAfter: past})
	oldAlone := w.files("two-old-alone", oldLeaf)
	oldForeign := w.files("two-old-foreign", w.other.Leaf(pki.Spec{DNS: []string{host}, NotAfter: past}), w.other.Intermediate)
	otherAlone := w.files("two-other-alone", w.Leaf(pki.Spec{DNS: []string{"mail.other.test"}}))

	type change = func(*server.Kind, *server.Endpoint, *tlswhy.Options)
	row := func(name string, on []*server.Kind, first, second string, f change) fault {
		return fault{name: "two-" + name, class: "two faults", on: on, want: []string{first, second}, also: []string{first, second},
			make: func(_ *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) { f(k, e, o) }}
	}
	files := func(p pair) change {
		return func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Chain, e.Key = p.chain, p.key }
	}
	return []fault{
		row("expired-other-name", kinds(nginx, apache, golang), "cert-expired", "hostname-mismatch", files(oldOther)),
		row("expired-incomplete", kinds(nginx, haproxy, golang), "cert-expired", "incomplete-chain", files(oldAlone)),
		row("expired-unknown-ca", kinds(nginx), "cert-expired", "unknown-ca", files(oldForeign)),
		row("incomplete-other-name", kinds(nginx, java), "incomplete-chain", "hostname-mismatch", files(otherAlone)),
		row("old-version-expired", kinds(nginx, haproxy, stunnel, java, golang), "protocol-version", "cert-expired",
			func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Chain, e.Key, e.Min, e.Max = old.chain, old.key, "1.0", "1.0"
			}),
		row("suites-expired", kinds(nginx, golang, haproxy), "cipher-mismatch", "cert-expired",
			func(k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Chain, e.Key, e.Max, e.Ciphers = old.chain, old.key, "1.2", staticRSAOnly.of(k)
				o.Ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
			}),
		row("sni-suites", kinds(nginx, golang), "sni-missing", "cipher-mismatch",
			func(k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Strict, e.Max, e.Ciphers = true, "1.2", staticRSAOnly.of(k)
				o.SNI, o.Ciphers = "none", "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
			}),
		row("old-version-rc4", kinds(zcrypto), "protocol-version", "cipher-mismatch",
			func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Max, e.Ciphers = "1.0", "0005" }),
		row("group-expired", kinds(nginx, golang), "no-common-group", "cert-expired",
			func(k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Chain, e.Key, e.Groups, o.Groups = old.chain, old.key, group(k, "P-521"), "X25519"
			}),
		row("expired-client-cert", kinds(nginx, golang), "cert-expired", "client-cert-required",
			func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Chain, e.Key, e.ClientCA, e.ClientAuth = old.chain, old.key, w.clientCAFile, "required"
			}),
	}
}
