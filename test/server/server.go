// Package server starts real TLS servers for the tests: nginx, Apache, HAProxy,
// stunnel, openssl s_server, gnutls-serv, a JDK, Go's crypto/tls and zcrypto. A
// scenario describes what it wants as an Endpoint; each kind of server writes
// that in its own language. One process serves as many endpoints as its kind
// can. Servers listen on loopback, run in folders of their own, in the
// foreground, and end with the test.
package server

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Endpoint is one port with its TLS settings. Empty fields are the server's
// own defaults; files are PEM.
type Endpoint struct {
	Name string // of the scenario, for comments and messages
	Port int    // set by Start
	// Scheme is the protocol where a kind has several: smtp (with STARTTLS),
	// smtps ...
	Scheme string
	Hosts  []string // server names; the first one is asked for

	Chain, Key   string // leaf first
	Chain2, Key2 string // a second certificate, of another key type

	Min, Max string // versions: 1.0 1.1 1.2 1.3
	Ciphers  string // OpenSSL's names, TLS 1.2 and below
	Suites   string // TLS 1.3
	Groups   string // OpenSSL's names, colon-separated
	SigAlgs  string // OpenSSL's names, colon-separated
	DHParams string
	ALPN     string // comma-separated

	ClientCA   string
	ClientAuth string // optional, required
	CRL        string

	Staple string // file with an OCSP response (DER) to staple

	Plain bool // no TLS at all: HTTP in clear
	// Strict refuses names other than Hosts, and hellos without SNI.
	Strict bool
	// DefaultChain serves those who ask for another name, or for none.
	DefaultChain, DefaultKey string
	Status                   int    // of the HTTP answer; 200
	Body                     string // of the HTTP answer
	NoTickets                bool
	// Extra are lines in the server's own language: in the server block, the
	// virtual host, after the bind line's arguments, further options.
	Extra []string

	// Cache is a folder for what several starts may share: PostgreSQL's empty
	// cluster. "" is one of the start's own.
	Cache string

	ended  chan struct{} // closed when the process that serves it has ended
	output *lockedBuffer
}

// Target is the address of the endpoint.
func (e *Endpoint) Target() string { return fmt.Sprintf("127.0.0.1:%d", e.Port) }

func (e *Endpoint) status() int {
	if e.Status == 0 {
		return 200
	}
	return e.Status
}

func (e *Endpoint) body() string {
	if e.Body == "" {
		return "ok"
	}
	return e.Body
}

