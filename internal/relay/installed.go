package relay

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Program is a client that may be installed on this machine, and how it is made
// to begin one handshake.
type Program struct {
	Family  string   // as profiles call it: "curl", "Java"
	Command []string // {url}, {host}, {port} and {dir} are filled in; {dir} is empty at first
	Version []string // prints the version
}

// Programs are the clients that Installed looks for. None of them checks the
// certificate that it meets, or needs to: the hello comes before it.
var Programs = []Program{
	{"OpenSSL", []string{"openssl", "s_client", "-connect", "{host}:{port}", "-servername", "{host}"}, []string{"openssl", "version"}},
	{"curl", []string{"curl", "-sk", "--max-time", "10", "{url}"}, []string{"curl", "--version"}},
	{"wget", []string{"wget", "-q", "-O", "-", "--no-check-certificate", "--tries=1", "--timeout=10", "{url}"}, []string{"wget", "--version"}},
	{"GnuTLS", []string{"gnutls-cli", "--insecure", "-p", "{port}", "{host}"}, []string{"gnutls-cli", "--version"}},
	{"Java", []string{"keytool", "-printcert", "-sslserver", "{host}:{port}"}, []string{"java", "-version"}},
	{"Go", []string{"go", "list", "-m", "-json", "tlswhy.invalid/none@v1.0.0"}, []string{"go", "env", "GOVERSION"}},
	{"Node.js", []string{"node", "-e", "require('https').get({host:'{host}',port:{port},rejectUnauthorized:false},r=>r.resume()).on('error',()=>{})"}, []string{"node", "--version"}},
	{"Deno", []string{"deno", "eval", "await fetch('{url}').catch(()=>{})"}, []string{"deno", "--version"}},
	{"Bun", []string{"bun", "-e", "await fetch('{url}').catch(()=>{})"}, []string{"bun", "--version"}},
	{"Python", []string{"python3", "-c", "import ssl,urllib.request as u; u.urlopen('{url}', context=ssl._create_unverified_context(), timeout=10)"}, []string{"python3", "--version"}},
	{"Ruby", []string{"ruby", "-ropenssl", "-rnet/http", "-e", "Net::HTTP.start('{host}', {port}, use_ssl: true, verify_mode: 0) { |h| h.get('/') }"}, []string{"ruby", "--version"}},
	{"PHP", []string{"php", "-r", "@file_get_contents('{url}', false, stream_context_create(['ssl' => ['verify_peer' => false, 'verify_peer_name' => false]]));"}, []string{"php", "--version"}},
	{"Perl", []string{"perl", "-MIO::Socket::SSL", "-e", "IO::Socket::SSL->new(PeerAddr => '{host}:{port}', SSL_hostname => '{host}', SSL_verify_mode => 0)"}, []string{"perl", "-e", "print $^V"}},
	{".NET", []string{"pwsh", "-NoProfile", "-Command", "Invoke-WebRequest -SkipCertificateCheck -TimeoutSec 10 {url}"}, []string{"pwsh", "--version"}},
	{"git", []string{"git", "-c", "http.sslVerify=false", "ls-remote", "{url}none"}, []string{"git", "--version"}},
	{"socat", []string{"socat", "-", "OPENSSL:{host}:{port},verify=0"}, []string{"socat", "-V"}},
	{"Ncat", []string{"ncat", "--ssl", "{host}", "{port}"}, []string{"ncat", "--version"}},
	{"OpenLDAP", []string{"ldapsearch", "-x", "-o", "nettimeout=10", "-H", "ldaps://{host}:{port}"}, []string{"ldapsearch", "-VV"}},
	{"lynx", []string{"lynx", "-dump", "-accept_all_cookies", "{url}"}, []string{"lynx", "-version"}},
	{"w3m", []string{"w3m", "-dump", "-o", "ssl_verify_server=0", "{url}"}, []string{"w3m", "-version"}},
	{"aria2", []string{"aria2c", "-q", "--check-certificate=false", "--max-tries=1", "--connect-timeout=10", "-d", "{dir}", "{url}"}, []string{"aria2c", "--version"}},
	{"Chrome", chromium("chromium"), []string{"chromium", "--version"}},
	{"Chrome", chromium("google-chrome"), []string{"google-chrome", "--version"}},
	{"Edge", chromium("microsoft-edge"), []string{"microsoft-edge", "--version"}},
	{"Firefox", []string{"firefox", "--headless", "--no-remote", "--profile", "{dir}", "--screenshot", "{dir}/x.png", "{url}"}, []string{"firefox", "--version"}},
}

func chromium(name string) []string {
	return []string{name, "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--ignore-certificate-errors",
		"--user-data-dir={dir}", "--virtual-time-budget=2000", "--dump-dom", "{url}"}
}

// Caught is what came of one program.
type Caught struct {
	Program Program
	Version string // "7.88.1", "" when the program does not say
	Raw     []byte // the records of its ClientHello; nil when none came
	Problem string // why none came, in words; "" for a program that is not installed
	Missing bool   // it is not installed
}

