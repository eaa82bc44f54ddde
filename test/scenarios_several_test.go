package test

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy"
	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// severalFaults are what stands before or behind TLS, and what only a second
// connection meets.
func severalFaults(w *world) []fault {
	// The same names, other keys: an authority that looks like the server's own.
	fakeRoot := w.other.Issue(nil, pki.Spec{CN: "Client Root", CA: true, KeyID: "fake-client-root", Mutate: func(c *x509.Certificate) { c.Subject = w.clientCA.X.Subject }})
	fake := w.files("look-alike", w.other.Issue(fakeRoot, pki.Spec{CN: "billing-01", KeyID: "fake-client", EKU: clientAuthEKU}))
	dead := func(name string) []string {
		return []string{"mode tcp", "default_backend " + name, "backend " + name, "mode tcp"}
	}
	extra := func(lines ...string) func(*world, *server.Kind, *server.Endpoint, *tlswhy.Options) {
		return func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) { e.Extra = lines }
	}
	return []fault{
		{name: "proxy-protocol", class: "transport", on: kinds(haproxy), want: []string{"proxy-protocol"}, make: extra("bind accept-proxy")},
		{name: "backend-closed", class: "transport", on: kinds(haproxy), healthy: true, warn: []string{"backend-closed"}, make: extra(dead("dead")...)},
		{name: "backend-closed-tls12", class: "transport", on: kinds(haproxy), healthy: true, warn: []string{"backend-closed"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, _ *tlswhy.Options) {
				e.Max, e.Extra = "1.2", dead("dead12")
			}},
		{name: "client-cert-look-alike", class: "client-auth", on: kinds(gnutls, golang), want: []string{"client-cert-untrusted"},
			make: func(_ *world, _ *server.Kind, e *server.Endpoint, o *tlswhy.Options) {
				e.ClientCA, e.ClientAuth, o.CertFile, o.KeyFile = w.clientCAFile, "required", fake.chain, fake.key
			}},
	}
}

// configured is a scenario whose server is set up by a configuration of its
// own; backends are endpoints of nginx that it may name.
func configured(w *world, k *server.Kind, name, class string, config func(e *server.Endpoint, backends []*server.Endpoint) string, backends ...*server.Endpoint) scenario {
	s := scenario{name: name, class: class, ep: server.Endpoint{Name: "own/" + name, Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key}, opts: tlswhy.Options{CAFile: w.RootFile}}
	s.serve = func(t testing.TB, e *server.Endpoint) {
		e.Port = server.FreePort(t)
		if len(backends) > 0 {
			server.Start(t, server.Nginx, backends...)
		}
		server.StartConfig(t, k, config(e, backends), e)
	}
	return s
}

