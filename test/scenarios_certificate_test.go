package test

import (
	"bytes"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// serves makes a row whose only fault is the certificate that is served.
func serves(name string, on []*server.Kind, p pair, want ...string) fault {
	return fault{name: name, class: "certificate", on: on, want: want,
		make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Chain, e.Key = p.chain, p.key }}
}

// certificateFaults are wrong certificates and chains.
func certificateFaults(w *world) []fault {
	now := time.Now()
	expired := w.leaf("expired", pki.Spec{NotAfter: now.Add(-12 * pki.Day)})
	fresh := w.leaf("not-yet", pki.Spec{NotBefore: now.Add(20 * pki.Day)})
	ec := w.Leaf(pki.Spec{DNS: []string{host}, Key: "p256"})
	leaf := w.Leaf(pki.Spec{DNS: []string{host}})

	oldInter := w.Issue(w.Root, pki.Spec{CN: "Old Intermediate", CA: true, KeyID: "old-intermediate",
		NotBefore: now.Add(-400 * pki.Day), NotAfter: now.Add(-5 * pki.Day)})
	notCA := w.Issue(w.Intermediate, pki.Spec{CN: "Not an Authority", KeyID: "not-ca"})
	short := w.Issue(w.Root, pki.Spec{CN: "Short Path", CA: true, PathLen: -1, KeyID: "short"})
	below := w.Issue(short, pki.Spec{CN: "Below Short Path", CA: true, KeyID: "below"})
	narrow := w.Issue(w.Root, pki.Spec{CN: "Narrow", CA: true, Permitted: []string{"corp.test"}, KeyID: "narrow"})
	selfSigned := w.Issue(nil, pki.Spec{DNS: []string{host}, KeyID: "self"})
	rebuilt := pki.New(w.t, "Test") // the same names, other keys
	foreign := w.other.Leaf(pki.Spec{DNS: []string{host}})
	critical := pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 55555, 1}, Critical: true, Value: []byte{5, 0}}

	rows := []fault{
		serves("cert-expired", modern, expired, "cert-expired"),
		serves("cert-expired-intermediate", kinds(nginx, haproxy, golang),
			w.files("old-inter", w.Issue(oldInter, pki.Spec{DNS: []string{host}}), oldInter), "cert-expired"),
		serves("cert-not-yet-valid", kinds(nginx, apache, java), fresh, "cert-not-yet-valid"),

		serves("hostname-other", kinds(nginx, apache, haproxy, gnutls, java, golang),
			w.leaf("other-name", pki.Spec{DNS: []string{"mail.other.test"}}), "hostname-mismatch"),
		serves("hostname-apex", kinds(haproxy), w.leaf("apex", pki.Spec{DNS: []string{"shop.test"}}), "hostname-mismatch"),
		serves("hostname-cn-only", kinds(nginx, golang), w.leaf("cn-only", pki.Spec{CN: host}), "hostname-mismatch"),

		serves("self-signed", kinds(nginx, apache, openssl, java, golang), w.files("self", selfSigned), "self-signed"),
		serves("unknown-ca", kinds(nginx, stunnel), w.files("foreign", foreign, w.other.Intermediate), "unknown-ca"),
		serves("unknown-ca-root-sent", kinds(nginx, haproxy),
			w.files("foreign-root", foreign, w.other.Intermediate, w.other.Root), "unknown-ca"),

		serves("unknown-ca-rebuilt", kinds(nginx, golang),
			w.files("rebuilt", rebuilt.Leaf(pki.Spec{DNS: []string{host}}), rebuilt.Intermediate), "unknown-ca"),

		serves("incomplete-chain", modern, w.files("incomplete", leaf), "incomplete-chain"),
		serves("incomplete-chain-ecdsa", kinds(nginx, haproxy), w.files("incomplete-ec", ec), "incomplete-chain"),
		serves("incomplete-chain-wrong-intermediate", kinds(nginx, golang),
			w.files("wrong-inter", leaf, w.other.Intermediate), "incomplete-chain"),
		serves("incomplete-chain-no-aia", kinds(openssl),
			w.files("no-aia", w.Leaf(pki.Spec{DNS: []string{host}, NoAIA: true})), "incomplete-chain", "unknown-ca"),

		serves("eku-client-only", kinds(nginx, java, golang),
			w.leaf("client-eku", pki.Spec{EKU: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}), "bad-eku-or-constraints"),
		serves("issuer-is-no-ca", kinds(nginx, golang),
			w.files("no-ca", w.Issue(notCA, pki.Spec{DNS: []string{host}}), notCA, w.Intermediate), "bad-eku-or-constraints"),
		serves("path-too-long", kinds(nginx),
			w.files("pathlen", w.Issue(below, pki.Spec{DNS: []string{host}}), below, short), "bad-eku-or-constraints"),
		serves("name-constraints", kinds(nginx, golang),
			w.files("narrow", w.Issue(narrow, pki.Spec{DNS: []string{host}}), narrow), "name-constraints"),
		serves("bad-signature", kinds(nginx, haproxy), w.files("corrupt", leaf.Corrupt(), w.Intermediate), "cert-bad-signature"),
		serves("unknown-critical-extension", kinds(nginx, golang),
			w.leaf("critical", pki.Spec{Mutate: func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{critical} }}),
			"cert-malformed", "bad-eku-or-constraints"),
	}
	return append(rows, namesAndDates(w, expired)...)
}

