package causes

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "proxy-refused", rank: rankTransport, wants: (*view).beside, match: func(v *view) *match {
	switch a := v.base; {
	case a == nil || a.Passage == nil:
		return nil
	case a.End.Kind == facts.EndProxy && a.Passage.Step == facts.PassageTLS:
		return v.proxyTLS(a)
	case a.End.Kind == facts.EndProxy:
		return v.tunnelRefused(a)
	}
	return v.tunnelBroken()
}})

// proxyStatus is the status code in a proxy's answer to CONNECT.
var proxyStatus = regexp.MustCompile(`HTTP/1\.[01] (\d{3})`)

// answer is what a proxy said against a tunnel.
type proxyAnswer struct {
	a       *facts.Attempt
	status  int
	headers map[string][]string // by name in small letters
	body    string
	login   bool // credentials went along
}

func answerOf(a *facts.Attempt) proxyAnswer {
	p := proxyAnswer{a: a, headers: map[string][]string{}}
	var lines []string
	for _, l := range a.Preamble {
		if l.From == tlswire.SideServer {
			lines = append(lines, l.Text)
		}
		p.login = p.login || l.From == tlswire.SideClient && strings.Contains(l.Text, "Authorization")
	}
	if a.Passage != nil {
		lines, p.body, p.login = a.Passage.Lines, string(a.Passage.Body), p.login || a.Passage.Proxy.Login
	}
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ":")
		name = strings.ToLower(name)
		p.headers[name] = append(p.headers[name], strings.TrimSpace(value))
	}
	if s := proxyStatus.FindStringSubmatch(a.End.Err); s != nil {
		p.status, _ = strconv.Atoi(s[1])
	}
	return p
}

// says tells whether the end is said in one of the words.
func (p proxyAnswer) says(words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(p.a.End.Err, w) })
}

// schemes are the ways to log in that a proxy offers.
func (p proxyAnswer) schemes() []string {
	var out []string
	for _, h := range append(p.headers["proxy-authenticate"], p.headers["www-authenticate"]...) {
		for part := range strings.SplitSeq(h, ",") {
			word, _, _ := strings.Cut(strings.TrimSpace(part), " ")
			for _, known := range []string{"Basic", "Digest", "NTLM", "Negotiate", "Kerberos", "Bearer"} {
				if strings.EqualFold(word, known) && !slices.Contains(out, known) {
					out = append(out, known)
				}
			}
		}
	}
	return out
}