// combined writes files one after the other into a new one: HAProxy wants the
// chain, the key and DH parameters in one file.
func (e *Endpoint) combined(t testing.TB, dir, suffix string, files ...string) string {
	t.Helper()
	var all []byte
	for _, f := range files {
		if f == "" {
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(append(all, b...), '\n')
	}
	return write(t, dir, strings.ReplaceAll(e.Name, "/", "-")+suffix, string(all))
}

// Kind is a kind of server.
type Kind struct {
	Name  string
	Needs []string // programs
	start func(t testing.TB, dir string, eps []*Endpoint)
}

// The kinds of servers.
var (
	Nginx    = &Kind{Name: "nginx", Needs: []string{"nginx"}, start: startNginx}
	Apache   = &Kind{Name: "apache", Needs: []string{"apache2"}, start: startApache}
	HAProxy  = &Kind{Name: "haproxy", Needs: []string{"haproxy"}, start: startHAProxy}
	Stunnel  = &Kind{Name: "stunnel", Needs: []string{"stunnel4"}, start: startStunnel}
	OpenSSL  = &Kind{Name: "openssl", Needs: []string{"openssl"}, start: startOpenSSL}
	GnuTLS   = &Kind{Name: "gnutls", Needs: []string{"gnutls-serv"}, start: startGnuTLS}
	Java     = &Kind{Name: "java", Needs: []string{"java", "javac", "openssl"}, start: startJava}
	Go       = &Kind{Name: "go", start: startGo}
	Zcrypto  = &Kind{Name: "zcrypto", start: startZcrypto}
	AllKinds = []*Kind{Nginx, Apache, HAProxy, Stunnel, OpenSSL, GnuTLS, Java, Go, Zcrypto}
)

// Start starts a server of the kind with all endpoints and waits until each
// accepts connections. A kind whose program is missing skips the test, in CI it
// fails.
func Start(t testing.TB, k *Kind, eps ...*Endpoint) {
	t.Helper()
	for _, n := range k.Needs {
		Need(t, n)
	}
	for _, e := range eps {
		if e.Port == 0 {
			e.Port = FreePort(t)
		}
	}
	k.start(t, Folder(t), eps)
	for _, e := range eps {
		waitFor(t, e)
	}
}

// Need returns the path of a program. Where it is missing the test is skipped
// loudly; in CI it fails.
func Need(t testing.TB, program string) string {
	t.Helper()
	dirs := append(filepath.SplitList(os.Getenv("PATH")), "/usr/sbin", "/sbin", "/usr/local/sbin")
	if filepath.IsAbs(program) {
		dirs = []string{"/"}
	}
	for _, dir := range dirs {
		p := filepath.Join(dir, program)
		if st, err := os.Stat(p); err == nil && !st.IsDir() && st.Mode()&0o111 != 0 {
			return p
		}
	}
	Missing(t, program)
	return ""
}

// Folder makes a folder that other users can read too; it is removed with the
// test.
func Folder(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tlswhy-server-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Ports come from a range below the one that the system uses for outgoing
// connections, one after the other, so that a port stays free between its choice
// and the moment in which the server binds it. Test processes that run side by
// side own a block of the range each: who listens on its first port has it.
const firstPort, lastPort, blockPorts = 18000, 30000, 1500

var block struct {
	sync.Mutex
	claim net.Listener // held until the process ends
	first int
	used  int
}

// FreePort returns a port of 127.0.0.1 on which nothing listens.
func FreePort(t testing.TB) int {
	t.Helper()
	block.Lock()
	defer block.Unlock()
	for p := firstPort; block.claim == nil && p < lastPort; p += blockPorts {
		if ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", p)); err == nil {
			block.claim, block.first = ln, p
		}
	}
	if block.claim == nil {
		t.Fatal("no free ports")
	}
	for range blockPorts {
		p := block.first + 1 + block.used%(blockPorts-1)
		block.used++
		// A socket that listens to find out would be copied into the processes
		// that start at the same moment, and the port be in use a moment longer.
		c, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", p), time.Second)
		if err != nil {
			return p
		}
		c.Close()
	}
	t.Fatal("no free port")
	return 0
}

// process runs a program in the foreground until the test ends. What it writes
// is shown when the test fails.
func process(t testing.TB, dir string, eps []*Endpoint, program string, args ...string) {
	t.Helper()
	processAs(t, dir, eps, killGroup, program, args...)
}

// processAs does the same for a program that is ended in its own way.
func processAs(t testing.TB, dir string, eps []*Endpoint, end func(*exec.Cmd), program string, args ...string) {
	t.Helper()
	cmd := exec.Command(Need(t, program), args...)
	cmd.Dir = dir
	conf := write(t, dir, "openssl.cnf", openSSLConf)
	cmd.Env = append(os.Environ(), "OPENSSL_CONF="+conf, "LANG=C", "HOME="+dir) // Caddy writes into its home
	log := new(lockedBuffer)
	cmd.Stdout, cmd.Stderr = log, log
	in, err := cmd.StdinPipe() // s_server ends when its input does
	if err != nil {
		t.Fatal(err)
	}
	cmd.WaitDelay = 5 * time.Second
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatalf("starting %s: %v", program, err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait()
	}()
	t.Cleanup(func() {
		in.Close()
		end(cmd)
		<-ended
		if t.Failed() {
			t.Logf("output of %s:\n%s", program, log.tail(4000))
		}
	})
	for _, e := range eps {
		e.ended, e.output = ended, log
	}
}

// openSSLConf takes the place of the system's configuration: what the endpoint
// says is all that holds, weak keys and old versions included.
const openSSLConf = `openssl_conf = default
[default]
ssl_conf = ssl
[ssl]
system_default = tls
[tls]
CipherString = DEFAULT:@SECLEVEL=0
`

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 1<<20 {
		l.b.Reset()
	}
	return l.b.Write(p)
}

func (l *lockedBuffer) tail(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.b.Bytes()
	if len(b) > n {
		b = b[len(b)-n:]
	}
	return string(b)
}

