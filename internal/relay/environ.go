package relay

import (
	_ "embed"
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/internal/proxy"
)

// NodePreload is a script for Node.js before 22.21, which takes no proxy from
// its environment: it leads TLS connections through the proxy that
// TLSWHY_PROXY names. Newer ones do so by themselves.
//
//go:embed preload.cjs
var NodePreload []byte

// Environ returns the environment in which a command uses the proxy at addr
// (host:port), whatever it used before: what curl, wget, git, Python, Go, Java,
// Node.js, .NET, Ruby, Perl and PHP's curl look at. Preload is the path of
// NodePreload, "" for none.
func Environ(environ []string, addr string, command []string, preload string) []string {
	host, port, _ := net.SplitHostPort(addr)
	own := "http://" + addr
	all := own
	if proxy.IsOneOf(command[0], vars("curl")) {
		all = "socks5h://" + addr // mail and LDAP through the own, too
	}
	set := map[string]string{
		"http_proxy": own, "https_proxy": own, "HTTPS_PROXY": own, "HTTP_PROXY": own, "all_proxy": all, "ALL_PROXY": all,
		// Nothing is excepted here: whether the user's own proxy is, is decided
		// behind ours.
		"no_proxy": "", "NO_PROXY": "",
		"NODE_USE_ENV_PROXY": "1", "TLSWHY_PROXY": addr,
	}
	java := fmt.Sprintf("-Dhttps.proxyHost=%[1]s -Dhttps.proxyPort=%[2]s -Dhttp.proxyHost=%[1]s -Dhttp.proxyPort=%[2]s"+
		" -Dhttp.nonProxyHosts= -DsocksProxyHost=%[1]s -DsocksProxyPort=%[2]s -DsocksNonProxyHosts=", host, port)
	add := map[string]string{"JAVA_TOOL_OPTIONS": java}
	given := map[string]string{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		given[name] = value
	}
	if strings.Contains(strings.Join(command, " ")+given["JDK_JAVA_OPTIONS"]+given["_JAVA_OPTIONS"], "roxyHost=") {
		add = map[string]string{"_JAVA_OPTIONS": java} // stands above the command line
	}
	if preload != "" {
		add["NODE_OPTIONS"] = "--require " + preload
	}
	if proxy.IsOneOf(command[0], vars("git")) {
		n, _ := strconv.Atoi(given["GIT_CONFIG_COUNT"])
		set["GIT_CONFIG_COUNT"] = strconv.Itoa(n + 1)
		set[fmt.Sprintf("GIT_CONFIG_KEY_%d", n)], set[fmt.Sprintf("GIT_CONFIG_VALUE_%d", n)] = "http.proxy", own
	}
	var out []string
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if _, ours := set[name]; ours {
			continue
		}
		if more, ours := add[name]; ours {
			kv = name + "=" + strings.TrimSpace(value+" "+more)
			delete(add, name)
		}
		out = append(out, kv)
	}
	for _, m := range []map[string]string{set, add} {
		for name, value := range m {
			out = append(out, name+"="+value)
		}
	}
	return out
}
