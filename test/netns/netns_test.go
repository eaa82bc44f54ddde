//go:build linux

package netns

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// TestMain is also the program of the boxes. It lets more beds stand at once than
// there are processors: most of them wait for an answer that never comes.
func TestMain(m *testing.M) {
	for variable, program := range map[string]func(string) error{dpiVariable: inspect, relayVariable: alter} {
		if rule := os.Getenv(variable); rule != "" {
			fmt.Fprintln(os.Stderr, program(rule))
			os.Exit(1)
		}
	}
	flag.Parse()
	if err := flag.Set("test.parallel", strconv.Itoa(3*runtime.NumCPU())); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built)
	}
	os.Exit(code)
}

// chance runs the beds that throw dice, too: what gets lost is another thing each
// time, and so may be what is seen.
var chance = flag.Bool("chance", false, "networks that lose packets, too")

// results is where make score wants a line for each bed.
var results = flag.String("results", "", "append a line of JSON for each network to a file")

// note writes that line.
func note(t *testing.T, name string, want []string, d *diag.Diagnosis, right bool) {
	t.Helper()
	if *results == "" {
		return
	}
	got, confidence := "", diag.Confidence("")
	if first := d.FirstFailure(); first != nil {
		got, confidence = first.ID, first.Confidence
	}
	line, err := json.Marshal(map[string]any{"network": name, "want": strings.Join(want, " or "), "blames": slices.ContainsFunc(want, func(id string) bool { return slices.Contains(family, id) }),
		"got": got, "confidence": confidence, "right": right, "connections": len(d.Attempts), "seconds": d.DurationMS / 1000})
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(*results, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
}

// family are the causes that blame the path. None of them may stand in the
// verdict on a path that is in order.
var family = []string{"middlebox-reset", "middlebox-blackhole", "middlebox-inspection", "middlebox-downgrade", "pmtu-blackhole", "captive-portal", "proxy-refused"}

// path is one network and what must be said of it.
type path struct {
	name string
	// make sets the box up and starts the server.
	make func(*bed)
	// alone leaves the control out, words are further options.
	alone bool
	words []string
	// dice says that something is left to chance or to the clock: which packets
	// get lost, or how soon a forged reset comes on a busy machine.
	dice bool
	// want are the ids of which one must be the first failure; "" is none.
	want []string
	// onPath says that the summary must blame the path.
	onPath bool
}

const portal = "frontend portal\n\tbind :8080\n\tbind :8443 ssl crt %s\n\thttp-request redirect location http://portal.test/login code 302\n"

// paths are networks that interfere, then those that do not.
var paths = []path{
	{name: "name dropped", want: []string{"middlebox-blackhole"}, make: func(b *bed) {
		b.origin("", "")
		b.filter("-m", "string", "--algo", "bm", "--string", target, "-j", "DROP")
	}},
	{name: "name reset", want: []string{"middlebox-reset"}, make: func(b *bed) {
		b.origin("", "")
		b.filter("-m", "string", "--algo", "bm", "--string", target, "-j", "REJECT", "--reject-with", "tcp-reset")
	}},
	{name: "answers to the name dropped", want: []string{"middlebox-blackhole"}, make: func(b *bed) {
		b.origin("", "")
		b.in("b", "iptables", "-t", "mangle", "-A", "FORWARD", "-p", "tcp", "--dport", "443", "-m", "string", "--algo", "bm", "--string", target, "-j", "CONNMARK", "--set-mark", "7")
		b.in("b", "iptables", "-A", "FORWARD", "-p", "tcp", "--sport", "443", "-m", "connmark", "--mark", "7", "-m", "length", "--length", "60:", "-j", "DROP")
	}},
	{name: "all TLS dropped", want: []string{"middlebox-blackhole"}, make: func(b *bed) {
		b.origin("", "")
		b.filter("-m", "length", "--length", "100:", "-j", "DROP")
	}},
	{name: "all TLS reset", want: []string{"middlebox-reset"}, make: func(b *bed) {
		b.origin("", "")
		b.filter("-m", "length", "--length", "100:", "-j", "REJECT", "--reject-with", "tcp-reset")
	}},
	{name: "narrow to the server", want: []string{"pmtu-blackhole"}, make: func(b *bed) {
		b.origin("", "")
		b.narrow("10.77.2.0/24", "right")
	}},
	{name: "narrow to the server, no control", alone: true, want: []string{"pmtu-blackhole"}, make: func(b *bed) {
		b.origin("", "")
		b.narrow("10.77.2.0/24", "right")
	}},
	{name: "narrow to the client", want: []string{"pmtu-blackhole"}, make: func(b *bed) {
		b.origin("", "")
		b.narrow("10.77.1.0/24", "left")
		b.wide()
	}},
	{name: "only the first segment read", want: []string{"hello-too-large"}, onPath: true, make: func(b *bed) {
		b.origin("", "")
		b.filter("-m", "bpf", "--bytecode", b.bytecode(firstSegmentOnly), "-j", "DROP")
	}},
	{name: "post-quantum group reset", want: []string{"hello-intolerance"}, onPath: true, make: func(b *bed) {
		b.origin("", "")
		b.filter("-m", "string", "--algo", "bm", "--hex-string", "|11ec04c0|", "-j", "REJECT", "--reject-with", "tcp-reset")
	}},
	{name: "TLS 1.3 reset", want: []string{"version-intolerance", "hello-intolerance"}, onPath: true, make: func(b *bed) {
		b.origin("", "")
		b.filter("-m", "string", "--algo", "bm", "--hex-string", "|002b0005040304|", "-j", "REJECT", "--reject-with", "tcp-reset")
	}},
	{name: "Squid inspects", want: []string{"middlebox-inspection"}, make: func(b *bed) { b.origin("", ""); b.squid("ssl_bump bump all") }},
	{name: "Squid inspects the name", want: []string{"middlebox-inspection"}, make: func(b *bed) {
		b.origin("", "")
		b.squid("ssl_bump bump named\nssl_bump splice all")
	}},
	{name: "Squid ends the name", want: []string{"middlebox-reset"}, make: func(b *bed) {
		b.origin("", "")
		b.squid("ssl_bump terminate named\nssl_bump splice all")
	}},
	{name: "portal in plain HTTP", want: []string{"captive-portal"}, make: func(b *bed) { b.origin("", ""); b.portal("8080") }},
	{name: "portal with a certificate", want: []string{"captive-portal"}, make: func(b *bed) { b.origin("", ""); b.portal("8443") }},

	{name: "nothing in between", make: func(b *bed) { b.origin("", "") }},
	{name: "a server of TLS 1.2", make: func(b *bed) { b.origin("ssl-max-ver TLSv1.2", "") }},
	{name: "the server resets the name", want: []string{"sni-unrecognized"}, make: func(b *bed) { b.picky("reject") }},
	{name: "the server swallows the name", want: []string{"sni-unrecognized"}, make: func(b *bed) { b.picky("silent-drop") }},
	{name: "the server resets the name, no control", alone: true, want: []string{"sni-unrecognized"}, make: func(b *bed) { b.picky("reject") }},
	{name: "a private CA", want: []string{"unknown-ca", "incomplete-chain"}, make: func(b *bed) { b.private() }},
	{name: "a private CA, no control", alone: true, want: []string{"unknown-ca", "incomplete-chain"}, make: func(b *bed) { b.private() }},
	{name: "an expired certificate", want: []string{"cert-expired"}, make: func(b *bed) { b.expired() }},
	{name: "nothing listens", want: []string{"tcp-refused"}, make: func(b *bed) {}},
	{name: "the port is closed by a firewall", want: []string{"tcp-timeout"}, make: func(b *bed) { b.origin("", ""); b.filter("-j", "DROP") }},
	{name: "a slow link", make: func(b *bed) {
		b.origin("", "")
		for _, dev := range []string{"left", "right"} {
			b.in("b", "tc", "qdisc", "add", "dev", dev, "root", "tbf", "rate", "256kbit", "burst", "4000", "latency", "2s")
		}
	}},
	{name: "a fifth of the packets lost", dice: true, want: []string{"", "handshake-timeout", "tcp-timeout", "connection-reset"}, make: func(b *bed) { b.origin("", ""); b.lossy("0.2") }},
	{name: "a third of the packets lost, no control", dice: true, alone: true, want: []string{"", "handshake-timeout", "tcp-timeout", "connection-reset"}, make: func(b *bed) { b.origin("", ""); b.lossy("0.33") }},
	{name: "a few connections at a time", want: []string{"", "rate-limited", "tcp-refused", "inconsistent-endpoints"}, make: func(b *bed) {
		b.origin("", "")
		b.filter("--syn", "-m", "hashlimit", "--hashlimit-above", "6/minute", "--hashlimit-burst", "6", "--hashlimit-mode", "srcip", "--hashlimit-name", "few", "-j", "REJECT", "--reject-with", "tcp-reset")
	}},
}

// TestPaths diagnoses each network from its client's side.
func TestPaths(t *testing.T) {
	program := ready(t)
	p := pki.New(t, "Path")
	for _, x := range slices.Concat(paths, programs, honest, strange) {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			if x.dice && !*chance {
				t.Skip("left to chance: make netns")
			}
			b := newBed(t, p)
			x.make(b)
			// A busy machine needs more patience than the usual.
			words := []string{"--timeout", "10s"}
			if !x.alone {
				words = append(words, "--control", control)
			}
			x.check(t, b.diagnose(program, append(words, x.words...)...))
		})
	}
}