// severalScenarios are servers that take more than one block to write.
func severalScenarios(w *world) []scenario {
	old := w.leaf("several-old", pki.Spec{NotAfter: weeksAgo(1)})
	two := w.leaf("several-two", pki.Spec{DNS: []string{host, "blog.shop.test"}})
	renewed := w.leaf("several-renewed", pki.Spec{})
	backend := func(name string, p pair) *server.Endpoint {
		return &server.Endpoint{Name: "several/" + name, Hosts: []string{host}, Chain: p.chain, Key: p.key}
	}
	roundRobin := func(e *server.Endpoint, backends []*server.Endpoint) string {
		var b strings.Builder
		fmt.Fprintf(&b, "listen l\n\tmode tcp\n\ttimeout connect 5s\n\ttimeout client 20s\n\ttimeout server 20s\n\tbind %s\n\tbalance roundrobin\n", e.Target())
		for i, to := range backends {
			fmt.Fprintf(&b, "\tserver s%d %s\n", i, to.Target())
		}
		return b.String()
	}
	block := func(e *server.Endpoint, listen, name, more string) string {
		return fmt.Sprintf("\tserver {\n\t\tlisten %s ssl%s;\n\t\tserver_name %s;\n\t\tssl_certificate %s;\n\t\tssl_certificate_key %s;\n%s\t\tlocation / { return 200 ok; }\n\t}\n",
			e.Target(), listen, name, two.chain, two.key, more)
	}
	proxied := configured(w, server.Nginx, "proxy-protocol-nginx", "transport", func(e *server.Endpoint, _ []*server.Endpoint) string { return block(e, " proxy_protocol", host, "") })
	proxied.want = []string{"proxy-protocol"}
	expired := configured(w, server.HAProxy, "round-robin-expired", "certificate", roundRobin, backend("old", old), backend("good", w.good))
	expired.want, expired.warn = []string{"cert-expired"}, []string{"inconsistent-endpoints"}
	second := configured(w, server.HAProxy, "round-robin-expired-second", "certificate", roundRobin, backend("good", w.good), backend("old", old))
	second.want, second.warn = []string{"cert-expired"}, []string{"inconsistent-endpoints"}
	bare := configured(w, server.HAProxy, "round-robin-incomplete-second", "certificate", roundRobin, backend("good", w.good), backend("bare", pair{w.firstOnly(w.good.chain), w.good.key}))
	bare.want, bare.warn = []string{"incomplete-chain"}, []string{"inconsistent-endpoints"}
	const down = "\tserver dead 127.0.0.1:1\n"
	dead := configured(w, server.HAProxy, "round-robin-dead", "transport", func(e *server.Endpoint, b []*server.Endpoint) string {
		return roundRobin(e, b) + down
	}, backend("good", w.good))
	dead.want = []string{"inconsistent-endpoints"}
	mostDead := configured(w, server.HAProxy, "round-robin-two-dead", "transport", func(e *server.Endpoint, b []*server.Endpoint) string {
		return roundRobin(e, b) + down + strings.Replace(down, "dead", "dead2", 1)
	}, backend("good", w.good))
	mostDead.want = []string{"inconsistent-endpoints"}
	allDead := configured(w, server.HAProxy, "round-robin-all-dead", "transport", func(e *server.Endpoint, _ []*server.Endpoint) string {
		return roundRobin(e, nil) + down
	})
	allDead.want = []string{"eof-during-handshake"}
	routedDead := configured(w, server.HAProxy, "routed-dead", "sni", func(e *server.Endpoint, b []*server.Endpoint) string {
		return fmt.Sprintf("frontend l\n\tmode tcp\n\ttimeout client 20s\n\tbind %s\n\ttcp-request inspect-delay 2s\n\ttcp-request content accept if { req_ssl_hello_type 1 }\n", e.Target()) +
			fmt.Sprintf("\tuse_backend dead if { req_ssl_sni -i %s }\n\tdefault_backend good\n", host) +
			"backend dead\n\tmode tcp\n\ttimeout connect 5s\n\ttimeout server 20s\n" + down +
			"backend good\n\tmode tcp\n\ttimeout connect 5s\n\ttimeout server 20s\n" + fmt.Sprintf("\tserver good %s\n", b[0].Target())
	}, backend("good", w.good))
	routedDead.want = []string{"sni-unrecognized"}
	rolling := configured(w, server.HAProxy, "healthy-round-robin-renewal", "healthy", roundRobin, backend("good", w.good), backend("renewed", renewed))
	rolling.healthy = true
	foreign := configured(w, server.HAProxy, "healthy-foreign-ticket-keys", "healthy", roundRobin, backend("good", w.good), backend("same", w.good))
	foreign.healthy = true
	misdirected := func(name string, k *server.Kind, config string) scenario {
		s := configured(w, k, name, "sni", func(e *server.Endpoint, _ []*server.Endpoint) string {
			return strings.ReplaceAll(config, "ADDRESS", e.Target())
		})
		s.want, s.opts.SNI = []string{"misdirected-request"}, "blog.shop.test"
		return s
	}
	e := &server.Endpoint{}
	verify := fmt.Sprintf("\t\tssl_client_certificate %s;\n\t\tssl_verify_client on;\n", w.clientCAFile)
	nginxConf := strings.ReplaceAll(block(e, "", "blog.shop.test", "")+block(e, "", host, verify), e.Target(), "ADDRESS")
	vhost := func(name, more string) string {
		return fmt.Sprintf("<VirtualHost *:*>\nServerName %s\nSSLEngine on\nSSLCertificateFile %s\nSSLCertificateKeyFile %s\n%s</VirtualHost>\n", name, two.chain, two.key, more)
	}
	apacheConf := vhost("blog.shop.test", "") + vhost(host, fmt.Sprintf("SSLCACertificateFile %s\nSSLVerifyClient require\n", w.clientCAFile))
	return []scenario{proxied, expired, second, bare, dead, mostDead, allDead, routedDead, rolling, foreign,
		misdirected("misdirected-nginx", server.Nginx, nginxConf), misdirected("misdirected-apache", server.Apache, apacheConf)}
}

// TestRealRateLimit lets HAProxy count connections. It is no row of a table,
// because those demand that this cause is never found.
func TestRealRateLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name  string
		above int
		want  bool
	}{{"limited", 3, true}, {"not limited", 50, false}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := &server.Endpoint{Name: "haproxy/limit-" + fmt.Sprint(c.above), Hosts: []string{host}, Chain: w.good.chain, Key: w.good.key,
				Extra: []string{"stick-table type ip size 1k expire 30s store conn_rate(20s)", "tcp-request connection track-sc0 src",
					fmt.Sprintf("tcp-request connection reject if { sc0_conn_rate gt %d }", c.above)}}
			server.Start(t, server.HAProxy, e)
			s := scenario{ep: *e, opts: tlswhy.Options{CAFile: w.RootFile}}
			d, _ := s.diagnose(t)
			if got := failures(d); len(got) > 0 {
				t.Errorf("got %v\n%s", got, explain(d))
			}
			if got := slices.Contains(warnings(d), "rate-limited"); got != c.want {
				t.Errorf("rate-limited: got %v\n%s", got, explain(d))
			}
			if !c.want && d.Verdict != diag.OK {
				t.Errorf("got %s\n%s", d.Verdict, explain(d))
			}
		})
	}
}
