package test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/test/monitor"
	"github.com/tlswhy/tlswhy/test/pki"
	"github.com/tlswhy/tlswhy/test/server"
)

// local is the name that every machine resolves.
const local = "localhost"

// program builds tlswhy once for a test.
func program(t *testing.T) string {
	t.Helper()
	return monitor.Program(t)
}

// commands are the clients that take a proxy from their environment; each is
// given the URL and the trusted CA, and fails when the request does.
func commands(t *testing.T) map[string]func(url, ca string) []string {
	t.Helper()
	dir := server.Folder(t)
	python := script(t, dir, "get.py", "import ssl, sys, urllib.request\nurllib.request.urlopen(sys.argv[1], context=ssl.create_default_context(cafile=sys.argv[2])).read()\n")
	node := script(t, dir, "get.js", `require('https').get(process.argv[2], {ca: require('fs').readFileSync(process.argv[3])}, r => r.statusCode < 400 ? r.resume() : process.exit(1))
  .on('error', e => { console.log(e.code); process.exit(1) })
`)
	fetch := script(t, dir, "fetch.js", "fetch(process.argv[2]).then(r => r.status < 400 ? r.text() : process.exit(1)).catch(e => { console.log(e.cause.code); process.exit(1) })\n")
	script(t, dir, "Get.java", `import java.io.FileInputStream;
import java.net.URL;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.*;
public class Get {
  public static void main(String[] a) throws Exception {
    KeyStore ks = KeyStore.getInstance("PKCS12");
    ks.load(null);
    ks.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(new FileInputStream(a[1])));
    TrustManagerFactory tmf = TrustManagerFactory.getInstance("PKIX");
    tmf.init(ks);
    SSLContext c = SSLContext.getInstance("TLS");
    c.init(null, tmf.getTrustManagers(), null);
    HttpsURLConnection u = (HttpsURLConnection) new URL(a[0]).openConnection();
    u.setSSLSocketFactory(c.getSocketFactory());
    u.getInputStream().readAllBytes();
  }
}
`)
	if out, err := exec.Command(server.Need(t, "javac"), "-nowarn", "-d", dir, filepath.Join(dir, "Get.java")).CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	golang := filepath.Join(dir, "get")
	src := script(t, dir, "get.go", `package main

import ("crypto/tls"; "crypto/x509"; "io"; "net/http"; "net/url"; "os")

func main() {
	ca, _ := os.ReadFile(os.Args[2])
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	// ProxyFromEnvironment leaves out localhost, which is where the tests are.
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	if proxy, _ := url.Parse(os.Getenv("HTTPS_PROXY")); proxy.Host != "" {
		tr.Proxy = http.ProxyURL(proxy)
	}
	c := http.Client{Transport: tr}
	r, err := c.Get(os.Args[1])
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	if io.Copy(io.Discard, r.Body); r.StatusCode >= 400 {
		os.Exit(1)
	}
}
`)
	if out, err := exec.Command("go", "build", "-o", golang, src).CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	php := script(t, dir, "get.php", `<?php
$c = curl_init($argv[1]);
curl_setopt_array($c, [CURLOPT_CAINFO => $argv[2], CURLOPT_FAILONERROR => true, CURLOPT_RETURNTRANSFER => true]);
curl_exec($c);
echo curl_error($c), "\n";
exit(curl_errno($c) ? 1 : 0);
`)
	perl := script(t, dir, "get.pl", `use LWP::UserAgent;
my $u = LWP::UserAgent->new(env_proxy => 1, ssl_opts => {SSL_ca_file => $ARGV[1]});
my $r = $u->get($ARGV[0]);
print $r->status_line, "\n";
exit($r->is_success ? 0 : 1);
`)
	for _, name := range []string{"curl", "wget", "python3", "node", "java", "git", "php", "perl"} {
		server.Need(t, name)
	}
	return map[string]func(url, ca string) []string{
		"curl": func(url, ca string) []string { return []string{"curl", "-fsS", "--cacert", ca, "-o", os.DevNull, url} },
		"wget": func(url, ca string) []string {
			return []string{"wget", "-q", "-t", "1", "--ca-certificate", ca, "-O", os.DevNull, url}
		},
		"git":        func(url, ca string) []string { return []string{"env", "GIT_SSL_CAINFO=" + ca, "git", "ls-remote", url} },
		"python":     func(url, ca string) []string { return []string{"python3", python, url, ca} },
		"node":       func(url, ca string) []string { return []string{"node", node, url, ca} },
		"node fetch": func(url, ca string) []string { return []string{"env", "NODE_EXTRA_CA_CERTS=" + ca, "node", fetch, url} },
		"java": func(url, ca string) []string {
			return []string{"java", "-XX:TieredStopAtLevel=1", "-cp", dir, "Get", url, ca}
		},
		"go":   func(url, ca string) []string { return []string{golang, url, ca} },
		"php":  func(url, ca string) []string { return []string{"php", php, url, ca} },
		"perl": func(url, ca string) []string { return []string{"perl", perl, url, ca} },
	}
}