// namesAndDates are faults that need another client or another name too.
func namesAndDates(w *world, expired pair) []fault {
	wild := w.leaf("wild", pki.Spec{DNS: []string{"*.shop.test"}})
	serve := func(p pair, hosts ...string) func(*world, *server.Kind, *server.Endpoint, *tlswhy.Options) {
		return func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Chain, e.Key = p.chain, p.key
			if len(hosts) > 0 {
				e.Hosts = hosts
			}
		}
	}
	return []fault{
		{name: "hostname-wildcard-depth", class: "certificate", on: kinds(nginx, java), want: []string{"hostname-mismatch"}, make: serve(wild, "a.b.shop.test")},
		{name: "hostname-wildcard-apex", class: "certificate", on: kinds(nginx), want: []string{"hostname-mismatch"}, make: serve(wild, "shop.test")},
		{name: "hostname-ip", class: "certificate", on: kinds(nginx, golang), want: []string{"hostname-mismatch"}, target: "https://127.0.0.1"},
		{name: "cert-expired-tls12", class: "certificate", on: kinds(nginx, golang, stunnel), want: []string{"cert-expired"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Chain, e.Key, e.Max = expired.chain, expired.key, "1.2"
			}},
		{name: "cert-expires-before-at", class: "certificate", on: kinds(nginx), want: []string{"cert-expired"},
			make: func(_ *world, _ *server.Kind, _ *server.Endpoint, o *tlswhy.Options) {
				o.At = time.Now().Add(200 * pki.Day)
			}},
		{name: "unknown-ca-public-store", class: "certificate", on: kinds(nginx, golang), want: []string{"unknown-ca"},
			make: func(_ *world, _ *server.Kind, _ *server.Endpoint, o *tlswhy.Options) {
				o.CAFile, o.Trust = "", "mozilla"
			}},
		{name: "self-signed-expired", class: "two faults", on: kinds(apache), want: []string{"self-signed"}, also: []string{"cert-expired"},
			make: serve(w.files("self-old", w.Issue(nil, pki.Spec{DNS: []string{host}, KeyID: "self-old", NotAfter: time.Now().Add(-pki.Day)})))},
	}
}

// weaknessFaults are keys and digests that the client refuses, and chains that
// no current server would load in good faith.
func weaknessFaults(w *world) []fault {
	var long []*pki.Cert
	long = append(long, w.Leaf(pki.Spec{DNS: []string{host}}), w.Intermediate)
	for i := 0; i < 70; i++ { // 70 certificates with 2 kB of padding in each
		long = append(long, w.Issue(w.Root, pki.Spec{CN: "Padding", CA: true, KeyID: "padding", Mutate: func(c *x509.Certificate) {
			c.Subject.Organization = []string{string(bytes.Repeat([]byte("x"), 1500))}
		}}))
	}
	return []fault{
		serves("weak-key-rsa1024", kinds(nginx, apache, gnutls, java), w.leaf("rsa1024", pki.Spec{Key: "rsa1024"}), "weak-key-or-digest"),
		serves("weak-digest-sha1", kinds(nginx, apache, stunnel, openssl), w.leaf("sha1", pki.Spec{SigAlg: x509.SHA1WithRSA}), "weak-key-or-digest"),
		serves("chain-too-large", kinds(golang), w.files("large", long...), "chain-too-large"),
		{name: "no-certificate", class: "certificate", on: kinds(openssl), want: []string{"server-no-certificate"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Chain, e.Key = "", "" }},
	}
}
