//go:build linux

package netns

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/test/pki"
)

const certgen = "/usr/lib/squid/security_file_certgen"

// squid runs Squid on the box with a CA of its own, transparent for port 443.
// rules are its ssl_bump rules, "named" being the ACL of the target's name.
func (b *bed) squid(rules string) {
	b.t.Helper()
	b.squidWith("", rules, "http_access allow all")
	b.redirect("443", "3130")
}

// squidWith is squid as a proxy that clients know of: bump are options of its
// port, access its rules.
func (b *bed) squidWith(port, rules, access string) {
	b.t.Helper()
	if _, err := os.Stat(certgen); err != nil {
		b.t.Skip("squid-openssl is not installed")
	}
	ca := b.pki.Issue(nil, pki.Spec{CN: "FG100E4Q00000000", CA: true, KeyID: "inspection"})
	db := filepath.Join(b.dir, "db")
	b.do(certgen, "-c", "-s", db, "-M", "4MB")
	bump := "ssl-bump generate-host-certificates=on dynamic_cert_mem_cache_size=4MB tls-cert=" + b.pem("inspection.pem", ca)
	conf := b.file("squid.conf", "http_port "+boxIP+":3128 "+strings.ReplaceAll(port, "BUMP", bump)+"\nhttps_port "+boxIP+":3130 intercept "+bump+`
sslcrtd_program `+certgen+" -s "+db+` -M 4MB
sslcrtd_children 2 startup=1 idle=1
tls_outgoing_options cafile=`+b.pki.RootFile+`
acl begin at_step SslBump1
acl named ssl::server_name `+target+`
ssl_bump peek begin
`+rules+`
`+access+`
cache deny all
hosts_file /etc/hosts
visible_hostname proxy.corp.test
max_filedescriptors 1024
shutdown_lifetime 1 seconds
pinger_enable off
logfile_rotate 0
pid_filename none
access_log none
cache_log `+filepath.Join(b.dir, "cache.log")+`
coredump_dir `+b.dir+"\n")
	b.do("chown", "-R", "proxy:proxy", b.dir)
	squid, err := exec.LookPath("squid")
	if err != nil {
		squid = "/usr/sbin/squid"
	}
	b.start("b", boxIP+":3128", squid, "-N", "-f", conf)
	b.t.Cleanup(func() {
		if log, err := os.ReadFile(filepath.Join(b.dir, "cache.log")); err == nil && b.t.Failed() {
			b.t.Logf("%s", log[max(0, len(log)-4000):])
		}
	})
}

// needRoot skips where namespaces cannot be made.
func needRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("namespaces need root")
	}
	for _, program := range []string{"ip", "iptables", "ethtool", "sysctl", "bash"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip(err)
		}
	}
	name := fmt.Sprint("tlswhy-can-", os.Getpid())
	defer func() { _ = exec.Command("ip", "netns", "del", name).Run() }()
	inside := "ip netns exec " + name + " "
	for _, command := range []string{
		"ip netns add " + name,
		"ip link add left netns " + name + " type veth peer name right netns " + name,
		inside + "tc qdisc add dev left root tbf rate 256kbit burst 4000 latency 2s",
		inside + "iptables -A FORWARD -p tcp -m string --algo bm --string x -m length --length 60: -j REJECT --reject-with tcp-reset",
		inside + "iptables -A FORWARD -p tcp -m statistic --mode random --probability 0.2 -m connmark --mark 7 -j DROP",
		inside + "iptables -A FORWARD -p tcp --syn -m hashlimit --hashlimit-above 6/minute --hashlimit-burst 6 --hashlimit-mode srcip --hashlimit-name can -j DROP",
		inside + "iptables -t mangle -A FORWARD -p tcp -j CONNMARK --set-mark 7",
		inside + "iptables -t nat -A PREROUTING -p tcp --dport 443 -j REDIRECT --to-ports 8443",
		inside + "sysctl -qw net.ipv4.ip_forward=1",
	} {
		words := strings.Fields(command)
		if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
			t.Skipf("this system does not allow it: %s: %s", command, out)
		}
	}
}