// tunnelRefused explains a proxy that did not open the tunnel: its status, or
// the words of a SOCKS reply, say what it lacks.
func (v *view) tunnelRefused(a *facts.Attempt) *match {
	p := answerOf(a)
	m := &match{confidence: diag.Proven, stage: diag.StageProxy, summary: "the proxy refuses the tunnel",
		fixes: []FixRef{{"network", "use-proxy"}, {"network", "allow-through-filter"}}}
	m.see(attempts(a), "%s", a.End.Err)
	for _, name := range []string{"proxy-authenticate", "www-authenticate", "x-squid-error", "proxy-status", "via"} {
		for _, value := range p.headers[name] {
			m.see("the proxy's answer", "%s: %s", headerNames[name], value)
		}
	}
	server := "the server"
	switch {
	case a.Passage != nil:
		server = a.Passage.Asked
	case a.Seen != nil && a.Seen.Target != "":
		server = a.Seen.Target
	}
	m.params = func(f *FixParams) {
		f.Words = a.End.Err
		if a.Seen != nil && a.Seen.Target != "" {
			f.Proxy = a.Address
		}
	}
	schemes := p.schemes()
	reason, why := p.reason()
	switch {
	case p.status == 407 || p.status == 401:
		m.fixes = []FixRef{{"network", "proxy-login"}}
		switch {
		case len(schemes) > 0 && !slices.Contains(schemes, "Basic"):
			m.summary = fmt.Sprintf("the proxy wants a login by %s, which a user name and password in its URL do not do", join(schemes))
			m.fixes = nil
			if slices.Contains(schemes, "Digest") {
				m.fixes = append(m.fixes, FixRef{"network", "proxy-login-digest"})
			}
			if len(schemes) > len(m.fixes) {
				m.fixes = append(m.fixes, FixRef{"network", "proxy-login-single"})
			}
		case p.login:
			m.summary = "the proxy does not accept the user name and password"
		default:
			m.summary = "the proxy wants a user name and password"
		}
		if slices.Contains(schemes, "Basic") && len(schemes) > 1 {
			m.summary += fmt.Sprintf(" (it takes %s)", join(schemes))
		}
	case p.says("does not accept the user name", "does not accept"):
		m.summary, m.fixes = "the proxy does not accept the user name and password", []FixRef{{"network", "proxy-login"}}
	case p.says("wants a user name"):
		m.summary, m.fixes = "the proxy wants a user name and password", []FixRef{{"network", "proxy-login"}}
	case p.says("speaks no SOCKS"), p.status == 0 && a.Passage != nil && strings.HasPrefix(a.Passage.Proxy.Scheme, "http") && len(a.End.Data) > 0:
		v.noSuchProxy(m, a)
	case reason == "policy":
		m.summary = fmt.Sprintf("the proxy does not allow a tunnel to %s", server)
		p.policy(m, server)
	case reason != "":
		m.summary = fmt.Sprintf("the proxy could not reach %s: %s", server, why)
		m.fixes = []FixRef{{"network", "proxy-route"}}
	case p.status >= 500 && p.status <= 504 && p.status != 501, p.says("refused\"", "unreachable", "TTL expired", "general failure", "rejected or failed"):
		m.summary = fmt.Sprintf("the proxy could not reach %s", server)
		m.not = []string{"a policy of the proxy's that it does not name"}
		m.fixes = []FixRef{{"network", "proxy-route"}}
	case p.status == 403 || p.status == 451 || p.says("not allowed"):
		m.summary = fmt.Sprintf("the proxy does not allow a tunnel to %s", server)
		p.policy(m, server)
	case p.status == 405:
		m.summary = fmt.Sprintf("the proxy does not allow a tunnel to %s", server)
		p.policy(m, server)
		m.not = append(m.not, "a web server that is no proxy")
	case p.status == 400 || p.status == 404 || p.status == 501:
		m.summary = "what answers at the proxy's address does not know CONNECT: a web server, or a proxy for plain pages only"
		m.confidence, m.fixes = diag.Strong, []FixRef{{"network", "proxy-setting"}}
		if name := p.headers["server"]; len(name) > 0 {
			m.see("the proxy's answer", "Server: %s", name[0])
		}
	case p.status >= 300 && p.status < 400 || p.status == 511:
		m.summary = "the proxy wants you to sign in on a page first"
		m.fixes = []FixRef{{"network", "sign-in-portal"}}
		if to := p.headers["location"]; len(to) > 0 {
			m.see("the proxy's answer", "Location: %s", to[0])
		}
	case p.status == 429:
		m.summary = "the proxy has had enough of this client for a while"
	case a.End.Preamble == "silence":
		m.summary = fmt.Sprintf("the proxy does not answer the request for a tunnel to %s", server)
		m.confidence, m.fixes = diag.Strong, []FixRef{{"network", "proxy-route"}, {"network", "proxy-setting"}}
		m.not = []string{"a proxy that waits for an answer itself: of the name's DNS, or of the server", "a proxy of another kind (HTTP, SOCKS, or TLS itself)"}
	case a.End.Preamble == "connection closed", a.End.Preamble == "connection reset":
		m.summary = fmt.Sprintf("the proxy hangs up on the request for a tunnel to %s", server)
		m.confidence, m.not = diag.Strong, []string{"a proxy of another kind (SOCKS, or TLS itself), or no proxy at all"}
		m.fixes = []FixRef{{"network", "proxy-setting"}, {"network", "allow-through-filter"}}
	}
	if name := p.product(); name != "" {
		m.see("the proxy's answer", "its page names %s", name)
	}
	return m
}

// headerNames are the names of headers as they are written.
var headerNames = map[string]string{"proxy-authenticate": "Proxy-Authenticate", "www-authenticate": "WWW-Authenticate", "x-squid-error": "X-Squid-Error", "proxy-status": "Proxy-Status", "via": "Via"}