// runCase is one server for tlswhy run, with what each client must be told.
type runCase struct {
	name string
	make func(w *world, e *server.Endpoint)
	want string // cause; "" = the client works
	// but are clients that fare otherwise.
	but map[string]string
}

var runCases = []runCase{
	{"healthy", func(*world, *server.Endpoint) {}, "", nil},
	{"expired", func(w *world, e *server.Endpoint) {
		p := w.leaf("run-expired", pki.Spec{DNS: []string{local}, NotBefore: time.Now().Add(-90 * pki.Day), NotAfter: time.Now().Add(-2 * pki.Day)})
		e.Chain, e.Key = p.chain, p.key
	}, "cert-expired", nil},
	{"foreign", func(w *world, e *server.Endpoint) {
		e.Chain, e.Key = w.other.Files("run-foreign", w.other.Leaf(pki.Spec{DNS: []string{local}}), w.other.Intermediate)
	}, "unknown-ca", nil},
	{"no-intermediate", func(w *world, e *server.Endpoint) {
		e.Chain, e.Key = w.Files("run-alone", w.Leaf(pki.Spec{DNS: []string{local}}))
	}, "incomplete-chain", nil},
	{"other-name", func(w *world, e *server.Endpoint) { e.Chain, e.Key = w.good.chain, w.good.key }, "hostname-mismatch", nil},
	{"old-version", func(w *world, e *server.Endpoint) {
		e.Min, e.Max, e.Ciphers = "1.1", "1.1", "ALL:@SECLEVEL=0"
	}, "protocol-version", map[string]string{"wget": "", "git": ""}},
	{"old-suites", func(w *world, e *server.Endpoint) {
		e.Max, e.Ciphers = "1.2", "CAMELLIA256-SHA:CAMELLIA128-SHA"
	}, "cipher-mismatch", nil},
	{"client-certificate", func(w *world, e *server.Endpoint) {
		e.ClientCA, e.ClientAuth = w.clientCAFile, "required"
	}, "client-cert-required", nil},
}

// TestRun runs real clients against broken servers by tlswhy run: exit code and
// output are the client's own, and the cause is right.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("real clients take a while")
	}
	bin, w, clients := program(t), newWorld(t), commands(t)
	good := w.leaf("run-good", pki.Spec{DNS: []string{local}})
	var eps []*server.Endpoint
	for _, c := range runCases {
		e := &server.Endpoint{Name: "run/" + c.name, Hosts: []string{local}, Chain: good.chain, Key: good.key}
		c.make(w, e)
		eps = append(eps, e)
	}
	server.Start(t, server.Nginx, eps...)
	for i, c := range runCases {
		for name, args := range clients {
			t.Run(c.name+"/"+name, func(t *testing.T) {
				t.Parallel()
				want, other := c.but[name]
				if !other {
					want = c.want
				}
				url := "https://" + net.JoinHostPort(local, strconv.Itoa(eps[i].Port)) + "/"
				code, own, d := runProgram(t, bin, w.RootFile, append([]string{"--"}, args(url, w.RootFile)...))
				got := ""
				if d != nil && d.FirstFailure() != nil {
					got = d.FirstFailure().ID
				}
				if name == "git" && want == "" {
					return // the page is no repository: git fails, and rightly not by TLS
				}
				if got != want {
					t.Errorf("got %q, want %q; exit code %d\n%s", got, want, code, own)
				}
				if (code == 0) != (want == "") {
					t.Errorf("exit code %d with the cause %q\n%s", code, want, own)
				}
			})
		}
	}
}

// TestRunTrust leaves it to the client's own command line to say whom it trusts:
// it, and not the store of this machine, decides what the failure comes from.
func TestRunTrust(t *testing.T) {
	bin, w := program(t), newWorld(t)
	e := &server.Endpoint{Name: "run/trust", Hosts: []string{local}, Chain: w.good.chain, Key: w.good.key}
	server.Start(t, server.Nginx, e)
	port := strconv.Itoa(e.Port)
	url := "https://" + net.JoinHostPort(local, port) + "/"
	for name, c := range map[string]struct {
		want string
		args []string
	}{
		"curl":          {"hostname-mismatch", []string{"curl", "-sS", "--cacert", w.RootFile, url}},
		"wget":          {"hostname-mismatch", []string{"wget", "-q", "-t", "1", "--ca-certificate=" + w.RootFile, "-O", os.DevNull, url}},
		"git":           {"hostname-mismatch", []string{"env", "GIT_SSL_CAINFO=" + w.RootFile, "git", "ls-remote", url}},
		"another CA":    {"unknown-ca", []string{"curl", "-sS", "--cacert", w.other.RootFile, url}},
		"no CA":         {"unknown-ca", []string{"curl", "-sS", url}},
		"curl resolves": {"hostname-mismatch", []string{"curl", "-sS", "--cacert", w.RootFile, "--resolve", "elsewhere.invalid:" + port + ":127.0.0.1", "https://elsewhere.invalid:" + port + "/"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server.Need(t, "curl")
			code, own, d := runProgram(t, bin, "", append([]string{"--"}, c.args...))
			if d == nil || d.FirstFailure() == nil || d.FirstFailure().ID != c.want {
				t.Errorf("want %s; exit code %d\n%s", c.want, code, own)
			}
		})
	}
}

