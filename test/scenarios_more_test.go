package test

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// uncommonFaults are cases for which no rule was written: the mechanism must
// find them by itself.
func uncommonFaults(w *world) []fault {
	now := time.Now()
	type change = func(*server.Kind, *server.Endpoint, *tlswhy.Options)
	row := func(name, class string, on []*server.Kind, want string, f change) fault {
		r := fault{name: name, class: class, on: on, healthy: want == "",
			make: func(_ *world, k *server.Kind, e *server.Endpoint, o *tlswhy.Options) { f(k, e, o) }}
		if want != "" {
			r.want = []string{want}
		}
		return r
	}
	files := func(p pair) change {
		return func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Chain, e.Key = p.chain, p.key }
	}
	ec := w.leaf("u-ec", pki.Spec{Key: "p256"})
	ecOld := w.leaf("u-ec-old", pki.Spec{Key: "p256", NotAfter: weeksAgo(1)})
	rsaOld := w.leaf("u-rsa-old", pki.Spec{NotAfter: weeksAgo(1)})
	dual := func(rsa, ec pair) change {
		return func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Chain, e.Key, e.Chain2, e.Key2 = rsa.chain, rsa.key, ec.chain, ec.key
		}
	}
	second := w.Issue(w.Intermediate, pki.Spec{CN: "Second Level", CA: true, KeyID: "second-level"})
	self := w.Issue(nil, pki.Spec{DNS: []string{host}, KeyID: "pinned"})
	selfFiles := w.files("pinned", self)
	oldRoot := w.Issue(nil, pki.Spec{CN: "Old Root", CA: true, KeyID: "old-root", NotBefore: now.Add(-5000 * pki.Day), NotAfter: now.Add(-10 * pki.Day)})
	underOld := w.files("under-old-root", w.Issue(oldRoot, pki.Spec{DNS: []string{host}}))
	deadAIA := w.leaf("x", pki.Spec{Mutate: func(c *x509.Certificate) { c.IssuingCertificateURL = []string{"http://127.0.0.1:1/gone.cer"} }})
	future := w.clientLeaf("client-future", pki.Spec{NotBefore: now.Add(20 * pki.Day)}, true)
	revoked := w.Issue(w.clientInter, pki.Spec{CN: "revoked", KeyID: "client", EKU: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	revokedFiles := w.files("client-revoked", revoked, w.clientInter)
	crl := w.CRL("client", w.clientInter, now.Add(10*pki.Day), revoked)

	rows := []fault{
		row("cipher-rsa-suites-ecdsa-cert", "cipher", kinds(nginx, haproxy, golang), "cipher-mismatch",
			func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Chain, e.Key, e.Max = ec.chain, ec.key, "1.2"
				o.Ciphers = "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384"
			}),
		row("scheme-rsa-tls12", "cipher", kinds(nginx, golang), "sigalg-mismatch",
			func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Max, o.SigAlgs = "1.2", "ecdsa_secp256r1_sha256:ecdsa_secp384r1_sha384"
				if e.Ciphers = "ECDHE-RSA-AES128-GCM-SHA256"; e.Name == "go/scheme-rsa-tls12" {
					e.Ciphers = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
				}
			}),
		row("cipher-tls13-ccm-only", "cipher", kinds(nginx, haproxy, openssl), "cipher-mismatch",
			func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Min, e.Suites = "1.3", "TLS_AES_128_CCM_SHA256"
			}),
		row("group-ffdhe-only", "cipher", kinds(nginx, openssl), "no-common-group",
			func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Groups, e.Min, o.Groups = "ffdhe3072", "1.3", "X25519:P-256"
			}),
		row("healthy-group-x448", "healthy", kinds(nginx, openssl), "", func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Groups, e.Min = "X448", "1.3" }),
		row("healthy-group-ffdhe", "healthy", kinds(openssl), "", func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Groups, e.Min = "ffdhe2048", "1.3" }),
		row("healthy-no-ems-no-etm", "healthy", kinds(gnutls), "", func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Max, e.Ciphers = "1.2", "%NO_ETM:%NO_SESSION_HASH"
		}),
		row("healthy-no-extensions", "healthy", kinds(gnutls), "", func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Max, e.Ciphers = "1.2", "%NO_EXTENSIONS"
		}),

		row("dual-ecdsa-expired", "certificate", kinds(nginx, haproxy), "cert-expired", dual(w.good, ecOld)),
		row("healthy-dual-rsa-expired", "healthy", kinds(nginx, haproxy), "", dual(rsaOld, ec)).warns("inconsistent-endpoints"),
		row("incomplete-two-missing", "certificate", kinds(nginx, golang), "incomplete-chain",
			files(w.files("two-missing", w.Issue(second, pki.Spec{DNS: []string{host}, Mutate: func(c *x509.Certificate) {
				c.IssuingCertificateURL = []string{w.publish(func() *pki.Cert { return second })}
			}})))),
		row("root-expired", "certificate", kinds(nginx), "cert-expired", func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
			e.Chain, e.Key, o.CAFile = underOld.chain, underOld.key, w.CertFile("old-root", oldRoot)
		}),
		row("healthy-pinned-self-signed", "healthy", kinds(nginx, java), "", func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
			e.Chain, e.Key, o.CAFile = selfFiles.chain, selfFiles.key, selfFiles.chain
		}),
		row("not-yet-valid-at", "certificate", kinds(golang), "cert-not-yet-valid", func(_ *server.Kind, _ *server.Endpoint, o *tlswhy.Options) { o.At = now.Add(-100 * pki.Day) }),
		row("ip-as-dns-name", "certificate", kinds(nginx), "hostname-mismatch", files(w.leaf("ip-dns", pki.Spec{DNS: []string{"127.0.0.1"}}))).at("https://127.0.0.1"),
		row("healthy-trailing-dot", "healthy", kinds(nginx), "", func(*server.Kind, *server.Endpoint, *tlswhy.Options) {}).at("https://" + host + "."),
		row("healthy-upper-case-target", "healthy", kinds(nginx, java), "", func(*server.Kind, *server.Endpoint, *tlswhy.Options) {}).at("https://WWW.SHOP.test"),
		row("healthy-plain-http", "healthy", kinds(nginx, haproxy, golang), "", func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Plain = true }).at("http://" + host),
		row("healthy-sni-warning", "healthy", kinds(openssl), "", func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Max, e.Extra = "1.2", []string{"-servername other.test -cert2 " + w.good.chain + " -key2 " + w.good.key}
		}).warns("sni-unrecognized"),

		row("client-cert-not-yet-valid", "client-auth", kinds(nginx, apache, golang), "client-cert-expired", mtls(w, future)),
		row("client-cert-revoked", "client-auth", kinds(apache, haproxy, openssl), "client-cert-revoked", mtls(w, revokedFiles, crl)),
		row("healthy-client-key-p256", "healthy", kinds(nginx, java, golang), "", mtls(w, w.ownKeyLeaf("client-p256", "p256"))),
		row("healthy-client-key-ed25519", "healthy", kinds(nginx, golang), "", mtls(w, w.ownKeyLeaf("client-ed25519", "ed25519"))),
	}
	dead := serves("incomplete-chain-dead-aia", kinds(nginx), pair{w.firstOnly(deadAIA.chain), deadAIA.key}, "incomplete-chain", "unknown-ca")
	rejected := row("reject-every-name", "sni", kinds(nginx), "sni-unrecognized", func(_ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
		e.Extra = []string{"ssl_reject_handshake on;"}
	})
	rejected.want = append(rejected.want, "server-no-certificate")
	return append(rows, dead, rejected, threeFaults(w, rsaOld))
}

