//go:build linux

package netns

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
)

// farIP is a server one hop behind the bed's.
const farIP = "10.77.3.2"

// far puts a further network behind the server's, which forwards to it.
func (b *bed) far() {
	b.t.Helper()
	b.do("ip", "netns", "add", b.ns("o"))
	b.t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", b.ns("o")).Run() })
	b.in("o", "ip", "link", "set", "lo", "up")
	b.link("s", "10.77.3.1/24", "o", farIP+"/24", "far")
	b.in("s", "sysctl", "-qw", "net.ipv4.ip_forward=1")
	b.in("o", "ip", "route", "add", "default", "via", "10.77.3.1")
	b.in("b", "ip", "route", "add", "10.77.3.0/24", "via", serverIP)
	leaf := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target, control}, Key: "p256"})
	b.haproxy("o", "far", farIP+":443", fmt.Sprintf("frontend tls\n\tbind %s:443 ssl crt %s\n\thttp-request return status 200 content-type text/plain string ok\n",
		farIP, b.pem("far.pem", leaf, b.pki.Intermediate)))
}

// TestLocate finds out how far away a name is cut off: client, box (hop 1),
// router (hop 2), server (hop 3).
func TestLocate(t *testing.T) {
	program := ready(t)
	p := pki.New(t, "Paths")
	named := []string{"-m", "string", "--algo", "bm", "--string", target}
	reset := append(append([]string{"-p", "tcp", "--dport", "443"}, named...), "-j", "REJECT", "--reject-with", "tcp-reset")
	drop := append(append([]string{"-t", "mangle", "-A", "PREROUTING", "-p", "tcp", "--dport", "443"}, named...), "-j", "DROP")
	for _, tt := range []struct {
		name, side string
		rule       []string
		want       string
		says       string
	}{
		{"reset behind the first hop", "b", append([]string{"iptables", "-A", "FORWARD"}, reset...), "middlebox-reset", "between hop 1 and hop 2"},
		{"dropped at the router", "s", append([]string{"iptables"}, drop...), "middlebox-blackhole", "between hop 1 and hop 2"},
		{"dropped at the first hop", "b", append([]string{"iptables"}, drop...), "middlebox-blackhole", "a hop limit of 1 the hello meets"},
		{"reset at the server", "o", append([]string{"iptables", "-A", "INPUT"}, reset...), "sni-unrecognized", "or what stands right before it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBed(t, p)
			b.far()
			b.in(tt.side, tt.rule...)
			d := b.diagnose(program, "--locate", "--connect", farIP+":443")
			said := strings.Join(d.Notes, "\n")
			for _, c := range d.Causes {
				for _, e := range c.Evidence {
					said += "\n" + e.Text
				}
			}
			first := d.FirstFailure()
			if first == nil || first.ID != tt.want || !strings.Contains(said, tt.says) {
				t.Errorf("want %s, %q\n%s\n%s", tt.want, tt.says, said, transcript(d))
			} else if tt.want != "sni-unrecognized" && first.Confidence != diag.Strong {
				t.Errorf("got %s\n%s", first.Confidence, transcript(d))
			}
		})
	}
}
