package causes

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/facts"
)

// The way to the server is a property too: what fails through a proxy and works
// without it, or the other way round, is the way's.

// detour is the other way to the server, "" where there is none. A SOCKS proxy
// that is given names promises that nothing leaves beside it.
func (v *view) detour(from facts.Changes) string {
	w := &v.c.Want
	switch {
	case from.Path != "":
	case w.Proxy != nil && w.Proxy.Scheme != "socks5h" && w.Proxy.Scheme != "socks4a":
		return facts.PathDirect
	case w.OtherProxy != nil:
		return facts.PathProxy
	}
	return ""
}

// onTheWay tells whether an attempt ended before the server was reached: at the
// proxy, or, where there is a proxy to try, in the TCP connect.
func (v *view) onTheWay(a *facts.Attempt) bool {
	switch {
	case a == nil || a.Site != nil || a.Seen != nil:
		return false
	case a.End.Stage == diag.StageProxy:
		return a.End.Kind != facts.EndCanceled
	}
	return a.Passage == nil && v.c.Want.OtherProxy != nil && (a.End.Kind == facts.EndRefused || a.End.Kind == facts.EndNoConnect || a.End.Kind == facts.EndUnreachable)
}

// another tells whether an attempt went another way than cur.
func another(cur, a *facts.Attempt) bool { return a.Of.Changes.Path != cur.Of.Changes.Path }

// seeWays adds to the first failure what the other way showed.
func (v *view) seeWays(found []finding) {
	if v.base == nil || v.c.Want.Proxy == nil && v.c.Want.OtherProxy == nil {
		return
	}
	i := slices.IndexFunc(found, func(f finding) bool { return f.severity() == diag.SeverityFailure })
	if i < 0 {
		return
	}
	m := found[i].m
	if f := v.flipOf(facts.PropPath); f != nil {
		if f.to.Of.Changes.Path == facts.PathDirect {
			m.see(attempts(f.to), "directly, without the proxy, the same hello is answered: %s", endText(f.to))
			v.addFix(&found[i], FixRef{"network", "bypass-proxy"})
			return
		}
		m.see(attempts(f.to), "through the proxy of %s the same hello is answered: %s", v.c.Want.OtherProxy.From, endText(f.to))
		v.addFix(&found[i], FixRef{"network", "through-proxy"})
		m.not = slices.DeleteFunc(m.not, func(s string) bool { return s == "the host is down" })
		return
	}
	for _, way := range []string{facts.PathDirect, facts.PathProxy} {
		for _, a := range v.at(v.base.Of.Changes.With(facts.PropPath, way)) {
			if !heardBack(a) {
				m.see(attempts(a), "%s it fails too: %s", map[string]string{facts.PathDirect: "directly, without the proxy,", facts.PathProxy: "through the proxy of the environment"}[way], endText(a))
			}
		}
	}
}

// addFix puts a fix beside those that a finding has.
func (v *view) addFix(f *finding, ref FixRef) {
	if f.m.fixes == nil {
		if page, ok := PageOf(f.r.id); ok {
			f.m.fixes = page.Fixes
		}
	}
	if !slices.Contains(f.m.fixes, ref) {
		f.m.fixes = append(slices.Clone(f.m.fixes), ref)
	}
}

// proxyAway says that the proxy itself was not reached; nil where that was not
// what failed.
func (v *view) proxyAway(kinds ...facts.EndKind) *match {
	a := v.base
	if a == nil || a.Passage == nil || a.End.Stage != diag.StageProxy || !slices.Contains(kinds, a.End.Kind) {
		return nil
	}
	p := a.Passage.Proxy.Address
	m := &match{confidence: diag.Proven, stage: diag.StageProxy, fixes: []FixRef{{"network", "proxy-setting"}}}
	from := "--proxy"
	if w := v.c.Want.Proxy; w != nil {
		from = w.From
	}
	switch {
	case a.Passage.Step == facts.PassageLookup:
		m.summary = fmt.Sprintf("the name of the proxy %s does not resolve", p)
		return m.see(attempts(a), "%s names the proxy %s: %s", from, p, a.End.Err)
	case a.End.Kind == facts.EndRefused:
		m.summary = fmt.Sprintf("nothing listens at the proxy %s", p)
		m.see(attempts(a), "the TCP connect to the proxy, which %s names, was refused after %s", from, short(a.End.After))
	case a.End.Kind == facts.EndNoConnect:
		m.confidence, m.summary = diag.Strong, fmt.Sprintf("no answer to the TCP connect to the proxy %s", p)
		m.not = []string{"the proxy is down", "a firewall drops the packets", "the proxy of another network, which is not reached from this one"}
		m.see(attempts(a), "the proxy, which %s names, did not answer within %s", from, short(a.End.After))
	default:
		m.confidence, m.summary = diag.Strong, fmt.Sprintf("the network says that the proxy %s cannot be reached", p)
		m.see(attempts(a), "%s", a.End.Err)
	}
	return m
}

// squidErrors are names of Squid's error pages (X-Squid-Error), with what they
// say of a tunnel; "" is a policy.
var squidErrors = map[string]string{
	"ERR_DNS_FAIL": "the name does not resolve there", "ERR_CONNECT_FAIL": "no connection to the server comes about there",
	"ERR_CANNOT_FORWARD": "it finds no way there (the name does not resolve at the proxy, or a further proxy that it asks is away)", "ERR_READ_TIMEOUT": "the server did not answer it in time",
	"ERR_LIFETIME_EXP": "it took too long", "ERR_SECURE_CONNECT_FAIL": "its own TLS handshake with the server fails", "ERR_ZERO_SIZE_OBJECT": "the server hung up on it",
	"ERR_SHUTTING_DOWN": "it is shutting down", "ERR_ACCESS_DENIED": "", "ERR_FORWARDING_DENIED": "", "ERR_BLOCKED": "",
}

