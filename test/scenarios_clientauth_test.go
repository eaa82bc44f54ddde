package test

import (
	"crypto/x509"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// clientAuthEKU is the purpose of a client certificate.
var clientAuthEKU = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}

// clientLeaf issues a client certificate and writes it, with its intermediate
// or without.
func (w *world) clientLeaf(name string, s pki.Spec, complete bool) pair {
	w.t.Helper()
	if s.CN == "" {
		s.CN = "billing-01"
	}
	if s.EKU == nil {
		s.EKU = clientAuthEKU
	}
	s.KeyID = "client"
	s.Mutate = func(c *x509.Certificate) { c.IssuingCertificateURL = []string{w.clientAIA} }
	c := w.Issue(w.clientInter, s)
	if complete {
		return w.files(name, c, w.clientInter)
	}
	return w.files(name, c)
}

// clientAuthFaults are servers that want a client certificate and get none, or
// the wrong one.
func clientAuthFaults(w *world) []fault {
	stranger := w.other.Issue(w.other.Intermediate, pki.Spec{CN: "stranger", EKU: clientAuthEKU})
	strangerFiles := w.files("stranger", stranger, w.other.Intermediate)
	old := w.clientLeaf("client-old", pki.Spec{NotAfter: time.Now().Add(-9 * pki.Day)}, true)
	alone := w.clientLeaf("client-alone", pki.Spec{}, false)
	wrongUse := w.clientLeaf("client-server-eku", pki.Spec{EKU: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, true)
	ecKey := w.files("ec-key", w.Leaf(pki.Spec{DNS: []string{"x.test"}, Key: "p256"}))

	row := func(name string, on []*server.Kind, high string, p pair, want ...string) fault {
		return fault{name: name, class: "client-auth", on: on, want: want,
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.ClientCA, e.ClientAuth, e.Max = w.clientCAFile, "required", high
				o.CertFile, o.KeyFile = p.chain, p.key
			}}
	}
	bundle := w.CertFile("bundle", w.Root, w.clientCA, w.clientInter)
	return []fault{
		{name: "client-cert-incomplete-chain-at-hand", class: "client-auth", on: kinds(nginx, apache, java), want: []string{"client-cert-incomplete-chain"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.ClientCA, e.ClientAuth, o.CAFile = w.clientCAFile, "required", bundle
				o.CertFile, o.KeyFile = alone.chain, alone.key
			}},
		{name: "client-cert-required-http-403", class: "client-auth", on: kinds(nginx), healthy: true, warn: []string{"client-cert-required"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { // 403 may have other reasons
				e.ClientCA, e.ClientAuth = w.clientCAFile, "optional"
				e.Extra = []string{"if ($ssl_client_verify != SUCCESS) { return 403; }"}
			}},
		{name: "client-cert-required-for-a-path", class: "client-auth", on: kinds(apache), want: []string{"client-cert-required"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { // Apache asks for a new handshake
				e.ClientCA, e.Max = w.clientCAFile, "1.2"
				e.Extra = []string{"<Location />", "SSLVerifyClient require", "</Location>"}
			}},
		{name: "client-cert-required-for-a-path-tls13", class: "client-auth", on: kinds(apache), want: []string{"client-cert-required"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { // it may not ask after the handshake
				e.ClientCA, e.Min = w.clientCAFile, "1.3"
				e.Extra = []string{"<Location />", "SSLVerifyClient require", "</Location>"}
			}},
		{name: "client-cert-verify-depth", class: "client-auth", on: kinds(apache), want: []string{"client-cert-untrusted"},
			make: func(w *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) { // internal_error (80)
				e.ClientCA, e.ClientAuth, e.Extra = w.clientCAFile, "required", []string{"SSLVerifyDepth 1"}
				o.CertFile, o.KeyFile = w.client.chain, w.client.key
			}},
		{name: "client-cert-verify-depth-enough", class: "client-auth", on: kinds(apache), healthy: true,
			make: func(w *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.ClientCA, e.ClientAuth, e.Extra = w.clientCAFile, "required", []string{"SSLVerifyDepth 2"}
				o.CertFile, o.KeyFile = w.client.chain, w.client.key
			}},
		row("client-cert-required", modern, "1.3", pair{}, "client-cert-required"),
		row("client-cert-required-tls12", modern, "1.2", pair{}, "client-cert-required"),
		row("client-cert-untrusted", modern, "1.3", strangerFiles, "client-cert-untrusted"),
		row("client-cert-untrusted-tls12", kinds(nginx, apache, haproxy, golang), "1.2", strangerFiles, "client-cert-untrusted"),
		row("client-cert-expired", kinds(nginx, apache, haproxy, openssl, java, golang), "1.3", old, "client-cert-expired"),
		row("client-cert-expired-tls12", kinds(nginx, haproxy, golang), "1.2", old, "client-cert-expired"),
		row("client-cert-incomplete-chain", kinds(nginx, haproxy, golang, openssl), "1.3", alone, "client-cert-incomplete-chain"),
		row("client-cert-bad-purpose", kinds(nginx, haproxy, openssl, golang), "1.3", wrongUse, "client-cert-bad-purpose"),
		row("client-cert-key-mismatch", kinds(nginx, golang), "1.3", pair{w.client.chain, ecKey.key}, "client-cert-key-mismatch"),
	}
}
