package test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// manyFaults are servers with two or three faults as they come together in
// practice: all must be found, the one that strikes first stands first, and
// nothing else is found.
func manyFaults(w *world) []fault {
	past := time.Now().Add(-12 * pki.Day)
	const other = "mail.other.test"
	leaf := func(name string, s pki.Spec) pair { return w.leaf("many-"+name, s) }
	files := func(name string, certs ...*pki.Cert) pair { return w.files("many-"+name, certs...) }
	bare := func(s pki.Spec) *pki.Cert {
		if s.DNS == nil {
			s.DNS = []string{host}
		}
		return w.Leaf(s)
	}
	old := leaf("old", pki.Spec{NotAfter: past})
	oldInter := w.Issue(w.Root, pki.Spec{CN: "Old Intermediate", CA: true, KeyID: "many-old-intermediate", NotAfter: past})
	limited := w.Issue(w.Root, pki.Spec{CN: "Limited", CA: true, KeyID: "many-limited", Permitted: []string{"other.test"}})
	selfOther := files("self-other", w.Issue(nil, pki.Spec{DNS: []string{"default.hosting.test"}}))
	foreign := func(s pki.Spec) *pki.Cert { return w.other.Leaf(s) }
	oldClient := w.clientLeaf("many-client-old", pki.Spec{NotAfter: past}, true)
	stranger := files("stranger", w.other.Issue(w.other.Intermediate, pki.Spec{CN: "stranger", EKU: clientAuthEKU}), w.other.Intermediate)
	clientUse := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}

	type change = func(*server.Kind, *server.Endpoint, *tlswhy.Options)
	served := func(p pair) change {
		return func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Chain, e.Key = p.chain, p.key }
	}
	tls10 := func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Min, e.Max = "1.0", "1.0" }
	only13 := func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) { e.Min, o.MaxVersion = "1.3", "1.2" }
	staticRSA := func(k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
		e.Max, e.Ciphers = "1.2", staticRSAOnly.of(k)
		o.Ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
	}
	p521 := func(k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
		e.Groups, o.Groups = group(k, "P-521"), "X25519"
	}
	smallDH := func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
		e.Max, e.Ciphers, e.DHParams = "1.2", dheOnly.openssl, w.dh1024
	}
	noRFC5746 := func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
		e.Max, e.Ciphers = "1.2", "%DISABLE_SAFE_RENEGOTIATION"
	}
	strict := func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) { e.Strict, o.SNI = true, "none" }
	wantsCert := func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
		e.ClientCA, e.ClientAuth = w.clientCAFile, "required"
	}
	with := func(p pair) change {
		return func(k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
			wantsCert(k, e, o)
			o.CertFile, o.KeyFile = p.chain, p.key
		}
	}
	row := func(name string, on []*server.Kind, causes []string, changes ...change) fault {
		return fault{name: "many-" + name, class: "two faults", on: on, want: causes[:1], also: causes[1:],
			make: func(_ *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				for _, f := range changes {
					f(k, e, o)
				}
			}}
	}
	ids := func(list ...string) []string { return list }
	return []fault{
		row("expired-other-name", kinds(haproxy, stunnel, gnutls, java), ids("cert-expired", "hostname-mismatch"),
			served(leaf("old-other", pki.Spec{DNS: []string{other}, NotAfter: past}))),
		row("expired-intermediate-weak-key", kinds(nginx, golang), ids("cert-expired", "weak-key-or-digest"),
			served(files("old-inter-weak", w.Issue(oldInter, pki.Spec{DNS: []string{host}, Key: "rsa1024"}), oldInter))),
		row("expired-intermediate-other-name", kinds(apache, java), ids("cert-expired", "hostname-mismatch"),
			served(files("old-inter-other", w.Issue(oldInter, pki.Spec{DNS: []string{other}}), oldInter))),
		row("expired-client-use", kinds(haproxy), ids("cert-expired", "bad-eku-or-constraints"), served(leaf("old-eku", pki.Spec{EKU: clientUse, NotAfter: past}))),
		row("expired-sha1", kinds(golang), ids("cert-expired", "weak-key-or-digest"), served(leaf("old-sha1", pki.Spec{SigAlg: x509.SHA1WithRSA, NotAfter: past}))),
		row("expired-constraints", kinds(nginx), ids("cert-expired", "name-constraints"), served(files("old-limited", w.Issue(limited, pki.Spec{DNS: []string{host}, NotAfter: past}), limited))),
		row("expired-client-use-other-name", kinds(nginx), ids("cert-expired", "bad-eku-or-constraints", "hostname-mismatch"),
			served(leaf("old-eku-other", pki.Spec{DNS: []string{other}, EKU: clientUse, NotAfter: past}))),
		row("young-other-name", kinds(nginx), ids("cert-not-yet-valid", "hostname-mismatch"), served(leaf("young-other", pki.Spec{DNS: []string{other}, NotBefore: weeksAgo(-1)}))),
		row("client-use-other-name", kinds(apache), ids("bad-eku-or-constraints", "hostname-mismatch"), served(leaf("eku-other", pki.Spec{DNS: []string{other}, EKU: clientUse}))),
		row("weak-key-other-name", kinds(apache), ids("hostname-mismatch", "weak-key-or-digest"), served(leaf("weak-other", pki.Spec{DNS: []string{other}, Key: "rsa1024"}))),

		row("incomplete-weak-key", kinds(nginx, golang), ids("incomplete-chain", "weak-key-or-digest"), served(files("alone-weak", bare(pki.Spec{Key: "rsa1024"})))),
		row("incomplete-expired-other-name", kinds(apache, golang), ids("incomplete-chain", "cert-expired", "hostname-mismatch"),
			served(files("alone-old-other", bare(pki.Spec{DNS: []string{other}, NotAfter: past})))),
		row("foreign-other-name", kinds(nginx, gnutls), ids("unknown-ca", "hostname-mismatch"), served(files("foreign-other", foreign(pki.Spec{DNS: []string{other}}), w.other.Intermediate))),
		row("foreign-expired-other-name", kinds(java), ids("unknown-ca", "cert-expired", "hostname-mismatch"),
			served(files("foreign-old-other", foreign(pki.Spec{DNS: []string{other}, NotAfter: past}), w.other.Intermediate))),
		row("self-signed-other-name", kinds(nginx, stunnel), ids("self-signed", "hostname-mismatch"), served(files("self-named", w.Issue(nil, pki.Spec{DNS: []string{other}})))),
		row("self-signed-weak-key", kinds(openssl), ids("self-signed", "weak-key-or-digest"), served(files("self-weak", w.Issue(nil, pki.Spec{DNS: []string{host}, Key: "rsa1024"})))),
		row("self-signed-expired-weak-key", kinds(nginx), ids("self-signed", "cert-expired", "weak-key-or-digest"),
			served(files("self-old-weak", w.Issue(nil, pki.Spec{DNS: []string{host}, Key: "rsa1024", NotAfter: past})))),

		row("old-version-expired", kinds(apache, openssl, gnutls), ids("protocol-version", "cert-expired"), tls10, served(old)),
		row("old-version-self-signed", kinds(stunnel, haproxy), ids("protocol-version", "self-signed"), tls10, served(files("self", w.Issue(nil, pki.Spec{DNS: []string{host}})))),
		row("old-version-incomplete-other-name", kinds(nginx, java), ids("protocol-version", "incomplete-chain", "hostname-mismatch"), tls10,
			served(files("alone-other", bare(pki.Spec{DNS: []string{other}})))),
		row("old-version-client-cert", kinds(nginx, golang), ids("protocol-version", "client-cert-required"), tls10, wantsCert),
		row("new-version-expired", kinds(nginx, golang, java), ids("protocol-version", "cert-expired"), only13, served(old)),
		row("new-version-other-name", kinds(haproxy), ids("protocol-version", "hostname-mismatch"), only13, served(leaf("other", pki.Spec{DNS: []string{other}}))),

		row("suites-incomplete", kinds(nginx, golang, java), ids("cipher-mismatch", "incomplete-chain"), staticRSA, served(files("alone", bare(pki.Spec{})))),
		row("suites-other-name", kinds(apache, gnutls), ids("cipher-mismatch", "hostname-mismatch"), staticRSA, served(leaf("other-2", pki.Spec{DNS: []string{other}}))),
		row("suites-client-cert", kinds(nginx, golang), ids("cipher-mismatch", "client-cert-required"), staticRSA, wantsCert),
		row("suites-expired-client-cert", kinds(haproxy), ids("cipher-mismatch", "cert-expired", "client-cert-required"), staticRSA, served(old), wantsCert),
		row("group-other-name", kinds(nginx, golang), ids("no-common-group", "hostname-mismatch"), p521, served(leaf("other-3", pki.Spec{DNS: []string{other}}))),
		row("group-client-cert", kinds(golang), ids("no-common-group", "client-cert-required"), p521, wantsCert),
		row("small-dh-expired", kinds(nginx, apache), ids("dh-key-too-small", "cert-expired"), smallDH, served(old)),
		row("small-dh-incomplete", kinds(apache), ids("dh-key-too-small", "incomplete-chain"), smallDH, served(files("alone-2", bare(pki.Spec{})))),
		row("renegotiation-expired", kinds(gnutls), ids("legacy-renegotiation", "cert-expired"), noRFC5746, served(old)),
		row("renegotiation-other-name", kinds(gnutls), ids("legacy-renegotiation", "hostname-mismatch"), noRFC5746, served(leaf("other-4", pki.Spec{DNS: []string{other}}))),
		row("alpn-expired", kinds(golang), ids("alpn-no-overlap", "cert-expired"), served(old),
			func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.ALPN = "foo" }),
		row("rc4-old-version-expired", kinds(zcrypto), ids("protocol-version", "cipher-mismatch", "cert-expired"), served(old),
			func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Max, e.Ciphers = "1.0", "0005" }),
		row("scheme-expired", kinds(nginx), ids("sigalg-mismatch", "cert-expired"), served(leaf("ed-old", pki.Spec{Key: "ed25519", NotAfter: past})),
			func(_ *server.Kind, _ *server.Endpoint, o *tlswhy.Options) { o.Client = chrome }),

		row("sni-expired", kinds(nginx, golang), ids("sni-missing", "cert-expired"), strict, served(old)),
		row("sni-incomplete", kinds(haproxy), ids("sni-missing", "incomplete-chain"), strict, served(files("alone-3", bare(pki.Spec{})))),
		row("sni-default-self-signed", kinds(nginx, apache, haproxy), ids("sni-missing"),
			func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.DefaultChain, e.DefaultKey, o.SNI = selfOther.chain, selfOther.key, "none"
			}),

		row("expired-client-cert", kinds(apache, haproxy, java, gnutls), ids("cert-expired", "client-cert-required"), served(old), wantsCert),
		row("other-name-client-cert", kinds(nginx, java), ids("hostname-mismatch", "client-cert-required"), served(leaf("other-5", pki.Spec{DNS: []string{other}})), wantsCert),
		row("expired-client-cert-expired", kinds(nginx, golang), ids("cert-expired", "client-cert-expired"), served(old), with(oldClient)),
		row("other-name-client-cert-untrusted", kinds(haproxy, golang), ids("hostname-mismatch", "client-cert-untrusted"), served(leaf("other-6", pki.Spec{DNS: []string{other}})), with(stranger)),
		row("incomplete-client-cert-expired", kinds(apache), ids("incomplete-chain", "client-cert-expired"), served(files("alone-4", bare(pki.Spec{}))), with(oldClient)),
	}
}

