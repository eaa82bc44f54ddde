package relay

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/proxy"
)

// shy are programs that take no proxy from their environment, with what is
// known of them.
var shy = []struct {
	runs []string
	why  string
}{
	{vars("openssl"), "openssl s_client takes no proxy from its environment, only by its option -proxy"},
	{vars("gnutls-cli"), "gnutls-cli takes no proxy"},
	{vars("psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_isready", "pgbench", "vacuumdb", "createdb"), "PostgreSQL's clients take no proxy"},
	{vars("mysql", "mariadb", "mysqldump", "mariadb-dump", "mysqladmin", "mariadb-admin"), "the clients of MySQL and MariaDB take no proxy"},
	{vars("redis-cli", "valkey-cli"), "redis-cli takes no proxy"},
	{vars("mosquitto_pub", "mosquitto_sub", "mosquitto_rr"), "Mosquitto's clients take a proxy by their option --proxy only, which is SOCKS"},
	{vars("ldapsearch", "ldapwhoami", "ldapmodify", "ldapadd", "ldapdelete"), "OpenLDAP's clients take no proxy"},
	{vars("swaks", "msmtp", "sendmail", "mail", "mutt", "neomutt", "fetchmail", "getmail", "mbsync", "offlineimap", "nc", "ncat", "socat", "telnet", "stunnel"), "it takes no proxy from its environment"},
	{vars("ssh", "scp", "sftp", "rsync", "ping", "dig"), "it speaks no TLS"},
	{vars("firefox", "thunderbird"), "Firefox and Thunderbird read proxies from their own settings"},
	{vars("chromium", "chromium-browser", "google-chrome", "chrome"), "Chromium takes a proxy by --proxy-server, and leaves this machine's own addresses out; a running one opens further pages in its own process"},
	{vars("docker", "podman"), "the daemon makes the connections, with the environment of its own service"},
	{vars("php"), "PHP's curl functions take a proxy from the environment; its streams (file_get_contents, fopen, SoapClient, stream_socket_client) do not"},
	{vars("ruby", "gem", "bundle", "rails", "rake"), "Ruby's Net::HTTP takes http_proxy from the environment, but never for an address of this machine; its sockets and other libraries take none"},
	{vars("python", "pip", "pytest"), "Python's urllib, requests and httpx take a proxy from the environment, aiohttp with trust_env=True only; http.client, sockets and trust_env=False do not"},
	{vars("node", "npx"), "Node.js before 22.21 is led by a script of tlswhy, unless a library brings its own sockets or NODE_OPTIONS is overwritten"},
	{vars("java", "mvn", "gradle"), "Java takes proxies from system properties, which tlswhy sets by JAVA_TOOL_OPTIONS; libraries with their own connections (Apache HttpClient without useSystemProperties, Netty) look at none"},
	{vars("perl"), "Perl's LWP takes a proxy from the environment after env_proxy only; IO::Socket::SSL does not"},
}

// own are options by which programs take another proxy than the environment's,
// or none.
var own = []struct {
	runs    []string
	options []string
}{
	{vars("curl"), vars("-x", "--proxy", "--preproxy", "--noproxy", "--socks4", "--socks4a", "--socks5", "--socks5-hostname", "--unix-socket", "--abstract-unix-socket", "--interface")},
	{vars("wget"), vars("--no-proxy")},
	{vars("git"), vars("http.proxy")},
	{vars("openssl"), vars("-proxy")},
	{vars("pip", "npm"), vars("--proxy", "--https-proxy", "--noproxy")},
	{vars("java"), vars("-Djava.net.useSystemProxies")},
}

// settings are files with proxies of their own: the line's word, up to a blank
// or an equals sign.
var settings = []struct {
	runs []string
	file string // in the home folder
	word []string
}{
	{vars("curl"), ".curlrc", vars("proxy", "noproxy", "-x", "preproxy", "socks5", "socks5-hostname")},
	{vars("wget"), ".wgetrc", vars("https_proxy", "use_proxy", "no_proxy")},
	{vars("npm"), ".npmrc", vars("proxy", "https-proxy", "noproxy")},
}

// Bypass says why no connection of a command came to the proxy that its
// environment names, as far as its words and its settings tell; "" when they
// tell nothing.
func Bypass(command []string, env func(string) string) string {
	if len(command) == 0 {
		return ""
	}
	for _, o := range own {
		if !proxy.IsOneOf(command[0], o.runs) {
			continue
		}
		for _, word := range command[1:] {
			for _, option := range o.options {
				rest, ok := strings.CutPrefix(word, option)
				if ok && (rest == "" || rest[0] == '=' || len(option) == 2 && option[0] == '-' && option[1] != '-') {
					return "its option " + option + " leads it another way"
				}
			}
		}
	}
	for _, s := range settings {
		if !proxy.IsOneOf(command[0], s.runs) {
			continue
		}
		file := filepath.Join(env("HOME"), s.file)
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			name := strings.FieldsFunc(line, func(c rune) bool { return c <= ' ' || c == '=' || c == ':' })
			if len(name) > 0 && slices.Contains(s.word, strings.TrimPrefix(name[0], "--")) {
				return file + " sets " + name[0] + ", which leads it another way"
			}
		}
	}
	for _, p := range shy {
		if proxy.IsOneOf(command[0], p.runs) {
			return p.why
		}
	}
	for _, word := range command[1:] {
		u, err := url.Parse(word)
		if err != nil || u.Host == "" {
			continue
		}
		if ip := net.ParseIP(u.Hostname()); u.Hostname() == "localhost" || ip != nil && ip.IsLoopback() {
			return "programs in Go and Ruby use no proxy for this machine's own addresses, such as " + u.Hostname()
		}
	}
	return ""
}

func vars(names ...string) []string { return names }
