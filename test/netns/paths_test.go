//go:build linux

package netns

import (
	"fmt"
	"path/filepath"

	"github.com/tlswhy/tlswhy/test/pki"
)

// programs are networks with programs in them that read what passes, or end it,
// then servers and links that look like that and are not.
var programs = []path{
	{name: "the name dropped by a parser", want: []string{"middlebox-blackhole"}, make: func(b *bed) { b.origin("", ""); b.dpi("drop name " + target) }},
	{name: "the name reset by a parser", want: []string{"middlebox-reset"}, make: func(b *bed) { b.origin("", ""); b.dpi("reset name " + target) }},
	{name: "the name reset from beside the way", want: []string{"middlebox-reset"}, make: func(b *bed) { b.origin("", ""); b.delay(30); b.dpi("inject name " + target) }},
	{name: "the name reset near by, no control", alone: true, dice: true, want: []string{"middlebox-reset"}, make: func(b *bed) { b.origin("", ""); b.delay(300); b.dpi("reset name " + target) }},
	{name: "hellos of 1000 bytes dropped", want: []string{"hello-too-large"}, onPath: true, make: func(b *bed) { b.origin("", ""); b.dpi("drop bytes 1000") }},
	{name: "hellos of 1000 bytes reset", want: []string{"hello-too-large"}, onPath: true, make: func(b *bed) { b.origin("", ""); b.dpi("reset bytes 1000") }},
	{name: "TLS 1.3 reset by a parser", want: []string{"version-intolerance"}, onPath: true, make: func(b *bed) { b.origin("", ""); b.dpi("reset version 1.3") }},
	{name: "TLS 1.3 dropped by a parser", want: []string{"version-intolerance"}, onPath: true, make: func(b *bed) { b.origin("", ""); b.dpi("drop version 1.3") }},
	{name: "a group reset by a parser", want: []string{"hello-intolerance"}, onPath: true, make: func(b *bed) { b.origin("", ""); b.dpi("reset group X25519MLKEM768") }},
	{name: "mitmproxy inspects", want: []string{"middlebox-inspection"}, make: func(b *bed) { b.origin("", ""); b.mitm() }},
	{name: "sslsplit inspects", want: []string{"middlebox-inspection"}, make: func(b *bed) { b.origin("", ""); b.sslsplit() }},
	{name: "sslsplit inspects, no control", alone: true, want: []string{"middlebox-inspection"}, make: func(b *bed) { b.origin("", ""); b.sslsplit() }},
	{name: "Squid inspects what its clients ask it for", words: explicit, want: []string{"middlebox-inspection"}, make: func(b *bed) {
		b.origin("", "")
		b.squidWith("BUMP", "ssl_bump bump all", "http_access allow all")
	}},
	{name: "Squid wants a password", words: explicit, want: []string{"proxy-refused"}, make: func(b *bed) {
		b.origin("", "")
		b.do("bash", "-c", "echo user:$(openssl passwd -apr1 secret) > "+filepath.Join(b.dir, "users"))
		b.squidWith("", "ssl_bump splice all", "auth_param basic program /usr/lib/squid/basic_ncsa_auth "+filepath.Join(b.dir, "users")+"\nacl known proxy_auth REQUIRED\nhttp_access deny !known\nhttp_access allow all")
	}},
	{name: "Squid wants a login by Digest", words: explicit, want: []string{"proxy-refused"}, make: func(b *bed) {
		b.origin("", "")
		b.squidWith("", "ssl_bump splice all", "auth_param digest program /usr/lib/squid/digest_file_auth "+b.file("users", "user:secret\n")+"\nauth_param digest realm proxy\nauth_param digest children 1 startup=0\nacl known proxy_auth REQUIRED\nhttp_access deny !known\nhttp_access allow all")
	}},
	{name: "Squid wants a login of the domain", words: explicit, want: []string{"proxy-refused"}, make: func(b *bed) {
		b.origin("", "")
		b.squidWith("", "ssl_bump splice all", "auth_param ntlm program /usr/lib/squid/ntlm_fake_auth\nauth_param ntlm children 1 startup=0\nacl known proxy_auth REQUIRED\nhttp_access deny !known\nhttp_access allow all")
	}},
	{name: "Squid finds nobody at the server", words: explicit, want: []string{"proxy-refused"}, make: func(b *bed) { b.squidWith("", "ssl_bump splice all", "http_access allow all") }},
	{name: "tinyproxy refuses the port", words: explicit, want: []string{"proxy-refused"}, make: func(b *bed) { b.origin("", ""); b.tinyproxy("563") }},
	{name: "TLS 1.3 hidden on the way", want: []string{"middlebox-downgrade"}, onPath: true, make: func(b *bed) { b.origin("", ""); b.relay("change 002b 7f2b") }},
	{name: "bytes corrupted on the way", want: []string{"decrypt-error"}, onPath: true, make: func(b *bed) { b.origin("", ""); b.relay("corrupt 900") }},
	{name: "the answer cut short on the way", want: []string{"eof-during-handshake"}, onPath: true, make: func(b *bed) { b.origin("", ""); b.relay("truncate 200") }},
	{name: "a filter whose program died", want: []string{"tcp-timeout"}, make: func(b *bed) { b.origin("", ""); b.filter("-j", "NFQUEUE", "--queue-num", "9") }},

	{name: "Squid looks and lets pass", make: func(b *bed) { b.origin("", ""); b.squid("ssl_bump splice all") }},
	{name: "tinyproxy lets pass", words: explicit, make: func(b *bed) { b.origin("", ""); b.tinyproxy("443") }},
	{name: "a parser that forbids another name", make: func(b *bed) { b.origin("", ""); b.dpi("reset name nowhere.test") }},
	{name: "a relay that changes nothing", make: func(b *bed) { b.origin("", ""); b.relay("nothing") }},
	{name: "network address translation", make: func(b *bed) {
		b.origin("", "")
		b.in("b", "iptables", "-t", "nat", "-A", "POSTROUTING", "-o", "right", "-j", "MASQUERADE")
	}},
	{name: "narrow, and says so", make: func(b *bed) {
		b.origin("", "")
		b.in("b", "ip", "route", "change", "10.77.2.0/24", "dev", "right", "src", "10.77.2.1", "mtu", "lock", "1280")
	}},
	{name: "a far server", make: func(b *bed) { b.origin("", ""); b.delay(80) }},
	{name: "a far server resets the name, no control", alone: true, want: []string{"sni-unrecognized"}, make: func(b *bed) { b.picky("reject"); b.delay(60) }},
	{name: "a far server resets the name", want: []string{"sni-unrecognized"}, make: func(b *bed) { b.picky("reject"); b.delay(60) }},
	{name: "a server of one curve", make: func(b *bed) { b.origin("curves P-384", "") }},
	{name: "a server with two certificates for a name", make: func(b *bed) {
		rsa := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target, control}, Key: "rsa2048"})
		b.origin("crt "+b.pem("rsa.pem", rsa, b.pki.Intermediate), "")
	}},
	{name: "machines in turn with certificates of their own", make: func(b *bed) { b.turns() }},
	{name: "certificates on demand at the server", want: []string{"unknown-ca", "incomplete-chain"}, make: func(b *bed) { b.onDemand() }},
	{name: "certificates on demand at the server, no control", alone: true, want: []string{"unknown-ca", "incomplete-chain"}, make: func(b *bed) { b.onDemand() }},
	{name: "a server that wants a client certificate", want: []string{"client-cert-required"}, make: func(b *bed) { b.origin("verify required ca-file "+b.pki.RootFile, "") }},
	{name: "a server that thinks for two seconds", make: func(b *bed) { b.gate("tcp-request inspect-delay 2s\n\ttcp-request content accept if WAIT_END") }},
	{name: "a server that keeps silent", want: []string{"handshake-timeout"}, make: func(b *bed) {
		b.gate("tcp-request inspect-delay 5s\n\ttcp-request content silent-drop if { req.ssl_hello_type 1 }")
	}},
	{name: "a server that resets all", want: []string{"connection-reset", "eof-during-handshake"}, make: func(b *bed) {
		b.gate("tcp-request inspect-delay 5s\n\ttcp-request content reject if { req.ssl_hello_type 1 }")
	}},
	{name: "a tenth lost on a slow link", dice: true, want: []string{"", "handshake-timeout", "tcp-timeout", "connection-reset"}, make: func(b *bed) {
		b.origin("", "")
		b.delay(40)
		b.lossy("0.1")
	}},
}

