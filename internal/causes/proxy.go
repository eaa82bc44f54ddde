package causes

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

// proxyStatus is the status code in a proxy's answer to CONNECT.
var proxyStatus = regexp.MustCompile(`HTTP/1\.[01] (\d{3})`)

// tunnelRefused explains a proxy that did not open the tunnel: its status, or
// the words of a SOCKS reply, say what it lacks.
func (v *view) tunnelRefused(a *facts.Attempt) *finding {
	m := &match{confidence: diag.Proven, stage: a.End.Stage, summary: "the proxy refuses the tunnel",
		fixes: []FixRef{{"network", "use-proxy"}, {"network", "allow-through-filter"}}}
	m.see(attempts(a), "%s", a.End.Err)
	server, loggedIn := "the server", false
	if a.Seen != nil && a.Seen.Target != "" {
		server = a.Seen.Target
	}
	for _, l := range a.Preamble {
		name, _, _ := strings.Cut(strings.ToLower(l.Text), ":")
		switch {
		case l.From == tlswire.SideClient:
			loggedIn = loggedIn || strings.Contains(l.Text, "Authorization")
		case name == "proxy-authenticate", name == "www-authenticate", name == "x-squid-error", name == "via":
			m.see("the proxy's answer", "%s", l.Text)
		}
	}
	status := 0
	if s := proxyStatus.FindStringSubmatch(a.End.Err); s != nil {
		status, _ = strconv.Atoi(s[1])
	}
	says := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(a.End.Err, w) {
				return true
			}
		}
		return false
	}
	wrong := loggedIn || says("does not accept")
	switch {
	case (status == 407 || status == 401) && wrong || says("does not accept the user name"):
		m.summary = "the proxy does not accept the user name and password"
		m.fixes = []FixRef{{"network", "proxy-login"}}
	case status == 407 || status == 401 || says("wants a user name"):
		m.summary = "the proxy wants a user name and password"
		m.fixes = []FixRef{{"network", "proxy-login"}}
	case status >= 502 && status <= 504 || says("refused", "unreachable", "TTL expired", "general failure", "rejected or failed"):
		m.summary = fmt.Sprintf("the proxy could not reach %s", server)
		m.not = []string{"a policy of the proxy's that it does not name"}
		m.fixes = []FixRef{{"network", "proxy-route"}}
	case status == 403 || status == 405 || says("not allowed"):
		m.summary = fmt.Sprintf("the proxy does not allow a tunnel to %s", server)
	}
	m.params = func(p *FixParams) {
		p.Words = a.End.Err
		if a.Seen != nil && a.Seen.Target != "" {
			p.Proxy = a.Address
		}
	}
	return v.finding("proxy-refused", m)
}
