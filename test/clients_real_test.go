package test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tlswhy/tlswhy/test/server"
)

// realClient is a program, or a library in one, that people use.
type realClient struct {
	family, version string
	platform        string // where its hello differs by it, as in the profiles
	measured        string // the version that internal/client knows; no other is held to what it says
	// connect asks the scenario's server for a page and says whether TLS
	// worked, and what was printed.
	connect func(t *testing.T, s *scenario) (works bool, said string)
}

func (s *scenario) port() string { return strconv.Itoa(s.ep.Port) }

// known tells whether the client is of the version that was measured. What
// Debian's updates bring may have other defaults: OpenJDK has dropped the
// suites without forward secrecy within 17.0.
func (rc *realClient) known() bool { return compare(rc.version, rc.measured) == 0 }

// realClients are those of a plain Debian; one that is missing skips the test.
func realClients(t *testing.T) []*realClient {
	t.Helper()
	dir := server.Folder(t)
	python := script(t, dir, "client.py", pythonClient)
	node := script(t, dir, "client.js", nodeClient)
	java := startJavaClient(t, dir)
	proxy := startProxy(t)
	run := func(stdin string, env []string, ok func(code int, out string) bool, args func(s *scenario) []string) func(*testing.T, *scenario) (bool, string) {
		return func(t *testing.T, s *scenario) (bool, string) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			a := args(s)
			cmd := exec.CommandContext(ctx, a[0], a[1:]...)
			cmd.Stdin, cmd.Env, cmd.WaitDelay = strings.NewReader(stdin), append(os.Environ(), append(env, "LC_ALL=C")...), time.Second
			out, err := cmd.CombinedOutput()
			code := cmd.ProcessState.ExitCode()
			if err != nil && code == 0 {
				code = -1
			}
			return ok(code, string(out)), string(out)
		}
	}
	clean := func(code int, _ string) bool { return code == 0 }
	pythonOn := "" // Debian's leaves the suites to OpenSSL
	if exec.Command("python3", "-c", `import ssl; assert any(c["name"] == "AES128-SHA" for c in ssl.create_default_context().get_ciphers())`).Run() == nil {
		pythonOn = "Debian"
	}
	return []*realClient{
		{"OpenSSL", versionOf(t, "openssl", "version"), "", "3.0.19", run("", nil, func(code int, out string) bool {
			return code == 0 && strings.Contains(out, "Cipher is TLS_") || code == 0 && strings.Contains(out, "Verification: OK")
		},
			func(s *scenario) []string {
				return []string{"openssl", "s_client", "-connect", s.ep.Target(), "-servername", s.asks(), "-verify_hostname", s.asks(), "-verify_return_error", "-CAfile", s.opts.CAFile}
			})},
		{"curl", versionOf(t, "curl", "--version"), "", "7.88", run("", nil, clean, func(s *scenario) []string {
			return []string{"curl", "-sS", "-m", "15", "--cacert", s.opts.CAFile, "--resolve", s.asks() + ":" + s.port() + ":127.0.0.1", "-o", os.DevNull, "https://" + s.asks() + ":" + s.port()}
		})},
		{"wget", versionOf(t, "wget", "--version"), "", "1.21", run("", []string{"https_proxy=http://" + proxy}, func(code int, _ string) bool { return code == 0 || code == 8 }, // 8: an HTTP status
			func(s *scenario) []string {
				return []string{"wget", "-nv", "-t", "1", "-T", "15", "--ca-certificate", s.opts.CAFile, "-O", os.DevNull, "https://" + s.asks() + ":" + s.port()}
			})},
		{"GnuTLS", versionOf(t, "gnutls-cli", "--version"), "", "3.7", run("", nil, func(_ int, out string) bool { return strings.Contains(out, "Handshake was completed") }, func(s *scenario) []string {
			return []string{"gnutls-cli", "--x509cafile", s.opts.CAFile, "--sni-hostname", s.asks(), "--verify-hostname", s.asks(), "-p", s.port(), "127.0.0.1"}
		})},
		{"Python", versionOf(t, "python3", "--version"), pythonOn, "3.11", run("", nil, clean, func(s *scenario) []string {
			return []string{"python3", python, s.asks(), s.port(), s.opts.CAFile}
		})},
		{"Node.js", versionOf(t, "node", "--version"), "", "20", run("", nil, clean, func(s *scenario) []string {
			return []string{"node", node, s.asks(), s.port(), s.opts.CAFile}
		})},
		{"Java", versionOf(t, "java", "-version"), "", "17.0.15", java},
		{"Go", strings.TrimPrefix(runtime.Version(), "go"), "", "1.26", goClient},
	}
}