// connectErrors are numbers of Linux that Squid writes behind ERR_CONNECT_FAIL.
var connectErrors = map[string]string{"101": "it has no route to the server", "110": "the server does not answer its connect",
	"111": "the server refuses its connection", "113": "it has no route to the server"}

// proxyErrors are errors of RFC 9209, Section 2.3, in words; "" is a policy.
var proxyErrors = map[string]string{
	"dns_timeout": "its DNS does not answer", "dns_error": "the name does not resolve there", "destination_not_found": "it knows no way to the server",
	"destination_unavailable": "it holds the server for down", "destination_ip_prohibited": "", "destination_ip_unroutable": "it has no route to the server's address",
	"connection_refused": "the server refuses its connection", "connection_terminated": "the server hung up on it", "connection_timeout": "the server does not answer its connect",
	"connection_read_timeout": "the server did not answer it in time", "connection_limit_reached": "it has too many connections to the server",
	"tls_protocol_error": "its own TLS handshake with the server fails", "tls_certificate_error": "it does not accept the server's certificate",
	"http_request_denied": "", "proxy_internal_error": "it fails internally", "proxy_configuration_error": "its configuration is wrong", "proxy_loop_detected": "it leads to itself",
}

var proxyStatusError = regexp.MustCompile(`(?i)\berror="?([a-z_]+)`)

// reason is what the proxy itself gives for its refusal: "policy", or another
// word with why in words; "" where it gives none.
func (p proxyAnswer) reason() (reason, why string) {
	pick := func(words map[string]string, key string) {
		if text, ok := words[key]; ok && reason == "" {
			if reason, why = key, text; text == "" {
				reason = "policy"
			}
		}
	}
	for _, h := range p.headers["proxy-status"] {
		if m := proxyStatusError.FindStringSubmatch(h); m != nil {
			pick(proxyErrors, strings.ToLower(m[1]))
		}
	}
	for _, h := range p.headers["x-squid-error"] {
		name, number, _ := strings.Cut(h, " ")
		pick(squidErrors, name)
		if text := connectErrors[number]; name == "ERR_CONNECT_FAIL" && text != "" && reason == name {
			why = text
		}
	}
	return reason, why
}

// product is whose block page a body is; a label, never a proof.
func (p proxyAnswer) product() string {
	text := p.body
	for name, values := range p.headers {
		if name == "server" || name == "via" {
			text += " " + strings.Join(values, " ")
		}
	}
	for _, x := range pages {
		if x.words.MatchString(text) {
			return x.name
		}
	}
	return ""
}

// pages are words by which block pages and headers of products are known.
var pages = []struct {
	name  string
	words *regexp.Regexp
}{
	{"Zscaler", regexp.MustCompile(`(?i)\bzscaler\b`)},
	{"Netskope", regexp.MustCompile(`(?i)\bnetskope\b|\bgoskope\b`)},
	{"Fortinet FortiGuard", regexp.MustCompile(`(?i)\bforti(guard|gate|net)\b`)},
	{"Cisco Umbrella", regexp.MustCompile(`(?i)\b(cisco )?umbrella\b|\bopendns\b`)},
	{"Cisco Secure Web Appliance", regexp.MustCompile(`(?i)\bIronPort\b|\bcisco[- ]wsa\b`)},
	{"Cloudflare Gateway", regexp.MustCompile(`(?i)\bcloudflare (gateway|zero trust)\b`)},
	{"Palo Alto Networks", regexp.MustCompile(`(?i)\bpalo ?alto\b|\bglobalprotect\b`)},
	{"Blue Coat ProxySG", regexp.MustCompile(`(?i)\bblue ?coat\b|\bproxysg\b`)},
	{"Sophos", regexp.MustCompile(`(?i)\bsophos\b`)},
	{"Check Point", regexp.MustCompile(`(?i)\bcheck ?point\b|\busercheck\b`)},
	{"Barracuda", regexp.MustCompile(`(?i)\bbarracuda\b`)},
	{"Forcepoint", regexp.MustCompile(`(?i)\bforcepoint\b|\bwebsense\b`)},
	{"McAfee or Skyhigh Web Gateway", regexp.MustCompile(`(?i)\b(mcafee|skyhigh)\b`)},
	{"WatchGuard", regexp.MustCompile(`(?i)\bwatchguard\b|\bfireware\b`)},
	{"SonicWall", regexp.MustCompile(`(?i)\bsonicwall\b`)},
	{"Kerio Control", regexp.MustCompile(`(?i)\bkerio\b`)},
	{"SafeSquid", regexp.MustCompile(`(?i)\bsafesquid\b`)},
	{"E2guardian", regexp.MustCompile(`(?i)\b(e2|dans)guardian\b`)},
	{"Squid", regexp.MustCompile(`(?i)\bsquid\b`)},
	{"Tinyproxy", regexp.MustCompile(`(?i)\btinyproxy\b`)},
	{"Privoxy", regexp.MustCompile(`(?i)\bprivoxy\b`)},
}
