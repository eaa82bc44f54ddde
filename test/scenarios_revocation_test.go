package test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// statused is a server certificate whose issuer answers OCSP and publishes a
// list.
type statused struct {
	pair
	cert     *pki.Cert
	response string // the file that the responder answers with; made later
}

// mustStaple is the TLS feature extension with status_request (RFC 7633).
var mustStaple = pkix.Extension{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}, Value: []byte{0x30, 3, 2, 1, 5}}

// withStatus issues a certificate that names a responder and a list; the
// responder answers with s.response, or 404 while that is empty.
func (w *world) withStatus(name string, must bool, revoked string) *statused {
	w.t.Helper()
	s := &statused{}
	list := ""
	ocspURL := w.ServeFile("application/ocsp-response", func() string { return s.response })
	listURL := w.ServeFile("application/pkix-crl", func() string { return list })
	s.cert = w.Leaf(pki.Spec{DNS: []string{host}, KeyID: "status", Mutate: func(c *x509.Certificate) {
		c.OCSPServer, c.CRLDistributionPoints = []string{ocspURL}, []string{listURL + "/ca.crl"}
		if must {
			c.ExtraExtensions = append(c.ExtraExtensions, mustStaple)
		}
	}})
	s.pair = w.files(name, s.cert, w.Intermediate)
	s.response = w.Response(name, s.cert, revoked, nil, 3)
	if revoked == "" {
		list = w.CRL(name, w.Intermediate, time.Now().Add(3*pki.Day))
	} else {
		list = w.CRL(name, w.Intermediate, time.Now().Add(3*pki.Day), s.cert)
	}
	return s
}

// revocationFaults are servers that staple, or do not, and lists on both sides.
func revocationFaults(w *world) []fault {
	return append(stapleFaults(w), listFaults(w)...)
}

func stapleFaults(w *world) []fault {
	good, bad := w.withStatus("status-good", false, ""), w.withStatus("status-revoked", false, "keyCompromise")
	must, mustDown := w.withStatus("must-staple", true, ""), w.withStatus("must-staple-down", true, "")
	goodResponse, badResponse, mustResponse := good.response, bad.response, must.response
	mustDown.response = ""
	stale := w.StaleResponse("status-stale", good.cert)
	other := w.Response("status-other", must.cert, "", nil, 3)
	responder := w.Issue(w.Intermediate, pki.Spec{CN: "Responder", EKU: []x509.ExtKeyUsage{x509.ExtKeyUsageOCSPSigning}})
	delegated := w.Response("status-delegated", good.cert, "", responder, 3)
	unmarked := w.Response("status-unmarked", good.cert, "", w.Issue(w.Intermediate, pki.Spec{CN: "No Responder"}), 3)
	foreign := w.Response("status-foreign", good.cert, "", w.other.Root, 3)
	files := kinds(nginx, haproxy, openssl, golang)

	row := func(name string, on []*server.Kind, p pair, staple string, want ...string) fault {
		return fault{name: name, class: "revocation", on: on, want: want, healthy: len(want) == 0,
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Chain, e.Key, e.Staple = p.chain, p.key, staple
			}}
	}
	warned := func(f fault) fault { f.warn = []string{"ocsp-staple-missing-or-bad"}; return f }
	live := func(f fault, lines map[*server.Kind][]string) fault {
		inner := f.make
		f.make = func(w *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
			inner(w, k, e, o)
			e.Extra = lines[k]
		}
		return f
	}
	on := map[*server.Kind][]string{nginx: {"ssl_stapling on;", "ssl_trusted_certificate " + w.CertFile("stapling-issuers", w.Intermediate, w.Root) + ";"},
		apache: {"SSLUseStapling on"}}
	return []fault{
		row("cert-revoked-staple", files, bad.pair, badResponse, "cert-revoked"),
		live(row("cert-revoked-staple-live", kinds(apache), bad.pair, "", "cert-revoked"), on),
		row("staple-good", files, good.pair, goodResponse),
		row("staple-delegated", kinds(nginx, golang), good.pair, delegated),
		live(row("staple-live", kinds(nginx, apache), good.pair, ""), on),
		warned(row("staple-stale", kinds(nginx, openssl, golang), good.pair, stale)),
		warned(row("staple-of-another", kinds(nginx, golang), good.pair, other)),
		warned(row("staple-by-a-stranger", kinds(openssl, golang), good.pair, foreign)),
		warned(row("staple-without-purpose", kinds(nginx, golang), good.pair, unmarked)),
		row("must-staple-good", files, must.pair, mustResponse),
		live(row("must-staple-live", kinds(nginx, apache), must.pair, ""), on),
		row("must-staple-missing", kinds(nginx, apache, haproxy, openssl, gnutls, golang), must.pair, "", "ocsp-staple-missing-or-bad"),
		live(row("must-staple-responder-down", kinds(nginx, apache), mustDown.pair, "", "ocsp-staple-missing-or-bad"), on),
		{name: "require-staple", class: "revocation", on: kinds(nginx, apache), want: []string{"ocsp-staple-missing-or-bad"},
			make: func(_ *world, _ *server.Kind, _ *server.Endpoint, o *tlswhy.Options) { o.RequireStaple = true }},
	}
}