func write(t testing.TB, dir, name, body string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

// waitFor waits until the endpoint accepts connections.
func waitFor(t testing.TB, e *Endpoint) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		c, err := net.DialTimeout("tcp", e.Target(), time.Second)
		if err == nil {
			c.Close()
			return
		}
		select {
		case <-e.ended:
			t.Fatalf("the server of %s ended at once:\n%s", e.Name, e.output.tail(4000))
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not listen on %s: %v", e.Name, e.Target(), err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// between lists the versions from min to max, both included.
func between(low, high string, all []string) []string {
	var out []string
	on := low == ""
	for _, v := range all {
		if v == low {
			on = true
		}
		if on {
			out = append(out, v)
		}
		if v == high {
			break
		}
	}
	return out
}

var versions = []string{"1.0", "1.1", "1.2", "1.3"}

// range12 gives the versions of the endpoint, TLS 1.2 to 1.3 unless it says
// otherwise.
func (e *Endpoint) versions() []string {
	low, high := e.Min, e.Max
	if low == "" {
		low = "1.2"
		if high == "1.0" || high == "1.1" {
			low = high
		}
	}
	if high == "" {
		high = "1.3"
	}
	return between(low, high, versions)
}

// ciphers lets OpenSSL 3 speak what its security levels forbid: TLS below 1.2,
// SHA-1, small keys.
func (e *Endpoint) ciphers() string {
	if e.Ciphers == "" {
		return "DEFAULT:@SECLEVEL=0"
	}
	return e.Ciphers + ":@SECLEVEL=0"
}

// StartConfig starts nginx, Apache or HAProxy with a configuration as its
// administrator writes it: server blocks, virtual hosts, or a whole HAProxy
// file without defaults. The endpoint says where it listens.
func StartConfig(t testing.TB, k *Kind, config string, e *Endpoint) {
	t.Helper()
	dir := Folder(t)
	eps := []*Endpoint{e}
	switch k {
	case Nginx:
		conf := write(t, dir, "nginx.conf", nginxHead()+config+"\n}\n")
		process(t, dir, eps, "nginx", "-p", dir, "-c", conf, "-e", "stderr")
	case Apache:
		conf := write(t, dir, "apache.conf", apacheHead(t, dir)+fmt.Sprintf("DocumentRoot %s\nListen %d\n", dir, e.Port)+config)
		process(t, dir, eps, "apache2", "-d", dir, "-f", conf, "-DFOREGROUND")
	case HAProxy:
		conf := write(t, dir, "haproxy.cfg", config+"\ndefaults\n\ttimeout connect 5s\n\ttimeout client 20s\n\ttimeout server 20s\n")
		process(t, dir, eps, "haproxy", "-db", "-f", conf)
	default:
		t.Fatalf("%s has no configuration to paste into", k.Name)
	}
	waitFor(t, e)
}

// TestConfig lets nginx, Apache or HAProxy test a configuration without running
// it, as an administrator does before a reload.
func TestConfig(t testing.TB, k *Kind, config string, port int) (string, error) {
	t.Helper()
	dir := Folder(t)
	var cmd *exec.Cmd
	switch k {
	case Nginx:
		cmd = exec.Command(Need(t, "nginx"), "-t", "-p", dir, "-c", write(t, dir, "nginx.conf", nginxHead()+config+"\n}\n"), "-e", "stderr")
	case Apache: // its own test loads no key: it is started, and ended when it stays
		conf := write(t, dir, "apache.conf", apacheHead(t, dir)+fmt.Sprintf("DocumentRoot %s\nListen %d\n", dir, port)+config)
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		cmd = exec.CommandContext(ctx, Need(t, "apache2"), "-d", dir, "-f", conf, "-DFOREGROUND")
		cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // its children end with it
		cmd.WaitDelay = 10 * time.Second
		out, err := cmd.CombinedOutput()
		if ctx.Err() != nil {
			return string(out), nil
		}
		return string(out), err
	case HAProxy:
		cmd = exec.Command(Need(t, "haproxy"), "-c", "-f", write(t, dir, "haproxy.cfg", config+"\ndefaults\n\ttimeout connect 5s\n\ttimeout client 20s\n\ttimeout server 20s\n"))
	default:
		t.Fatalf("%s has no test of its configuration", k.Name)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