// runProgram runs a client behind tlswhy and returns the client's exit code,
// what was printed, and the first diagnosis, nil when there was none.
func runProgram(t *testing.T, bin, ca string, args []string) (int, string, *diag.Diagnosis) {
	t.Helper()
	return runProgramIn(t, bin, ca, nil, args)
}

// runProgramIn adds to the environment.
func runProgramIn(t *testing.T, bin, ca string, environ, args []string) (int, string, *diag.Diagnosis) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	file := filepath.Join(t.TempDir(), "report.json")
	words := []string{"run", "-o", "json", "--report", file}
	if ca != "" {
		words = append(words, "--ca", ca)
	}
	cmd := exec.CommandContext(ctx, bin, append(words, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env, cmd.WaitDelay = append(append(os.Environ(), "LC_ALL=C", "GIT_TERMINAL_PROMPT=0"), environ...), time.Second
	err := cmd.Run()
	if ctx.Err() != nil {
		t.Fatalf("%v did not end: %v\n%s", args, err, out.String())
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return cmd.ProcessState.ExitCode(), out.String(), nil
	}
	line, _, _ := strings.Cut(string(data), "\n")
	d := new(diag.Diagnosis)
	if err := json.Unmarshal([]byte(line), d); err != nil {
		t.Fatalf("the report is no JSON: %v\n%.200s", err, data)
	}
	return cmd.ProcessState.ExitCode(), out.String() + "\n" + line, d
}

// TestRunHello compares the hello that tlswhy run sees, and replays, with the
// bytes that tcpdump sees on the wire.
func TestRunHello(t *testing.T) {
	tcpdump := server.Need(t, "tcpdump")
	if os.Geteuid() != 0 {
		server.Missing(t, "root, to capture packets")
	}
	server.Need(t, "curl")
	bin, w := program(t), newWorld(t)
	p := w.leaf("run-old", pki.Spec{DNS: []string{local}})
	e := &server.Endpoint{Name: "run/hello", Hosts: []string{local}, Chain: p.chain, Key: p.key, Max: "1.2", Ciphers: "CAMELLIA256-SHA"}
	server.Start(t, server.Nginx, e)
	dump := filepath.Join(server.Folder(t), "run.pcap")
	capture := exec.Command(tcpdump, "-i", "lo", "--immediate-mode", "-U", "-s", "0", "-Z", "root", "-w", dump, "tcp", "port", strconv.Itoa(e.Port))
	var said bytes.Buffer
	capture.Stderr = &said
	if err := capture.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = capture.Process.Kill(); _ = capture.Wait() }()
	for range 1500 { // until it listens
		if info, err := os.Stat(dump); err == nil && info.Size() > 0 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	file := filepath.Join(t.TempDir(), "report.json")
	url := "https://" + net.JoinHostPort(local, strconv.Itoa(e.Port)) + "/"
	run := exec.Command(bin, "run", "--no-experiments", "-vv", "-o", "json", "--report", file, "--", "curl", "-sS", url)
	_ = run.Run()
	time.Sleep(2 * time.Second) // for the last packets
	_ = capture.Process.Signal(os.Interrupt)
	_ = capture.Wait()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var d diag.Diagnosis
	if err := json.Unmarshal(bytes.SplitN(data, []byte("\n"), 2)[0], &d); err != nil {
		t.Fatal(err)
	}
	var hello []byte
	for _, m := range d.Attempts[0].Messages {
		if m.Name == "ClientHello" {
			hello, err = hex.DecodeString(m.Raw)
		}
	}
	if err != nil || len(hello) < 100 {
		t.Fatalf("the report holds a hello of %d bytes: %v", len(hello), err)
	}
	wire, err := os.ReadFile(dump)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(wire, hello); n != 1 {
		t.Errorf("the hello of the report (%d bytes) occurs %d times on the wire (%d bytes)\n%s", len(hello), n, len(wire), said.String())
	}
}