// manyMail are mail servers with two faults behind STARTTLS.
func manyMail(w *world) []scenario {
	past := time.Now().Add(-12 * pki.Day)
	row := func(name, target string, p pair, s speaker, causes ...string) scenario {
		return scenario{name: name, class: "two faults", target: target, want: causes[:1], also: causes[1:],
			ep: server.Endpoint{Name: "own/" + name, Hosts: []string{host}, Chain: p.chain, Key: p.key}, opts: tlswhy.Options{CAFile: w.RootFile},
			serve: func(t testing.TB, e *server.Endpoint) { server.ServeConns(t, e, s(t, e, server.GoConfig(t, e))) }}
	}
	smtp, imap := mail("220 mail.shop.test ESMTP\r\n", smtpStartTLS), mail("* OK ready\r\n", imapStartTLS)
	oldOther := w.Leaf(pki.Spec{DNS: []string{"mail.other.test"}, NotAfter: past})
	other := w.Leaf(pki.Spec{DNS: []string{"mail.other.test"}})
	return []scenario{
		row("many-smtp-other-name", "smtp://"+host, w.files("many-mail-other", other, w.Intermediate), smtp, "hostname-mismatch"),
		row("many-smtp-expired-other-name", "smtp://"+host, w.files("many-mail-old-other", oldOther, w.Intermediate), smtp, "cert-expired", "hostname-mismatch"),
		row("many-imap-incomplete-other-name", "imap://"+host, w.files("many-mail-alone", other), imap, "incomplete-chain", "hostname-mismatch"),
		row("many-imap-self-signed-expired", "imap://"+host, w.files("many-mail-self", w.Issue(nil, pki.Spec{DNS: []string{host}, NotAfter: past})), imap, "self-signed", "cert-expired"),
	}
}
