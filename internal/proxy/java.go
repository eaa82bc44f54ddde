package proxy

import (
	"net"
	"net/url"
	"path"
	"strings"
)

// javaProxies are the system properties by which Java knows its proxies; the
// environment's variables mean nothing to it.
type javaProxies struct{ properties map[string]string }

// javaVariables hold options of the Java virtual machine; later ones win, and
// the command line stands before the last.
var javaVariables = []string{"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS"}

// javaOptions reads the properties that a command line and its environment set.
func javaOptions(environ map[string]string, command []string) *javaProxies {
	j := &javaProxies{properties: map[string]string{}}
	for _, name := range javaVariables {
		j.read(strings.Fields(environ[name]))
	}
	if len(command) > 0 {
		j.read(command[1:])
	}
	j.read(strings.Fields(environ["_JAVA_OPTIONS"]))
	return j
}

func (j *javaProxies) read(words []string) {
	for _, w := range words {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.Trim(w, `"'`), "-D"), "="); ok && strings.HasPrefix(strings.Trim(w, `"'`), "-D") {
			j.properties[name] = value
		}
	}
}

// proxy follows the rules of
// https://docs.oracle.com/en/java/javase/21/core/java-networking.html
func (j *javaProxies) proxy(r Request) (*url.URL, error) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		return nil, nil
	}
	for _, kind := range []struct{ scheme, prefix, port, except string }{
		{"https", "https.proxy", "443", "http.nonProxyHosts"},
		{"http", "http.proxy", "80", "http.nonProxyHosts"},
		{"", "socksProxy", "1080", "socksNonProxyHosts"},
	} {
		at := j.properties[kind.prefix+"Host"]
		if at == "" || kind.scheme != r.Scheme && kind.scheme != "" {
			continue
		}
		except, ok := j.properties[kind.except]
		if !ok {
			except = "localhost|127.*|[::1]"
		}
		for pattern := range strings.SplitSeq(strings.ToLower(except), "|") {
			if ok, _ := path.Match(pattern, strings.ToLower(host)); ok {
				return nil, nil
			}
		}
		port := j.properties[kind.prefix+"Port"]
		if port == "" {
			port = kind.port
		}
		scheme := "http"
		if kind.scheme == "" {
			scheme = "socks5h"
		}
		return &url.URL{Scheme: scheme, Host: net.JoinHostPort(at, port)}, nil
	}
	return nil, nil
}
