package relay

import (
	_ "embed"
	"fmt"
	"net"
	"path/filepath"
	"strings"
)

// NodePreload is a script for Node.js before 22.21, which takes no proxy from
// its environment: it leads TLS connections through the proxy that
// TLSWHY_PROXY names. Newer ones do so by themselves.
//
//go:embed preload.cjs
var NodePreload []byte

// Environ returns the environment in which a program uses the proxy at addr
// (host:port), whatever it used before: what curl, wget, git, Python, Go, Java,
// Node.js, .NET, Ruby and PHP look at. Program is the command's name; preload is
// the path of NodePreload, "" for none.
func Environ(environ []string, addr, program, preload string) []string {
	host, port, _ := net.SplitHostPort(addr)
	proxy := "http://" + addr
	all := proxy
	if strings.HasPrefix(filepath.Base(program), "curl") {
		all = "socks5h://" + addr // mail and LDAP through the proxy, too
	}
	set := map[string]string{
		"http_proxy": proxy, "https_proxy": proxy, "HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "all_proxy": all, "ALL_PROXY": all,
		// Nothing is excepted: a server on this machine may be the one that fails.
		"no_proxy": "", "NO_PROXY": "",
		"NODE_USE_ENV_PROXY": "1", "TLSWHY_PROXY": addr,
	}
	add := map[string]string{
		"JAVA_TOOL_OPTIONS": fmt.Sprintf("-Dhttps.proxyHost=%[1]s -Dhttps.proxyPort=%[2]s -Dhttp.proxyHost=%[1]s -Dhttp.proxyPort=%[2]s"+
			" -Dhttp.nonProxyHosts= -DsocksProxyHost=%[1]s -DsocksProxyPort=%[2]s -DsocksNonProxyHosts=", host, port),
	}
	if preload != "" {
		add["NODE_OPTIONS"] = "--require " + preload
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
