package test

import (
	"crypto/x509"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// The clients of the matrix, by the names of their profiles.
const (
	openssl30  = "openssl-3.0.15-debian"
	openssl35  = "openssl-3.5.0-git"
	openssl098 = "openssl-0.9.8y"
	openssl101 = "openssl-1.0.1l"
	java17     = "java-17.0.3-21.0.6-openjdk"
	java7      = "java-7u25"
	java6      = "java-6u45"
	chrome     = "chromium-137-win-11"
	firefox    = "firefox-137-win-11"
	android2   = "android-2.3.7"
	ie8        = "ie-8-xp"
)

// serverFor is one server and what each client makes of it: the cause that
// comes first, or "" where it connects.
type serverFor struct {
	name string
	on   *server.Kind
	make func(*server.Endpoint)
	sees map[string]string
}

// clientFaults is the set of "works in one client and not in the other". That
// current clients differ like this was measured with the clients themselves
// (OpenSSL, curl, Go, OpenJDK 17, Node 20, Python 3.11, GnuTLS, Chromium 156 and
// Firefox 153, against servers with one fault each); old clients are as in the
// client simulations of SSL Labs.
func clientFaults(w *world) []fault {
	served := func(p pair) func(*server.Endpoint) {
		return func(e *server.Endpoint) { e.Chain, e.Key = p.chain, p.key }
	}
	dhe := func(params string) func(*server.Endpoint) {
		return func(e *server.Endpoint) { e.Ciphers, e.Max, e.DHParams = dheOnly.openssl, "1.2", params }
	}
	sha1 := w.leaf("c-sha1", pki.Spec{SigAlg: x509.SHA1WithRSA})
	def := w.leaf("client-default", pki.Spec{DNS: []string{"default.hosting.test"}})
	servers := []serverFor{
		{name: "modern", on: nginx, make: func(*server.Endpoint) {}, sees: map[string]string{
			openssl30: "", openssl35: "", openssl101: "", java17: "", chrome: "", firefox: "",
			openssl098: "protocol-version", java7: "protocol-version", java6: "protocol-version", android2: "protocol-version"}},
		{name: "tls10", on: nginx, make: func(e *server.Endpoint) { e.Min, e.Max = "1.0", "1.0" }, sees: map[string]string{
			openssl098: "", openssl101: "", java7: "", java6: "", android2: "",
			openssl35: "protocol-version", java17: "protocol-version", chrome: "protocol-version", firefox: "protocol-version"}},
		{name: "p521-group", on: golang, make: func(e *server.Endpoint) { e.Groups, e.Min = "P-521", "1.3" }, sees: map[string]string{
			openssl30: "", java17: "", firefox: "", chrome: "no-common-group"}},
		{name: "mlkem-group", on: golang, make: func(e *server.Endpoint) { e.Groups, e.Min = "X25519MLKEM768", "1.3" }, sees: map[string]string{
			openssl35: "", chrome: "", firefox: "", openssl30: "no-common-group", java17: "no-common-group"}},
		{name: "ed25519-cert", on: nginx, make: served(w.leaf("c-ed25519", pki.Spec{Key: "ed25519"})), sees: map[string]string{
			openssl30: "", java17: "", chrome: "sigalg-mismatch", firefox: "sigalg-mismatch"}},
		{name: "p521-cert", on: golang, make: served(w.leaf("c-p521", pki.Spec{Key: "p521"})), sees: map[string]string{
			openssl30: "", java17: "", firefox: "", chrome: "sigalg-mismatch"}},
		{name: "dhe-2048", on: nginx, make: dhe(w.DHParams2048()), sees: map[string]string{
			openssl30: "", java17: "", chrome: "cipher-mismatch", firefox: "cipher-mismatch"}},
		{name: "dhe-1024", on: nginx, make: dhe(w.dh1024), sees: map[string]string{
			openssl30: "dh-key-too-small", java17: "", chrome: "cipher-mismatch"}},
		{name: "cn-only", on: nginx, make: served(w.leaf("c-cn", pki.Spec{CN: host})), sees: map[string]string{
			openssl30: "", java17: "", chrome: "hostname-mismatch", firefox: "hostname-mismatch"}},
		{name: "sha1-leaf", on: nginx, make: served(sha1), sees: map[string]string{
			openssl30: "weak-key-or-digest", chrome: "weak-key-or-digest", firefox: "weak-key-or-digest"}},
		// OpenSSL as a server looks at the digests that the client lists; Go's does not.
		{name: "sha1-leaf-unlooked", on: golang, make: served(sha1), sees: map[string]string{java17: ""}},
		{name: "rsa1024-leaf", on: nginx, make: served(w.leaf("c-rsa1024", pki.Spec{Key: "rsa1024"})), sees: map[string]string{
			java17: "", firefox: "", openssl30: "weak-key-or-digest"}},
		{name: "no-rfc5746", on: gnutls, make: func(e *server.Endpoint) { e.Max, e.Ciphers = "1.2", "%DISABLE_SAFE_RENEGOTIATION" }, sees: map[string]string{
			java17: "", chrome: "", firefox: "", openssl30: "legacy-renegotiation"}},
		{name: "strict-sni", on: nginx, make: func(e *server.Endpoint) { e.Min, e.Strict = "1.0", true }, sees: map[string]string{
			openssl30: "", java7: "", java6: "sni-missing", android2: "sni-missing"}},
		{name: "default-cert", on: nginx, make: func(e *server.Endpoint) {
			e.Min, e.DefaultChain, e.DefaultKey = "1.0", def.chain, def.key
		}, sees: map[string]string{chrome: "", java6: "sni-missing", android2: "sni-missing"}},
		{name: "rc4-tls10", on: zcrypto, make: func(e *server.Endpoint) { e.Max, e.Ciphers = "1.0", "0005" }, sees: map[string]string{
			ie8: "", android2: ""}},
		{name: "expired", on: nginx, make: served(w.leaf("c-old", pki.Spec{NotAfter: weeksAgo(2)})), sees: map[string]string{
			chrome: "cert-expired", java17: "cert-expired", openssl101: "cert-expired"}},
	}
	var out []fault
	for _, s := range servers {
		for _, client := range sortedKeys(s.sees) {
			f := fault{name: "client-" + s.name + "-" + client, class: "clients", on: kinds(s.on),
				make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
					s.make(e)
					o.Client = client
				}}
			if cause := s.sees[client]; cause != "" {
				f.want = []string{cause}
			} else {
				f.healthy = true
			}
			out = append(out, f)
		}
	}
	return out
}
