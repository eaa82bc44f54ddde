//go:build linux

package netns

import (
	"fmt"

	"github.com/tlswhy/tlswhy/test/pki"
)

// honest are paths in order that no rule was written for, most of them with
// servers that are odd: none of them may be blamed on the path.
var honest = []path{
	{name: "a server of HTTP/2 only", make: func(b *bed) { b.origin("alpn h2", "") }},
	{name: "SYN cookies", make: func(b *bed) { b.in("s", "sysctl", "-qw", "net.ipv4.tcp_syncookies=2"); b.origin("", "") }},
	{name: "a server of one connection at a time", make: func(b *bed) { b.origin("backlog 4 maxconn 1", "") }},
	{name: "segments of 536 bytes", make: func(b *bed) {
		b.origin("", "")
		b.in("b", "iptables", "-t", "mangle", "-A", "FORWARD", "-p", "tcp", "--tcp-flags", "SYN,RST", "SYN", "-j", "TCPMSS", "--set-mss", "536")
	}},
	{name: "a firewall that keeps states", make: func(b *bed) {
		b.origin("", "")
		b.in("b", "iptables", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")
		b.in("b", "iptables", "-A", "FORWARD", "-m", "conntrack", "--ctstate", "ESTABLISHED,RELATED", "-j", "ACCEPT")
		b.in("b", "iptables", "-A", "FORWARD", "-i", "right", "-m", "conntrack", "--ctstate", "NEW", "-j", "DROP")
	}},
	{name: "machines in turn of two CAs", make: func(b *bed) {
		other := b.pki.Issue(b.pki.Root, pki.Spec{CN: "Second Intermediate", CA: true, KeyID: "second", NoAIA: true})
		one := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target, control}, Key: "p256", KeyID: "cdn0"})
		two := b.pki.Issue(other, pki.Spec{CN: target, DNS: []string{target, control}, Key: "p256", KeyID: "cdn1"})
		b.inTurn([]*pki.Cert{one, b.pki.Intermediate}, []*pki.Cert{two, other})
	}},
	{name: "one machine of two with a private CA", want: []string{"unknown-ca", "incomplete-chain", "inconsistent-endpoints"}, make: func(b *bed) {
		ca := b.pki.Issue(nil, pki.Spec{CN: "Private House CA", CA: true, KeyID: "house"})
		one := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target, control}, Key: "p256", KeyID: "cdn0"})
		b.inTurn([]*pki.Cert{b.pki.Issue(ca, pki.Spec{CN: target, DNS: []string{target}, Key: "p256"})}, []*pki.Cert{one, b.pki.Intermediate})
	}},
	{name: "a server of TLS 1.3 only", make: func(b *bed) { b.origin("ssl-min-ver TLSv1.3", "") }},
	{name: "a server that knows only its own name", want: []string{"", "sni-missing"}, make: func(b *bed) { b.origin("strict-sni", "") }},
}

// inTurn are two machines behind the server's address, each with its own chain;
// the control is in order.
func (b *bed) inTurn(chains ...[]*pki.Cert) {
	b.t.Helper()
	good := b.pki.Leaf(pki.Spec{CN: control, DNS: []string{control}, Key: "p256"})
	conf := fmt.Sprintf("frontend turns\n\tmode tcp\n\tbind %s:443\n\tdefault_backend turns\nfrontend good\n\tbind %s:443 ssl crt %s\n\thttp-request return status 200\n",
		serverIP, controlIP, b.pem("good.pem", good, b.pki.Intermediate))
	machines := "backend turns\n\tmode tcp\n\tbalance roundrobin\n"
	for i, chain := range chains {
		machines += fmt.Sprintf("\tserver m%d 127.0.0.1:%d\n", i, 8001+i)
		conf += fmt.Sprintf("frontend m%d\n\tbind 127.0.0.1:%d ssl crt %s\n\thttp-request return status 200\n", i, 8001+i, b.pem(fmt.Sprintf("turn%d.pem", i), chain...))
	}
	b.haproxy("s", "turns", serverIP+":443", conf+machines)
}