// ready builds the program, or skips where networks cannot be made.
func ready(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("silence takes its time")
	}
	needRoot(t)
	canQueue(t)
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// build makes the program once for all tests; TestMain removes it.
var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "tlswhy-netns-")
	if err != nil {
		return "", err
	}
	built = dir
	program := filepath.Join(dir, "tlswhy")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/tlswhy/tlswhy/cmd/tlswhy").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

var built string // the folder of build

func (x path) check(t *testing.T, d *diag.Diagnosis) {
	t.Helper()
	id, summary, confidence := "", "", diag.Confidence("")
	if first := d.FirstFailure(); first != nil {
		id, summary, confidence = first.ID, first.Summary, first.Confidence
	}
	t.Logf("%s (%s), %d connections, %.0f ms: %s", id, confidence, len(d.Attempts), d.DurationMS, summary)
	if len(x.want) == 0 {
		x.want = []string{""}
	}
	right := slices.Contains(x.want, id) && (!x.onPath || strings.Contains(summary, "on the path"))
	defer func() { note(t, x.name, x.want, d, right) }()
	if !slices.Contains(x.want, id) {
		t.Errorf("got %q, want one of %q\n%s", id, x.want, transcript(d))
	}
	if x.onPath && !strings.Contains(summary, "on the path") {
		t.Errorf("got %q, want the path to be blamed\n%s", summary, transcript(d))
	}
	for _, c := range d.Causes {
		if slices.Contains(family, c.ID) && !slices.Contains(x.want, c.ID) {
			right = false
			t.Errorf("found %s (%s) on this path: %s\n%s", c.ID, c.Severity, c.Summary, transcript(d))
		}
	}
}

