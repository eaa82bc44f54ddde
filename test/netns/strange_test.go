//go:build linux

package netns

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tlswhy/tlswhy/test/pki"
)

// strange are networks and servers behind them that no rule was written for:
// first those that interfere, then those that do not.
var strange = []path{
	{name: "a firewall that sees one direction only", want: []string{"middlebox-blackhole"}, make: func(b *bed) {
		b.origin("", "")
		b.asymmetric()
		b.in("b", "iptables", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")
	}},
	{name: "the name leads to a page that blocks", words: []string{"--connect", boxIP + ":8443"}, want: []string{"hostname-mismatch", "wrong-vhost-cert", "captive-portal", "unknown-ca", "self-signed"}, make: func(b *bed) { b.origin("", ""); b.portal("8443") }},
	{name: "narrow both ways", want: []string{"pmtu-blackhole"}, make: func(b *bed) {
		b.origin("", "")
		b.narrow("10.77.2.0/24", "right")
		b.narrow("10.77.1.0/24", "left")
		b.wide()
	}},
	{name: "silence after some bytes", want: []string{"handshake-timeout", "middlebox-blackhole"}, make: func(b *bed) {
		b.origin("", "")
		b.wide()
		b.in("b", "iptables", "-A", "FORWARD", "-p", "tcp", "-m", "connbytes", "--connbytes", "3200:", "--connbytes-dir", "both", "--connbytes-mode", "bytes", "-j", "DROP")
	}},
	{name: "a box hangs up after a second", dice: true, want: []string{"eof-during-handshake", "connection-reset"}, make: func(b *bed) {
		b.gate("tcp-request inspect-delay 2s\n\ttcp-request content accept if WAIT_END")
		b.relay("idle 1000")
	}},
	{name: "a box takes connections and forwards none", want: []string{"middlebox-blackhole"}, make: func(b *bed) { b.origin("", ""); b.relay("swallow") }},
	{name: "a byte of the hello changed on the way", want: []string{"decrypt-error"}, onPath: true, make: func(b *bed) { b.origin("", ""); b.relay("change 0010 7f10") }},
	{name: "ALPN taken out on the way", want: []string{"decrypt-error"}, onPath: true, make: func(b *bed) { b.origin("", ""); b.relay("change 0010000e000c026832 7f10000e000c026832") }},
	{name: "the name rewritten on the way", want: []string{"decrypt-error"}, onPath: true, make: func(b *bed) {
		b.origin("", "")
		b.relay("change " + hex.EncodeToString([]byte(target)) + " " + hex.EncodeToString([]byte("xxxxxxx.test")))
	}},
	{name: "a proxy answers HTTP 503 to every hello", want: []string{"captive-portal"}, make: func(b *bed) { b.origin("", ""); b.relay("say 503") }},
	{name: "inspection by an expired CA", want: []string{"middlebox-inspection"}, make: func(b *bed) {
		b.origin("", "")
		b.minting("", b.pki.Issue(nil, pki.Spec{CN: "Old Office CA", CA: true, KeyID: "old-house", NotBefore: time.Now().Add(-900 * pki.Day), NotAfter: time.Now().Add(-3 * pki.Day)}))
	}},
	{name: "inspection that knows TLS 1.2 only", want: []string{"middlebox-inspection"}, make: func(b *bed) {
		b.origin("", "")
		b.minting("ssl-max-ver TLSv1.2", b.pki.Issue(nil, pki.Spec{CN: "Office CA", CA: true, KeyID: "office"}))
	}},
	{name: "the address forbidden, and said so", want: []string{"tcp-timeout"}, make: func(b *bed) {
		b.origin("", "")
		b.filter("-d", serverIP, "-j", "REJECT", "--reject-with", "icmp-admin-prohibited")
	}},
	{name: "a byte of the answer each second", want: []string{"handshake-timeout"}, make: func(b *bed) { b.origin("", ""); b.relay("drip 1000") }},
	{name: "portal with a valid certificate", want: []string{"captive-portal"}, make: func(b *bed) {
		b.origin("", "")
		b.stranger(b.pki.Leaf(pki.Spec{CN: "login.portal.test", DNS: []string{"login.portal.test"}, Key: "p256"}), "redirect location https://login.portal.test/welcome code 302")
	}},
	{name: "portal with a valid certificate and a page", want: []string{"captive-portal"}, make: func(b *bed) {
		b.origin("", "")
		b.stranger(b.pki.Leaf(pki.Spec{CN: "login.portal.test", DNS: []string{"login.portal.test"}, Key: "p256"}), "return status 200")
	}},
	{name: "the name dropped in certificates", want: []string{"handshake-timeout", "middlebox-blackhole"}, make: func(b *bed) {
		b.twoWith("ssl-max-ver TLSv1.2")
		b.in("b", "iptables", "-A", "FORWARD", "-p", "tcp", "--sport", "443", "-m", "string", "--algo", "bm", "--string", target, "-j", "DROP")
	}},
	{name: "an alert for the name", want: []string{"middlebox-reset", "sni-unrecognized"}, make: func(b *bed) { b.origin("", ""); b.relay("alert 28") }},
	{name: "an alert that denies the name", want: []string{"middlebox-reset", "sni-unrecognized", "access-denied"}, make: func(b *bed) { b.origin("", ""); b.relay("alert 31") }},
	{name: "all to the server dropped once the name was said", want: []string{"middlebox-blackhole", "handshake-timeout", "tcp-timeout"}, make: func(b *bed) {
		b.origin("", "")
		b.filter("-m", "recent", "--name", "said", "--rdest", "--update", "--seconds", "60", "-j", "DROP")
		b.filter("-m", "string", "--algo", "bm", "--string", target, "-m", "recent", "--name", "said", "--rdest", "--set", "-j", "DROP")
	}},
	{name: "one way of two is narrow", want: []string{"", "handshake-timeout", "inconsistent-endpoints", "pmtu-blackhole"}, make: func(b *bed) {
		b.origin("", "")
		b.in("b", "iptables", "-t", "mangle", "-A", "FORWARD", "-p", "tcp", "--dport", "443", "--syn", "-m", "statistic", "--mode", "nth", "--every", "2", "--packet", "0", "-j", "CONNMARK", "--set-mark", "5")
		b.filter("-m", "connmark", "--mark", "5", "-m", "length", "--length", "1000:", "-j", "DROP")
	}},
	{name: "a box takes connections for a server that is down", want: []string{"eof-during-handshake", "connection-reset"}, make: func(b *bed) {
		leaf := b.pki.Leaf(pki.Spec{CN: control, DNS: []string{control}, Key: "p256"})
		b.haproxy("s", "control", controlIP+":443", fmt.Sprintf("frontend tls\n\tbind %s:443 ssl crt %s\n\thttp-request return status 200\n", controlIP, b.pem("control.pem", leaf, b.pki.Intermediate)))
		b.relay("nothing")
	}},
	{name: "one machine of two is dead", want: []string{"inconsistent-endpoints", "eof-during-handshake", "connection-reset"}, make: func(b *bed) {
		one := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target, control}, Key: "p256"})
		b.haproxy("s", "dead", serverIP+":443", fmt.Sprintf("frontend turns\n\tmode tcp\n\tbind %s:443\n\tdefault_backend turns\nbackend turns\n\tmode tcp\n\tbalance roundrobin\n\tretries 0\n\tserver one %s:443\n\tserver two 127.0.0.1:9\nfrontend good\n\tbind %s:443 ssl crt %s\n\thttp-request return status 200\n",
			serverIP, controlIP, controlIP, b.pem("one.pem", one, b.pki.Intermediate)))
	}},
	{name: "two connections at a time", want: []string{"", "rate-limited", "inconsistent-endpoints"}, make: func(b *bed) {
		b.origin("", "")
		b.filter("--syn", "-m", "connlimit", "--connlimit-above", "2", "-j", "REJECT", "--reject-with", "tcp-reset")
	}},
	{name: "banned after four connections", want: []string{"", "rate-limited", "inconsistent-endpoints"}, make: func(b *bed) {
		b.origin("", "")
		b.filter("--syn", "-m", "hashlimit", "--hashlimit-above", "4/hour", "--hashlimit-burst", "4", "--hashlimit-mode", "srcip,dstip", "--hashlimit-name", "ban", "-j", "DROP")
	}},

	{name: "two ways, there and back", make: func(b *bed) { b.origin("", ""); b.asymmetric() }},
	{name: "IPv6 translated to IPv4", words: []string{"--connect", "[fd77:1::1]:443"}, make: func(b *bed) {
		b.origin("", "")
		b.six()
		b.haproxy("b", "nat64", "[fd77:1::1]:443", "frontend six\n\tmode tcp\n\tbind [fd77:1::1]:443\n\tdefault_backend four\nbackend four\n\tmode tcp\n\tserver four "+serverIP+":443\n")
	}},
	{name: "IPv6 leads nowhere", words: []string{"--connect", "[fd77:2::2]:443", "--connect", serverIP + ":443"}, want: []string{"tcp-timeout"}, make: func(b *bed) { b.origin("", ""); b.six() }},
	{name: "16 kbit/s", dice: true, make: func(b *bed) {
		b.origin("", "")
		for _, dev := range []string{"left", "right"} {
			b.in("b", "tc", "qdisc", "add", "dev", dev, "root", "tbf", "rate", "16kbit", "burst", "2000", "latency", "9s")
		}
	}},
	{name: "packets out of order", make: func(b *bed) { b.origin("", ""); b.queue("b", "FORWARD", "shuffle 40"); b.queueBack() }},
	{name: "packets twice", make: func(b *bed) { b.origin("", ""); b.queue("b", "FORWARD", "twice"); b.queueBack() }},
	{name: "options of TCP taken out", make: func(b *bed) {
		b.origin("", "")
		b.in("b", "iptables", "-t", "mangle", "-A", "FORWARD", "-p", "tcp", "-j", "TCPOPTSTRIP", "--strip-options", "timestamp,sack-permitted,wscale")
	}},
	{name: "segments of 88 bytes", make: func(b *bed) {
		b.origin("", "")
		b.in("b", "iptables", "-t", "mangle", "-A", "FORWARD", "-p", "tcp", "--tcp-flags", "SYN,RST", "SYN", "-j", "TCPMSS", "--set-mss", "88")
	}},
	{name: "a narrow interface of the client's own", make: func(b *bed) {
		b.origin("", "")
		b.in("c", "ip", "link", "set", "left", "mtu", "1280")
		b.in("b", "ip", "link", "set", "left", "mtu", "1280")
	}},
}

