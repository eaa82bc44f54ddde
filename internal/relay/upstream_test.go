package relay

import (
	_ "embed"
	"net"
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