func transcript(d *diag.Diagnosis) string {
	var b strings.Builder
	for _, c := range d.Causes {
		fmt.Fprintf(&b, "  %s %s (%s): %s\n", c.Severity, c.ID, c.Confidence, c.Summary)
		for _, e := range c.Evidence {
			fmt.Fprintf(&b, "    %s [%s]\n", e.Text, e.Where)
		}
	}
	for _, a := range d.Attempts {
		fmt.Fprintf(&b, "  %d %s | %s | %s\n", a.N, a.Address, a.Change, a.End)
	}
	return b.String()
}

// firstSegmentOnly matches a segment that begins a handshake record and does not
// hold all of it: what a box drops that looks at single packets.
const firstSegmentOnly = "tcp[((tcp[12]&0xf0)>>2)]=22 and tcp[((tcp[12]&0xf0)>>2)+1]=3 and tcp[((tcp[12]&0xf0)>>2)+3:2]+5 > ip[2:2]-((ip[0]&15)<<2)-((tcp[12]&0xf0)>>2)"

// bytecode compiles a filter for the match bpf; tcpdump has the compiler.
func (b *bed) bytecode(filter string) string {
	b.t.Helper()
	out, err := exec.Command(server.Need(b.t, "tcpdump"), "-y", "RAW", "-ddd", filter).Output()
	if err != nil {
		b.t.Fatal(err)
	}
	return strings.ReplaceAll(strings.TrimSpace(string(out)), "\n", ",")
}