// listFaults are lists of the server's issuer, asked by the client.
func listFaults(w *world) []fault {
	good, bad := w.withStatus("listed-good", false, ""), w.withStatus("listed-revoked", false, "superseded")
	bad.response, good.response = "", ""
	gone := w.leaf("list-gone", pki.Spec{Mutate: func(c *x509.Certificate) { c.CRLDistributionPoints = []string{"http://127.0.0.1:1/gone.crl"} }})
	stale := w.CRL("listed-stale", w.Intermediate, time.Now().Add(-pki.Day))
	fresh := w.CRL("listed-fresh", w.Intermediate, time.Now().Add(pki.Day))
	revoking := w.CRL("listed-revoking", w.Intermediate, time.Now().Add(pki.Day), bad.cert)
	row := func(name string, p pair, revocation, list string, want ...string) fault {
		return fault{name: name, class: "revocation", on: kinds(nginx, golang), want: want, healthy: len(want) == 0,
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Chain, e.Key, o.Revocation = p.chain, p.key, revocation
				if list != "" {
					o.CRLFiles = []string{list}
				}
			}}
	}
	return []fault{
		row("list-revokes", bad.pair, "soft", "", "cert-revoked"),
		row("list-revokes-hard", bad.pair, "hard", "", "cert-revoked"),
		row("list-file-revokes", bad.pair, "", revoking, "cert-revoked"),
		row("list-not-asked", bad.pair, "", ""),
		row("list-good", good.pair, "hard", ""),
		row("list-file-good", good.pair, "hard", fresh),
		row("list-file-stale", good.pair, "", stale, "revocation-unavailable"),
		row("list-unavailable", gone, "hard", "", "revocation-unavailable"),
		row("list-unavailable-soft", gone, "soft", ""),
		row("no-source", w.good, "hard", ""),
	}
}

// clientListFaults are the servers' own lists for client certificates.
func clientListFaults(w *world) []fault {
	until, past := time.Now().Add(3*pki.Day), time.Now().Add(-pki.Day)
	published := ""
	url := w.ServeFile("application/pkix-crl", func() string { return published })
	point := func(c *x509.Certificate) { c.CRLDistributionPoints = []string{url + "/clients.crl"} }
	issue := func(name string, mutate func(*x509.Certificate)) (*pki.Cert, pair) {
		c := w.Issue(w.clientInter, pki.Spec{CN: name, KeyID: "client", EKU: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, Mutate: mutate})
		return c, w.files(name, c, w.clientInter)
	}
	_, plain := issue("billing-plain", nil)
	revoked, revokedFiles := issue("billing-revoked", nil)
	named, namedFiles := issue("billing-named", point)
	_, namedGood := issue("billing-named-good", point)
	published = w.CRL("clients-published", w.clientInter, until, named)
	root := w.CRL("clients-root", w.clientCA, until)
	type lists struct{ all, issuer string }
	both := func(name, other string) lists { return lists{w.join(name, root, other), other} }
	fresh := both("clients-fresh", w.CRL("clients-list", w.clientInter, until, revoked, named))
	stale := both("clients-stale", w.CRL("clients-old", w.clientInter, past))

	row := func(name string, on []*server.Kind, high string, list lists, p pair, want ...string) fault {
		return fault{name: name, class: "client-auth", on: on, want: want, healthy: len(want) == 0,
			make: func(_ *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.ClientCA, e.ClientAuth, e.Max, e.CRL = w.clientCAFile, "required", high, list.all
				if k == openssl { // s_server reads one list of a file
					e.CRL = list.issuer
				}
				o.CertFile, o.KeyFile = p.chain, p.key
			}}
	}
	all := kinds(nginx, apache, haproxy, openssl)
	alerting := kinds(apache, haproxy, openssl)
	given := row("client-cert-revoked-by-file", kinds(nginx), "1.3", fresh, revokedFiles, "client-cert-revoked")
	inner := given.make
	given.make = func(w *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
		inner(w, k, e, o)
		o.CRLFiles = []string{fresh.all}
	}
	return []fault{
		row("client-list-good", all, "1.3", fresh, plain),
		row("client-list-good-tls12", kinds(nginx, apache, haproxy), "1.2", fresh, plain),
		row("server-crl-expired", all, "1.3", stale, plain, "server-crl-expired"),
		row("server-crl-expired-tls12", kinds(apache, haproxy), "1.2", stale, plain, "server-crl-expired"),
		row("server-crl-expired-published", all, "1.3", stale, namedGood, "server-crl-expired"),
		row("client-cert-revoked-alert", alerting, "1.3", fresh, revokedFiles, "client-cert-revoked"),
		row("client-cert-revoked-alert-tls12", kinds(apache, haproxy), "1.2", fresh, revokedFiles, "client-cert-revoked"),
		row("client-cert-revoked-published", all, "1.3", fresh, namedFiles, "client-cert-revoked"),
		given,
		{name: "server-crl-missing", class: "client-auth", on: kinds(apache, openssl), want: []string{"client-cert-untrusted", "server-crl-expired"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) { // unknown_ca (48), as for another CA of this name
				e.ClientCA, e.ClientAuth, e.CRL = w.clientCAFile, "required", root
				o.CertFile, o.KeyFile = plain.chain, plain.key
			}},
	}
}