// delay holds back what comes to the server, as a long way does.
func (b *bed) delay(ms int) {
	b.t.Helper()
	b.queue("s", "INPUT", fmt.Sprint("delay ", ms))
}

// turns are two machines behind each address, each with its own key and
// certificate for the names.
func (b *bed) turns() {
	b.t.Helper()
	conf := ""
	for i, at := range []string{serverIP, controlIP} {
		conf += fmt.Sprintf("frontend f%d\n\tmode tcp\n\tbind %s:443\n\tdefault_backend b%d\nbackend b%d\n\tmode tcp\n\tbalance roundrobin\n\tserver one 127.0.0.1:8001\n\tserver two 127.0.0.1:8002\n", i, at, i, i)
	}
	for i := range 2 {
		leaf := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target, control}, Key: "p256", KeyID: fmt.Sprint("turn", i)})
		conf += fmt.Sprintf("frontend m%d\n\tbind 127.0.0.1:%d ssl crt %s\n\thttp-request return status 200\n", i, 8001+i, b.pem(fmt.Sprintf("turn%d.pem", i), leaf, b.pki.Intermediate))
	}
	b.haproxy("s", "turns", serverIP+":443", conf)
}

// onDemand is a server that makes certificates for whatever name is asked for,
// by a CA of the house; the control is in order.
func (b *bed) onDemand() {
	b.t.Helper()
	ca := b.pki.Issue(nil, pki.Spec{CN: "Private House CA", CA: true, KeyID: "house"})
	first := b.pki.Issue(ca, pki.Spec{CN: target, DNS: []string{target}, Key: "p256"})
	good := b.pki.Leaf(pki.Spec{CN: control, DNS: []string{control}, Key: "p256"})
	b.haproxy("s", "demand", serverIP+":443", fmt.Sprintf("frontend one\n\tbind %s:443 ssl crt %s generate-certificates ca-sign-file %s\n\thttp-request return status 200\nfrontend two\n\tbind %s:443 ssl crt %s\n\thttp-request return status 200\n",
		serverIP, b.pem("first.pem", first), b.pem("sign.pem", ca), controlIP, b.pem("two.pem", good, b.pki.Intermediate)))
}

// gate is an honest server behind a rule of its own; the control has none.
func (b *bed) gate(rules string) {
	b.t.Helper()
	leaf := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target, control}, Key: "p256"})
	b.haproxy("s", "gate", controlIP+":443", fmt.Sprintf("frontend gate\n\tmode tcp\n\tbind %s:443\n\t%s\n\tdefault_backend behind\nbackend behind\n\tmode tcp\n\tserver behind %s:443\nfrontend tls\n\tbind %s:443 ssl crt %s\n\thttp-request return status 200\n",
		serverIP, rules, controlIP, controlIP, b.pem("gate.pem", leaf, b.pki.Intermediate)))
}