// asymmetric leads what comes back past the box.
func (b *bed) asymmetric() {
	b.t.Helper()
	b.link("c", "10.77.4.2/24", "s", "10.77.4.1/24", "back")
	for _, side := range []string{"c", "s"} {
		for _, dev := range []string{"all", "left", "right", "back"} {
			if side == "c" && dev == "right" || side == "s" && dev == "left" {
				continue
			}
			b.in(side, "sysctl", "-qw", "net.ipv4.conf."+dev+".rp_filter=0")
		}
	}
	b.in("s", "ip", "route", "add", "10.77.1.2/32", "via", "10.77.4.2", "dev", "back")
}

// six gives client and box addresses of IPv6, and no way further.
func (b *bed) six() {
	b.t.Helper()
	b.in("c", "ip", "addr", "add", "fd77:1::2/64", "dev", "left", "nodad")
	b.in("b", "ip", "addr", "add", "fd77:1::1/64", "dev", "left", "nodad")
	b.in("c", "ip", "route", "add", "default", "via", "fd77:1::1")
	b.in("b", "ip6tables", "-A", "FORWARD", "-j", "DROP")
	b.in("b", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=1")
	b.in("b", "ip", "route", "add", "fd77:2::/64", "dev", "right")
}

// queueBack gives what comes from port 443 to the program of queue, too.
func (b *bed) queueBack() {
	b.t.Helper()
	b.in("b", "iptables", "-A", "FORWARD", "-p", "tcp", "--sport", "443", "-j", "NFQUEUE", "--queue-num", "7")
}

// minting is a box that ends TLS with certificates of a CA of its own.
func (b *bed) minting(bind string, ca *pki.Cert) {
	b.t.Helper()
	first := b.pki.Issue(ca, pki.Spec{CN: "box.test", DNS: []string{"box.test"}, Key: "p256"})
	b.haproxy("b", "mint", boxIP+":8443", fmt.Sprintf("frontend mint\n\tbind :8443 ssl crt %s generate-certificates ca-sign-file %s %s\n\thttp-request return status 200\n",
		b.pem("first.pem", first), b.pem("sign.pem", ca), bind))
	b.redirect("443", "8443")
}

// stranger answers in the place of every server with one certificate.
func (b *bed) stranger(leaf *pki.Cert, rule string) {
	b.t.Helper()
	b.haproxy("b", "stranger", boxIP+":8443", fmt.Sprintf("frontend stranger\n\tbind :8443 ssl crt %s\n\thttp-request %s\n", b.pem("stranger.pem", leaf, b.pki.Intermediate), rule))
	b.redirect("443", "8443")
}

// twoWith are two servers with certificates of their own.
func (b *bed) twoWith(bind string) {
	b.t.Helper()
	one := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target}, Key: "p256"})
	two := b.pki.Leaf(pki.Spec{CN: control, DNS: []string{control}, Key: "p256", KeyID: "two"})
	b.haproxy("s", "two", serverIP+":443", fmt.Sprintf("frontend one\n\tbind %s:443 ssl crt %s %s\n\thttp-request return status 200\nfrontend two\n\tbind %s:443 ssl crt %s %s\n\thttp-request return status 200\n",
		serverIP, b.pem("one.pem", one, b.pki.Intermediate), bind, controlIP, b.pem("two.pem", two, b.pki.Intermediate), bind))
}