// threeFaults is an old machine that nobody looks after.
func threeFaults(w *world, _ pair) fault {
	p := w.leaf("three", pki.Spec{DNS: []string{"mail.other.test"}, NotAfter: weeksAgo(60)})
	all := []string{"protocol-version", "cert-expired", "hostname-mismatch"}
	return fault{name: "three-version-expired-name", class: "two faults", on: kinds(nginx, apache, java), want: all[:1], also: all,
		make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
			e.Chain, e.Key, e.Min, e.Max = p.chain, p.key, "1.0", "1.1"
		}}
}

func (f fault) at(target string) fault {
	f.target = target
	return f
}

func (f fault) warns(causes ...string) fault {
	f.warn = causes
	return f
}

// mtls makes the server demand a certificate and the client present one.
func mtls(w *world, p pair, crl ...string) func(*server.Kind, *server.Endpoint, *tlswhy.Options) {
	return func(_ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
		e.ClientCA, e.ClientAuth, o.CertFile, o.KeyFile = w.clientCAFile, "required", p.chain, p.key
		if len(crl) > 0 {
			// The chain is checked up to the intermediate that the list is of.
			e.CRL, e.ClientCA = crl[0], w.CertFile("client-cas-both", w.clientInter, w.clientCA)
		}
	}
}

// ownKeyLeaf issues a client certificate for a key of a kind.
func (w *world) ownKeyLeaf(name, kind string) pair {
	c := w.Issue(w.clientInter, pki.Spec{CN: name, Key: kind, EKU: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	return w.files(name, c, w.clientInter)
}

// misplaced are targets that ask a port for what another port has.
func misplaced(w *world) []scenario {
	row := func(name, target string, want []string, s speaker) scenario {
		sc := scenario{name: name, class: "transport", target: target, want: want,
			ep:   server.Endpoint{Name: "own/" + name, Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key},
			opts: tlswhy.Options{CAFile: w.RootFile}}
		sc.serve = func(t testing.TB, e *server.Endpoint) { server.ServeConns(t, e, s(t, e, server.GoConfig(t, e))) }
		return sc
	}
	rejected := func(_ testing.TB, _ *server.Endpoint, _ *tls.Config) func(net.Conn) {
		return dialogue("421 4.7.0 too many connections from your address\r\n", nil)
	}
	refused := func(_ testing.TB, _ *server.Endpoint, _ *tls.Config) func(net.Conn) {
		return dialogue("220 mail.shop.test ESMTP\r\n", map[string]string{
			"EHLO": "250-mail.shop.test\r\n250 STARTTLS\r\n", "STARTTLS": "454 4.7.0 TLS not available due to local problem\r\n", "QUIT": "221 bye\r\n"})
	}
	return []scenario{
		row("starttls-on-tls-port", "smtp://"+host, []string{"client-speaks-plaintext"}, mail("220 mail.shop.test ESMTP\r\n", nil)),
		row("tls-on-starttls-port", "smtps://"+host, []string{"server-speaks-plaintext"}, mail("220 mail.shop.test ESMTP\r\n", smtpStartTLS)),
		row("starttls-refused", "smtp://"+host, []string{"starttls-missing"}, refused),
		row("smtp-421", "smtp://"+host, []string{"starttls-missing", "access-denied", "eof-during-handshake"}, rejected),
	}
}