func script(t *testing.T, dir, name, body string) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.WriteFile(p, []byte(body), 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func versionOf(t *testing.T, program string, args ...string) string {
	t.Helper()
	server.Need(t, program)
	out, _ := exec.Command(program, args...).CombinedOutput() // java -version prints on stderr
	return version.FindString(string(out))
}

const pythonClient = `import socket, ssl, sys
name, port, ca = sys.argv[1:]
ctx = ssl.create_default_context(cafile=ca)
with ctx.wrap_socket(socket.create_connection(("127.0.0.1", int(port)), 10), server_hostname=name) as s:
    s.settimeout(5)
    s.sendall(b"GET / HTTP/1.0\r\nHost: " + name.encode() + b"\r\n\r\n")
    try:
        s.recv(100)
    except TimeoutError:
        pass
`

const nodeClient = `const [name, port, ca] = process.argv.slice(2)
const s = require('tls').connect({host: '127.0.0.1', port, servername: name, ca: require('fs').readFileSync(ca)}, () => {
  s.write('GET / HTTP/1.0\r\nHost: ' + name + '\r\n\r\n')
  s.setTimeout(5000, () => process.exit(0))
})
s.on('data', () => process.exit(0))
s.on('end', () => process.exit(0))
s.on('error', e => { console.log(e.code, e.message); process.exit(1) })
`

// goClient is net/http with its defaults.
func goClient(t *testing.T, s *scenario) (bool, string) {
	pem, err := os.ReadFile(s.opts.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.TLSClientConfig = &tls.Config{RootCAs: pool}
	tr.Proxy = nil
	tr.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.ep.Target())
	}
	defer tr.CloseIdleConnections()
	resp, err := (&http.Client{Transport: tr, Timeout: 10 * time.Second}).Get("https://" + s.asks() + ":" + s.port())
	if err != nil {
		return false, err.Error()
	}
	resp.Body.Close()
	return true, resp.Status
}

// javaClient reads lines of name, port and file of anchors, and answers each
// with a line. A process of its own for each server would take most of the time.
const javaClient = `import java.io.*; import java.net.*; import java.security.KeyStore; import java.security.cert.*; import javax.net.ssl.*;
public class Client {
  public static void main(String[] none) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String line; (line = in.readLine()) != null; ) {
      String[] a = line.split(" ");
      try {
        KeyStore ks = KeyStore.getInstance(KeyStore.getDefaultType());
        ks.load(null, null);
        int n = 0;
        try (InputStream f = new FileInputStream(a[2])) {
          for (Certificate c : CertificateFactory.getInstance("X.509").generateCertificates(f)) ks.setCertificateEntry("" + n++, c);
        }
        TrustManagerFactory tmf = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        tmf.init(ks);
        SSLContext ctx = SSLContext.getInstance("TLS");
        ctx.init(null, tmf.getTrustManagers(), null);
        Socket raw = new Socket("127.0.0.1", Integer.parseInt(a[1]));
        raw.setSoTimeout(5000);
        SSLSocket s = (SSLSocket) ctx.getSocketFactory().createSocket(raw, a[0], Integer.parseInt(a[1]), true);
        SSLParameters p = s.getSSLParameters();
        p.setEndpointIdentificationAlgorithm("HTTPS");
        s.setSSLParameters(p);
        s.startHandshake();
        s.close();
        System.out.println("ok");
      } catch (Exception e) { System.out.println(("fails " + e).replace('\n', ' ')); }
      System.out.flush();
    }
  }
}
`

func startJavaClient(t *testing.T, dir string) func(*testing.T, *scenario) (bool, string) {
	t.Helper()
	server.Need(t, "javac")
	if out, err := exec.Command("javac", "-d", dir, script(t, dir, "Client.java", javaClient)).CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	cmd := exec.Command(server.Need(t, "java"), "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp", dir, "Client")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait()
	})
	var mu sync.Mutex
	lines := bufio.NewReader(out)
	return func(t *testing.T, s *scenario) (bool, string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(in, "%s %d %s\n", s.asks(), s.ep.Port, s.opts.CAFile)
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line == "ok\n", line
	}
}

// startProxy starts an HTTP proxy that takes every name for this machine: wget
// cannot be told an address.
func startProxy(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		_, port, _ := net.SplitHostPort(r.Host)
		up, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err != nil || r.Method != http.MethodConnect {
			http.Error(rw, "no", http.StatusBadGateway)
			return
		}
		defer up.Close()
		down, ahead, err := http.NewResponseController(rw).Hijack()
		if err != nil {
			return
		}
		defer down.Close()
		_, _ = io.WriteString(down, "HTTP/1.1 200 Connected\r\n\r\n")
		var group sync.WaitGroup
		group.Go(func() { _, _ = io.Copy(up, ahead); _ = up.(*net.TCPConn).CloseWrite() })
		_, _ = io.Copy(down, up)
		down.Close()
		group.Wait()
	})}
	go func() { _ = s.Serve(ln) }()
	t.Cleanup(func() { _ = s.Close() })
	return ln.Addr().String()
}