// installedWait bounds one program; a browser on a busy machine takes its time.
const installedWait = 60 * time.Second

// Installed runs those of the programs that are installed, one after the other,
// against a server of its own on loopback and hands over what each says, by
// then. Nothing leaves the machine but what a program does by itself.
func Installed(ctx context.Context, environ []string, programs []Program, tell func(Caught)) error {
	var visits = make(chan *Visit, 64)
	h, err := NewHost("127.0.0.1:0", HostOptions{AskNot: true, Visit: func(v *Visit) {
		select {
		case visits <- v:
		default: // more than one hello is not needed
		}
	}})
	if err != nil {
		return err
	}
	defer h.Close()
	_, port, err := net.SplitHostPort(h.Addr())
	if err != nil {
		return err
	}
	for _, p := range programs {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := exec.LookPath(p.Command[0]); err != nil {
			tell(Caught{Program: p, Missing: true})
			continue
		}
		for len(visits) > 0 {
			<-visits
		}
		tell(catch(ctx, environ, p, port, visits))
	}
	return nil
}

// catch runs one program until its hello has come, or it ends.
func catch(ctx context.Context, environ []string, p Program, port string, visits <-chan *Visit) Caught {
	c := Caught{Program: p, Version: versionOf(ctx, p)}
	dir, err := os.MkdirTemp("", "tlswhy-client-")
	if err != nil {
		c.Problem = err.Error()
		return c
	}
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(ctx, installedWait)
	defer cancel()
	url := "https://localhost:" + port + "/"
	fill := strings.NewReplacer("{url}", url, "{host}", "localhost", "{port}", port, "{dir}", dir)
	args := make([]string, len(p.Command)-1)
	for i, a := range p.Command[1:] {
		args[i] = fill.Replace(a)
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, p.Command[0], args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, direct(environ, dir, url), strings.NewReader("")
	cmd.Stdout = &bounded{b: &said}
	cmd.Stderr = cmd.Stdout // being equal, one goroutine writes both
	cmd.WaitDelay = 2 * time.Second
	alone(cmd)
	if err := cmd.Start(); err != nil {
		c.Problem = err.Error()
		return c
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case v := <-visits:
			if v.Hello == nil {
				continue
			}
			c.Raw = v.Raw
			stop(cmd)
			<-ended
			return c
		case err := <-ended:
			select { // it may have come just before
			case v := <-visits:
				if v.Hello != nil {
					c.Raw = v.Raw
					return c
				}
			case <-time.After(time.Second):
			}
			c.Problem = "it ended without a ClientHello"
			if err != nil {
				c.Problem += ": " + err.Error()
			}
			if line, _, _ := strings.Cut(strings.TrimSpace(said.String()), "\n"); line != "" {
				c.Problem += ": " + line
			}
			return c
		}
	}
}

// bounded keeps the beginning of what a program says.
type bounded struct{ b *bytes.Buffer }

// Write implements io.Writer.
func (w *bounded) Write(p []byte) (int, error) {
	w.b.Write(p[:min(len(p), max(0, 4096-w.b.Len()))])
	return len(p), nil
}

// direct is an environment without proxies, in which Go asks our server for
// modules and programs keep their files in dir.
func direct(environ []string, dir, url string) []string {
	out := slices.DeleteFunc(slices.Clone(environ), func(kv string) bool {
		name, _, _ := strings.Cut(strings.ToLower(kv), "=")
		return strings.HasSuffix(name, "_proxy") || name == "home" || name == "goproxy" || name == "goflags"
	})
	return append(out, "NO_PROXY=*", "HOME="+dir, "GOPROXY="+url, "GONOSUMDB=*", "GOFLAGS=-mod=mod", "GO111MODULE=on", "GOWORK=off",
		"GOPATH="+filepath.Join(dir, "go"), "LDAPTLS_REQCERT=never", "GIT_TERMINAL_PROMPT=0", "MOZ_CRASHREPORTER_DISABLE=1")
}

// versionNumber finds "7.88.1", "21.0.6", "1.26.8".
var versionNumber = regexp.MustCompile(`\d+(\.\d+)+\w*`)

// versionOf is what a program says of its version.
func versionOf(ctx context.Context, p Program) string {
	ctx, cancel := context.WithTimeout(ctx, installedWait/2)
	defer cancel()
	out, err := exec.CommandContext(ctx, p.Version[0], p.Version[1:]...).CombinedOutput()
	if err != nil && len(out) == 0 {
		return ""
	}
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "Picked up ") { // Java, of its own environment
			continue
		}
		if v := versionNumber.FindString(line); v != "" {
			return v
		}
	}
	return ""
}

// String is the program's command, for messages.
func (p Program) String() string { return fmt.Sprintf("%s (%s)", p.Family, p.Command[0]) }
