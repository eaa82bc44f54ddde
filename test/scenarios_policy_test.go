package test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// policyFaults are servers that are right, and clients that want more; portals;
// and certificates near their end.
func policyFaults(w *world) []fault {
	now := time.Now()
	known := w.Leaf(pki.Spec{DNS: []string{host}})
	served := w.files("pinned", known, w.Intermediate)
	soon := w.leaf("soon", pki.Spec{NotBefore: now.Add(-85 * pki.Day), NotAfter: now.Add(5 * pki.Day)})
	long := w.leaf("three-years", pki.Spec{NotBefore: now.Add(-pki.Day), NotAfter: now.Add(1095 * pki.Day)})
	hotspot := w.leaf("hotspot", pki.Spec{DNS: []string{"login.hotspot.test"}})
	stranger := w.Issue(nil, pki.Spec{CN: "stranger", KeyID: "stranger"})
	pin := func(c *pki.Cert) string {
		sum := sha256.Sum256(c.X.RawSubjectPublicKeyInfo)
		return "sha256//" + base64.StdEncoding.EncodeToString(sum[:])
	}
	tlsa := func(c *pki.Cert) string { return fmt.Sprintf("3 1 1 %x", sha256.Sum256(c.X.RawSubjectPublicKeyInfo)) }
	row := func(name string, on []*server.Kind, want string, p pair, change func(*server.Endpoint, *tlswhy.Options)) fault {
		f := fault{name: name, class: "policy", on: on, healthy: want == "",
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.Chain, e.Key = p.chain, p.key
				if change != nil {
					change(e, o)
				}
			}}
		if want != "" {
			f.want = []string{want}
		}
		return f
	}
	demand := func(set func(*tlswhy.Options)) func(*server.Endpoint, *tlswhy.Options) {
		return func(_ *server.Endpoint, o *tlswhy.Options) { set(o) }
	}
	redirect := func(to string) func(*server.Endpoint, *tlswhy.Options) {
		return func(e *server.Endpoint, _ *tlswhy.Options) { e.Status, e.Body = 302, to }
	}
	plain := func(to string) func(*server.Endpoint, *tlswhy.Options) {
		return func(e *server.Endpoint, _ *tlswhy.Options) { e.Plain, e.Status, e.Body = true, 302, to }
	}
	dhe := func(bits int) func(*server.Endpoint, *tlswhy.Options) {
		return func(e *server.Endpoint, o *tlswhy.Options) {
			e.Max, e.Ciphers, e.DHParams, o.MinDHBits = "1.2", "DHE-RSA-AES128-GCM-SHA256", w.dh1024, bits
		}
	}
	portal := "http://portal.hotel.test/guest/login?url=https://" + host + "/"
	rows := []fault{
		row("pin-other", kinds(nginx, apache, golang), "pin-mismatch", served, demand(func(o *tlswhy.Options) { o.Pins = []string{pin(stranger)} })),
		row("pin-file", kinds(haproxy), "pin-mismatch", served, demand(func(o *tlswhy.Options) { o.Pins = []string{w.CertFile("pinned-stranger", stranger)} })),
		row("pin-leaf", kinds(nginx, stunnel), "", served, demand(func(o *tlswhy.Options) { o.Pins = []string{pin(stranger), pin(known)} })),
		row("pin-intermediate", kinds(openssl), "", served, demand(func(o *tlswhy.Options) { o.Pins = []string{w.CertFile("pinned-intermediate", w.Intermediate)} })),
		row("tlsa-other", kinds(nginx), "pin-mismatch", served, demand(func(o *tlswhy.Options) { o.TLSA = []string{tlsa(stranger)} })),
		row("tlsa-leaf", kinds(apache), "", served, demand(func(o *tlswhy.Options) { o.TLSA = []string{tlsa(known)} })),

		row("validity-policy", kinds(nginx, golang), "cert-lifetime-too-long", long, demand(func(o *tlswhy.Options) { o.MaxValidityDays = 398 })),
		row("validity-apple", kinds(apache), "cert-lifetime-too-long", long, demand(func(o *tlswhy.Options) { o.Client = "Safari 18.4" })),
		row("validity-within", kinds(nginx), "", long, demand(func(o *tlswhy.Options) { o.MaxValidityDays = 1096 })),

		row("dh-demanded", kinds(openssl), "dh-key-too-small", w.good, dhe(2048)),
		row("dh-accepted", kinds(openssl), "", w.good, dhe(1024)),

		row("portal-plain", kinds(nginx), "captive-portal", w.good, plain(portal)),
		row("portal-tls", kinds(nginx), "captive-portal", hotspot, redirect("https://login.hotspot.test/splash?u=https://"+host+"/")),
		row("plain-to-https", kinds(nginx), "server-speaks-plaintext", w.good, plain("https://"+host+"/")),
		row("plain-to-other", kinds(nginx), "server-speaks-plaintext", w.good, plain("https://shop.example.test/")),
		row("redirects-to-login", kinds(nginx), "", w.good, redirect("https://portal.elsewhere.test/guest/login?url=https://"+host+"/")),
		row("redirects-to-www", kinds(nginx), "", w.good, redirect("https://www.example.test/")),
		row("wrong-name-goes-home", kinds(nginx), "hostname-mismatch", hotspot, redirect("https://login.hotspot.test/")),
	}
	expiring := row("expires-soon", kinds(nginx, apache, haproxy), "", soon, nil)
	expiring.warn = []string{"expires-soon"}
	return append(rows, expiring)
}

// clocks are servers on machines with another time than ours. For a client it
// is the same whether its own clock is off or all the others are.
func clocks(w *world) []scenario {
	now := time.Now()
	row := func(name, offset, want string, p pair) scenario {
		s := scenario{name: name, class: "policy", healthy: want == "", want: []string{want},
			ep:   server.Endpoint{Name: "own/" + name, Hosts: []string{host}, Chain: p.chain, Key: p.key},
			opts: tlswhy.Options{CAFile: w.RootFile}}
		s.serve = func(t testing.TB, e *server.Endpoint) { server.Start(t, server.NginxAt(offset), e) }
		return s
	}
	future := w.leaf("of-the-future", pki.Spec{NotBefore: now.Add(300 * pki.Day), NotAfter: now.Add(390 * pki.Day)})
	past := w.leaf("of-the-past", pki.Spec{NotBefore: now.Add(-100 * pki.Day), NotAfter: now.Add(-2 * time.Hour)})
	return []scenario{
		row("clock-behind", "+320d", "clock-skew", future),
		row("clock-ahead", "-5h", "clock-skew", past),
		row("clock-of-the-server", "+90d", "", w.good),
		row("clock-explains-nothing", "+20d", "cert-not-yet-valid", future),
		row("clock-right", "+0d", "cert-expired", past),
	}
}
