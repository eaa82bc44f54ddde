//go:build linux

package netns

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// The addresses of every bed; each bed has namespaces of its own.
//
//	client  10.77.1.2 --- 10.77.1.1  box  10.77.2.1 --- 10.77.2.2  server
//	                                                    10.77.2.3  control
const (
	serverIP, controlIP = "10.77.2.2", "10.77.2.3"
	boxIP               = "10.77.1.1"
	target, control     = "blocked.test", "control.test"
)

// bed is three namespaces with what stands in them.
type bed struct {
	t   *testing.T
	id  string
	dir string
	pki *pki.PKI
}

var beds atomic.Int32

// newBed makes the namespaces and connects them; they go with the test.
func newBed(t *testing.T, p *pki.PKI) *bed {
	t.Helper()
	b := &bed{t: t, id: fmt.Sprintf("tw%d-%d", os.Getpid()%10000, beds.Add(1)), dir: server.Folder(t), pki: p}
	for _, side := range []string{"c", "b", "s"} {
		b.do("ip", "netns", "add", b.ns(side))
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", b.ns(side)).Run() })
		b.in(side, "ip", "link", "set", "lo", "up")
	}
	b.hosts("b")
	b.link("c", "10.77.1.2/24", "b", "10.77.1.1/24", "left")
	b.link("b", "10.77.2.1/24", "s", serverIP+"/24", "right")
	b.in("s", "ip", "addr", "add", controlIP+"/24", "dev", "right")
	b.in("c", "ip", "route", "add", "default", "via", "10.77.1.1")
	b.in("s", "ip", "route", "add", "default", "via", "10.77.2.1")
	b.in("b", "sysctl", "-qw", "net.ipv4.ip_forward=1")
	return b
}

func (b *bed) ns(side string) string { return b.id + side }

// hosts gives the names to what runs in a namespace, and no resolver.
func (b *bed) hosts(side string) {
	b.t.Helper()
	dir := filepath.Join("/etc/netns", b.ns(side))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, body := range map[string]string{"hosts": fmt.Sprintf("127.0.0.1 localhost\n%s %s\n%s %s\n", serverIP, target, controlIP, control), "resolv.conf": ""} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
}

// link connects two namespaces by a pair of interfaces of one name. Packets are
// cut by the sender, as on a wire: what reads single packets must see real ones.
func (b *bed) link(one, oneIP, two, twoIP, name string) {
	b.t.Helper()
	b.do("ip", "link", "add", name, "netns", b.ns(one), "type", "veth", "peer", "name", name, "netns", b.ns(two))
	for side, ip := range map[string]string{one: oneIP, two: twoIP} {
		b.in(side, "ip", "addr", "add", ip, "dev", name)
		b.in(side, "ip", "link", "set", name, "up")
		b.in(side, "ethtool", "-K", name, "tso", "off", "gso", "off", "gro", "off")
	}
}

// do runs a command to its end.
func (b *bed) do(words ...string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
		b.t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}

// in runs a command in a namespace.
func (b *bed) in(side string, words ...string) {
	b.t.Helper()
	b.do(append([]string{"ip", "netns", "exec", b.ns(side)}, words...)...)
}

// filter adds a rule for what is forwarded to port 443.
func (b *bed) filter(words ...string) {
	b.t.Helper()
	b.in("b", append([]string{"iptables", "-A", "FORWARD", "-p", "tcp", "--dport", "443"}, words...)...)
}

// redirect takes connections to a port over, as a transparent proxy does.
func (b *bed) redirect(from, to string) {
	b.t.Helper()
	b.in("b", "iptables", "-t", "nat", "-A", "PREROUTING", "-i", "left", "-p", "tcp", "--dport", from, "-j", "REDIRECT", "--to-ports", to)
}

// start runs a daemon in a namespace until the test ends and waits until it
// listens.
func (b *bed) start(side, listens string, words ...string) {
	b.t.Helper()
	host, port, err := net.SplitHostPort(listens)
	if err != nil {
		b.t.Fatal(err)
	}
	b.daemon(side, func() bool {
		return exec.Command("ip", "netns", "exec", b.ns(side), "bash", "-c", "exec 3<>/dev/tcp/"+host+"/"+port).Run() == nil
	}, words...)
}

// daemon is start for what is ready in another way.
func (b *bed) daemon(side string, ready func() bool, words ...string) {
	b.t.Helper()
	var out bytes.Buffer
	cmd := exec.Command("ip", append([]string{"netns", "exec", b.ns(side)}, words...)...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = &out, &out, b.dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = cmd.Wait() }()
	b.t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		<-done
		if b.t.Failed() && out.Len() > 0 {
			b.t.Logf("%s: %s", strings.Join(words, " "), out.Bytes()[max(0, out.Len()-2000):])
		}
	})
	for limit := time.Now().Add(2 * time.Minute); !ready(); time.Sleep(50 * time.Millisecond) {
		select {
		case <-done:
			b.t.Fatalf("%s ended: %s", words[0], out.String())
		default:
		}
		if time.Now().After(limit) {
			b.t.Fatalf("%s is not ready", words[0])
		}
	}
}

// file writes a file that daemons without privileges can read.
func (b *bed) file(name, body string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
		b.t.Fatal(err)
	}
	return path
}

// pem writes chain and key into one file.
func (b *bed) pem(name string, chain ...*pki.Cert) string {
	b.t.Helper()
	key, err := chain[0].PrivatePEM()
	if err != nil {
		b.t.Fatal(err)
	}
	return b.file(name, string(pki.PEM(chain...))+string(key))
}

// origin is the honest server on both addresses: HAProxy with one certificate
// for all names. bind adds words to its bind line, rules to its frontend.
func (b *bed) origin(bind, rules string) {
	b.t.Helper()
	leaf := b.pki.Leaf(pki.Spec{CN: target, DNS: []string{target, control, "other.test"}, Key: "p256"})
	b.haproxy("s", "origin", serverIP+":443", fmt.Sprintf("frontend tls\n\tbind %s:443,%s:443 ssl crt %s %s\n%s\thttp-request return status 200 content-type text/plain string ok\n",
		serverIP, controlIP, b.pem("origin.pem", leaf, b.pki.Intermediate), bind, rules))
}

// haproxy runs HAProxy with these sections.
func (b *bed) haproxy(side, name, listens, sections string) {
	b.t.Helper()
	conf := b.file(name+".cfg", "defaults\n\tmode http\n\ttimeout connect 5s\n\ttimeout client 30s\n\ttimeout server 30s\n"+sections)
	b.start(side, listens, server.Need(b.t, "haproxy"), "-db", "-f", conf)
}

// diagnose runs the program in the client's namespace.
func (b *bed) diagnose(program string, words ...string) *diag.Diagnosis {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	args := []string{"netns", "exec", b.ns("c"), program, "-o", "json", "--ca", b.pki.RootFile,
		"--resolve", target + ":443:" + serverIP, "--resolve", control + ":443:" + controlIP}
	cmd := exec.CommandContext(ctx, "ip", append(append(args, words...), target)...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	_ = cmd.Run() // the exit code follows the verdict
	d := &diag.Diagnosis{}
	if err := json.Unmarshal(out.Bytes(), d); err != nil {
		b.t.Fatalf("%v\n%s%s", err, out.String(), errs.String())
	}
	return d
}
