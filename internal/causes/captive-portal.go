package causes

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/diag"
	"github.com/tlswhy/tlswhy/internal/chain"
	"github.com/tlswhy/tlswhy/internal/facts"
	"github.com/tlswhy/tlswhy/internal/tlswire"
)

var _ = register(rule{id: "captive-portal", rank: rankTransport, match: func(v *view) *match {
	if m := v.everywhere(); m != nil {
		return m
	}
	if a, r := v.plainPortal(); r != nil {
		m := r.found("server-speaks-plaintext")
		m.stage = diag.StageClientHello
		m.see(attempts(v.base), "the ClientHello got no TLS answer: %s", endText(v.base))
		return m.see(attempts(a)+", first bytes", "without TLS the answer is %s", r.text)
	}
	a := v.deep
	if a == nil || a.HTTP == nil || v.leaf() == nil || v.analysis == nil || v.problem(chain.KindNameMismatch) == nil {
		return nil
	}
	r := readReply(a.HTTP.Status, a.HTTP.Header, a.HTTP.Body, v.c.Want.Name)
	if r == nil || !r.certain && !namedFor(v.leaf(), r.host) && !r.private {
		return nil
	}
	m := r.found("hostname-mismatch", "wrong-vhost-cert", "unknown-ca", "self-signed", "incomplete-chain", "misdirected-request")
	m.not = append(m.not, "the server's default site, which sends strangers there")
	m.see(v.where(0), "the certificate is for %s, not for %s", some(v.leaf().DNSNames, 3), v.c.Want.Name)
	return m.see(attempts(a)+", HTTP", "and the answer is %s", r.text)
}, wants: func(v *view) []facts.Experiment {
	if !v.answersHTTP() {
		return v.strangers()
	}
	return append(v.strangers(), []facts.Experiment{{Kind: facts.Plain, Address: v.addrs[0], What: facts.PlainHTTP}}...)
}})

// namedFor tells whether a certificate is for the host or another one of its
// domain.
func namedFor(c *chain.Certificate, host string) bool {
	return host != "" && slices.ContainsFunc(append(slices.Clone(c.DNSNames), c.Subject.CN()), func(name string) bool {
		return name != "" && sameDomain(strings.TrimPrefix(name, "*."), host)
	})
}

// answersHTTP tells whether the ClientHello was answered in plain HTTP.
func (v *view) answersHTTP() bool {
	if v.base == nil || v.base.End.Kind != facts.EndNotTLS || v.plainBase() != "" || v.c.Want.StartTLS != "" {
		return false
	}
	protocol, _ := tlswire.IdentifyPlaintext(v.base.End.Data)
	return protocol == "http"
}

// plainPortal is the answer in plain HTTP by which a portal is known, to the
// ClientHello itself or to a request that it can read.
func (v *view) plainPortal() (*facts.Attempt, *reply) {
	if v.base == nil || v.plainBase() != "" {
		return nil, nil
	}
	if v.answersHTTP() {
		response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(v.base.End.Data)), &http.Request{Method: http.MethodGet})
		if err == nil {
			body, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10)) // the data may be cut: what is there counts
			if r := readReply(response.StatusCode, response.Header, body, v.c.Want.Name); r != nil {
				return v.base, r
			}
		}
	} else if !v.mute() {
		return nil, nil
	}
	if a := v.plain(facts.PlainHTTP); a != nil && a.HTTP != nil {
		if r := readReply(a.HTTP.Status, a.HTTP.Header, a.HTTP.Body, v.c.Want.Name); r != nil {
			return a, r
		}
	}
	return nil, nil
}

// reply is an HTTP answer that only a portal gives.
type reply struct {
	text    string
	host    string // to which it sends the client, "" when it does not
	private bool   // that host is an address of a private network
	// certain says that the answer names itself a portal.
	certain bool
}

func (r *reply) found(hides ...string) *match {
	m := &match{confidence: diag.Likely, summary: "a portal of this network answers in the server's place", hides: hides}
	if r.host != "" {
		m.summary = fmt.Sprintf("a portal of this network answers in the server's place; it sends you to %s", r.host)
	}
	if r.certain {
		m.confidence = diag.Strong
	}
	m.affects = []string{"every program on this network, until somebody signs in"}
	return m
}

// The words by which portals are known: in the address to which they send a
// browser, and in what programs of hotspots write for clients (WISPr).
var (
	portalWords = regexp.MustCompile(`(?i)(splash|captive|hot-?spot|portal|guest|wi-?fi|wlan|walled)`)
	// loginWords are those of any sign-in page; only portals serve one in clear.
	loginWords = regexp.MustCompile(`(?i)(log[-_]?in|sign[-_]?in|auth|welcome|register)`)
	portalBody = []string{"WISPAccessGatewayParam", "captive-portal+json"}
)

const statusNetworkAuthenticationRequired = 511 // RFC 6585, Section 6

// readReply tells a portal's answer from an ordinary one: the status 511, the
// words of WISPr, or a redirect to an unrelated host whose address speaks of
// signing in and carries what was asked for, is of a private network, or both
// asks for a login in clear and names itself a portal. A redirect of the site itself (to https, to www, to another of its domains)
// does none of this.
func readReply(status int, header http.Header, body []byte, name string) *reply {
	for _, word := range portalBody {
		if bytes.Contains(body, []byte(word)) || strings.Contains(header.Get("Link")+header.Get("Content-Type"), word) {
			return &reply{text: fmt.Sprintf("HTTP %d with %q, which only portals write", status, word), certain: true}
		}
	}
	if status == statusNetworkAuthenticationRequired {
		return &reply{text: "HTTP 511, Network Authentication Required", certain: true}
	}
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil
	}
	to, err := url.Parse(header.Get("Location"))
	if err != nil || to.Hostname() == "" || sameDomain(to.Hostname(), name) {
		return nil
	}
	r := &reply{host: strings.ToLower(to.Hostname()), text: fmt.Sprintf("HTTP %d, Location: %s", status, quoted([]byte(to.Scheme+"://"+to.Host+to.Path)))}
	if ip, err := netip.ParseAddr(r.host); err == nil {
		r.private = ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	asked, err := url.QueryUnescape(to.RawQuery)
	if err != nil {
		asked = to.RawQuery
	}
	clear, named := to.Scheme == "http" && loginWords.MatchString(to.Host+to.Path), portalWords.MatchString(to.Host+to.Path)
	if !clear && !named || !(clear && named) && !r.private && !strings.Contains(strings.ToLower(asked), strings.ToLower(name)) {
		return nil
	}
	if asked != "" {
		r.text += ", with what you asked for in its query"
	}
	return r
}

// sameDomain tells whether two hosts belong to one domain, as far as names tell:
// equal, one below the other, or the same last two labels.
func sameDomain(a, b string) bool {
	a, b = strings.ToLower(strings.TrimSuffix(a, ".")), strings.ToLower(strings.TrimSuffix(b, "."))
	if a == b {
		return true
	}
	if _, err := netip.ParseAddr(a); err == nil {
		return false
	}
	last := func(s string) string {
		labels := strings.Split(s, ".")
		return strings.Join(labels[max(0, len(labels)-2):], ".")
	}
	return last(a) == last(b)
}
