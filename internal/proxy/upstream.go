package proxy

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Request is what a client asks of a proxy.
type Request struct {
	Scheme string // https for CONNECT, http for a page in clear, "" for SOCKS
	Host   string // host:port
	Agent  string // how the client calls itself, "" when it does not
}

// Upstream finds the proxy that a program would have used by itself. Programs
// differ in which variables they read and in what NO_PROXY means to them.
type Upstream struct {
	// Git is what git's own configuration names, "" for nothing.
	Git string

	environ map[string]string
	command string
	java    *javaProxies
	nodeEnv bool
}

// NewUpstream reads the environment that the user gave to a command.
func NewUpstream(environ, command []string) *Upstream {
	u := &Upstream{environ: map[string]string{}}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok {
			u.environ[name] = value
		}
	}
	if len(command) > 0 {
		u.command = command[0]
	}
	u.java = javaOptions(u.environ, command)
	u.nodeEnv = u.environ["NODE_USE_ENV_PROXY"] == "1" || strings.Contains(u.environ["NODE_OPTIONS"], "--use-env-proxy") || slices.Contains(command, "--use-env-proxy")
	return u
}

// Proxy is the proxy for one request, nil for none. The error names a variable
// that makes no sense; it never holds a password.
func (u *Upstream) Proxy(r Request) (*url.URL, error) {
	d := dialectOf(r.Agent, u.command)
	switch {
	case d.name == "java":
		return u.java.proxy(r)
	case d.name == "node" && !u.nodeEnv:
		return nil, nil
	case d.name == "git" && u.Git != "":
		return Parse("http.proxy", u.Git)
	}
	name, value := u.first(d.variables(r.Scheme), true)
	if value == "" {
		return nil, nil
	}
	_, exceptions := u.first(d.excepts, d.skipEmpty)
	if d.except(exceptions, r.Host) {
		return nil, nil
	}
	return Parse(name, value)
}

// Variable is the name of the variable that Proxy reads.
func (u *Upstream) Variable(r Request) string {
	name, _ := u.first(dialectOf(r.Agent, u.command).variables(r.Scheme), true)
	return name
}

// Ignored names a variable with a proxy that this program does not look at, ""
// when there is none.
func (u *Upstream) Ignored(r Request) string {
	if p, err := u.Proxy(r); p != nil || err != nil {
		return ""
	}
	if d := dialectOf(r.Agent, u.command); d.https != nil && (d.name != "node" || u.nodeEnv) {
		return ""
	}
	name, _ := u.first(dialects[0].https, true)
	return name
}

// first is the first variable that is set.
func (u *Upstream) first(names []string, skipEmpty bool) (name, value string) {
	for _, n := range names {
		if v, ok := u.environ[n]; ok && (v != "" || !skipEmpty) {
			return n, v
		}
	}
	return "", ""
}

func (d *dialect) variables(scheme string) []string {
	switch scheme {
	case "https":
		return d.https
	case "http":
		return d.http
	}
	return d.other
}

// defaultPorts of proxies; curl's, which others share or do without.
var defaultPorts = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080", "socks4": "1080", "socks4a": "1080", "socks": "1080"}

// Parse reads the value of a variable or an option, which the error calls by
// its name. The error never holds the value, which may hold a password.
func Parse(name, value string) (*url.URL, error) {
	value = strings.TrimSpace(value)
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	p, err := url.Parse(value)
	if err != nil || p.Hostname() == "" {
		return nil, fmt.Errorf("%s holds no URL of a proxy, such as http://proxy.example.com:3128", name) // the value may hold a password
	}
	p.Scheme = strings.ToLower(p.Scheme)
	port := defaultPorts[p.Scheme]
	if port == "" {
		return nil, fmt.Errorf("%s names a proxy of scheme %q, which is none of http, https, socks4, socks4a, socks5, socks5h", name, p.Scheme)
	}
	if p.Port() == "" {
		p.Host = net.JoinHostPort(p.Hostname(), port)
	}
	return p, nil
}

// except reports that a list of exceptions leaves hostport out.
func (d *dialect) except(list, hostport string) bool {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return false
	}
	if d.fold {
		host, list = strings.ToLower(host), strings.ToLower(list)
	}
	ip, err := netip.ParseAddr(host)
	isIP := err == nil
	if d.loopback && (host == "localhost" || isIP && ip.IsLoopback()) {
		return true
	}
	if d.star == starAlone && strings.TrimSpace(list) == "*" {
		return true
	}
	entries := strings.FieldsFunc(list, func(c rune) bool { return c == ',' || d.blanks && (c == ' ' || c == '\t') })
	for _, e := range entries {
		e = strings.TrimSpace(e)
		if d.star == starAnywhere && e == "*" || d.exceptsBy(e, host, port, ip, isIP) {
			return true
		}
	}
	return false
}

// exceptsBy compares one entry.
func (d *dialect) exceptsBy(e, host, port string, ip netip.Addr, isIP bool) bool {
	if h, p, err := net.SplitHostPort(e); err == nil && d.port {
		if p != port {
			return false
		}
		e = h
	}
	if e == "" || e == "." {
		return false
	}
	if isIP {
		if net, err := netip.ParsePrefix(e); err == nil {
			return (d.cidr && ip.Is4() || d.cidr6) && net.Contains(ip)
		}
		if d.brackets {
			e = strings.Trim(e, "[]")
		}
		if a, err := netip.ParseAddr(e); err == nil {
			return a == ip
		}
		if d.address {
			return false
		}
	}
	if d.glob {
		e = strings.TrimPrefix(e, "*")
	}
	dotted := strings.HasPrefix(e, ".")
	e = strings.TrimPrefix(e, ".")
	switch {
	case e == host:
		return !dotted || d.bare
	case d.suffix == matchTail && !dotted:
		return strings.HasSuffix(host, e)
	case d.suffix != matchWhole || dotted:
		return strings.HasSuffix(host, "."+e)
	}
	return false
}
