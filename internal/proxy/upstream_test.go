package proxy

import (
	_ "embed"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
)

//go:embed testdata/no_proxy.tsv
var noProxyTable string

// TestNoProxy holds the exceptions to what real programs did.
func TestNoProxy(t *testing.T) {
	t.Parallel()
	var programs []string
	for line := range strings.Lines(noProxyTable) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		switch {
		case strings.HasPrefix(line, "#"):
			continue
		case programs == nil:
			programs = f[2:]
			continue
		}
		host := f[1]
		if _, _, err := net.SplitHostPort(host); err != nil {
			host += ":443"
		}
		for i, p := range programs {
			u := NewUpstream([]string{"https_proxy=http://p.test:1", "HTTPS_PROXY=http://p.test:1", "http_proxy=http://p.test:1", "HTTP_PROXY=http://p.test:1", "no_proxy=" + f[0], "NO_PROXY=" + f[0], "NODE_USE_ENV_PROXY=1"}, []string{p})
			via, err := u.Proxy(Request{Scheme: "https", Host: host, Agent: agentOf(p)})
			if err != nil {
				t.Fatal(err)
			}
			want := f[2+i]
			if got := map[bool]string{true: "d", false: "p"}[via == nil]; got != strings.ToLower(want) {
				if want == "D" || want == "P" {
					continue
				}
				t.Errorf("%s, no_proxy=%q: %s goes %s, want %s", p, f[0], host, got, want)
			}
		}
	}
}

// agentOf is something by which a program is recognised.
func agentOf(name string) string {
	for _, d := range dialects {
		if d.name == name && d.agent != "" {
			return d.agent
		}
	}
	return ""
}

// TestUpstreamVariables finds the proxy as each program does.
func TestUpstreamVariables(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		environ []string
		command []string
		r       Request
		want    string
		ignored string
	}{
		{"curl looks at small letters for pages", []string{"HTTP_PROXY=http://p:1"}, []string{"curl"}, Request{Scheme: "http", Host: "a.test:80"}, "", ""},
		{"without a scheme", []string{"https_proxy=p.test"}, []string{"curl"}, Request{Scheme: "https", Host: "a.test:443"}, "http://p.test:80", ""},
		{"curl, mail", []string{"https_proxy=http://p:1", "ALL_PROXY=socks5://q"}, []string{"curl"}, Request{Host: "a.test:25"}, "socks5://q:1080", ""},
		{"Ruby looks at http_proxy", []string{"http_proxy=http://p:1"}, []string{"/usr/bin/ruby3.1"}, Request{Scheme: "https", Host: "a.test:443"}, "http://p:1", ""},
		{"Go says who it is", []string{"HTTPS_PROXY=http://p:1", "https_proxy=http://q:2"}, []string{"./deploy"}, Request{Scheme: "https", Host: "a.test:443", Agent: "Go-http-client/1.1"}, "http://p:1", ""},
		{"Java knows no variables", []string{"https_proxy=http://p:1"}, []string{"java", "-jar", "x.jar"}, Request{Scheme: "https", Host: "a.test:443", Agent: "Java/17"}, "", "https_proxy"},
		{"Java has properties", []string{"JAVA_TOOL_OPTIONS=-Xmx1g -Dhttps.proxyHost=p -Dhttps.proxyPort=8"}, []string{"java"}, Request{Scheme: "https", Host: "a.test:443"}, "http://p:8", ""},
		{"the command line's win", []string{"JAVA_TOOL_OPTIONS=-Dhttps.proxyHost=p"}, []string{"java", "-Dhttps.proxyHost=q"}, Request{Scheme: "https", Host: "a.test:443"}, "http://q:443", ""},
		{"Java excepts this machine", nil, []string{"java", "-Dhttps.proxyHost=q"}, Request{Scheme: "https", Host: "localhost:443"}, "", ""},
		{"git has settings", []string{"https_proxy=http://p:1"}, []string{"git", "fetch"}, Request{Scheme: "https", Host: "a.test:443", Agent: "git/2.39"}, "http://g:9", ""},
		{"Node.js must be told", []string{"https_proxy=http://p:1"}, []string{"node", "x.js"}, Request{Scheme: "https", Host: "a.test:443", Agent: AgentNode}, "", "https_proxy"},
		{"Node.js was told", []string{"https_proxy=http://p:1", "NODE_USE_ENV_PROXY=1"}, []string{"node", "x.js"}, Request{Scheme: "https", Host: "a.test:443", Agent: AgentNode}, "http://p:1", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			u := NewUpstream(tt.environ, tt.command)
			if slices.Contains(tt.command, "git") {
				u.Git = "http://g:9\n"
			}
			p, err := u.Proxy(tt.r)
			got := ""
			if p != nil {
				got = p.String()
			}
			if err != nil || got != tt.want || u.Ignored(tt.r) != tt.ignored {
				t.Errorf("got %q, %v, ignored %q", got, err, u.Ignored(tt.r))
			}
		})
	}
	for _, bad := range []string{"ftp://user:secret@p:1", "http://user:secret@:1", "http://user:secret@p:x"} {
		_, err := NewUpstream([]string{"https_proxy=" + bad}, []string{"curl"}).Proxy(Request{Scheme: "https", Host: "a.test:443"})
		if err == nil || strings.Contains(err.Error(), "secret") || errors.Unwrap(err) != nil {
			t.Errorf("%s: got %v", bad, err)
		}
	}
}