// narrow lets the box forward no packet of more than 1280 bytes to a network,
// and keeps it from saying so.
func (b *bed) narrow(network, dev string) {
	b.t.Helper()
	b.in("b", "ip", "route", "change", network, "dev", dev, "mtu", "lock", "1280")
	b.in("b", "iptables", "-A", "OUTPUT", "-p", "icmp", "--icmp-type", "fragmentation-needed", "-j", "DROP")
	b.in("c", "sysctl", "-qw", "net.ipv4.tcp_mtu_probing=0")
	b.in("s", "sysctl", "-qw", "net.ipv4.tcp_mtu_probing=0")
}

// wide makes the server's answer larger than a packet: it runs a second origin
// with a long chain in place of the first.
func (b *bed) wide() {
	b.t.Helper()
	leaf := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target, control}, Key: "rsa3072"})
	b.haproxy("s", "wide", serverIP+":8443", fmt.Sprintf("frontend wide\n\tbind %s:8443,%s:8443 ssl crt %s\n\thttp-request return status 200\n",
		serverIP, controlIP, b.pem("wide.pem", leaf, b.pki.Intermediate)))
	b.in("s", "iptables", "-t", "nat", "-A", "PREROUTING", "-p", "tcp", "--dport", "443", "-j", "REDIRECT", "--to-ports", "8443")
}

// lossy drops packets at random, both ways.
func (b *bed) lossy(share string) {
	b.t.Helper()
	b.in("b", "iptables", "-A", "FORWARD", "-m", "statistic", "--mode", "random", "--probability", share, "-j", "DROP")
}

// portal answers ports 80 and 443 in the place of every server.
func (b *bed) portal(port string) {
	b.t.Helper()
	own := b.pki.Issue(nil, pki.Spec{CN: "login.portal.test", DNS: []string{"login.portal.test"}, Key: "p256"})
	b.haproxy("b", "portal", boxIP+":8443", fmt.Sprintf(portal, b.pem("portal.pem", own)))
	b.redirect("443", port)
	b.redirect("80", "8080")
}

// picky is a server that ends connections which say the target's name, at its
// own address only.
func (b *bed) picky(deed string) {
	b.t.Helper()
	leaf := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target, control}, Key: "p256"})
	b.haproxy("s", "picky", serverIP+":443", fmt.Sprintf(`frontend picky
	mode tcp
	bind %s:443
	tcp-request inspect-delay 5s
	tcp-request content %s if { req.ssl_sni -i %s }
	tcp-request content accept if { req.ssl_hello_type 1 }
	default_backend behind
backend behind
	mode tcp
	server behind %s:443
frontend tls
	bind %s:443 ssl crt %s
	http-request return status 200
`, serverIP, deed, target, controlIP, controlIP, b.pem("picky.pem", leaf, b.pki.Intermediate)))
}

// private is a server of a CA that the client does not know; the control is in
// order.
func (b *bed) private() {
	b.t.Helper()
	ca := b.pki.Issue(nil, pki.Spec{CN: "Private House CA", CA: true, KeyID: "house"})
	b.two(b.pki.Issue(ca, pki.Spec{CN: target, DNS: []string{target}, Key: "p256"}))
}

func (b *bed) expired() {
	b.t.Helper()
	day := pki.Day
	b.two(b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target}, Key: "p256", NotBefore: time.Now().Add(-90 * day), NotAfter: time.Now().Add(-3 * day)}), b.pki.Intermediate)
}

// two serves a chain at the server's address and a good one at the control's.
func (b *bed) two(chain ...*pki.Cert) {
	b.t.Helper()
	good := b.pki.Leaf(pki.Spec{CN: control, DNS: []string{control}, Key: "p256"})
	b.haproxy("s", "two", serverIP+":443", fmt.Sprintf("frontend one\n\tbind %s:443 ssl crt %s\n\thttp-request return status 200\nfrontend two\n\tbind %s:443 ssl crt %s\n\thttp-request return status 200\n",
		serverIP, b.pem("one.pem", chain...), controlIP, b.pem("two.pem", good, b.pki.Intermediate)))
}