// policy says what else a policy may be about.
func (p proxyAnswer) policy(m *match, server string) {
	m.fixes = []FixRef{{"network", "allow-through-filter"}, {"network", "proxy-allow"}}
	if !strings.HasSuffix(server, ":443") && p.status != 0 {
		m.not = append(m.not, "a rule about the port: proxies often open tunnels to port 443 only")
	}
}

// noSuchProxy explains a proxy that speaks otherwise than its URL says.
func (v *view) noSuchProxy(m *match, a *facts.Attempt) {
	m.fixes, m.confidence = []FixRef{{"network", "proxy-setting"}}, diag.Strong
	m.summary = "what answers at the proxy's address is no proxy of this kind"
	switch data := string(a.End.Data); {
	case strings.HasPrefix(data, "HTTP/"), strings.Contains(a.End.Err, "48 54"):
		m.summary = "the proxy is one of HTTP, not of SOCKS: its URL has to begin with http://"
	case strings.HasPrefix(data, "\x15\x03"):
		m.summary = "the proxy speaks TLS itself: its URL has to begin with https://"
	case strings.HasPrefix(data, "SSH-"):
		m.summary = "an SSH server answers at the proxy's address: a SOCKS proxy by ssh -D listens on this machine, at the port of -D"
	}
	if len(a.End.Data) > 0 {
		m.see(attempts(a), "its first bytes: %s", quoted(a.End.Data[:min(len(a.End.Data), 40)]))
	}
}

// proxyTLS explains a proxy of scheme https with which no handshake comes about.
func (v *view) proxyTLS(a *facts.Attempt) *match {
	m := &match{confidence: diag.Strong, stage: diag.StageProxy, fixes: []FixRef{{"network", "proxy-tls"}}}
	m.summary = fmt.Sprintf("the TLS handshake with the proxy itself (%s) fails: %s", a.Passage.Proxy.Address, a.End.Err)
	if strings.Contains(a.End.Err, "first record does not look like a TLS handshake") {
		m.confidence, m.fixes = diag.Proven, []FixRef{{"network", "proxy-setting"}}
		m.summary = "the proxy does not speak TLS: its URL has to begin with http://"
	}
	return m.see(attempts(a), "%s", a.End.Err)
}

// beside asks for the way without the proxy where the tunnel stood and what came
// back may be the proxy's own.
func (v *view) beside() []facts.Experiment {
	if v.base == nil || v.base.Passage == nil || v.base.End.Kind != facts.EndNotTLS {
		return nil
	}
	if way := v.detour(v.base.Of.Changes); way != "" {
		return []facts.Experiment{{Address: v.addrs[0], Changes: v.base.Of.Changes.With(facts.PropPath, way)}}
	}
	return nil
}

// tunnelBroken finds a proxy that opens the tunnel and then breaks it.
func (v *view) tunnelBroken() *match {
	a := v.base
	m := &match{confidence: diag.Strong, stage: a.End.Stage, fixes: []FixRef{{"network", "allow-through-filter"}, {"network", "proxy-route"}},
		affects: []string{"every client of this proxy"}, not: []string{"a server that refuses the proxy's address: its own log tells"}}
	switch f := v.flipOf(facts.PropPath); {
	case f != nil && cutOff(f.from):
		m.confidence = f.confidence()
		m.summary = fmt.Sprintf("the proxy opens the tunnel to %s and then breaks it: %s", a.Passage.Asked, endText(a))
		m.hides = []string{"connection-reset", "eof-during-handshake", "handshake-timeout", "middlebox-reset", "middlebox-blackhole"}
		return m.see(attempts(append([]*facts.Attempt{f.from}, f.again...)...), "%s", endText(f.from))
	case a.End.Kind == facts.EndNotTLS:
		for _, d := range v.at(a.Of.Changes.With(facts.PropPath, facts.PathDirect)) {
			if heardBack(d) {
				m.summary = fmt.Sprintf("the proxy opens the tunnel to %s and then answers itself, without TLS", a.Passage.Asked)
				m.hides = []string{"server-speaks-plaintext", "captive-portal"}
				m.see(attempts(a), "its words: %s", quoted(a.End.Data[:min(len(a.End.Data), 60)]))
				return m.see(attempts(d), "directly, without the proxy, the server answers in TLS: %s", endText(d))
			}
		}
	}
	return nil
}
