package srvconf

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Stdin is the name of a configuration that came on standard input.
const Stdin = "standard input"

// mainFiles are the names of whole configurations; the others are parts of one.
var mainFiles = []string{"nginx.conf", "apache2.conf", "httpd.conf", "haproxy.cfg", "main.cf", "dovecot.conf"}

// Find lists the configurations in a folder: its main files and those of the
// folders in it, else its files that can be told to be a part of one.
func Find(dir string) ([]string, error) {
	var out []string
	for _, pattern := range []string{"", "*", filepath.Join("*", "*")} {
		for _, name := range mainFiles {
			found, err := filepath.Glob(filepath.Join(dir, pattern, name))
			if err != nil {
				return nil, fmt.Errorf("reading the folder %s: %w", dir, err)
			}
			out = append(out, slices.DeleteFunc(found, isFolder)...)
		}
		if len(out) > 0 {
			return out, nil
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the folder %s: %s", dir, reason(err))
	}
	for _, e := range entries[:min(len(entries), maxFiles)] {
		path := filepath.Join(dir, e.Name())
		data, err := readBounded(path, maxFile)
		if err == nil && !strings.HasPrefix(e.Name(), ".") && !strings.HasSuffix(e.Name(), "~") && bytes.IndexByte(data, 0) < 0 && Recognise(path, data) != "" {
			out = append(out, path)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("the folder %s holds no configuration: looked for %s there and two levels below", dir, strings.Join(mainFiles, ", "))
	}
	return out, nil
}

// dumpHeader is what nginx -T writes before each file.
var dumpHeader = regexp.MustCompile(`(?m)^# configuration file (.+):\r?\n`)

// LoadText reads a configuration that is no file: what somebody pasted, or the
// output of nginx -T, postconf -n or doveconf -n. Files that it names may be on
// another machine, so that they are missing here says nothing.
func LoadText(data []byte, o Options) *Config {
	o.Instead, o.Elsewhere = map[string][]byte{Stdin: data}, true
	at := dumpHeader.FindAllSubmatchIndex(data, maxFiles)
	if len(at) == 0 {
		return Load(Stdin, o)
	}
	o.Instead, o.Sealed = map[string][]byte{}, true
	first := ""
	for i, m := range at {
		end := len(data)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		name := filepath.Clean(string(data[m[2]:m[3]]))
		if first == "" {
			first = name
		}
		o.Instead[name] = data[m[1]:end]
	}
	if o.Server == "" {
		o.Server = "nginx"
	}
	return Load(first, o)
}

// within are the given files that a pattern covers.
func within(files map[string][]byte, pattern string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if ok, err := filepath.Match(filepath.Clean(pattern), name); err == nil && ok {
			out = append(out, name)
		}
	}
	return out
}

// others are configurations that tlswhy does not read, by what tells them.
var others = []struct {
	name string
	re   *regexp.Regexp
}{
	{"Caddy", regexp.MustCompile(`(?m)^\s*(reverse_proxy|file_server|php_fastcgi|tls internal|encode gzip)\b`)},
	{"lighttpd", regexp.MustCompile(`(?m)^\s*(server\.(modules|port|document-root)|ssl\.(engine|pemfile))\s*\+?=`)},
	{"Traefik", regexp.MustCompile(`(?m)^\s*(entryPoints:|certificatesResolvers:|\[entryPoints)`)},
	{"Envoy", regexp.MustCompile(`(?m)^\s*(static_resources:|transport_socket:)`)},
	{"stunnel", regexp.MustCompile(`(?m)^\s*(accept|connect)\s*=\s*\S*\d+\s*$`)},
	{"Exim", regexp.MustCompile(`(?m)^\s*(tls_certificate|tls_advertise_hosts|begin acl)\b`)},
	{"vsftpd", regexp.MustCompile(`(?m)^(rsa_cert_file|ssl_enable|listen_ipv6)=`)},
	{"PostgreSQL", regexp.MustCompile(`(?m)^\s*#?(ssl_cert_file|shared_buffers)\s*=`)},
	{"Tomcat", regexp.MustCompile(`<Server port=|<Connector `)},
	{"IIS", regexp.MustCompile(`<system\.webServer|<system\.applicationHost`)},
	{"Kubernetes", regexp.MustCompile(`(?m)^kind:\s*(Ingress|Gateway|ConfigMap|Deployment|Secret)`)},
	{"Docker Compose", regexp.MustCompile(`(?m)^services:\s*$`)},
}

// stranger says what a text is that no reader knows.
func stranger(file string, data []byte) string {
	const known = "nginx, Apache, HAProxy, Postfix and Dovecot"
	name := ""
	if strings.EqualFold(filepath.Base(file), "Caddyfile") {
		name = "Caddy"
	}
	for _, o := range others {
		if name == "" && o.re.Match(data[:min(len(data), 256<<10)]) {
			name = o.name
		}
	}
	if name != "" {
		return fmt.Sprintf("%s looks like a configuration of %s; tlswhy reads those of %s only. Ask the running server instead: tlswhy HOST:PORT", file, name, known)
	}
	return fmt.Sprintf("%s is no configuration of %s that can be told; --server says whose it is", file, known)
}
